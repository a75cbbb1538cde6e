"""The results folders of a report, read one by one and merged: each run once, from the folder that its files lie in."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.activity import Activity, read_activity
from bench.errors import UsageError
from bench.patterns import Names, is_chosen, unmatched
from bench.record import Environment, Record, Reference, Throughput
from bench.report.asked import Asked, labels_of, read_asked
from bench.report.view import View
from bench.store import Store

Value = tuple[str, str, float | None, int, int, int, str, str]
"""Of a measurement: metric, selection, value, step, generated, real, weights, split."""
HOLDS = ("runs", "references", "throughput", "plan.json", "suite.toml")
"""What a results folder has one of."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A recorded run."""

    record: Record
    """Without its measurements: as objects those of 10,000 runs take a gigabyte."""
    values: tuple[Value, ...]
    home: Store
    """Where its files lie."""

    @property
    def names(self) -> Names:
        """What a pattern can name it by."""
        spec = self.record.spec
        return spec.objective.label, spec.cell_name, self.record.run_id

    @property
    def results(self) -> tuple[object, ...]:
        """What two executions of one run have in common."""
        record = self.record
        told = (record.status, record.steps, record.images, record.space_sha256, record.data_sha256)
        return *told, self.values


@dataclasses.dataclass(frozen=True)
class Origin:
    """A results folder, what was asked of it, and what is being done there."""

    store: Store
    activity: Activity | None
    """Read before the records: a run that ends between the two is seen by one of them."""
    asked: Asked
    shown: str
    """What the user called it; its path where nothing else is known. Packed results lie in a folder of no name."""

    @property
    def name(self) -> str:
        """The folder's."""
        return self.store.folder.absolute().name

    @property
    def title(self) -> str:
        """The suite's, or the folder's name."""
        return self.asked.title or self.name

    def as_shown(self, sentence: str) -> str:
        """A sentence about a file in it, in the user's words."""
        return sentence.replace(f"{self.store.folder}{os.sep}", f"{self.shown}{os.sep}")


@dataclasses.dataclass(frozen=True)
class Source:
    """What lies in a results folder."""

    origin: Origin
    runs: dict[str, Run]
    """All that have a record there, by id."""
    throughputs: tuple[Throughput, ...]
    references: tuple[Reference, ...]
    rejected: tuple[str, ...]
    """A sentence for each file that could not be trusted."""


@dataclasses.dataclass(frozen=True)
class Merged:
    """The runs of all folders that a report is of."""

    planned: tuple[str, ...]
    """Ids of all that were asked for, in the order of the plans; empty where no plan is kept."""
    runs: dict[str, Run]
    """Of these (of all where no plan is kept) the recorded ones, in that order, by id."""
    repeated: int
    """Runs that several folders have, with equal results; they are taken from the first."""
    left_out: int
    """Records that no plan asks for."""
    unshown: int
    """Runs, planned or recorded, that the view leaves out."""
    unshown_objectives: frozenset[str]
    """Labels that all runs were left out of."""


def read_sources(folders: Sequence[Path], shown: Sequence[str] | None = None) -> list[Source]:
    """Read results folders; one that is named twice is read once. What cannot be trusted in them is listed.

    Args:
        folders: of one suite each.
        shown: what the user calls them; their paths by default.

    Raises:
        UsageError: a folder that is none, or holds other things.
    """
    faults = [fault for folder in folders if (fault := _no_results(folder))]
    if faults:
        raise UsageError(*faults)
    known: dict[str, Environment] = {}
    named = dict.fromkeys(folder.resolve() for folder in folders)
    called = zip(folders, shown or map(str, folders), strict=True)
    different = {folder.resolve(): (folder, name) for folder, name in reversed(list(called))}  # as it was named first
    return [_read_source(*different[folder], known) for folder in named]


