"""Everything a report is made from: tidy DataFrames and the few models behind them."""

from __future__ import annotations

import dataclasses
import math
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from bench.errors import UsageError, unknown
from bench.record import Record, Reference, Status, Throughput
from bench.report.histories import RUN, Logged, to_frame
from bench.report.outcomes import Outcomes
from bench.report.shapes import fitting, fitting_modes
from bench.report.sources import Origin
from bench.report.tasks import Task
from bench.report.view import View
from bench.spec import RunSpec
from bench.store import HISTORY_COLUMNS, Store
from bench.tuned import Tuning

if TYPE_CHECKING:
    import numpy as np

RUN_COLUMNS = ("task", "objective", "seed", "run_id", "status", "reason", "steps", "images", "seconds", "hardware")
VALUE_COLUMNS = (
    "task",
    "objective",
    "seed",
    "run_id",
    "metric",
    "selection",
    "value",
    "step",
    "generated",
    "real",
    "weights",
    "split",
)
REFERENCE_COLUMNS = ("task", "kind", "draw", "metric", "value")


@dataclasses.dataclass(frozen=True)
class Material:
    """Results of suites. Runs of every status are in ``runs``; ``values`` holds what was measured of them."""

    title: str
    view: View
    """What of the results this is."""
    unshown: int
    """Runs, planned or recorded, that the view leaves out; nothing here is of them."""
    origins: tuple[Origin, ...]
    """The results folders, in the order that they were named in."""
    read_at: str
    """ISO 8601, UTC."""
    tasks: tuple[Task, ...]
    """Of which a run has a record."""
    objectives: tuple[str, ...]
    """In the order of the plan, which is the order of colours."""
    baseline: str | None
    """The objective that the others are held against; None where there is none at all."""
    baseline_named: bool
    """Whether the command or a suite names it; else the first objective of the plan stands in."""
    runs: pd.DataFrame
    missing: pd.DataFrame
    """A row per planned run without a record: columns of `missing.MISSING_COLUMNS`."""
    outcomes: dict[tuple[str, str], Outcomes]
    """By task and objective, of every planned cell; a task of which no run has a record stands here alone."""
    values: pd.DataFrame
    """A row per run, metric and selection; ``final`` values of runs that did not complete are left out."""
    references: dict[str, Reference]
    """By task."""
    draws: pd.DataFrame
    """The references' values."""
    throughputs: tuple[Throughput, ...]
    """One for each kind of hardware that a cell was measured on."""
    records: dict[str, Record]
    """By run id, without their measurements: these are in ``values``."""
    specs: dict[str, dict[str, RunSpec]]
    """Of each objective as the report calls it, one per task."""
    left_out: int
    """Records in the folders that no plan asks for; nothing here is of them."""
    rejected: tuple[str, ...]
    """A sentence for each file that could not be trusted."""
    notices: tuple[str, ...]
    """A sentence for each difference between runs that bears on what may be compared, and for each wish of a suite
    that could not be met."""
    homes: dict[str, Store]
    """Where a recorded run's files lie, by its id."""
    reference_homes: dict[str, Store]
    """Where a reference's samples lie, by task."""
    logged: dict[str, Logged]
    """What the runs logged while training, by task."""
    tunings: tuple[Tuning, ...] = ()
    """What the settings of tuned suites were chosen by."""

    @property
    def planned(self) -> int:
        """Runs that were asked for; those with a record where no plan is kept."""
        return len(self.runs) + len(self.missing)

    @property
    def unbegun(self) -> tuple[str, ...]:
        """Tasks of which no run has a record yet: all that is known of them is what the plan calls them."""
        begun = {task.label for task in self.tasks}
        return tuple(dict.fromkeys(task for task, _ in self.outcomes if task not in begun))

    def outcomes_of(self, task: str) -> dict[str, Outcomes]:
        """What became of a task's planned runs, by objective in the order of the plan."""
        return {name: self.outcomes[task, name] for name in self.objectives if (task, name) in self.outcomes}

    def task(self, label: str) -> Task:
        """The task of that label.

        Raises:
            UsageError: there is none.
        """
        tasks = {task.label: task for task in self.tasks}
        if label not in tasks:
            raise UsageError(unknown("task", label, tuple(tasks)))
        return tasks[label]

    def cell(self, task: str, objective: str, metric: str, selection: str = "final") -> dict[int, float | None]:
        """The metric by seed over all recorded runs of a cell; NaN for a run that has none."""
        known = self._measured.get((task, objective, metric, selection), {})
        return {seed: known.get(run_id, math.nan) for run_id, seed in self._seeds.get((task, objective), {}).items()}

    @cached_property
    def _seeds(self) -> dict[tuple[str, str], dict[str, int]]:
        """The seed of each recorded run, by task and objective."""
        found: dict[tuple[str, str], dict[str, int]] = {}
        columns = (self.runs[name].tolist() for name in ("task", "objective", "run_id", "seed"))
        for task, objective, run_id, seed in zip(*columns, strict=True):
            found.setdefault((task, objective), {})[run_id] = int(seed)
        return found

    @cached_property
    def _measured(self) -> dict[tuple[str, str, str, str], dict[str, float]]:
        """Values by run id, by task, objective, metric and selection: a report asks for thousands of such cells."""
        found: dict[tuple[str, str, str, str], dict[str, float]] = {}
        names = ("task", "objective", "metric", "selection", "run_id", "value")
        columns = (self.values[name].tolist() for name in names)
        for task, objective, metric, selection, run_id, value in zip(*columns, strict=True):
            found.setdefault((task, objective, metric, selection), {})[run_id] = float(value)
        return found

    def hardware_of(self, task: str) -> tuple[str, ...]:
        """The kinds of hardware that the seconds of a task's runs were measured on; only within one they compare."""
        runs = self.runs[(self.runs["task"] == task) & (self.runs["steps"] > 0)]
        return tuple(dict.fromkeys(runs["hardware"]))

    def store_of(self, run_id: str) -> Store:
        """The results folder that a recorded run's files lie in."""
        return self.homes[run_id]

    def truth(self, task: str) -> tuple[np.ndarray | None, tuple[tuple[float, ...], ...], float | None]:
        """What a task's samples are held against, as far as it is known.

        Returns:
            Samples of a perfect sampler, as stored by the dataset; the centres of the true modes, in the same space;
            the standard deviation of each, in units of the data.
        """
        reference = self.references.get(task)
        if reference is None:
            return None, (), None
        perfect = self.reference_homes[task].reference_samples(reference.key)
        sigma = reference.sigma if reference.sigma is not None and 0 < reference.sigma < math.inf else None
        return perfect, fitting_modes(reference.modes, perfect), sigma

    def history(self, task: str) -> pd.DataFrame:
        """The histories of a task's runs, with columns ``objective, seed, runs, planned, place``; names are categories.

        ``runs`` counts all recorded runs of the objective, those without a history too, ``planned`` also those without
        a record. Rows of one ``place`` belong
        together over seeds: it is the step, or the number of the evaluation where the budget is in seconds, since
        there every run is evaluated at steps of its own.
        """
        if task not in self.logged:
            return pd.DataFrame(columns=[*HISTORY_COLUMNS, "objective", "seed", "place", "runs", "planned"])
        logged = self.logged[task]
        runs = self.runs[self.runs["task"] == task].set_index("run_id").loc[list(logged.run_ids)]
        of = [self.outcomes[task, objective] for objective in runs["objective"]]
        columns = {
            "objective": list(runs["objective"]),
            "seed": list(runs["seed"]),
            "runs": [cell.recorded for cell in of],
            "planned": [cell.planned for cell in of],
        }
        frame = to_frame(logged, columns)
        timed = self.task(task).spec.training.budget.unit == "seconds"
        place = frame.groupby([RUN, "split", "name"], observed=True).cumcount() if timed else frame["step"]
        return frame.assign(place=place).drop(columns=RUN)

    def samples(self, task: str) -> tuple[int | None, dict[str, np.ndarray | str]]:
        """One seed, and each objective's samples at it, all of one shape; words instead where there are none."""
        runs = self.runs[self.runs["task"] == task]
        if runs.empty:
            return None, {}
        seed = int(runs["seed"].min())
        found: dict[str, np.ndarray | str] = {}
        for objective in self.task(task).objectives:
            row = runs[(runs["objective"] == objective) & (runs["seed"] == seed)]
            if row.empty:
                is_missing = seed in self.outcomes[task, objective].missing
                found[objective] = "no record of this seed yet" if is_missing else "no run with this seed"
                continue
            samples = self.homes[row["run_id"].iloc[0]].samples(row["run_id"].iloc[0])
            status, steps = row["status"].iloc[0], row["steps"].iloc[0]
            if samples is None or not len(samples):
                ended = "no samples kept" if status == Status.COMPLETED else f"{status} at step {steps:,}"
                found[objective] = ended
            else:
                found[objective] = samples
        perfect, modes, _ = self.truth(task)
        return seed, fitting(found, perfect, modes)
