"""The median of all runs that could be made, from those that were."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from scipy import stats

from bench.statistics.values import Better, Interval, as_array, as_cost


def median_interval(values: Iterable[float | None], better: Better, *, confidence: float = 0.95) -> Interval:
    """The median with its distribution-free interval: the innermost pair of runs that holds it often enough.

    The true median lies below the k-th of n runs as often as fewer than k of n tosses of a coin are heads. Under six
    runs no pair holds it in 95 % of cases: the ends are the smallest and the largest, which do in 1 − 2^(1−n). Runs
    without a value are the worst: an end that reaches them is infinite.

    Args:
        values: one per run; None or NaN for a run without a value.
        better: direction of the metric, which decides what the worst is.
        confidence: of the interval, at least, from six runs on.

    Returns:
        NaN for all of it without a run; NaN for the ends of one run.

    Source:
        Conover 1999, "Practical Nonparametric Statistics", sec. 3.2 (confidence interval of a quantile).
    """
    costs = np.sort(as_cost(as_array(values), better))
    n = costs.size
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    sign = 1 if better == "lower" else -1
    median = sign * float(np.median(costs))
    if n == 1:
        return Interval(median, math.nan, math.nan, 1)
    below = max(0, int(stats.binom.ppf((1 - confidence) / 2, n, 0.5)) - 1)  # runs left out at each end
    ends = sorted((sign * float(costs[below]), sign * float(costs[n - 1 - below])))
    return Interval(median, ends[0], ends[1], n)