def merge(sources: Sequence[Source], view: View) -> Merged:
    """The runs of all folders that the view is of.

    Raises:
        UsageError: a run of which two folders have different results, or a pattern that matches no run.
    """
    order = dict.fromkeys(run_id for source in sources for run_id in source.origin.asked.runs or ())
    taken: dict[str, Run] = {}
    repeated, left_out = 0, 0
    conflicts: dict[tuple[Path, Path], list[str]] = {}
    for source in sources:
        for run_id, run in source.runs.items():
            if source.origin.asked.runs is not None and run_id not in order:
                left_out += 1
            elif run_id not in taken:
                taken[run_id] = run
            elif taken[run_id].results == run.results:
                repeated += 1
            else:
                conflicts.setdefault((taken[run_id].home.folder, source.origin.store.folder), []).append(run_id)
    if conflicts:
        called = {source.origin.store.folder: source.origin.shown for source in sources}
        raise UsageError(
            *(_on_conflict(called[one], called[other], run_ids) for (one, other), run_ids in conflicts.items())
        )
    known = {run_id: _names(run_id) for run_id in order} | {run_id: run.names for run_id, run in taken.items()}
    of = " and ".join(dict.fromkeys(source.origin.name for source in sources))
    faults = unmatched(view.only, known.values(), of)
    if faults:
        raise UsageError(*faults)
    chosen = {run_id for run_id, names in known.items() if is_chosen(names, view.only)}
    shown = {known[run_id][0] for run_id in chosen}
    place = {run_id: index for index, run_id in enumerate(order)}
    in_order = sorted(chosen & taken.keys(), key=lambda run_id: (place.get(run_id, len(place)), run_id))
    return Merged(
        planned=tuple(run_id for run_id in order if run_id in chosen),
        runs={run_id: taken[run_id] for run_id in in_order},
        repeated=repeated,
        left_out=left_out,
        unshown=len(known) - len(chosen),
        unshown_objectives=frozenset(objective for objective, *_ in known.values()) - shown,
    )


def merge_throughputs(sources: Sequence[Source], merged: Merged, view: View) -> tuple[Throughput, ...]:
    """Of the cells that the view is of: one for each kind of hardware that a cell was measured on, the first there is.

    Those of cells that no plan asks for are left out.
    """
    cells = {run.record.spec.cell_id for run in merged.runs.values()} if view.only else set()
    found: dict[tuple[str, str], Throughput] = {}
    for source in sources:
        for item in source.throughputs:
            asked = source.origin.asked.cells is None or item.cell_id in source.origin.asked.cells
            named = is_chosen((item.objective, item.cell_name, item.cell_id), view.only) or item.cell_id in cells
            if asked and named:
                found.setdefault((item.cell_id, item.environment.hardware), item)
    return tuple(found.values())


def _no_results(folder: Path) -> str | None:
    """What is wrong with a folder; None of one that has results, or is empty."""
    if not folder.is_dir():
        what = "is no folder of results" if folder.exists() else "is not there"
        return f"'{folder}' {what}; give results folders, such as results/<suite>: ganbench run SUITE makes them"
    inside = sorted(path.name for path in folder.iterdir())
    if not inside or any(name in HOLDS for name in inside):
        return None
    suites = [str(folder / name) for name in inside if (folder / name / "runs").is_dir()]
    if suites:
        return f"'{folder}' holds the results of suites, and is none itself: name them one by one ({', '.join(suites)})"
    return f"'{folder}' holds no results: expected '{folder}/runs'"


def _read_source(folder: Path, shown: str, known: dict[str, Environment]) -> Source:
    store = Store(folder)
    activity = read_activity(folder)
    rejected: list[str] = []
    runs = {run.record.run_id: run for run in _read_runs(store, rejected, known)}
    throughputs, references, asked = store.throughputs(), store.references(), read_asked(store)
    origin = Origin(store, activity, asked, shown)
    rejected += [*throughputs.rejected, *references.rejected, *asked.faults]
    return Source(
        origin=origin,
        runs=runs,
        throughputs=throughputs.items,
        references=references.items,
        rejected=tuple(map(origin.as_shown, rejected)),
    )


def _read_runs(store: Store, rejected: list[str], known: dict[str, Environment]) -> Iterator[Run]:
    """The recorded runs one by one, so that no more than one record is held whole; equal environments are one."""
    for record in store.each_record(rejected):
        values = tuple(
            (m.metric, m.selection, m.value, m.step, m.generated, m.real, m.weights, m.split)
            for m in record.measurements
        )
        environment = known.setdefault(record.environment.model_dump_json(), record.environment)
        small = record.model_copy(update={"measurements": (), "environment": environment})
        yield Run(small, values, store)


def _names(run_id: str) -> Names:
    labels = labels_of(run_id)
    return ("", "", run_id) if labels is None else (labels.objective, labels.cell_name, run_id)


def _on_conflict(first: str, second: str, run_ids: Sequence[str]) -> str:
    count = len(run_ids)
    which = f"run {run_ids[0]} has" if count == 1 else f"{count} runs, such as {run_ids[0]}, have"
    return (
        f"{which} different results in '{first}' and '{second}': a report takes one of the two; "
        f"{shlex.join(['ganbench', 'compare', first, second])} compares them"
    )
