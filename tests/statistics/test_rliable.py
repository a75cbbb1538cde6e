"""Agreement with rliable, the reference of Agarwal et al. 2021, where it runs."""

from types import ModuleType

import numpy as np
import pytest

from bench import statistics
from bench.statistics import Pair
from tests.statistics.suites import by_seed, pair_of


@pytest.fixture
def metrics() -> ModuleType:
    return pytest.importorskip("rliable.metrics")


@pytest.fixture
def library() -> ModuleType:
    try:
        import rliable.library
    except (ImportError, TypeError) as fault:  # arch, which it needs, does not import beside every pandas
        pytest.skip(f"rliable.library does not import: {fault}")
    return rliable.library


@pytest.mark.parametrize(("seeds", "tasks"), [(5, 1), (5, 3), (7, 4), (20, 2)])
def test_estimates_are_rliables(metrics, seeds, tasks):
    random = np.random.default_rng([seeds, tasks])
    gains = random.normal(0.3, 1.0, (seeds, tasks))
    pairs = [pair_of(task) for task in gains.T]
    assert statistics.improvement(pairs).estimate == pytest.approx(metrics.aggregate_iqm(gains))
    x, y = random.normal(size=(seeds, tasks)).round(1), random.normal(0.5, 1, (seeds, tasks)).round(1)
    pairs = [Pair(by_seed(a), by_seed(b), "higher", "difference") for a, b in zip(x.T, y.T, strict=True)]
    expected = metrics.probability_of_improvement(x, y)
    assert statistics.probability_of_improvement(pairs).estimate == pytest.approx(expected)


def test_intervals_of_many_seeds_are_near_rliables(metrics, library):
    random = np.random.default_rng(0)
    x, y = random.normal(0.4, 1.0, (60, 3)), random.normal(0.0, 1.0, (60, 3))
    options = {"reps": 2000, "random_state": np.random.RandomState(0)}
    _, theirs = library.get_interval_estimates(
        {"gains": x - y}, lambda runs: np.array([metrics.aggregate_iqm(runs)]), **options
    )
    ours = statistics.improvement([pair_of(task) for task in (x - y).T])
    assert (ours.low, ours.high) == pytest.approx(theirs["gains"][:, 0], abs=0.04)
    _, theirs = library.get_interval_estimates(
        {"x,y": (x, y)}, lambda a, b: np.array([metrics.probability_of_improvement(a, b)]), **options
    )
    pairs = [Pair(by_seed(a), by_seed(b), "higher", "difference") for a, b in zip(x.T, y.T, strict=True)]
    likely = statistics.probability_of_improvement(pairs)
    assert (likely.low, likely.high) == pytest.approx(theirs["x,y"][:, 0], abs=0.02)
