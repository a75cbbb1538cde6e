"""torch as every run has it: deterministic where it can be, and told of where it cannot."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import torch

from bench.execution.allocator import keep_freed_memory

NONDETERMINISTIC = re.compile(r"^(\S+) does not have a deterministic implementation")
"""How torch's warnings begin where there is only another kind of implementation."""


def prepare_torch(device: str, threads: int) -> None:
    """torch as every run has it: deterministic, in float32 throughout, on so many threads.

    Args:
        device: ``cpu`` or ``cuda:N``.
        threads: of a run on a CPU.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # a saturated discriminator makes denormals, which cost a hundredfold on a CPU
    if device != "cpu":
        torch.cuda.set_device(device)  # events and streams are of the current device
        torch.backends.cudnn.allow_tf32 = False
        # it is meant so: the numbers are the same whether a step is recorded or not
        warnings.filterwarnings("ignore", message="This instance was constructed with capturable=True")
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with it only
    # an operation that cannot be is used all the same: the run's record names it
    torch.use_deterministic_algorithms(True, warn_only=True)
    # nothing here reads memory that it did not write
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a property of the module


@contextmanager
def noted_nondeterminism(operations: set[str]) -> Iterator[None]:
    """Add the names of operations that torch warns of, because the device does them in no fixed order.

    Args:
        operations: is added to.
    """

    def note(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        found = NONDETERMINISTIC.match(str(message))
        if found:
            operations.add(found[1])
        shown(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        shown = warnings.showwarning
        warnings.showwarning = note
        warnings.filterwarnings("default", message=NONDETERMINISTIC.pattern)
        yield
