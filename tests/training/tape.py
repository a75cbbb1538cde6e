"""A CUDA graph's stand-in on the CPU: what a step asks of the library, written down once and asked again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from bench.training.capture import NotRecorded

WAITS = {"_local_scalar_dense", "is_nonzero", "item", "equal"}
"""Operations that hand a number of the device to the host, which a CUDA graph refuses."""


class _Writing(TorchDispatchMode):
    def __init__(self, calls: list[tuple[Any, Any, Any, Any]]) -> None:
        super().__init__()
        self._calls = calls

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket._qualified_op_name.split("::")[-1] in WAITS:
            raise NotRecorded(f"{func} waits for the device")
        # as they are now: some operations change the shape of a tensor in place
        given = tree_map_only(Tensor, torch.Tensor.detach, (args, kwargs or {}))
        out = func(*args, **(kwargs or {}))
        self._calls.append((func, *given, tree_map_only(Tensor, torch.Tensor.detach, out)))
        return out


class Tape:
    """A recorder whose recordings are lists of operations on the very tensors that they were asked of.

    As of a CUDA graph, no Python of the step is run again, numbers of the host are as they were, and tensors that the
    step made are overwritten by each replay. Recording itself changes nothing that counts: who records puts it back.
    """

    def __init__(self) -> None:
        self.replayed = 0

    def warm_up(self, body: Callable[[], None]) -> None:
        body()

    def record(self, body: Callable[[], None], streams: list[Generator]) -> Callable[[], None]:
        calls: list[tuple[Any, Any, Any, Any]] = []
        with _Writing(calls):
            body()

        def replay() -> None:
            self.replayed += 1
            with torch.no_grad():
                for func, args, kwargs, out in calls:
                    if func.is_view or "as_strided" in str(func):  # of memory that others write
                        continue
                    again = func(*args, **kwargs)
                    for old, new in zip(tree_leaves(out), tree_leaves(again), strict=True):
                        if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                            old.copy_(new)

        return replay
