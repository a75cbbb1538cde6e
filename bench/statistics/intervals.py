"""Intervals of few seeds that cover at their nominal rate: of the improvement, and of its probability.

``python -m tests.statistics.simulate`` prints how often they do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from bench.statistics.values import Floats, Interval, Pair, costs_of, gains, interquartile_mean

Integers = NDArray[np.int64]


def improvement(pairs: Sequence[Pair], *, confidence: float = 0.95, resamples: int = 4000, seed: int = 0) -> Interval:
    """Interquartile mean of the improvement over the baselines, of all tasks pooled, with a bootstrap interval.

    Positive is better. The improvement is paired by seed (`gains`): ±∞ where one of a pair has no value, 0 where
    neither has; seeds that only one side ran are left out. The interquartile mean is of the runs of all tasks together,
    as ``rliable`` has it.

    Tasks of one shared seed are left out where others have more, see `estimable`: their spread is not known, and the
    interval of all would be.

    The bootstrap resamples the seeds of each task by itself. Its plain percentiles are far too narrow for few seeds,
    and are moved outwards as far as Student's t lies outside the normal distribution, see `_tail`. An interval never
    reaches beyond the runs that it is of: 2, 3, 4 and 5 seeds of one task cover at most 50, 75, 88 and 94 %. Of skewed
    improvements in few tasks that lie many deviations apart, 5 seeds of each cover as little as 89 %. Exchanging
    the sides of every pair changes its sign alone.

    Args:
        pairs: one per task.
        confidence: of the interval.
        resamples: bootstrap samples.
        seed: of the bootstrap.

    Returns:
        ``n`` counts the seeds of the tasks that it is of. NaN for all of it where no seed is shared; NaN for the ends
        where no task shares more than one.

    Source:
        Agarwal et al. 2021, "Deep RL at the Edge of the Statistical Precipice", sec. 4 (interquartile mean, stratified
        bootstrap); Hesterberg 2015, "What Teachers Should Know About the Bootstrap", sec. 5.3 (expanded percentiles).
    """
    tasks = list(map(gains, estimable(pairs)))
    if not tasks:
        return Interval(math.nan, math.nan, math.nan, 0)
    pooled = np.concatenate(tasks)
    estimate = float(interquartile_mean(pooled))
    if tasks[0].size == 1:
        return Interval(estimate, math.nan, math.nan, pooled.size)
    random = np.random.default_rng(seed)
    drawn = [task[random.integers(0, task.size, (resamples, task.size))] for task in tasks]
    replicates = interquartile_mean(np.concatenate(drawn, axis=1))
    low, high = _percentiles(replicates, _tail(tasks, confidence))
    return Interval(estimate, low, high, pooled.size)


def improvement_over_datasets(
    datasets: Sequence[Sequence[Pair]], *, confidence: float = 0.95, resamples: int = 4000, seed: int = 0
) -> Interval:
    """`improvement` with an interval for other datasets than these, of which these are a sample.

    Tasks that share a dataset are not independent: the bootstrap resamples datasets with all their tasks, then the
    seeds within each task. Its percentiles are moved outwards as `improvement`'s are, by the number of datasets.

    Of few datasets it is descriptive: it never reaches beyond them, so that where datasets differ much more than seeds
    do 2, 3, 4 and 5 of them cover at most 50, 75, 88 and 94 % (`attainable_coverage`), whatever ``confidence`` is. What
    it says of others holds as far as these are a sample of them: datasets chosen for a purpose are none.

    Args:
        datasets: per dataset the pairs of its tasks.
        confidence: of the interval.
        resamples: bootstrap samples.
        seed: of the bootstrap.

    Returns:
        NaN for the ends where there is one dataset only.

    Source:
        Davison & Hinkley 1997, "Bootstrap Methods and their Application", sec. 3.8 (hierarchical data).
    """
    fewest = _fewest_seeds([pair for pairs in datasets for pair in pairs])
    sampled = [[gains(pair) for pair in pairs if len(pair.seeds) >= fewest] for pairs in datasets]
    sampled = [tasks for tasks in sampled if tasks]
    if not sampled:
        return Interval(math.nan, math.nan, math.nan, 0)
    pooled = np.concatenate([task for tasks in sampled for task in tasks])
    estimate = float(interquartile_mean(pooled))
    if len(sampled) == 1:
        return Interval(estimate, math.nan, math.nan, pooled.size)
    random = np.random.default_rng(seed)
    drawn = [_resampled(sampled, random.integers(0, len(sampled), resamples), random) for _ in sampled]
    replicates = _ragged_interquartile_means(np.concatenate(drawn, axis=1))
    quantile = float(stats.t.ppf((1 + confidence) / 2, len(sampled) - 1))
    return Interval(estimate, *_percentiles(replicates, float(stats.norm.cdf(-quantile))), pooled.size)


def estimable(pairs: Sequence[Pair]) -> list[Pair]:
    """Of which the improvement is estimated: those that share two seeds or more; where none does, one."""
    fewest = _fewest_seeds(pairs)
    return [pair for pair in pairs if len(pair.seeds) >= fewest]


def _fewest_seeds(pairs: Sequence[Pair]) -> int:
    return 2 if any(len(pair.seeds) > 1 for pair in pairs) else 1


def attainable_coverage(samples: int) -> float:
    """How often the range of so many holds their median, which no interval of their resamples does more often.

    It is 1 − 2^(1−n): all lie on one side of the median as often as all tosses of a coin fall alike.
    """
    return 1 - 2.0 ** (1 - samples)


def _resampled(datasets: Sequence[Sequence[Floats]], chosen: Integers, random: np.random.Generator) -> Floats:
    """One dataset per row, the seeds of each of its tasks drawn anew; rows of fewer runs end in NaN."""
    rows = np.full((chosen.size, max(sum(task.size for task in tasks) for tasks in datasets)), np.nan)
    for index, tasks in enumerate(datasets):
        here = np.flatnonzero(chosen == index)
        runs = [task[random.integers(0, task.size, (here.size, task.size))] for task in tasks]
        joined = np.concatenate(runs, axis=1)
        rows[here, : joined.shape[1]] = joined
    return rows


def _ragged_interquartile_means(rows: Floats) -> Floats:
    """`interquartile_mean` of each row's values that are not NaN."""
    ordered, counts = np.sort(rows, axis=1), np.count_nonzero(~np.isnan(rows), axis=1)
    means = np.empty(len(rows))
    for count in np.unique(counts):
        means[counts == count] = interquartile_mean(ordered[counts == count, :count])
    return means


