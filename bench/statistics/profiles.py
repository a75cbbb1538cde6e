"""Performance profiles: how often an objective comes within a factor of the best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.statistics.ranks import costs_in
from bench.statistics.values import Better


def performance_ratios(
    frame: pd.DataFrame, better: Better | Sequence[Better], *, made: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Each value relative to the best of its row: 1 is the best, 2 is twice as bad, a failure is infinite.

    Ratios need values of zero or more. A value of zero where lower is better makes every other of its row infinite; one
    where higher is better is infinite itself. Metrics that can be negative have no ratios.

    Args:
        frame: a row per task and seed, a column per objective; NaN or infinite for a run without a value.
        better: direction of the metric, or of each row's.
        made: where False, the run was never made: NaN in the result, instead of a failure. All of them by default.

    Returns:
        The same shape less the rows in which no objective has a value.

    Raises:
        ValueError: a value is negative.

    Source:
        Dolan & Moré 2002, "Benchmarking optimization software with performance profiles", sec. 2.
    """
    values = frame.astype(float).where(np.isfinite(frame.astype(float)))
    if (values < 0).any(axis=None):
        raise ValueError("performance ratios need values that are not negative")
    known = values.notna().any(axis=1).to_numpy()
    costs = costs_in(values, better)[known]
    best = costs.min(axis=1).to_numpy()[:, None]
    # of higher is better, costs are negative: best / cost
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(best < 0, best / costs, costs / best)
    ratios = np.where(np.isinf(costs), np.inf, np.where(costs.to_numpy() == best, 1.0, ratios))
    ratios = np.abs(ratios)
    result = pd.DataFrame(ratios, index=costs.index, columns=costs.columns)
    return result if made is None else result.where(made[known])


def performance_profiles(ratios: pd.DataFrame, at: Sequence[float]) -> pd.DataFrame:
    """Share of the rows in which an objective is within a factor of the best, of those that it ran.

    Args:
        ratios: of `performance_ratios`.
        at: the factors, from 1 on.

    Returns:
        A row per factor, a column per objective; NaN for an objective that never ran. At 1 it is the share of rows won,
        at ∞ less one failure rate.
    """
    made = ratios.notna().sum(axis=0)
    rows = [(ratios <= factor).sum(axis=0) / made.where(made > 0) for factor in at]
    return pd.DataFrame(rows, index=pd.Index(list(at), name="factor"), columns=ratios.columns)
