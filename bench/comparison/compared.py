"""Everything that a comparison of two results says."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bench import statistics
from bench.comparison.differences import EnvironmentChange, SettingChange, environment_changes, setting_changes
from bench.comparison.pairing import CellName, PairedCell, Pairing, find_refusal, pair
from bench.comparison.sides import Side
from bench.comparison.speed import Speed, compare_speed, why_untimed
from bench.comparison.verdicts import JudgedCell, Outcome, Verdict, judge_cells, judge_objectives
from bench.errors import UsageError, unknown
from bench.metrics import METRICS, Metric
from bench.statistics import Summary


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Cells of one task whose numbers are not compared."""

    task: str
    objectives: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"{self.task} ({', '.join(self.objectives)}): {self.reason}"


@dataclasses.dataclass(frozen=True)
class Compared:
    """Two results, and what became of each objective from the earlier (A) to the later (B)."""

    before: Side
    after: Side
    pairs: int
    """Of runs that are compared."""
    only_before: tuple[str, ...]
    """Ids of runs that the later results have no counterpart of."""
    only_after: tuple[str, ...]
    settings: tuple[SettingChange, ...]
    environments: tuple[EnvironmentChange, ...]
    refusals: tuple[Refusal, ...]
    objectives: tuple[Verdict, ...]
    """In the order of the later results."""
    cells: tuple[Verdict, ...]
    speeds: tuple[Speed, ...]
    untimed: str
    """Why no speed is compared; empty where one is."""

    @property
    def descriptive(self) -> bool:
        """Whether a verdict rests on so few pairs that it describes these runs and no more."""
        compared = [verdict.comparison for verdict in self.cells if verdict.comparison is not None]
        return any(comparison.seeds < statistics.DESCRIPTIVE_BELOW for comparison in compared)

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        sides = {
            key: {"name": side.name, "title": side.title, "runs": len(side.runs), "missing": side.missing,
                  "rejected": side.rejected, "notices": side.notices, "unpaired": unpaired}
            for key, side, unpaired in (("a", self.before, self.only_before), ("b", self.after, self.only_after))
        }  # fmt: skip
        return {
            **sides,
            "pairs": self.pairs,
            "descriptive": self.descriptive,
            "settings": [
                dataclasses.asdict(c) | {"cells": ["_".join(cell) for cell in c.cells]} for c in self.settings
            ],
            "environments": [dataclasses.asdict(change) for change in self.environments],
            "not_compared": [dataclasses.asdict(refusal) for refusal in self.refusals],
            "objectives": [_plain_verdict(verdict) for verdict in self.objectives],
            "cells": [_plain_verdict(verdict) for verdict in self.cells],
            "speed": [
                {"cell": "_".join(s.name), "hardware": s.hardware, "seconds": s.seconds, "step_seconds": s.step_seconds}
                for s in self.speeds
            ],
        }


def compare_sides(before: Side, after: Side, *, only: Sequence[str] = (), metric: str | None = None) -> Compared:
    """Compare two results that are read.

    Args:
        before: the earlier ones, A.
        after: the later ones, B.
        only: patterns of runs. None: all.
        metric: name of the metric that is compared; the one that ranks each task by default.

    Raises:
        UsageError: nothing can be compared; one fault for each reason.
    """
    if metric is not None and metric not in METRICS:
        raise UsageError(f"--metric: {unknown('metric', metric, tuple(METRICS))}")
    pairing = pair(before.runs, after.runs, only)
    if not pairing.cells and not pairing.ambiguous:
        raise UsageError(
            f"'{before.name}' and '{after.name}' have no run in common: runs are paired by the labels of their "
            f"objective, architecture and dataset, and by seed; {_labels('A', before)}; {_labels('B', after)}"
        )
    judged, refused = _sort(pairing, before, after, METRICS[metric] if metric is not None else None)
    if not judged:
        raise UsageError(*(f"not compared: {refusal}" for refusal in refused))
    kept = [cell.cell for cell in judged]
    earlier, later = (
        [run for cell in pairing.cells for run in getattr(cell, side).values()] for side in ("before", "after")
    )
    speeds = compare_speed(kept, before.throughputs, after.throughputs)
    return Compared(
        before=before,
        after=after,
        pairs=sum(len(cell.before) for cell in kept),
        only_before=pairing.only_before,
        only_after=pairing.only_after,
        settings=setting_changes(pairing.cells),
        environments=environment_changes(earlier, later),
        refusals=refused,
        objectives=judge_objectives(judged),
        cells=judge_cells(judged),
        speeds=speeds,
        untimed="" if speeds else why_untimed(kept),
    )


