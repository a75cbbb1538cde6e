"""How reading grows with the runs, as a ratio measured in one run (`python -m benchmarks.report_10000`: of 10,000)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import bench.report
from benchmarks.report_10000 import write_results

FEW, MANY = 10, 40
"""Seeds of four objectives on three tasks."""


@pytest.mark.benchmark(group=f"reading {12 * MANY} runs for a report: all / {12 * FEW} of them")
def test_four_times_the_runs(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    folders = {seeds: tmp_path / str(seeds) for seeds in (FEW, MANY)}
    for seeds, folder in folders.items():
        write_results(folder, objectives=4, tasks=3, seeds=seeds)
    bench.report.load(folders[FEW])  # imports pandas

    def seconds(seeds: int) -> float:
        begin = time.process_time()
        assert len(bench.report.load(folders[seeds]).runs) == 12 * seeds
        return time.process_time() - begin

    ratios = sorted(seconds(MANY) / seconds(FEW) for _ in range(5))
    benchmark.extra_info["ratio"] = ratios[2]
    benchmark.pedantic(bench.report.load, args=(folders[MANY],), rounds=5)
    print(f"\n{12 * MANY} runs / {12 * FEW} runs = {ratios[2]:.1f} (5 repeats: {ratios[0]:.1f} to {ratios[-1]:.1f})")
