"""What the laws of devices need: who waits for a GPU, what is made on the host, and whether CUDA gives the same."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.conformance.laws import UntriedError, number

WAITING_OPERATIONS = {
    "aten::_local_scalar_dense": "reads a number out of a tensor (.item(), float(), or an `if` on a tensor)",
    "aten::is_nonzero": "reads a number out of a tensor",
    "aten::equal": "compares whole tensors (torch.equal)",
    "aten::nonzero": "counts the elements that are not zero (nonzero)",
    "aten::masked_select": "picks elements by a mask",
    "aten::_unique2": "counts different elements (unique)",
}
TAKES_HOST_TENSORS = ("aten::index", "aten::copy_", "aten::_to_copy")
COPYING_METHODS = ("cpu", "numpy", "tolist", "__array__")


class _DispatchWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's base class
    def __init__(self, notice: Callable[[str], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._notice = notice

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        operation = func._schema.name
        if operation in WAITING_OPERATIONS:
            self._notice(WAITING_OPERATIONS[operation])
        if operation == "aten::index" and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1]):
            self._notice("picks elements by a mask; torch.where keeps the shape and waits for nothing")
        return func(*args, **(kwargs or {}))


class _FunctionWatch(TorchFunctionMode):
    def __init__(self, notice: Callable[[str], None]) -> None:
        super().__init__()
        self._notice = notice

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in COPYING_METHODS:
            self._notice(f"copies a tensor to the host (.{name}())")
        if name == "to" and "cpu" in (*args[1:], *(kwargs or {}).values()):
            self._notice("copies a tensor to the host (.to('cpu'))")
        return func(*args, **(kwargs or {}))


@contextmanager
def noticing_waits(file: Path | None) -> Iterator[list[str]]:
    """Collects, in words, what inside would make the program wait for a GPU, with the line if it is in ``file``."""
    found: list[str] = []
    notice = functools.partial(_note_line, found, file)
    with _DispatchWatch(notice), _FunctionWatch(notice):
        yield found


class _DeviceWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's base class
    """Notices operations on tensors of both the device `meta` and the host; numbers on the host may go with any."""

    def __init__(self, notice: Callable[[str], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._notice = notice

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [leaf for leaf in tree_leaves((args, kwargs or {})) if isinstance(leaf, Tensor)]
        operation = func._schema.name
        mixed = {tensor.device.type for tensor in tensors if tensor.dim()} >= {"cpu", "meta"}
        if mixed and operation not in TAKES_HOST_TENSORS:
            self._notice(
                "takes a tensor that was made on the host together with those of the device: make it with "
                "torch.ones_like(…), or device=real.device"
            )
        return func(*args, **(kwargs or {}))


@contextmanager
def noticing_host_tensors(file: Path | None) -> Iterator[list[str]]:
    """Collects, in words, what inside mixes tensors of the host with those of `meta`; any error ends it quietly."""
    found: list[str] = []
    notice = functools.partial(_note_line, found, file)
    # not all that works on a GPU works on `meta`: what fails for another reason is no fault
    with suppress(RuntimeError, NotImplementedError, UntriedError), _DeviceWatch(notice):
        yield found


def _note_line(found: list[str], file: Path | None, what: str) -> None:
    line = _line_in(file)
    found.append(f"{file.name}:{line} {what}" if file and line else f"it {what}")


def _line_in(file: Path | None) -> int | None:
    """The innermost line of a file that is being executed."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename == str(file):
            return frame.f_lineno
        frame = frame.f_back
    return None


def differs_on_cuda(
    compute: Callable[[torch.device], Iterable[tuple[str, Tensor]]], relative: float, absolute: float
) -> str | None:
    """Which of the named tensors that ``compute`` makes on a device is another on CUDA, in words.

    Raises:
        UntriedError: there is no CUDA device.
    """
    if not torch.cuda.is_available():
        raise UntriedError("torch sees no CUDA device here")
    for (name, expected), (_, found) in zip(compute(torch.device("cpu")), compute(torch.device("cuda")), strict=True):
        if found.device.type != "cuda":
            return f"{name} is on {found.device} where what it is made of is on CUDA"
        if not is_near(found.cpu(), expected, relative, absolute):
            return f"{name} differs by {number(float((found.cpu() - expected).abs().max()))} between the CPU and CUDA"
    return None


def is_near(value: Tensor, expected: Tensor, relative: float, absolute: float) -> bool:
    """Whether all elements agree; both finite."""
    return torch.allclose(value.double(), expected.double(), rtol=relative, atol=absolute)
