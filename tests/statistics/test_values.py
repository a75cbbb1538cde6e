"""Values of runs: what describes a cell, the interquartile mean, paired improvements."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench import statistics
from bench.statistics import Pair
from tests.statistics.suites import by_seed

INF, NAN = math.inf, math.nan


def test_summary_of_finished_runs_is_median_and_range():
    cell = statistics.summarise([3.0, 1.0, 2.0], "lower")
    assert (cell.median, cell.low, cell.high, cell.finished, cell.runs, cell.ranking) == (2.0, 1.0, 3.0, 3, 3, 2.0)


def test_failures_count_as_worst_in_ranking_and_have_no_part_in_the_median():
    cell = statistics.summarise([1.0, 2.0, 3.0, None, NAN], "lower")
    assert (cell.median, cell.finished, cell.runs, cell.ranking) == (2.0, 3, 5, 3.0)
    assert statistics.summarise([1.0, None, None], "lower").ranking == INF
    assert statistics.summarise([1.0, None, None], "higher").ranking == -INF


def test_summary_of_nothing():
    assert math.isnan(statistics.summarise([], "lower").ranking)
    cell = statistics.summarise([None], "higher")
    assert (cell.finished, cell.runs, cell.ranking) == (0, 1, -INF)
    assert math.isnan(cell.median)


@pytest.mark.parametrize("n", range(1, 13))
def test_interquartile_mean_is_scipys_trimmed_mean(n):
    values = np.random.default_rng(n).normal(size=(4, n))
    expected = stats.trim_mean(values, 0.25, axis=1)
    np.testing.assert_allclose(statistics.interquartile_mean(values), expected)


def test_interquartile_mean_ignores_an_infinity_outside_the_middle_half():
    assert statistics.interquartile_mean([1.0, 2.0, 3.0, INF]) == 2.5


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_failures_lose_by_infinity_and_a_pair_of_failures_is_a_draw(better):
    values, baseline = by_seed([1.0, NAN, NAN, 2.0]), by_seed([NAN, 1.0, NAN, 2.0])
    assert statistics.gains(Pair(values, baseline, better, "log-ratio")).tolist() == [INF, -INF, 0.0, 0.0]


def test_gains_are_of_the_seeds_that_both_ran_in_their_order():
    pair = Pair({5: 9.0, 1: 2.0, 0: 1.0}, {0: 2.0, 7: 1.0, 1: 8.0}, "lower", "log-ratio")
    assert statistics.gains(pair) == pytest.approx([math.log(2), math.log(4)])
    assert statistics.gains(Pair({0: 3.0}, {0: 1.0}, "higher", "difference")).tolist() == [2.0]


@pytest.mark.parametrize("value", [-0.1, 0.0])
def test_log_ratio_needs_positive_values(value):
    with pytest.raises(ValueError, match="difference"):
        statistics.gains(Pair({0: value}, {0: 1.0}, "lower", "log-ratio"))


metrics = st.dictionaries(st.integers(0, 9), st.none() | st.floats(0.01, 100), min_size=1, max_size=9)


@given(values=metrics, baseline=metrics, better=st.sampled_from(["lower", "higher"]))
@settings(deadline=None)
def test_gains_change_sign_when_the_sides_are_exchanged(values, baseline, better):
    forth = statistics.gains(Pair(values, baseline, better, "log-ratio"))
    back = statistics.gains(Pair(baseline, values, better, "log-ratio"))
    np.testing.assert_allclose(forth, -back)


@given(values=metrics, baseline=metrics, factor=st.floats(0.01, 100))
@settings(deadline=None)
def test_log_ratios_do_not_know_the_unit(values, baseline, factor):
    def scaled(cell):
        return {seed: None if value is None else factor * value for seed, value in cell.items()}

    plain = statistics.gains(Pair(values, baseline, "lower", "log-ratio"))
    other = statistics.gains(Pair(scaled(values), scaled(baseline), "lower", "log-ratio"))
    np.testing.assert_allclose(plain, other, atol=1e-9)
