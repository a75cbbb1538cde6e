"""How fast something runs on a device: time, floating-point operations, and the machine's own peak."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

REPEATS = 5
REPEAT_SECONDS = 0.05
"""Length of one repeat: long against the clock's grain and the scheduler's, short enough to do many."""
WARM_UP = 3
MATRIX_CPU, MATRIX_CUDA = 1024, 8192
"""Rows of the matrix product that tells the peak: large enough to fill the device."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median of repeats, and all of them."""

    repeats: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of the repeats, in seconds."""
        return statistics.median(self.repeats)

    @property
    def spread(self) -> float:
        """Largest minus smallest repeat, as a share of the median."""
        return (max(self.repeats) - min(self.repeats)) / self.median


def time_calls(calls: list[Callable[[], object]], device: torch.device) -> list[Timing]:
    """Time several calls, taking turns, so that a busy moment of the machine hits them alike.

    Each is warmed up, then repeated often enough that a repeat lasts `REPEAT_SECONDS`.
    """
    counts = []
    for call in calls:
        for _ in range(WARM_UP):
            call()
        counts.append(max(1, round(REPEAT_SECONDS / _seconds(call, 1, device))))
    rounds = [[_seconds(call, n, device) / n for call, n in zip(calls, counts, strict=True)] for _ in range(REPEATS)]
    return [Timing(tuple(repeats)) for repeats in zip(*rounds, strict=True)]


def _seconds(call: Callable[[], object], times: int, device: torch.device) -> float:
    if device.type == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        torch.cuda.synchronize(device)
        start.record()
        for _ in range(times):
            call()
        end.record()
        torch.cuda.synchronize(device)
        return float(start.elapsed_time(end)) / 1e3
    begin = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - begin


@dataclass(frozen=True)
class Work:
    """What a call asks of the device, backward passes included."""

    flops: float
    """Floating-point operations of matrix products and convolutions."""
    operations: int
    """Calls of the library's operations that compute something; views are none."""


def count_work(call: Callable[[], object]) -> Work:
    """What one call asks of the device."""
    with _FlopCounter() as counter:
        call()
    return Work(float(counter.total), counter.operations)


def count_flops(call: Callable[[], object]) -> float:
    """Floating-point operations of the matrix products and convolutions of one call, backward passes included."""
    return count_work(call).flops


class _FlopCounter(TorchDispatchMode):
    """torch's formulas, without the module tracker of its `FlopCounterMode`: that fails inside `autograd.grad`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.operations += not func.is_view
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


def peak_flops_per_second(device: torch.device) -> float:
    """What this device reaches on a large float32 matrix product, with this process's threads."""
    n = MATRIX_CUDA if device.type == "cuda" else MATRIX_CPU
    a, b = torch.randn(n, n, device=device), torch.randn(n, n, device=device)
    out = torch.empty_like(a)
    (timing,) = time_calls([lambda: torch.mm(a, b, out=out)], device)
    return 2 * n**3 / min(timing.repeats)
