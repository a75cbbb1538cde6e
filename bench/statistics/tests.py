"""Are two objectives different at all? The rank-sum test, stratified by task.

Runs of either side are independent samples here, although seeds pair them: Wilcoxon's signed-rank test of five pairs
cannot have a p under 0.0625, so that five seeds could never tell two objectives apart, while the rank-sum test reaches
0.0079. A seed fixes initial weights and the order of data; where that makes the runs of a pair alike, the rank-sum test
is the more careful of the two. Which of them decides must not be chosen by the data: there is only this one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from bench.statistics.values import Floats, Pair, costs_of

EXACT_RUNS = 50
"""Runs of both sides of a task together up to which the rank-sum test counts all splits of them."""


def rank_sum_test(pairs: Sequence[Pair]) -> float:
    """Two-sided p of the Wilcoxon–Mann–Whitney rank-sum test, stratified by task, exact with ties for few runs.

    The runs of each task are ranked among themselves (ties share, failures come last), and the rank sums of all tasks
    added. All splits of every task's runs are counted where `is_exact`; the normal approximation with corrections for
    ties and continuity is used above. One task gives ``scipy.stats.mannwhitneyu``.

    Args:
        pairs: one per task. Seeds that only one side ran count too; a task that one side did not run says nothing.

    Returns:
        p; NaN where no task has runs of both sides.

    Source:
        van Elteren 1960, "On the combination of independent two-sample tests of Wilcoxon", with equal weights, which
        for tasks of about as many runs are the best ones; Mann & Whitney 1947; Lehmann 1975, "Nonparametrics",
        sec. 1.4 (exact distribution of mid-ranks) and 3.3 (blocks).
    """
    sides = [(x, y) for x, y in map(costs_of, pairs) if x.size and y.size]
    if not sides:
        return math.nan
    ranked = [(stats.rankdata(np.concatenate([x, y])), x.size) for x, y in sides]
    if is_exact([(x.size, y.size) for x, y in sides]):
        return _exact_p(ranked)
    return _normal_p(ranked)


def is_exact(sizes: Sequence[tuple[int, int]]) -> bool:
    """Whether `rank_sum_test` counts all splits of tasks of so many runs; else its p is a normal approximation."""
    return all(n + m <= EXACT_RUNS for n, m in sizes)


def smallest_p(sizes: Sequence[tuple[int, int]]) -> float:
    """The smallest two-sided p that `rank_sum_test` can reach by design: two of all splits of all tasks' runs.

    Args:
        sizes: runs of both sides, per task.
    """
    return min(1.0, 2 / math.prod(math.comb(n + m, n) for n, m in sizes))


def _exact_p(ranked: Sequence[tuple[Floats, int]]) -> float:
    """Share of all splits whose rank sums are as far from what is expected as those that were seen."""
    chances, least, expected, observed = np.ones(1), 0, 0, 0
    for ranks, n in ranked:
        doubled = np.rint(2 * ranks).astype(np.int64)
        lowest, of_sums = _rank_sums(tuple(sorted(doubled.tolist())), n)
        chances = np.convolve(chances, of_sums)
        least += lowest
        expected += n * (ranks.size + 1)
        observed += int(doubled[:n].sum())
    distances = np.abs(np.arange(least, least + chances.size) - expected)
    return min(1.0, float(chances[distances >= abs(observed - expected)].sum()))


@functools.lru_cache(maxsize=256)
def _rank_sums(ranks: tuple[int, ...], n: int) -> tuple[int, Floats]:
    """The smallest sum of ``n`` of the ranks, and the chance of it and of each larger one when they are drawn."""
    lowest, highest = sum(ranks[:n]), sum(ranks[-n:])
    ways = np.zeros((n + 1, highest + 1))
    ways[0, 0] = 1.0
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : highest + 1 - rank].copy()
    return lowest, ways[n, lowest:] / math.comb(len(ranks), n)


def _normal_p(ranked: Sequence[tuple[Floats, int]]) -> float:
    """The normal approximation; of one task scipy's ``mannwhitneyu(method="asymptotic")``."""
    distance, variance = 0.0, 0.0
    for ranks, n in ranked:
        runs = ranks.size
        distance += float(ranks[:n].sum()) - n * (runs + 1) / 2
        variance += n * (runs - n) * float(np.var(ranks)) / (runs - 1)
    if variance == 0:
        return 1.0
    return min(1.0, float(2 * stats.norm.sf((abs(distance) - 0.5) / math.sqrt(variance))))