def _sort(
    pairing: Pairing, before: Side, after: Side, chosen: Metric | None
) -> tuple[list[JudgedCell], tuple[Refusal, ...]]:
    """The cells that are compared, with the numbers of a metric, and those that are not, by why."""
    judged: list[JudgedCell] = []
    refused: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in pairing.ambiguous:
        reason = "one side holds two records of a seed, with different settings"
        refused[f"{name.dataset}, {name.architecture}", reason].append(name.objective)
    for cell in pairing.cells:
        metric = chosen or after.primary[next(iter(cell.after.values())).record.run_id]
        refusal = find_refusal(cell, metric) or _unmeasured(cell, metric)
        if refusal is None:
            judged.append(JudgedCell(cell, metric, *cell.values(metric), _floor(cell, metric, before, after)))
        else:
            refused[cell.task, refusal].append(cell.name.objective)
    return judged, tuple(Refusal(task, tuple(names), reason) for (task, reason), names in refused.items())


def _floor(cell: PairedCell, metric: Metric, before: Side, after: Side) -> Summary | None:
    """What the perfect sampler came to; the side on which its draws lie further apart, where both drew it."""
    runs = ((before, cell.before), (after, cell.after))
    found = [side.floors[run.record.run_id].get(metric.name) for side, of in runs for run in of.values()]
    return max((floor for floor in found if floor is not None), key=lambda of: of.high - of.low, default=None)


def _unmeasured(cell: PairedCell, metric: Metric) -> str | None:
    """Whether the metric was never measured where runs completed; a side on which every run failed is compared."""
    for side in (cell.before, cell.after):
        measured = [run for run in side.values() if run.final]
        if measured and not any(metric.name in run.final for run in measured):
            return f"{metric.title} was not measured"
    return None


def _labels(side: str, of: Side) -> str:
    cells = dict.fromkeys(run.record.spec.cell_name for run in of.runs.values())
    shown = ", ".join(list(cells)[:4])
    return f"{side} has {shown}" + (f", … ({len(cells)} cells)" if len(cells) > 4 else "")


def _plain_verdict(verdict: Verdict) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "objective": verdict.objective,
        "task": verdict.task or None,
        "outcome": str(verdict.outcome),
        "metrics": [metric.name for metric in verdict.metrics],
        "tasks": verdict.tasks,
        "differing": verdict.differing,
        "pairs": verdict.pairs,
        "failures": verdict.failures,
        "scale": verdict.scale,
    }
    for key, summary in (("a", verdict.before), ("b", verdict.after)):
        if summary is not None:
            plain[f"median_{key}"] = _plain_number(summary.median)
    if verdict.floor is not None:
        plain["floor"] = [verdict.floor.median, verdict.floor.low, verdict.floor.high]
    of = verdict.comparison
    if of is not None:
        for key, interval in (("improvement", of.improvement), ("probability", of.probability)):
            plain[key] = [_plain_number(end) for end in (interval.estimate, interval.low, interval.high)]
        plain |= {"p": _plain_number(of.p), "p_adjusted": _plain_number(of.p_adjusted), "exact": of.exact}
        plain |= {"smallest_p": _plain_number(of.smallest_p)}
    return plain


def _plain_number(value: float) -> float | str | None:
    """A number as JSON has it: none for NaN, and text for what is infinite."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


def of_outcome(verdicts: Sequence[Verdict], *outcomes: Outcome) -> list[Verdict]:
    """Those of these outcomes, in the order in which they stand."""
    return [verdict for verdict in verdicts if verdict.outcome in outcomes]


def name_of(cell: CellName) -> str:
    """A cell as people call it."""
    return f"{cell.objective} on {cell.dataset} ({cell.architecture})"
