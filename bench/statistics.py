"""What can be said of a few seeds: medians, paired intervals, probabilities of improvement, ranks. No torch.

Everywhere a run without a value (failed, diverged, metric undefined) is NaN or None and counts as **last**: worse than
any value, equal to another such run. Runs that were never made are left out of the input, not passed as NaN.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Better = Literal["lower", "higher"]
Scale = Literal["log-ratio", "difference"]
Floats = NDArray[np.float64]

DESCRIPTIVE_BELOW = 5
"""Seeds under which numbers describe the runs that were made and no more."""

EXACT_SPLITS = 20_000
"""Splits of the pooled values up to which the rank-sum test enumerates all of them (8 against 8: 12,870)."""


@dataclasses.dataclass(frozen=True)
class Interval:
    """An estimate with its interval; ends are infinite where failures reach into it, NaN where nothing is known."""

    estimate: float
    low: float
    high: float
    n: int
    """Seeds (or pairs of seeds) that it rests on."""

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies strictly outside; False for NaN."""
        return self.low > 0 or self.high < 0


@dataclasses.dataclass(frozen=True)
class Summary:
    """The values of one cell. Median and range are of the runs that have a value, ``finished`` of ``runs``."""

    median: float
    low: float
    high: float
    finished: int
    runs: int
    ranking: float
    """The median with runs without a value as worst: infinite (in the bad direction) where half of them have none."""


def summarise(values: Iterable[float | None], better: Better) -> Summary:
    """Median, range and counts of one cell's runs.

    Args:
        values: one per run; None or NaN for a run without a value.
        better: direction of the metric, which decides what the worst is.
    """
    cell = _array(values)
    known = cell[~np.isnan(cell)]
    if known.size == 0:
        worst = math.inf if better == "lower" else -math.inf
        return Summary(math.nan, math.nan, math.nan, 0, cell.size, worst if cell.size else math.nan)
    cost = _cost(cell, better)
    ranking = float(np.median(cost))
    return Summary(
        median=float(np.median(known)),
        low=float(known.min()),
        high=float(known.max()),
        finished=known.size,
        runs=cell.size,
        ranking=ranking if better == "lower" else -ranking,
    )


def interquartile_mean(values: Sequence[float] | Floats) -> Floats:
    """Mean of the middle half along the last axis: ⌊n/4⌋ values are dropped at each end.

    Source: Agarwal et al. 2021, "Deep RL at the Edge of the Statistical Precipice", sec. 4.3; equals
    ``scipy.stats.trim_mean(values, 0.25)``. Infinities outside the middle half do not matter; NaN where both
    infinities lie inside it.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64), axis=-1)
    n = ordered.shape[-1]
    if n == 0:
        return np.full(ordered.shape[:-1], np.nan)
    cut = n // 4
    with np.errstate(invalid="ignore"):
        return np.asarray(ordered[..., cut : n - cut].mean(axis=-1), dtype=np.float64)


def improvement(
    values: Mapping[int, float | None],
    baseline: Mapping[int, float | None],
    *,
    better: Better,
    scale: Scale,
    confidence: float = 0.95,
    resamples: int = 4000,
    seed: int = 0,
) -> Interval:
    """Interquartile mean of the improvement over ``baseline``, paired by seed, with a percentile bootstrap interval.

    Positive is better. Of a pair in which one run has no value the improvement is ±∞; of one in which neither has, 0.
    The bootstrap resamples seeds. It is seeded, and symmetric: exchanging the arguments changes the sign alone.
    With few seeds it is too narrow (Efron & Tibshirani 1993, sec. 13.3): ask `rank_sum_test` as well.

    Args:
        values: the metric by seed, of the objective.
        baseline: the same of what it is compared with; seeds that only one of them has are left out.
        better: direction of the metric.
        scale: ``log-ratio`` is log(baseline / value) where lower is better (all values must be positive);
            ``difference`` is in the metric's unit.
        confidence: of the interval.
        resamples: bootstrap samples.
        seed: of the bootstrap.

    Source:
        Agarwal et al. 2021, sec. 4 (interquartile mean, percentile bootstrap); Efron & Tibshirani 1993, sec. 13.3.
    """
    gains = _gains(values, baseline, better, scale)
    if gains.size == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    random = np.random.default_rng(seed)
    replicates = interquartile_mean(gains[random.integers(0, gains.size, (resamples, gains.size))])
    low, high = _percentiles(replicates, confidence)
    return Interval(float(interquartile_mean(gains)), low, high, gains.size)


def probability_of_improvement(
    values: Iterable[float | None],
    baseline: Iterable[float | None],
    *,
    better: Better,
    confidence: float = 0.95,
    resamples: int = 4000,
    seed: int = 0,
) -> Interval:
    """Probability that a run drawn from ``values`` beats one drawn from ``baseline``; a tie counts half.

    Equals the Mann–Whitney statistic U / (n·m). The interval resamples either side by itself; where every run of one
    side beats every run of the other it has no width, which says that the runs agree and not that the truth is known.

    Source:
        Agarwal et al. 2021, sec. 4.3, eq. 1 ("probability of improvement"); Mann & Whitney 1947.
    """
    x, y = _cost(_array(values), better), _cost(_array(baseline), better)
    if x.size == 0 or y.size == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    wins = (x[:, None] < y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    random = np.random.default_rng(seed)
    rows = _counts(random, resamples, x.size)
    columns = _counts(random, resamples, y.size)
    replicates = np.einsum("ri,ij,rj->r", rows, wins, columns, optimize=True) / (x.size * y.size)
    low, high = _percentiles(replicates, confidence)
    return Interval(float(wins.mean()), low, high, min(x.size, y.size))


def rank_sum_test(values: Iterable[float | None], baseline: Iterable[float | None], *, better: Better) -> float:
    """Two-sided p of the Wilcoxon–Mann–Whitney rank-sum test, exact with ties for few runs.

    All splits of the pooled mid-ranks are counted where they are at most `EXACT_SPLITS`; scipy's normal approximation
    with tie correction is used above that. NaN where a side is empty.

    Source:
        Mann & Whitney 1947; Lehmann 1975, "Nonparametrics", sec. 1.4 (exact distribution of mid-ranks).
    """
    x, y = _cost(_array(values), better), _cost(_array(baseline), better)
    if x.size == 0 or y.size == 0:
        return math.nan
    ranks = stats.rankdata(np.concatenate([x, y]))
    if not is_exact(x.size, y.size):
        if np.ptp(ranks) == 0:
            return 1.0
        return float(stats.mannwhitneyu(ranks[: x.size], ranks[x.size :], method="asymptotic").pvalue)
    splits = np.fromiter(
        (ranks[list(split)].sum() for split in itertools.combinations(range(ranks.size), x.size)), dtype=np.float64
    )
    expected = x.size * (ranks.size + 1) / 2
    return float(np.mean(np.abs(splits - expected) >= abs(ranks[: x.size].sum() - expected) - 1e-9))


def is_exact(n: int, m: int) -> bool:
    """Whether `rank_sum_test` of ``n`` against ``m`` runs counts all splits; else its p is a normal approximation."""
    return math.comb(n + m, n) <= EXACT_SPLITS


def smallest_p(n: int, m: int) -> float:
    """The smallest two-sided p that the exact test can reach with ``n`` and ``m`` runs, all apart: 2 / C(n+m, n)."""
    return min(1.0, 2 / math.comb(n + m, n)) if n and m else 1.0


def step_down_test(
    groups: Sequence[Iterable[float | None]], *, better: Better, resamples: int = 2000, seed: int = 0
) -> list[float]:
    """Adjusted p of the first group against each of the others, which stand in order from near to far.

    The first is the best of what was tried, chosen by the same runs: comparing it with each of the others as if it had
    been named before finds a difference in one of four suites of eight equal objectives. Here a group counts as
    different only if all farther ones do, and the range of mean ranks over all groups up to it is larger than
    permuting the runs among them gives. For two groups that is `rank_sum_test`.

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
    costs = [_cost(_array(group), better) for group in groups]
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
        return rank_sum_test(costs[0], costs[1], better="lower")
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


