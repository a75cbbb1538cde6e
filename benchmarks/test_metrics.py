"""What the metrics cost beside the plain calls, as ratios (`python -m benchmarks.metric_costs`: of 10,000 × 2,048)."""

from __future__ import annotations

import sys

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.metric_costs import METRICS, Cost, measure_apart

SAMPLES, DIM = 2500, 512


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.benchmark(group=f"metrics of {SAMPLES} × {DIM} features: ours / plain call")
def test_metric_against_the_plain_call(benchmark: BenchmarkFixture, metric: str) -> None:
    plain = measure_apart(metric, "plain", SAMPLES, DIM)
    found: list[Cost] = []
    benchmark.pedantic(lambda: found.append(measure_apart(metric, "ours", SAMPLES, DIM)), rounds=1)
    (ours,) = found
    assert ours.value == pytest.approx(plain.value, rel=1e-4, abs=1e-6)
    benchmark.extra_info["ratio"] = ours.seconds / plain.seconds
    print(
        f"\n{metric}: {ours.seconds:.2f} s ({ours.again:.2f} s from then on), {ours.mebibytes:.0f} MiB; "
        f"plain {plain.seconds:.2f} s, {plain.mebibytes:.0f} MiB"
    )
