import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench import statistics

INF, NAN = math.inf, math.nan


def by_seed(values):
    return dict(enumerate(values))


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


def test_improvement_of_a_constant_ratio_is_its_logarithm():
    baseline = by_seed([1.0, 2.0, 4.0, 8.0])
    halved = by_seed([0.5, 1.0, 2.0, 4.0])
    gain = statistics.improvement(halved, baseline, better="lower", scale="log-ratio")
    assert gain.estimate == pytest.approx(math.log(2))
    assert gain.low == pytest.approx(math.log(2))
    assert gain.high == pytest.approx(math.log(2))
    assert gain.n == 4
    assert gain.excludes_zero
    assert statistics.improvement(halved, baseline, better="higher", scale="difference").estimate == pytest.approx(-1.5)


def test_improvement_changes_sign_when_its_arguments_are_exchanged():
    random = np.random.default_rng(0)
    x, y = by_seed(random.uniform(1, 2, 7)), by_seed(random.uniform(1, 3, 7))
    forth = statistics.improvement(x, y, better="lower", scale="log-ratio")
    back = statistics.improvement(y, x, better="lower", scale="log-ratio")
    assert (forth.estimate, forth.low, forth.high) == pytest.approx((-back.estimate, -back.high, -back.low))


def test_improvement_is_seeded_and_independent_of_the_order_of_seeds():
    x, y = {2: 1.0, 0: 1.5, 1: 1.2}, {0: 1.6, 1: 1.1, 2: 1.9}
    one = statistics.improvement(x, y, better="lower", scale="log-ratio")
    assert one == statistics.improvement(dict(sorted(x.items())), y, better="lower", scale="log-ratio")


def test_improvement_pairs_only_shared_seeds():
    gain = statistics.improvement({0: 1.0, 1: 2.0, 5: 9.0}, {0: 2.0, 1: 4.0, 7: 1.0}, better="lower", scale="log-ratio")
    assert gain.n == 2
    assert gain.estimate == pytest.approx(math.log(2))
    assert statistics.improvement({0: 1.0}, {1: 1.0}, better="lower", scale="difference").n == 0


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_failures_lose_by_infinity_and_a_pair_of_failures_is_a_draw(better):
    def gain(x, y):
        return statistics.improvement(by_seed(x), by_seed(y), better=better, scale="log-ratio").estimate

    assert gain([1.0], [None]) == INF
    assert gain([None], [1.0]) == -INF
    assert gain([None], [None]) == 0


def test_interval_with_failures_on_both_sides_says_nothing():
    gain = statistics.improvement(by_seed([1.0, None]), by_seed([None, 1.0]), better="lower", scale="log-ratio")
    assert (gain.low, gain.high) == (-INF, INF)
    assert not gain.excludes_zero


def test_log_ratio_needs_positive_values():
    with pytest.raises(ValueError, match="difference"):
        statistics.improvement({0: -0.1}, {0: 1.0}, better="lower", scale="log-ratio")


def test_bootstrap_agrees_with_scipys_percentile_bootstrap():
    random = np.random.default_rng(1)
    x, y = random.lognormal(0, 0.3, 12), random.lognormal(0.2, 0.3, 12)
    ours = statistics.improvement(by_seed(x), by_seed(y), better="lower", scale="log-ratio", resamples=20_000)
    theirs = stats.bootstrap(
        (np.log(y) - np.log(x),),
        statistics.interquartile_mean,
        method="percentile",
        n_resamples=20_000,
        random_state=np.random.default_rng(2),
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_probability_of_improvement_is_mann_whitneys_u():
    random = np.random.default_rng(3)
    x, y = random.integers(0, 6, 9).astype(float), random.integers(0, 6, 7).astype(float)
    chance = statistics.probability_of_improvement(x, y, better="higher")
    assert chance.estimate == pytest.approx(stats.mannwhitneyu(x, y).statistic / (9 * 7))
    assert chance.low <= chance.estimate <= chance.high
    other = statistics.probability_of_improvement(x, y, better="lower")
    assert other.estimate == pytest.approx(1 - chance.estimate)


def test_probability_of_improvement_of_failures():
    assert statistics.probability_of_improvement([1.0, None], [None, None], better="lower").estimate == 0.75
    assert statistics.probability_of_improvement([], [1.0], better="lower").n == 0


def test_rank_sum_test_is_scipys_exact_test_without_ties():
    random = np.random.default_rng(4)
    x, y = random.normal(size=5), random.normal(0.8, 1, size=6)
    expected = stats.mannwhitneyu(x, y, method="exact").pvalue
    assert statistics.rank_sum_test(x, y, better="lower") == pytest.approx(expected)
    assert statistics.rank_sum_test(x, y, better="higher") == pytest.approx(expected)


def test_rank_sum_test_with_ties_is_the_permutation_test():
    x, y = [1.0, 2.0, 2.0, 3.0], [2.0, 3.0, 4.0, 4.0, 5.0]
    expected = stats.permutation_test(
        (x, y),
        lambda a, b: abs(stats.rankdata(np.concatenate([a, b]))[: len(a)].sum() - len(a) * 5.0),
        alternative="greater",
        n_resamples=np.inf,
        vectorized=False,
    ).pvalue
    assert statistics.rank_sum_test(x, y, better="lower") == pytest.approx(expected)


def test_rank_sum_test_of_many_runs_is_scipys_approximation():
    random = np.random.default_rng(5)
    x, y = random.normal(size=30), random.normal(0.3, 1, size=30)
    expected = stats.mannwhitneyu(x, y, method="asymptotic").pvalue
    assert statistics.rank_sum_test(x, y, better="lower") == pytest.approx(expected)
    assert statistics.rank_sum_test([1.0] * 30, [1.0] * 30, better="lower") == 1.0


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 3), (5, 5), (4, 7)])
def test_smallest_p_is_reached_by_runs_all_apart(n, m):
    p = statistics.rank_sum_test(np.arange(n), 100.0 + np.arange(m), better="lower")
    assert p == pytest.approx(statistics.smallest_p(n, m))


