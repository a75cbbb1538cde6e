"""Profiles of a suite's cells, one after the other, each alone on the machine; no results folder is touched."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.execution.conduct import find_place
from bench.execution.interruption import Interruption
from bench.execution.outcomes import reason_of, wait_for
from bench.execution.phases import Phases
from bench.execution.pool import LocalPool
from bench.execution.slots import Tried, try_slots, usable_cores
from bench.execution.tasks import CellProfile, ProfileTask
from bench.execution.watcher import Watcher
from bench.spec import RunSpec
from bench.store import Store


@dataclasses.dataclass(frozen=True)
class SuiteProfile:
    """What `ganbench profile` found."""

    hardware: str
    cells: tuple[CellProfile, ...]
    runs: dict[str, int]
    """Of each cell, by its id."""
    tried: tuple[Tried, ...]
    """The cores used by several runs of one thread, and by one run of several; of the cell that takes longest."""
    warnings: tuple[str, ...]


def profile_suite(
    specs: Sequence[RunSpec], data_root: Path, device: str, watcher: Watcher, weights: Path | None = None
) -> SuiteProfile:
    """Profile every cell that the specs are of.

    Args:
        specs: runs.
        data_root: where data sets and classifiers lie.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        watcher: is told of progress.
        weights: of the Inception network, where they do not lie under the data root.

    Raises:
        UsageError: the device or the data are not there.
        KeyboardInterrupt: the user wanted to stop.
    """
    runs: dict[str, int] = {}
    cells: dict[str, RunSpec] = {}
    for spec in specs:
        runs[spec.cell_id] = runs.get(spec.cell_id, 0) + 1
        cells.setdefault(spec.cell_id, spec)
    found: list[CellProfile] = []
    warnings: list[str] = []
    with tempfile.TemporaryDirectory(prefix="ganbench-profile-") as folder, Interruption() as interruption:
        store = Store(Path(folder))
        store.prepare()
        place = find_place(store, data_root, weights, device, interruption)
        with LocalPool(1) as pool:
            Phases(pool, store, place, watcher, interruption).open_datasets(list(cells.values()))
            watcher.phase("profiles", len(cells))
            for cell_id, spec in cells.items():  # one after the other: each is alone on the device
                watcher.started(cell_id)
                task = pool.submit(ProfileTask(place=place, spec=spec))
                (outcome,) = wait_for({task: lambda _: {}}, pool, interruption, watcher.stopping)
                if outcome.done is not None and outcome.done.answer:
                    found.append(CellProfile.model_validate_json(outcome.done.answer))
                    watcher.finished(cell_id, "done", None)
                else:
                    reason = reason_of(outcome)
                    warnings.append(f"no profile of {cell_id}: {reason}")
                    watcher.finished(cell_id, "failed", reason)
        tried: tuple[Tried, ...] = ()
        cores = usable_cores()
        if found and place.device == "cpu" and cores > 1:
            longest = max(found, key=lambda cell: cell.run_seconds * runs[cell.cell_id])
            ways = ((cores, 1), (1, cores))
            both = [try_slots(cells[longest.cell_id], place, *way, interruption) for way in ways]
            tried = tuple(each for each in both if each is not None)
        return SuiteProfile(place.environment.hardware, tuple(found), runs, tried, tuple(warnings))
