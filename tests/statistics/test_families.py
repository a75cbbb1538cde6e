"""Families of comparisons: Holm's correction, the best against the others, what is told apart."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import statistics
from bench.statistics import Comparison, Interval, Pair
from tests.statistics.suites import by_seed, equal_cells

NAN = math.nan


def apart(level, seeds=5):
    return by_seed(level + np.arange(seeds) / 10)


def comparison(low, high, p_adjusted, chance=0.9):
    return Comparison(
        improvement=Interval((low + high) / 2, low, high, 5),
        probability=Interval(chance, 0.5, 1.0, 5),
        p=0.01,
        p_adjusted=p_adjusted,
        smallest_p=0.008,
        exact=True,
        seeds=5,
    )


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_holm_is_statsmodels(n):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    random = np.random.default_rng(n)
    for p_values in (random.random(n), random.random(n) / 20, random.integers(0, 4, n) / 40):
        expected = multitest.multipletests(p_values, method="holm")[1]
        np.testing.assert_allclose(statistics.holm(p_values.tolist()), expected)


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(deadline=None)
def test_holm_keeps_the_order_and_makes_nothing_smaller(p_values):
    adjusted = statistics.holm(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.array(adjusted)[order]) >= 0)
    assert min(adjusted) == min(1.0, len(p_values) * min(p_values))


def test_what_could_not_be_tested_has_no_part_in_the_family():
    adjusted = statistics.holm([0.02, NAN, 0.03])
    assert (adjusted[0], adjusted[2]) == (0.04, 0.04)
    assert math.isnan(adjusted[1])
    assert statistics.holm([]) == []


def test_told_apart_needs_the_adjusted_p_and_an_interval_without_zero():
    assert comparison(0.1, 0.5, 0.05).told_apart
    assert not comparison(0.1, 0.5, 0.051).told_apart
    assert not comparison(-0.1, 0.5, 0.01).told_apart
    assert not comparison(0.1, 0.5, NAN).told_apart
    assert not comparison(NAN, NAN, 0.01).told_apart
    assert comparison(-0.5, -0.1, 0.01, chance=0.1).told_apart


def test_test_and_interval_have_to_point_one_way():
    assert not comparison(-0.5, -0.1, 0.01, chance=0.9).told_apart


def test_each_is_held_against_the_baseline_with_holms_correction():
    baseline = apart(1.0)
    family = {
        name: [Pair(cell, baseline, "lower", "log-ratio")]
        for name, cell in {"better": apart(0.2), "same": baseline, "worse": apart(3.0)}.items()
    }
    found = statistics.compare_each(family)
    assert list(found) == ["better", "same", "worse"]
    assert [of.told_apart for of in found.values()] == [True, False, True]
    assert found["better"].improvement.low > 0 > found["worse"].improvement.high
    assert [of.p for of in found.values()] == [statistics.rank_sum_test(pairs) for pairs in family.values()]
    assert [of.p_adjusted for of in found.values()] == statistics.holm([of.p for of in found.values()])
    assert found["better"].p_adjusted == pytest.approx(3 * 2 / 252)


def test_a_comparison_says_what_its_design_can_reach():
    pairs = [
        Pair(apart(1.0, 5), apart(2.0, 4), "lower", "log-ratio"),
        Pair({0: 1.0, 1: 2.0, 7: 3.0}, {0: 2.0, 1: 3.0, 8: 4.0}, "lower", "log-ratio"),
    ]
    found = statistics.compare_each({"x": pairs})["x"]
    assert found.smallest_p == statistics.smallest_p([(5, 4), (3, 3)])
    assert found.exact
    assert found.seeds == 2
    assert found.improvement == statistics.improvement(pairs)
    assert found.probability == statistics.probability_of_improvement(pairs)


def test_of_eight_others_five_seeds_of_one_task_can_never_tell_one_apart():
    """7 comparisons are at 7 × 2/252 = 0.056; over two tasks the same runs are told apart."""
    family = {str(k): [Pair(apart(10.0 + k), apart(1.0), "lower", "log-ratio")] for k in range(7)}
    assert not any(found.told_apart for found in statistics.compare_each(family).values())
    twice = {name: pairs * 2 for name, pairs in family.items()}
    assert all(found.told_apart for found in statistics.compare_each(twice).values())


def test_three_runs_against_three_are_never_told_apart_however_many_objectives_there_are():
    """The step-down test of eight objectives is sure of itself; the two alone cannot have p under 0.1."""
    order = {str(level): apart(10.0**level, 3) for level in range(8)}
    stepped = statistics.step_down_test([list(of.values()) for of in order.values()], better="lower")
    assert min(stepped) < 0.05
    found = statistics.compare_best(order, better="lower", scale="log-ratio")
    assert all(of.p_adjusted >= of.p >= of.smallest_p == pytest.approx(0.1) for of in found.values())
    assert not any(of.told_apart for of in found.values())


def test_the_best_is_told_apart_from_what_is_far_from_it():
    order = {str(level): apart(1.0 + level) for level in range(8)}
    found = statistics.compare_best(order, better="lower", scale="log-ratio")
    assert list(found) == [str(level) for level in range(1, 8)]
    assert all(of.told_apart and of.improvement.low > 0 for of in found.values())
    same = statistics.compare_best({"a": apart(1), "b": apart(1), "c": apart(9)}, better="lower", scale="log-ratio")
    assert [of.told_apart for of in same.values()] == [False, True]


def test_higher_is_better_where_it_is():
    order = {"many": by_seed([8.0, 8.1, 7.9, 8.2, 7.8]), "few": by_seed([1.0, 1.1, 0.9, 1.2, 0.8])}
    found = statistics.compare_best(order, better="higher", scale="difference")["few"]
    assert found.told_apart
    assert found.improvement.estimate == pytest.approx(7.0)
    assert found.probability.estimate == 1.0


def test_the_best_of_one_or_none_is_compared_with_nothing():
    assert statistics.compare_best({"a": apart(1)}, better="lower", scale="difference") == {}
    assert statistics.compare_best({}, better="lower", scale="difference") == {}
    assert statistics.compare_each({}) == {}


def test_runs_that_all_fail_are_told_apart_from_five_that_do_not():
    order = {"works": apart(1.0), "fails": dict.fromkeys(range(5))}
    found = statistics.compare_best(order, better="lower", scale="log-ratio")["fails"]
    assert found.told_apart
    assert found.improvement.low == math.inf


def test_an_objective_without_runs_is_told_apart_from_nothing():
    found = statistics.compare_best({"a": apart(1), "b": {}}, better="lower", scale="log-ratio")["b"]
    assert math.isnan(found.p)
    assert math.isnan(found.p_adjusted)
    assert found.seeds == 0
    assert not found.told_apart


@given(seed=st.integers(0, 1000), objectives=st.integers(2, 5), seeds=st.integers(2, 5))
@settings(max_examples=25, deadline=None)
def test_no_adjusted_p_is_below_that_of_the_two_alone(seed, objectives, seeds):
    runs = equal_cells(np.random.default_rng(seed), objectives, seeds, failing=0.2)
    cells = {str(index): by_seed(cell) for index, cell in enumerate(runs)}
    best = statistics.compare_best(cells, better="lower", scale="log-ratio")
    pairs = {name: [Pair(cell, cells["0"], "lower", "log-ratio")] for name, cell in cells.items() if name != "0"}
    for found in (*best.values(), *statistics.compare_each(pairs).values()):
        assert found.p_adjusted >= found.p >= found.smallest_p - 1e-12


def test_step_down_test_tells_objectives_far_apart_with_five_seeds():
    groups = [level + np.arange(5) / 10 for level in range(8)]
    assert max(statistics.step_down_test(groups, better="lower")) <= 0.01
    flat = statistics.step_down_test([groups[0], groups[0], groups[5]], better="lower")
    assert flat[0] == pytest.approx(1.0)
    assert flat[1] <= 0.05


def test_step_down_test_of_two_is_the_rank_sum_test_and_takes_failures():
    x, y = [1.0, 2.0, 3.0, 4.0], [5.0, 6.0, None, None]
    pair = Pair(dict(enumerate(x)), dict(enumerate(y)), "lower", "difference")
    assert statistics.step_down_test([x, y], better="lower") == [statistics.rank_sum_test([pair])]
    assert statistics.step_down_test([x, y, [None] * 4], better="lower")[1] <= 0.05
    assert statistics.step_down_test([x], better="lower") == []