def test_rank_sum_test_is_exact_up_to_eight_against_eight():
    assert statistics.is_exact(8, 8)
    assert not statistics.is_exact(9, 9)
    p = statistics.rank_sum_test(np.arange(9), 100.0 + np.arange(9), better="lower")
    assert p > 2 * statistics.smallest_p(9, 9)


def test_one_objective_under_two_names_is_told_apart_in_at_most_five_percent():
    """The report's rule (interval excludes zero, and p ≤ 0.05) on an A/A suite of five seeds."""
    random = np.random.default_rng(6)
    told = 0
    for _ in range(400):
        x, y = random.lognormal(0, 0.4, (2, 5))
        gain = statistics.improvement(by_seed(x), by_seed(y), better="lower", scale="log-ratio", resamples=400)
        told += gain.excludes_zero and statistics.rank_sum_test(x, y, better="lower") <= 0.05
    assert told / 400 <= 0.05


def test_eight_equal_objectives_are_told_apart_in_at_most_five_percent():
    """Of which the best is chosen by the same runs, and held against each other one."""
    random = np.random.default_rng(8)
    told = 0
    for repeat in range(200):
        runs = random.lognormal(0, 0.4, (8, 5))
        ordered = runs[np.argsort(np.median(runs, axis=1))]
        p = statistics.step_down_test(list(ordered), better="lower", resamples=200, seed=repeat)
        told += min(p) <= 0.05
    assert told / 200 <= 0.075  # 0.05 and two standard errors


def test_step_down_test_tells_objectives_far_apart_with_five_seeds():
    groups = [level + np.arange(5) / 10 for level in range(8)]
    assert max(statistics.step_down_test(groups, better="lower")) <= 0.01
    flat = statistics.step_down_test([groups[0], groups[0], groups[5]], better="lower")
    assert flat[0] == 1.0
    assert flat[1] <= 0.05


def test_step_down_test_of_two_is_the_rank_sum_test_and_takes_failures():
    x, y = [1.0, 2.0, 3.0, 4.0], [5.0, 6.0, None, None]
    assert statistics.step_down_test([x, y], better="lower") == [statistics.rank_sum_test(x, y, better="lower")]
    assert statistics.step_down_test([x, y, [None] * 4], better="lower")[1] <= 0.05
    assert statistics.step_down_test([x], better="lower") == []


def test_bootstrap_interval_covers_at_its_nominal_rate_for_many_seeds():
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(300):
        x, y = random.lognormal(0, 0.3, 40), random.lognormal(0.25, 0.3, 40)
        gain = statistics.improvement(by_seed(x), by_seed(y), better="lower", scale="log-ratio", resamples=600)
        covered += gain.low <= 0.25 <= gain.high
    assert 0.90 <= covered / 300 <= 0.985


def test_mean_ranks_share_ties_and_put_failures_last():
    frame = pd.DataFrame({"a": [1.0, 1.0], "b": [2.0, 1.0], "c": [NAN, 5.0], "d": [NAN, 0.5]})
    ranks = statistics.mean_ranks(frame, "lower")
    assert ranks.to_dict() == {"a": 1.75, "b": 2.25, "c": 3.75, "d": 2.25}
    flipped = statistics.mean_ranks(frame, "higher")
    assert flipped["c"] == (3.5 + 1) / 2
