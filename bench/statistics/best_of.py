"""What the best of a few random trials is expected to be: a budget's worth, told from the trials of a larger one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bench.statistics.values import Better, Floats, Interval, as_array, as_cost


def expected_best(
    values: Sequence[float | None],
    better: Better,
    at: Sequence[int] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> list[Interval]:
    """The expected best of k trials, with bootstrap intervals over the trials.

    All subsets of k trials are averaged over, in closed form; trials without a value are drawn too, and of a subset
    without any value there is no best, so that the expectation is over those that have one. It holds of trials that
    were drawn independently of each other, and of no others.

    Args:
        values: of every trial; None or NaN for one without a value.
        better: direction of the metric.
        at: each k, from 1 to as many as there are; all of them by default.
        confidence: of the intervals.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        An interval for each k; NaN throughout where no trial has a value.

    Source: Dodge et al. 2019, "Show your work: improved reporting of experimental results", sec. 3; without replacement
        as in Tang et al. 2020, "Showing your work doesn't always work", eq. 5, which is unbiased.
    """
    costs = as_cost(as_array(values), better)
    n = costs.size
    if n == 0:
        return []
    weights = _weights(n, range(1, n + 1) if at is None else at)
    random = np.random.default_rng(seed)
    estimates = _means(costs[None, :], weights)[0]
    replicates = _means(costs[random.integers(0, n, size=(resamples, n))], weights)
    tail = 50 * (1 - confidence)
    sign = 1.0 if better == "lower" else -1.0
    intervals = []
    for k in range(len(weights)):
        of = replicates[~np.isnan(replicates[:, k]), k]
        low, high = np.percentile(of, [tail, 100 - tail]) if of.size else (math.nan, math.nan)
        ends = sorted((sign * float(low), sign * float(high)))
        intervals.append(Interval(sign * float(estimates[k]), ends[0], ends[1], n))
    return intervals


def best_so_far(values: Sequence[float | None], better: Better) -> list[float]:
    """The best value among the first k trials, for every k; NaN until one has a value."""
    costs = np.minimum.accumulate(as_cost(as_array(values), better)) if values else np.empty(0)
    sign = 1.0 if better == "lower" else -1.0
    return [math.nan if math.isinf(cost) else sign * float(cost) for cost in costs]


def _weights(n: int, at: Sequence[int]) -> Floats:
    """A row per k: the chance that of k out of n the i-th best is the best, C(n − i, k − 1) / C(n, k)."""
    k, i = np.asarray(at, dtype=np.float64)[:, None], np.arange(n - 1, dtype=np.float64)
    ratios = np.maximum(n - i - k, 0.0) / (n - 1 - i)  # of each to the one before
    first = np.ones((len(at), 1))
    return np.asarray(k / n * np.cumprod(np.concatenate([first, ratios], axis=1), axis=1), dtype=np.float64)


def _means(rows: Floats, weights: Floats) -> Floats:
    """The expected best of each k, a row per row of costs."""
    ordered = np.sort(rows, axis=1)
    known = np.isfinite(ordered)
    chance = known.astype(np.float64) @ weights.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(known, ordered, 0.0) @ weights.T / chance, dtype=np.float64)