def mean_ranks(frame: pd.DataFrame, better: Better) -> pd.Series[float]:
    """Mean rank of each column over the rows in which every column ran; 1 is best, ties share, failures come last.

    Args:
        frame: a row per seed, a column per objective; NaN for a run without a value. Rows in which a run was never
            made have to be left out before.
        better: direction of the metric.

    Source:
        Friedman 1937 (ranks within blocks, mid-ranks for ties); Demšar 2006, sec. 3.2.2.
    """
    costs = frame.apply(lambda column: pd.Series(_cost(column.to_numpy(dtype=float), better), index=column.index))
    ranks: pd.Series[float] = costs.rank(axis=1, method="average").mean(axis=0)
    return ranks


def _array(values: Iterable[float | None]) -> Floats:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _cost(values: Floats, better: Better) -> Floats:
    """Values of which lower is better, and those of failures infinite."""
    return np.where(np.isnan(values), np.inf, values if better == "lower" else -values)


def _gains(
    values: Mapping[int, float | None], baseline: Mapping[int, float | None], better: Better, scale: Scale
) -> Floats:
    """Improvement of each seed that both have, in the order of seeds."""
    seeds = sorted(values.keys() & baseline.keys())
    x, y = _array(values[s] for s in seeds), _array(baseline[s] for s in seeds)
    if scale == "log-ratio":
        if np.nanmin(np.concatenate([x, y, [np.inf]])) <= 0:
            raise ValueError("the log-ratio needs positive values; use scale='difference'")
        x, y = np.log(x), np.log(y)
    x, y = _cost(x, better), _cost(y, better)
    both_failed = np.isinf(x) & np.isinf(y)
    return np.where(both_failed, 0.0, np.where(both_failed, 0.0, y) - np.where(both_failed, 0.0, x))


def _counts(random: np.random.Generator, resamples: int, n: int) -> Floats:
    """How often each of ``n`` runs is drawn, per bootstrap sample."""
    return random.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)


def _percentiles(replicates: Floats, confidence: float) -> tuple[float, float]:
    """Both ends of the percentile interval; an undefined replicate (∞ − ∞) widens it to either side in turn."""
    undefined = np.flatnonzero(np.isnan(replicates))
    replicates = replicates.copy()
    replicates[undefined[::2]] = -np.inf
    replicates[undefined[1::2]] = np.inf
    tail = (1 - confidence) / 2
    ordered = np.sort(replicates)
    first = max(0, math.ceil(tail * ordered.size) - 1)
    return float(ordered[first]), float(ordered[ordered.size - 1 - first])
