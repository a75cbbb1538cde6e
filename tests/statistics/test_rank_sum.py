"""The rank-sum test, stratified by task: exact where it can be counted, scipy's where there is one task."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench import statistics
from bench.statistics import Pair
from tests.statistics.suites import by_seed

NAN = math.nan


def pair(x, y, better="lower"):
    return Pair(by_seed(x), by_seed(y), better, "difference")


def p_of(x, y, better="lower"):
    return statistics.rank_sum_test([pair(x, y, better)])


def counted(tasks):
    """p by counting every split of every task one by one."""
    distances = []
    for x, y in tasks:
        ranks = stats.rankdata([*x, *y])
        expected = len(x) * (ranks.size + 1) / 2
        splits = [ranks[list(split)].sum() - expected for split in itertools.combinations(range(ranks.size), len(x))]
        distances.append((ranks[: len(x)].sum() - expected, splits))
    observed = abs(sum(seen for seen, _ in distances))
    return np.mean([abs(sum(of)) >= observed - 1e-9 for of in itertools.product(*(splits for _, splits in distances))])


@pytest.mark.parametrize(("n", "m"), [(5, 6), (2, 9), (10, 10), (25, 25)])
def test_it_is_scipys_exact_test_without_ties(n, m):
    random = np.random.default_rng(4)
    x, y = random.normal(size=n), random.normal(0.8, 1, size=m)
    expected = stats.mannwhitneyu(x, y, method="exact").pvalue
    assert p_of(x, y) == pytest.approx(expected)
    assert p_of(x, y, "higher") == pytest.approx(expected)


def test_with_ties_it_is_the_permutation_test():
    x, y = [1.0, 2.0, 2.0, 3.0], [2.0, 3.0, 4.0, 4.0, 5.0]
    expected = stats.permutation_test(
        (x, y),
        lambda a, b: abs(stats.rankdata(np.concatenate([a, b]))[: len(a)].sum() - len(a) * 5.0),
        alternative="greater",
        n_resamples=np.inf,
        vectorized=False,
    ).pvalue
    assert p_of(x, y) == pytest.approx(expected)


def test_of_many_runs_it_is_scipys_approximation():
    random = np.random.default_rng(5)
    x, y = random.normal(size=30), random.normal(0.3, 1, size=30).round(1)
    assert p_of(x, y) == pytest.approx(stats.mannwhitneyu(x, y, method="asymptotic").pvalue)
    assert p_of([1.0] * 30, [1.0] * 30) == 1.0


def test_the_approximation_of_several_tasks_is_near_the_count(monkeypatch):
    random = np.random.default_rng(6)
    pairs = [pair(random.normal(0.4, 1, n), random.normal(size=n)) for n in (8, 10, 12)]
    exact = statistics.rank_sum_test(pairs)
    monkeypatch.setattr("bench.statistics.tests.EXACT_RUNS", 0)
    assert statistics.rank_sum_test(pairs) == pytest.approx(exact, abs=0.005)


small = st.lists(st.integers(0, 4).map(float) | st.just(NAN), min_size=1, max_size=4)


@given(tasks=st.lists(st.tuples(small, small), min_size=1, max_size=2))
@settings(max_examples=60, deadline=None)
def test_every_split_of_every_task_is_counted(tasks):
    costs = [tuple([math.inf if math.isnan(value) else value for value in side] for side in sides) for sides in tasks]
    assert statistics.rank_sum_test([pair(*sides) for sides in tasks]) == pytest.approx(counted(costs))


@given(tasks=st.lists(st.tuples(small, small), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_it_does_not_know_the_sides_nor_the_unit_nor_the_order_of_tasks(tasks):
    p = statistics.rank_sum_test([pair(x, y) for x, y in tasks])
    assert statistics.rank_sum_test([pair(y, x) for x, y in reversed(tasks)]) == pytest.approx(p)
    assert statistics.rank_sum_test([pair(np.exp(x), np.exp(y)) for x, y in tasks]) == pytest.approx(p)


def test_tasks_that_agree_say_more_than_any_of_them_and_those_that_do_not_say_nothing():
    x, y = [1.0, 2.0, 3.0, 5.0], [4.0, 6.0, 7.0, 8.0]
    assert statistics.rank_sum_test([pair(x, y)] * 3) < p_of(x, y) / 10
    assert statistics.rank_sum_test([pair(x, y), pair(y, x)]) == 1.0


def test_tasks_are_ranked_by_themselves():
    """A task with values a thousand times as large has no more to say; pooled ranks would hide the other."""
    x, y = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    assert statistics.rank_sum_test([pair(x, y), pair(1000 * x, 1000 * y)]) == pytest.approx(2 / 20**2)


def test_failures_are_last_and_equal():
    assert p_of([1.0, 2.0, 3.0, 4.0], [NAN] * 4) == pytest.approx(2 / 70)
    assert p_of([NAN] * 4, [NAN] * 4) == 1.0
    assert p_of([1.0, NAN, 2.0], [3.0, 4.0, NAN]) == p_of([1.0, 9.0, 2.0], [3.0, 4.0, 9.0])


def test_a_task_that_one_side_did_not_run_says_nothing():
    x, y = [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]
    assert statistics.rank_sum_test([pair(x, y), pair([], y)]) == p_of(x, y)
    assert math.isnan(p_of([], [1.0]))
    assert math.isnan(statistics.rank_sum_test([]))


@pytest.mark.parametrize("sizes", [[(1, 1)], [(3, 3)], [(5, 5)], [(4, 7)], [(3, 3), (4, 2)], [(5, 5)] * 3])
def test_smallest_p_is_reached_by_runs_all_apart(sizes):
    apart = [pair(np.arange(n), 100.0 + np.arange(m)) for n, m in sizes]
    assert statistics.rank_sum_test(apart) == pytest.approx(statistics.smallest_p(sizes))


def test_smallest_p_of_the_designs_that_people_use():
    assert statistics.smallest_p([(3, 3)]) == pytest.approx(0.1)
    assert statistics.smallest_p([(5, 5)]) == pytest.approx(0.0079, abs=1e-4)
    assert statistics.smallest_p([(2, 2)] * 3) == pytest.approx(2 / 216)
    assert statistics.smallest_p([(5, 0)]) == 1.0
    # what the signed-rank test of as many pairs could reach
    assert stats.wilcoxon([1.0, 2, 3, 4, 5]).pvalue == 0.0625


def test_it_is_exact_up_to_fifty_runs_of_a_task():
    assert statistics.is_exact([(25, 25), (5, 5)])
    assert not statistics.is_exact([(5, 5), (26, 25)])