def probability_of_improvement(pairs: Sequence[Pair], *, confidence: float = 0.95) -> Interval:
    """Probability that a run drawn from the values beats one drawn from the baseline, mean over tasks; ties count half.

    Of one task it is the Mann–Whitney statistic U / (n·m). The interval holds every probability that the runs do not
    contradict: it keeps its rate and its width where every run of one side beats every run of the other. Two steps to
    the careful side: several tasks count as though each had the mean probability, which varies most, and the quantile
    is Student's, of the smallest task, since the runs of one side may be spread more than those of the other. Runs
    count whether or not the other side ran their seed.

    Args:
        pairs: one per task; a task that one side did not run says nothing.
        confidence: of the interval.

    Returns:
        NaN for all of it where no task has runs of both sides; NaN for the ends where a task has one run of each.

    Source:
        Agarwal et al. 2021, sec. 4.3, eq. 1; Newcombe 2006, "Confidence intervals for an effect size measure based on
        the Mann–Whitney statistic", part 2, method 5.
    """
    sides = [(x, y) for x, y in map(costs_of, pairs) if x.size and y.size]
    if not sides:
        return Interval(math.nan, math.nan, math.nan, 0)
    estimate = float(np.mean([_chance(x, y) for x, y in sides]))
    n = sum(min(x.size, y.size) for x, y in sides)
    freedom = min(x.size + y.size for x, y in sides) - 2
    if freedom == 0:
        return Interval(estimate, math.nan, math.nan, n)
    sizes = [(x.size, y.size) for x, y in sides]
    quantile = float(stats.t.ppf((1 + confidence) / 2, freedom))
    high = 1 - _smallest_chance(1 - estimate, sizes, quantile)
    return Interval(estimate, _smallest_chance(estimate, sizes, quantile), high, n)


def _chance(x: Floats, y: Floats) -> float:
    """Share of all pairs of runs that the first side wins."""
    wins = (x[:, None] < y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    return float(wins.mean())


def _smallest_chance(estimate: float, sizes: Sequence[tuple[int, int]], quantile: float) -> float:
    """The smallest probability that the estimate does not contradict (Newcombe's eq. for method 5)."""

    def beyond(theta: float) -> float:
        overlap = (1 - theta) / (2 - theta) + theta / (1 + theta)
        variance = sum(theta * (1 - theta) * (1 + ((n + m) / 2 - 1) * overlap) / (n * m) for n, m in sizes)
        return estimate - theta - quantile * math.sqrt(variance) / len(sizes)

    if estimate <= 0:
        return 0.0
    # an estimate of one contradicts nothing at one, and everything just below it less than its quantile
    return float(optimize.brentq(beyond, 0.0, min(estimate, 1 - 1e-12)))


def _tail(tasks: Sequence[Floats], confidence: float) -> float:
    """Share of the replicates to cut from each end of the percentile interval.

    Φ(−f·t), with the t quantile at Satterthwaite's degrees of freedom: those of the tasks' spreads within the pooled
    quartiles, n − 1 for one task. Where Hesterberg has f² = n / (n − 1), since the bootstrap's variance of a mean
    lacks that factor, a trimmed mean of one task does not lack it (with it, 8 seeds cover 97.7 %). Of several tasks f²
    is what the stratified bootstrap loses against one that resamples all runs: (1 − 1/N) · n / (n − 1).
    """
    sizes = np.array([task.size for task in tasks], dtype=np.float64)
    pooled = np.sort(np.concatenate(tasks))
    cut = pooled.size // 4
    low, high = pooled[cut], pooled[pooled.size - 1 - cut]
    with np.errstate(invalid="ignore"):
        spreads = np.array([task.size * np.clip(task, low, high).var(ddof=1) for task in tasks])
    total = float(spreads.sum())
    if 0 < total < math.inf:
        share = spreads / total
        freedom = 1 / float(np.sum(share**2 / (sizes - 1)))
    else:  # nothing between the quartiles to measure by, or failures up to there
        share = np.full(sizes.size, 1 / sizes.size)
        freedom = float(sizes.min()) - 1
    lost = (1 - 1 / pooled.size) * float(np.sum(share * sizes / (sizes - 1)))
    return float(stats.norm.cdf(-math.sqrt(lost) * stats.t.ppf((1 + confidence) / 2, freedom)))


def _percentiles(replicates: Floats, tail: float) -> tuple[float, float]:
    """Both ends of the percentile interval; an undefined replicate (∞ − ∞) widens it to either side in turn."""
    undefined = np.flatnonzero(np.isnan(replicates))
    replicates = replicates.copy()
    replicates[undefined[::2]] = -np.inf
    replicates[undefined[1::2]] = np.inf
    ordered = np.sort(replicates)
    first = max(0, math.ceil(tail * ordered.size) - 1)
    return float(ordered[first]), float(ordered[ordered.size - 1 - first])
