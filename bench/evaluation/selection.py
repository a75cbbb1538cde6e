"""Which checkpoint a number is of: the last, the best on validation, the best on the reported split itself.

Works on the history of a run alone, without torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from bench.measured import HistoryRow
from bench.metrics import METRICS, primary
from bench.record import Measurement, Selection

REPORTED_SPLIT = "test"


def select_steps(history: Sequence[HistoryRow], space: str) -> dict[Selection, int]:
    """The generator step of each selection; of steps that are equally good, the earliest.

    Args:
        history: of one run, in any order.
        space: feature space; its primary metric selects.

    Returns:
        No entry for a selection that cannot be made: all are missing where the run ended before its first
        evaluation, the best ones where the primary metric was undefined throughout.
    """
    reported = _evaluations(history, REPORTED_SPLIT)
    if not reported:
        return {}
    steps: dict[Selection, int] = {"final": max(reported)}
    metric = primary(space)
    sources: tuple[tuple[Selection, str], ...] = (
        ("best_on_validation", "validation"),
        ("oracle_best", REPORTED_SPLIT),
    )
    for selection, split in sources:
        found = {step: values.get(metric.name) for step, values in _evaluations(history, split).items()}
        defined = {step: value for step, value in found.items() if value is not None and step in reported}
        if defined:
            best = (min if metric.better == "lower" else max)(defined.values())
            steps[selection] = min(step for step, value in defined.items() if value == best)
    return steps


def select_measurements(
    history: Sequence[HistoryRow], space: str, weights: Literal["ema", "raw"], counts: Mapping[str, tuple[int, int]]
) -> tuple[Measurement, ...]:
    """The metrics of the test split at each of the selected steps.

    Args:
        history: of one run, in any order.
        space: feature space of the metrics.
        weights: whether the measured generator was the moving average.
        counts: generated and real samples behind each metric, by its name (`Evaluator.counts("test")`).

    Returns:
        Ordered by selection, then as in `bench.metrics.METRICS`; empty where nothing was evaluated.
    """
    measurements: list[Measurement] = []
    reported = _evaluations(history, REPORTED_SPLIT)
    for selection, step in select_steps(history, space).items():
        values = reported[step]
        measurements.extend(
            Measurement(
                metric=name,
                value=values[name],
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


def _evaluations(history: Sequence[HistoryRow], split: str) -> dict[int, dict[str, float | None]]:
    """By step, the metrics of a split. Of a number written twice, the later one."""
    found: dict[int, dict[str, float | None]] = {}
    for row in history:
        if row.split == split and row.name in METRICS:
            found.setdefault(row.step, {})[row.name] = row.value
    return found
