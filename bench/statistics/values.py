"""The values of runs: a metric by seed, a pair of objectives on a task, and what describes them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Better = Literal["lower", "higher"]
Scale = Literal["log-ratio", "difference"]
Floats = NDArray[np.float64]
Values = Mapping[int, float | None]
"""One metric by seed, of one objective on one task; None or NaN for a run without a value."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """An objective and what it is held against, on one task."""

    values: Values
    baseline: Values
    better: Better
    scale: Scale
    """``log-ratio`` is log(baseline / value) where lower is better, and needs positive values; ``difference`` is in the
    metric's unit."""

    @property
    def seeds(self) -> list[int]:
        """Those that both sides ran, in order."""
        return sorted(self.values.keys() & self.baseline.keys())


@dataclasses.dataclass(frozen=True)
class Interval:
    """An estimate with its interval; ends are infinite where failures reach into it, NaN where nothing is known."""

    estimate: float
    low: float
    high: float
    n: int
    """Seeds (or pairs of seeds) that it rests on, of all tasks together."""

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
    cell = as_array(values)
    known = cell[~np.isnan(cell)]
    if known.size == 0:
        worst = math.inf if better == "lower" else -math.inf
        return Summary(math.nan, math.nan, math.nan, 0, cell.size, worst if cell.size else math.nan)
    ranking = float(np.median(as_cost(cell, better)))
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


def gains(pair: Pair) -> Floats:
    """Improvement of each seed that both sides ran, in the order of seeds; positive is better.

    ±∞ where one of the two runs has no value, 0 where neither has.

    Raises:
        ValueError: a log-ratio of values that are not positive.
    """
    x, y = as_array(pair.values[s] for s in pair.seeds), as_array(pair.baseline[s] for s in pair.seeds)
    if pair.scale == "log-ratio":
        if np.nanmin(np.concatenate([x, y, [np.inf]])) <= 0:
            raise ValueError("the log-ratio needs positive values; use scale='difference'")
        x, y = np.log(x), np.log(y)
    x, y = as_cost(x, pair.better), as_cost(y, pair.better)
    both_failed = np.isinf(x) & np.isinf(y)
    return np.where(both_failed, 0.0, np.where(both_failed, 0.0, y) - np.where(both_failed, 0.0, x))


def costs_of(pair: Pair) -> tuple[Floats, Floats]:
    """Every run of either side, seeds that the other lacks included; lower is better, failures are infinite."""
    return as_cost(as_array(pair.values.values()), pair.better), as_cost(as_array(pair.baseline.values()), pair.better)


def as_array(values: Iterable[float | None]) -> Floats:
    """The values in their order, NaN for None."""
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def as_cost(values: Floats, better: Better) -> Floats:
    """Values of which lower is better, and those of failures infinite."""
    return np.where(np.isnan(values), np.inf, values if better == "lower" else -values)
