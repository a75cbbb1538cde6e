"""The interval of a median holds its nominal rate, whatever the distribution."""

import math

import numpy as np
import pytest
from scipy import stats

from bench.statistics import median_interval


def coverage(n):
    """Of the order statistics that are taken of n runs, exactly: by the binomial distribution."""
    interval = median_interval(range(n), "lower")
    below, above = int(interval.low), n - 1 - int(interval.high)
    assert below == above
    return 1 - 2 * stats.binom.cdf(below, n, 0.5)


@pytest.mark.parametrize("n", range(6, 60))
def test_it_holds_the_median_in_95_of_100_and_no_narrower_pair_does(n):
    assert coverage(n) >= 0.95
    below = int(median_interval(range(n), "lower").low)
    if below + 1 < n / 2:
        assert 1 - 2 * stats.binom.cdf(below + 1, n, 0.5) < 0.95


@pytest.mark.parametrize(("n", "held"), [(2, 0.5), (3, 0.75), (4, 0.875), (5, 0.9375)])
def test_fewer_runs_give_their_range(n, held):
    interval = median_interval(range(n), "lower")
    assert (interval.low, interval.high) == (0, n - 1)
    assert coverage(n) == pytest.approx(held)


def test_simulated_coverage_of_a_skewed_metric():
    random = np.random.default_rng(0)
    inside = 0
    for values in random.lognormal(0, 1, (2000, 10)):
        interval = median_interval(values, "lower")
        inside += interval.low <= 1 <= interval.high
    assert 0.95 < inside / 2000 < 0.99  # 97.9 % by the binomial distribution


def test_failures_are_the_worst_in_either_direction():
    assert median_interval([1.0, 2.0, math.nan, 3.0, 4.0, 5.0], "lower").high == math.inf
    interval = median_interval([1.0, 2.0, None, 3.0, 4.0, 5.0], "higher")
    assert (interval.low, interval.high) == (-math.inf, 5.0)


def test_one_run_has_no_interval_and_none_no_median():
    one = median_interval([2.0], "lower")
    assert (one.estimate, one.n) == (2.0, 1)
    assert math.isnan(one.low)
    assert math.isnan(median_interval([], "lower").estimate)
