"""Which checkpoint a number is of: the last, the best on validation, the best on the reported split itself.

Works on the history of a run alone; pandas, no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from bench.metrics import METRICS, primary
from bench.record import Measurement, Selection

if TYPE_CHECKING:
    import pandas as pd

REPORTED_SPLIT = "test"


def select_steps(history: pd.DataFrame, space: str) -> dict[Selection, int]:
    """The generator step of each selection; of steps that are equally good, the earliest.

    Args:
        history: of one run, columns `bench.store.HISTORY_COLUMNS`.
        space: feature space; its primary metric selects.

    Returns:
        No entry for a selection that cannot be made: all are missing where the run ended before its first
        evaluation, the best ones where the primary metric was undefined throughout.
    """
    reported = history[(history["split"] == REPORTED_SPLIT) & history["name"].isin(list(METRICS))]
    if reported.empty:
        return {}
    steps: dict[Selection, int] = {"final": int(reported["step"].max())}
    evaluated = set(reported["step"])
    sources: tuple[tuple[Selection, str], ...] = (
        ("best_on_validation", "validation"),
        ("oracle_best", REPORTED_SPLIT),
    )
    for selection, split in sources:
        rows = history[(history["split"] == split) & (history["name"] == primary(space).name)]
        best = _best_step(rows[rows["step"].isin(evaluated)], primary(space).better)
        if best is not None:
            steps[selection] = best
    return steps


def select_measurements(
    history: pd.DataFrame, space: str, weights: Literal["ema", "raw"], counts: Mapping[str, tuple[int, int]]
) -> tuple[Measurement, ...]:
    """The metrics of the test split at each of the selected steps.

    Args:
        history: of one run, columns `bench.store.HISTORY_COLUMNS`.
        space: feature space of the metrics.
        weights: whether the measured generator was the moving average.
        counts: generated and real samples behind each metric, by its name (`Evaluator.counts("test")`).

    Returns:
        Ordered by selection, then as in `bench.metrics.METRICS`; empty where nothing was evaluated.
    """
    measurements: list[Measurement] = []
    for selection, step in select_steps(history, space).items():
        rows = history[(history["step"] == step) & (history["split"] == REPORTED_SPLIT)]
        values = dict(zip(rows["name"], rows["value"], strict=True))  # of a row written twice, the later one
        measurements.extend(
            Measurement(
                metric=name,
                value=_finite(values[name]),
                space=space,
                split=REPORTED_SPLIT,
                generated=counts[name][0],
                real=counts[name][1],
                weights=weights,
                step=step,
                selection=selection,
            )
            for name in METRICS
            if name in values and name in counts
        )
    return tuple(measurements)


def _best_step(rows: pd.DataFrame, better: Literal["lower", "higher"]) -> int | None:
    ordered = rows[[_finite(value) is not None for value in rows["value"]]].sort_values("step", kind="stable")
    if ordered.empty:
        return None
    values = ordered["value"].astype(float)
    best = values.min() if better == "lower" else values.max()
    return int(ordered["step"][values == best].iloc[0])


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
