"""The same cores used by two runs of one thread, and by one run of two threads: steps that are done in a second."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.environment import host_environment
from bench.execution.interruption import Interruption
from bench.execution.slots import try_slots, usable_cores
from bench.execution.tasks import Place
from benchmarks.test_cost import cell

ROUNDS = 3


@pytest.mark.skipif(usable_cores() < 2, reason="there is one core")
@pytest.mark.parametrize("dataset", ["ring", "digits"])
@pytest.mark.benchmark(group="steps per second: 2 runs of 1 thread / 1 run of 2 threads")
def test_slots_against_threads(benchmark: BenchmarkFixture, tmp_path: Path, dataset: str) -> None:
    spec = cell("nsgan", dataset)
    place = Place(results=tmp_path, data_root=tmp_path / "data", device="cpu", environment=host_environment())
    found: dict[int, list[float]] = {1: [], 2: []}

    def measure(slots: int) -> None:
        tried = try_slots(spec, place, slots, 2 // slots, Interruption())
        assert tried is not None
        found[slots].append(tried.steps_per_second)

    for _ in range(ROUNDS - 1):
        measure(2)
        measure(1)
    measure(1)
    benchmark.pedantic(measure, args=(2,), rounds=1)
    ratios = sorted(beside / alone for beside, alone in zip(found[2], found[1], strict=True))
    benchmark.extra_info["ratio"] = ratios[1]
    spread = {slots: (max(rates) - min(rates)) / sorted(rates)[1] for slots, rates in found.items()}
    print(
        f"\n{dataset}: 2 × 1 thread / 1 × 2 threads = {ratios[1]:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}); "
        f"spread of the rates {spread[2]:.0%} and {spread[1]:.0%}"
    )
