"""One side of a comparison: a suite's records, and what its report says of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bench import statistics
from bench.errors import UsageError
from bench.metrics import METRICS, Metric
from bench.record import Record, Throughput
from bench.report.material import Material
from bench.report.reader import read_material
from bench.report.tables import PERFECT
from bench.statistics import Summary


class Measured(NamedTuple):
    """A metric of a run's last checkpoint."""

    value: float | None
    """None where it is undefined."""
    samples: str
    """Generated and real ones that it is of, and their split."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A run and its numbers."""

    record: Record
    """Without its measurements."""
    final: Mapping[str, Measured]
    """By metric; empty of a run that did not complete."""

    def value(self, metric: Metric) -> float | None:
        """The metric; None where it has none."""
        found = self.final.get(metric.name)
        return None if found is None else found.value


@dataclasses.dataclass(frozen=True)
class Side:
    """Results of one suite."""

    name: str
    """As the user called it."""
    title: str
    runs: Mapping[str, Run]
    """Those with a record, by run id."""
    primary: Mapping[str, Metric]
    """The metric that ranks, by run id."""
    floors: Mapping[str, Mapping[str, Summary]]
    """Of the perfect sampler's draws on the run's task, by run id and metric."""
    throughputs: tuple[Throughput, ...]
    missing: int
    """Planned runs without a record."""
    rejected: tuple[str, ...]
    """A sentence for each file that could not be trusted."""
    notices: tuple[str, ...]
    """A sentence for each difference between its runs that bears on what may be compared."""


def read_side(folder: Path, name: str) -> Side:
    """Read a results folder.

    Raises:
        UsageError: it holds no finished run.
    """
    material = read_material([folder], shown=[name])
    if not material.records:
        raise UsageError(f"'{name}' holds no finished run yet: there is nothing to compare")
    ranking = {task.label: task.primary for task in material.tasks}
    tasks = dict(zip(material.runs["run_id"], material.runs["task"], strict=True))
    measured, floors = _measured(material.values), _floors(material)
    return Side(
        name=name,
        title=material.title,
        runs={run_id: Run(record, measured.get(run_id, {})) for run_id, record in material.records.items()},
        primary={run_id: ranking[tasks[run_id]] for run_id in material.records},
        floors={run_id: floors[tasks[run_id]] for run_id in material.records},
        throughputs=material.throughputs,
        missing=len(material.missing),
        rejected=material.rejected,
        notices=material.notices,
    )


def _floors(material: Material) -> dict[str, dict[str, Summary]]:
    """What the perfect sampler's draws came to, by task and metric."""
    draws = material.draws[material.draws["kind"] == PERFECT].dropna(subset="value")
    found: dict[str, dict[str, Summary]] = {task.label: {} for task in material.tasks}
    for (task, metric), of in draws.groupby(["task", "metric"]):
        if metric in METRICS:
            found[str(task)][metric] = statistics.summarise(of["value"], METRICS[metric].better)
    return found


def _measured(values: pd.DataFrame) -> dict[str, dict[str, Measured]]:
    """The final numbers of each run, by its id and by metric."""
    final = values[values["selection"] == "final"]
    columns = (final[name] for name in ("run_id", "metric", "value", "generated", "real", "split"))
    found: dict[str, dict[str, Measured]] = {}
    for run_id, metric, value, generated, real, split in zip(*columns, strict=True):
        known = None if math.isnan(value) else float(value)
        found.setdefault(run_id, {})[metric] = Measured(known, f"{generated:,} / {real:,} ({split})")
    return found
