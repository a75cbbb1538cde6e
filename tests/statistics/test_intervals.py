"""Intervals of improvement and of its probability: what they are, and what they say of few runs and of failures."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from bench import statistics
from bench.statistics import Pair
from tests.statistics.suites import by_seed, pair_of

INF, NAN = math.inf, math.nan


def improvement(values, baseline, better="lower", scale="log-ratio", **options):
    return statistics.improvement([Pair(values, baseline, better, scale)], **options)


def chance(values, baseline, better="lower"):
    return statistics.probability_of_improvement([Pair(by_seed(values), by_seed(baseline), better, "difference")])


def test_improvement_of_a_constant_ratio_is_its_logarithm():
    baseline, halved = by_seed([1.0, 2.0, 4.0, 8.0]), by_seed([0.5, 1.0, 2.0, 4.0])
    gain = improvement(halved, baseline)
    assert (gain.estimate, gain.low, gain.high) == pytest.approx((math.log(2),) * 3)
    assert gain.n == 4
    assert gain.excludes_zero
    assert improvement(halved, baseline, "higher", "difference").estimate == pytest.approx(-1.5)


def test_improvement_is_seeded_and_independent_of_the_order_of_seeds():
    x, y = {2: 1.0, 0: 1.5, 1: 1.2}, {0: 1.6, 1: 1.1, 2: 1.9}
    assert improvement(x, y) == improvement(dict(sorted(x.items())), y)
    many = by_seed(np.random.default_rng(0).uniform(1, 2, 12)), by_seed(np.random.default_rng(1).uniform(1, 2, 12))
    assert improvement(*many, seed=1) != improvement(*many, seed=2)


def test_improvement_leaves_out_seeds_that_only_one_side_ran():
    gain = improvement({0: 1.0, 1: 2.0, 5: 9.0}, {0: 2.0, 1: 4.0, 7: 1.0})
    assert gain.n == 2
    assert gain.estimate == pytest.approx(math.log(2))
    assert improvement({0: 1.0}, {1: 1.0}).n == 0
    assert math.isnan(improvement({0: 1.0}, {1: 1.0}).estimate)


def test_of_one_seed_nothing_is_known():
    gain = improvement({0: 1.0}, {0: 2.0})
    assert gain.estimate == pytest.approx(math.log(2))
    assert math.isnan(gain.low)
    assert math.isnan(gain.high)
    assert not gain.excludes_zero
    likely = chance([1.0], [2.0])
    assert likely.estimate == 1.0
    assert math.isnan(likely.low)
    assert math.isnan(likely.high)


def test_a_task_of_one_seed_is_left_out_where_others_have_more():
    many, one = pair_of(np.arange(1.0, 6.0)), pair_of(np.array([3.5]))
    apart = Pair({0: 1.0}, {1: 1.0}, "lower", "log-ratio")
    assert statistics.improvement([many, one, apart]) == statistics.improvement([many])
    assert statistics.improvement_over_datasets([[many, one], [many]]) == statistics.improvement_over_datasets(
        [[many], [many]]
    )
    (compared,) = statistics.compare_each({"a": [many, one, apart]}).values()
    assert (compared.seeds, compared.improvement.n) == (5, 5)
    assert not math.isnan(compared.improvement.low)
    alone = statistics.improvement([one, one])
    assert (alone.n, alone.estimate) == (2, pytest.approx(3.5))
    assert math.isnan(alone.low)


def test_the_range_of_a_few_datasets_covers_no_more_than_tosses_of_a_coin_allow():
    assert [statistics.attainable_coverage(n) for n in (1, 2, 3, 5)] == [0, 0.5, 0.75, 0.9375]
    random = np.random.default_rng(0)
    covered = []
    for suite in range(300):
        datasets = [[pair_of(random.normal(mean, 0.01, 5))] for mean in random.normal(0, 1, 3)]
        found = statistics.improvement_over_datasets(datasets, resamples=500, seed=suite)
        covered.append(found.low <= 0 <= found.high)
    assert np.mean(covered) == pytest.approx(statistics.attainable_coverage(3), abs=0.07)


def test_five_seeds_of_one_task_have_the_whole_range_as_interval():
    """Resampled extremes beyond which no interval of this kind can go: it covers the median in 94 of 100."""
    gain = statistics.improvement([pair_of(np.array([3.0, 1.0, 2.0, 9.0, 4.0]))])
    assert (gain.low, gain.high) == (1.0, 9.0)


def test_tasks_are_pooled_and_their_seeds_resampled_by_themselves():
    """Tasks far apart: were the runs of all resampled together, the interval would reach from one to the other."""
    random = np.random.default_rng(0)
    tasks = [random.normal(mean, 0.1, 6) for mean in (0.0, 5.0, 10.0)]
    gain = statistics.improvement([pair_of(task) for task in tasks])
    assert gain.estimate == pytest.approx(stats.trim_mean(np.concatenate(tasks), 0.25))
    assert gain.n == 18
    assert gain.high - gain.low < 0.5


def test_failures_reach_into_the_ends_of_the_interval():
    values = by_seed([1.0, 1.1, 0.9, 1.2, NAN])
    gain = improvement(values, by_seed([2.0] * 5))
    assert 0 < gain.estimate < INF
    assert gain.low == -INF
    assert gain.high < INF
    assert improvement(by_seed([1.0] * 5), by_seed([NAN] * 5)).low == INF


def test_interval_with_failures_on_both_sides_says_nothing():
    gain = improvement({0: 1.0, 1: None}, {0: None, 1: 1.0})
    assert (gain.low, gain.high) == (-INF, INF)
    assert not gain.excludes_zero


def test_of_many_seeds_the_interval_is_scipys_percentile_bootstrap():
    random = np.random.default_rng(1)
    gains = random.normal(0.2, 0.3, 200)
    ours = statistics.improvement([pair_of(gains)], resamples=10_000)
    theirs = stats.bootstrap(
        (gains,),
        statistics.interquartile_mean,
        method="percentile",
        n_resamples=10_000,
        random_state=np.random.default_rng(2),
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


numbers = st.lists(st.floats(-5, 5).map(lambda value: round(value, 2)), min_size=2, max_size=7)
ragged = st.lists(numbers, min_size=1, max_size=3)


@given(tasks=ragged)
@settings(max_examples=40, deadline=None)
def test_improvement_changes_sign_when_its_sides_are_exchanged(tasks):
    pairs = [pair_of(np.array(task)) for task in tasks]
    back = [Pair(pair.baseline, pair.values, pair.better, pair.scale) for pair in pairs]
    one, other = (statistics.improvement(of, resamples=300) for of in (pairs, back))
    assert (one.estimate, one.low, one.high) == pytest.approx((-other.estimate, -other.high, -other.low))
    one, other = statistics.probability_of_improvement(pairs), statistics.probability_of_improvement(back)
    assert (one.estimate, one.low, one.high) == pytest.approx((1 - other.estimate, 1 - other.high, 1 - other.low))


@given(tasks=ragged, more=st.floats(0, 3), place=st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_a_better_run_never_makes_the_objective_worse(tasks, more, place):
    pairs = [pair_of(np.array(task)) for task in tasks]
    tasks[place % len(tasks)][0] += more
    raised = [pair_of(np.array(task)) for task in tasks]
    assert statistics.improvement(raised).estimate >= statistics.improvement(pairs).estimate - 1e-12
    one, other = statistics.probability_of_improvement(pairs), statistics.probability_of_improvement(raised)
    assert other.estimate >= one.estimate - 1e-12
    assert other.low >= one.low - 1e-9


@given(tasks=ragged, factor=st.floats(0.1, 10))
@settings(max_examples=40, deadline=None)
def test_differences_scale_with_the_unit_and_probabilities_do_not_know_it(tasks, factor):
    pairs = [pair_of(np.array(task)) for task in tasks]
    scaled = [pair_of(factor * np.array(task)) for task in tasks]
    one, other = statistics.improvement(pairs, resamples=300), statistics.improvement(scaled, resamples=300)
    expected = (factor * one.estimate, factor * one.low, factor * one.high)
    assert (other.estimate, other.low, other.high) == pytest.approx(expected, abs=1e-6)
    assert statistics.probability_of_improvement(pairs) == statistics.probability_of_improvement(scaled)


@given(tasks=ragged)
@settings(max_examples=40, deadline=None)
def test_estimates_lie_in_their_intervals(tasks):
    pairs = [pair_of(np.array(task)) for task in tasks]
    for found in (statistics.improvement(pairs), statistics.probability_of_improvement(pairs)):
        assert found.low - 1e-9 <= found.estimate <= found.high + 1e-9


def test_probability_of_improvement_is_mann_whitneys_u():
    random = np.random.default_rng(3)
    x, y = random.integers(0, 6, 9).astype(float), random.integers(0, 6, 7).astype(float)
    likely = chance(x, y, "higher")
    assert likely.estimate == pytest.approx(stats.mannwhitneyu(x, y).statistic / (9 * 7))
    assert chance(x, y).estimate == pytest.approx(1 - likely.estimate)


def test_probability_of_improvement_of_failures():
    assert chance([1.0, NAN], [NAN, NAN]).estimate == 0.75
    assert chance([], [1.0]).n == 0


def test_five_better_runs_do_not_make_the_probability_certain():
    likely = chance(np.arange(5.0), 10 + np.arange(5.0))
    assert (likely.estimate, likely.high) == (1.0, 1.0)
    assert 0.5 < likely.low < 0.8
    assert chance(10 + np.arange(5.0), np.arange(5.0)).high == pytest.approx(1 - likely.low)


def test_the_interval_of_the_probability_is_newcombes():
    """Method 5: the ends solve |θ̂ − θ| = z·√V(θ), with V of two exponential distributions; here by bisection of it."""
    x, y = np.array([1.0, 3.0, 4.0, 6.0, 8.0, 9.0]), np.array([2.0, 5.0, 7.0, 10.0, 11.0, 12.0, 13.0])
    likely, n, m = chance(x, y), 6, 7

    def squared(theta):
        q1, q2 = theta / (2 - theta), 2 * theta**2 / (1 + theta)
        more = (n + m) / 2 - 1  # for both n − 1 and m − 1 of Hanley & McNeil 1982
        return (theta * (1 - theta) + more * (q1 - theta**2) + more * (q2 - theta**2)) / (n * m)

    quantile = stats.t.ppf(0.975, n + m - 2)
    for end in (likely.low, likely.high):
        assert abs(likely.estimate - end) == pytest.approx(quantile * math.sqrt(squared(end)))


def test_probabilities_of_tasks_are_averaged_and_narrow_the_interval():
    one = Pair(by_seed([1.0, 2.0, 6.0]), by_seed([3.0, 4.0, 5.0]), "lower", "difference")
    other = Pair(by_seed([1.0, 2.0, 3.0]), by_seed([3.0, 4.0, 5.0]), "lower", "difference")
    both = statistics.probability_of_improvement([one, other])
    assert both.estimate == pytest.approx((6 / 9 + 8.5 / 9) / 2)
    alone, repeated = statistics.probability_of_improvement([one]), statistics.probability_of_improvement([one] * 4)
    assert repeated.low > alone.low
    assert repeated.high < alone.high


def test_of_several_datasets_the_interval_says_what_others_would_do():
    """Seeds agree and datasets do not: certain of these, uncertain of the next."""
    random = np.random.default_rng(0)
    datasets = [[pair_of(random.normal(mean, 0.05, 5))] for mean in (0.2, 1.0, 2.0, 3.5)]
    these = statistics.improvement([pair for pairs in datasets for pair in pairs])
    others = statistics.improvement_over_datasets(datasets)
    assert others.estimate == these.estimate
    assert others.n == these.n == 20
    assert others.high - others.low > 5 * (these.high - these.low)
    assert others == statistics.improvement_over_datasets(datasets)


def test_one_dataset_says_nothing_of_others():
    one = statistics.improvement_over_datasets([[pair_of(np.arange(5.0)), pair_of(np.arange(4.0))], []])
    assert one.n == 9
    assert math.isnan(one.low)
    assert statistics.improvement_over_datasets([]).n == 0


def test_datasets_of_unequal_tasks_and_seeds_are_resampled_whole():
    """Each draw takes all tasks of a dataset: the extremes are samples of one dataset alone."""
    datasets = [[pair_of(np.full(3, 1.0)), pair_of(np.full(6, 1.0))], [pair_of(np.full(2, 4.0))]]
    wide = statistics.improvement_over_datasets(datasets)
    assert (wide.low, wide.high) == (1.0, 4.0)


def test_improvement_over_datasets_changes_sign_when_its_sides_are_exchanged():
    random = np.random.default_rng(4)
    datasets = [[pair_of(random.normal(mean, 1, 4)), pair_of(random.normal(size=6))] for mean in (0.5, 1, 3)]
    back = [[Pair(p.baseline, p.values, p.better, p.scale) for p in pairs] for pairs in datasets]
    one, other = statistics.improvement_over_datasets(datasets), statistics.improvement_over_datasets(back)
    assert (one.estimate, one.low, one.high) == pytest.approx((-other.estimate, -other.high, -other.low))


@given(
    values=st.lists(st.floats(0, 1), min_size=2, max_size=8), other=st.lists(st.floats(0, 1), min_size=2, max_size=8)
)
@settings(max_examples=40, deadline=None)
def test_a_wider_confidence_has_a_wider_interval(values, other):
    assume(len(set(values)) > 1)
    pair = [Pair(by_seed(values), by_seed(other), "higher", "difference")]
    for measure in (statistics.improvement, statistics.probability_of_improvement):
        narrow, wide = measure(pair, confidence=0.8), measure(pair, confidence=0.99)
        assert wide.low <= narrow.low + 1e-9
        assert wide.high >= narrow.high - 1e-9
