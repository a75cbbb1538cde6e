"""What packing the records saves, as a ratio measured in one run (`python -m benchmarks.records`: of 100,000)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import bench
from bench.index import FILE
from bench.store import Store
from benchmarks.records import write_records

COUNT = 2000


@pytest.mark.benchmark(group=f"load_results of {COUNT} records: not packed / packed")
def test_packed_against_not_packed(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    folder = tmp_path / "suite"
    write_records(folder, 0, COUNT)
    bench.load_results(folder)  # imports pandas

    def seconds() -> float:
        begin = time.perf_counter()
        assert len(bench.load_results(folder)) == COUNT
        return time.perf_counter() - begin

    ratios = []
    for _ in range(5):
        (folder / FILE).unlink(missing_ok=True)
        cold = seconds()
        Store(folder).pack()
        ratios.append(cold / seconds())
    ratios.sort()
    benchmark.extra_info["ratio"] = ratios[2]
    benchmark.pedantic(bench.load_results, args=(folder,), rounds=5)
    print(f"\nnot packed / packed = {ratios[2]:.1f} (5 repeats: {ratios[0]:.1f} to {ratios[-1]:.1f})")
