"""Several comparisons at once: what is told apart when the chance of any false one is to stay at 5 %."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from bench.levels import LEVEL
from bench.statistics.intervals import estimable, improvement, probability_of_improvement
from bench.statistics.tests import is_exact, rank_sum_test, smallest_p
from bench.statistics.values import Better, Floats, Interval, Pair, Scale, Values, as_array, as_cost


@dataclasses.dataclass(frozen=True)
class Comparison:
    """An objective against another, on one task or several, as one of a family of comparisons."""

    improvement: Interval
    """Positive where the objective is better."""
    probability: Interval
    """That a run of it beats a run of the other."""
    p: float
    """Of the rank-sum test of these two alone."""
    p_adjusted: float
    """Of these two as one of the family; never below ``p``."""
    smallest_p: float
    """The smallest ``p`` that so many runs can reach."""
    exact: bool
    """Whether ``p`` counts all splits of the runs; else it is a normal approximation."""
    seeds: int
    """Seeds that both ran, on the task with the fewest of those that the improvement is of."""

    @property
    def told_apart(self) -> bool:
        """Whether the two differ: adjusted p at most 5 %, an interval of improvement without zero, and one direction.

        What the design cannot support is never told apart: p is at least ``smallest_p``, and an interval of one seed
        has no ends.
        """
        one_way = (self.improvement.low > 0) == (self.probability.estimate > 0.5)
        return self.p_adjusted <= LEVEL and self.improvement.excludes_zero and one_way


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p of a family of tests named beforehand, in their order; NaN (nothing to test) has no part in it.

    Source:
        Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    adjusted = [math.nan] * len(p_values)
    tested = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    largest = 0.0
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        adjusted[place] = largest
    return adjusted


def compare_each(family: Mapping[str, Sequence[Pair]]) -> dict[str, Comparison]:
    """Each objective against a baseline that was named before the runs were made, with Holm's correction.

    Args:
        family: per objective its pairs with the baseline, one per task: one task, or all of them.
    """
    p_values = [rank_sum_test(pairs) for pairs in family.values()]
    return {
        name: _compare(pairs, p, p_adjusted)
        for (name, pairs), p, p_adjusted in zip(family.items(), p_values, holm(p_values), strict=True)
    }


def compare_best(order: Mapping[str, Values], *, better: Better, scale: Scale) -> dict[str, Comparison]:
    """The best objective of a task against each of the others; the same runs chose it, which `step_down_test` reckons.

    Args:
        order: the values of each objective, best first.
        better: direction of the metric.
        scale: of the improvement.

    Returns:
        A comparison of the best (positive where it is better) with every other, by the other's name, in their order.
    """
    names = list(order)
    stepped = step_down_test([list(values.values()) for values in order.values()], better=better)
    compared = {}
    for name, p_stepped in zip(names[1:], stepped, strict=True):
        pairs = [Pair(order[names[0]], order[name], better, scale)]
        p = rank_sum_test(pairs)
        # of few runs, far apart in a crowd, the step-down test says more than the two by themselves can
        compared[name] = _compare(pairs, p, math.nan if math.isnan(p) else max(p, p_stepped))
    return compared


def _compare(pairs: Sequence[Pair], p: float, p_adjusted: float) -> Comparison:
    sizes = [(len(pair.values), len(pair.baseline)) for pair in pairs]
    return Comparison(
        improvement=improvement(pairs),
        probability=probability_of_improvement(pairs),
        p=p,
        p_adjusted=p_adjusted,
        smallest_p=smallest_p(sizes),
        exact=is_exact(sizes),
        seeds=min((len(pair.seeds) for pair in estimable(pairs)), default=0),
    )


def step_down_test(
    groups: Sequence[Sequence[float | None]], *, better: Better, resamples: int = 2000, seed: int = 0
) -> list[float]:
    """Adjusted p of the first group against each of the others, which stand in order from near to far.

    The first is the best of what was tried, chosen by the same runs: comparing it with each of the others as if it had
    been named before finds a difference in one of four suites of eight equal objectives. Here a group counts as
    different only if all farther ones do, and the range of mean ranks over all groups up to it is larger than
    permuting the runs among them gives. For two groups that is `rank_sum_test`. It can be below the p of the two
    alone, which `compare_best` therefore asks for as well.

    Args:
        groups: the runs' values, best group first.
        better: direction of the metric.
        resamples: random permutations per step.
        seed: of the permutations.

    Returns:
        One p per group after the first.

    Source:
        Marcus, Peritz & Gabriel 1976 (closed testing); Phipson & Smyth 2010 (p of random permutations).
    """
    costs = [as_cost(as_array(group), better) for group in groups]
    adjusted: list[float] = []
    largest = 0.0
    for last in range(len(costs) - 1, 0, -1):
        largest = max(largest, _range_p(costs[: last + 1], resamples, seed))
        adjusted.append(largest)
    return adjusted[::-1]


def _range_p(costs: Sequence[Floats], resamples: int, seed: int) -> float:
    """p of the distance in mean ranks between the first and the last group under permutation of all runs."""
    if min(cost.size for cost in costs) == 0:
        return math.nan
    if len(costs) == 2:
        first, last = (dict(enumerate(cost.tolist())) for cost in costs)
        return rank_sum_test([Pair(first, last, "lower", "difference")])
    ranks = stats.rankdata(np.concatenate(costs))
    starts = np.cumsum([0, *(cost.size for cost in costs[:-1])])
    sizes = np.array([cost.size for cost in costs])

    def means(rows: Floats) -> Floats:
        return np.asarray(np.add.reduceat(rows, starts, axis=-1) / sizes, dtype=np.float64)

    random = np.random.default_rng(seed)
    shuffled = means(random.permuted(np.tile(ranks, (resamples, 1)), axis=1))
    observed = means(ranks)
    reached = np.ptp(shuffled, axis=1) >= abs(observed[-1] - observed[0]) - 1e-9
    return float((1 + reached.sum()) / (1 + resamples))
