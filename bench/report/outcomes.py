"""What became of the planned runs of each objective on each task, and how it is said beside a number."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from bench.record import Status

MISSING = "missing"
"""A planned run without a record: no failure, and without a part in any number."""
UNDEFINED = "undefined"
"""A completed run for which the metric has no value."""
ORDER = (*map(str, Status), UNDEFINED, MISSING)


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """What became of the planned runs of one objective on one task."""

    statuses: Mapping[int, str]
    """How each run that has a record ended, by seed."""
    missing: tuple[int, ...] = ()
    """Seeds of the planned runs that have none."""

    @property
    def recorded(self) -> int:
        """Runs that have a record."""
        return len(self.statuses)

    @property
    def planned(self) -> int:
        """Runs that were asked for; those with a record where no plan is kept."""
        return self.recorded + len(self.missing)

    @property
    def completed(self) -> int:
        """Runs that completed."""
        return sum(status == Status.COMPLETED for status in self.statuses.values())

    @property
    def failure_rate(self) -> float:
        """Share of the recorded runs that did not complete, diverged ones among them; NaN where none is recorded."""
        return 1 - self.completed / self.recorded if self.recorded else math.nan

    @property
    def counts(self) -> dict[str, int]:
        """Planned runs by how they ended, missing ones too; only what there is."""
        return _ordered([*self.statuses.values(), *[MISSING] * len(self.missing)])

    @property
    def unfinished(self) -> str:
        """``1 crashed, 2 missing``: the planned runs that did not complete; empty where all did."""
        return listed({name: count for name, count in self.counts.items() if name != Status.COMPLETED})

    def without(self, values: Mapping[int, float | None]) -> str:
        """``1 crashed, 1 undefined, 2 missing``: the planned runs that a number is not of; empty where there are none.

        Args:
            values: by seed, of the recorded runs; None or NaN for a run without a value.
        """
        lacking = [self.statuses[seed] for seed, value in values.items() if value is None or math.isnan(value)]
        named = [UNDEFINED if status == Status.COMPLETED else status for status in lacking]
        return listed(_ordered([*named, *[MISSING] * len(self.missing)]))


def outcomes(runs: pd.DataFrame, missing: pd.DataFrame) -> dict[tuple[str, str], Outcomes]:
    """Of each task and objective that has a run, recorded or missing.

    Args:
        runs: ``task, objective, seed, status``, a row per record.
        missing: ``task, objective, seed``, a row per planned run without a record.
    """
    statuses: dict[tuple[str, str], dict[int, str]] = {}
    absent: dict[tuple[str, str], list[int]] = {}
    for task, name, seed, status in zip(*(runs[key] for key in ("task", "objective", "seed", "status")), strict=True):
        statuses.setdefault((task, name), {})[int(seed)] = status
    known = missing[missing["objective"] != ""]
    for task, name, seed in zip(*(known[key] for key in ("task", "objective", "seed")), strict=True):
        absent.setdefault((task, name), []).append(int(seed))
    keys = dict.fromkeys([*statuses, *absent])
    return {key: Outcomes(statuses.get(key, {}), tuple(absent.get(key, ()))) for key in keys}


def listed(counts: Mapping[str, int]) -> str:
    """``1 crashed, 2 missing``."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def beside(known: int, planned: int, without: str) -> str:
    """``3 of 5: 1 crashed, 1 missing``, to stand beside a number; empty where it is of all planned runs."""
    return f"{known} of {planned}" + (f": {without}" if without else "") if known < planned else ""


def partial(cells: Mapping[str, Outcomes], *, most: int = 6) -> str:
    """``wgan 3 of 5 (1 crashed, 1 missing); r3gan 0 of 5 (5 missing)``: those of which not every run completed.

    Args:
        cells: by objective.
        most: so many are named; of the others it says how many they are.
    """
    said = [
        f"{name} {cell.completed} of {cell.planned} ({cell.unfinished})"
        for name, cell in cells.items()
        if cell.completed < cell.planned
    ]
    rest = len(said) - most
    if rest > 1:  # one more is as short as saying that there is one
        said = [*said[:most], f"{rest} other objectives, see “What failed and why”"]
    return "; ".join(said)


def _ordered(names: Iterable[str]) -> dict[str, int]:
    count = Counter(names)
    return {name: count[name] for name in ORDER if count[name]}
