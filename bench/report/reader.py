"""How results folders become what a report is made from: read, merged, sorted into tasks, told as DataFrames."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from bench.activity import now
from bench.record import Reference, Status, reference_key
from bench.report.choices import choose
from bench.report.histories import read_histories
from bench.report.material import REFERENCE_COLUMNS, RUN_COLUMNS, VALUE_COLUMNS, Material
from bench.report.missing import find_missing
from bench.report.mixtures import on_mixtures
from bench.report.outcomes import outcomes
from bench.report.sources import Run, Source, merge, merge_throughputs, read_sources
from bench.report.tasks import Grouping, MeasuredOn, Task, group
from bench.report.torn import torn_films
from bench.report.view import EVERYTHING, View
from bench.spec import RunSpec
from bench.store import Store
from bench.tuned import read_tuning


def read_material(folders: Sequence[Path], view: View = EVERYTHING, shown: Sequence[str] | None = None) -> Material:
    """Read results folders; what cannot be trusted in them is listed, and makes nothing fail.

    Args:
        folders: of one suite each; several are merged.
        view: what of them is wanted.
        shown: what the user calls them; their paths by default.

    Raises:
        UsageError: a folder that is none, a run of which two folders have different results, or a view of what is not
            there.
    """
    sources = read_sources(folders, shown)
    origins = tuple(source.origin for source in sources)
    merged = merge(sources, view)
    records = [run.record for run in merged.runs.values()]
    grouping = group(records, {run_id: {value[0] for value in run.values} for run_id, run in merged.runs.items()})
    absent = [run_id for run_id in merged.planned if run_id not in merged.runs]
    missing = find_missing(origins, absent, records, grouping)
    objectives, tasks = _in_order([*merged.planned, *merged.runs], missing, grouping)
    chosen = choose(view, origins, objectives, merged.unshown_objectives, tasks)
    throughputs = merge_throughputs(sources, merged, view)
    homes = {run_id: run.home for run_id, run in merged.runs.items()}
    of_task: dict[str, list[str]] = defaultdict(list)
    for run_id in merged.runs:
        of_task[grouping.task_of[run_id]].append(run_id)
    logged, torn = read_histories(of_task, homes)
    held = _held(sources, chosen.tasks)
    runs = pd.DataFrame([_run_row(run, grouping) for run in merged.runs.values()], columns=list(RUN_COLUMNS))
    torn += torn_films(runs, homes)
    tunings = [found for origin in origins if (found := read_tuning(origin.store.folder, torn)) is not None]
    specs: dict[str, dict[str, RunSpec]] = defaultdict(dict)
    for record in records:
        specs[grouping.name_of[record.run_id]].setdefault(grouping.task_of[record.run_id], record.spec)
    return Material(
        title=" + ".join(dict.fromkeys(origin.title for origin in origins)),
        view=view,
        unshown=merged.unshown,
        origins=origins,
        read_at=now(),
        tasks=chosen.tasks,
        objectives=objectives,
        baseline=chosen.baseline,
        baseline_named=chosen.baseline_named,
        runs=runs,
        missing=missing,
        outcomes=outcomes(runs, missing),
        values=_values(merged.runs.values(), grouping),
        references={task: reference for task, (reference, _) in held.items()},
        draws=_draws({task: reference for task, (reference, _) in held.items()}.items()),
        throughputs=throughputs,
        records={record.run_id: record for record in records},
        specs=dict(specs),
        left_out=merged.left_out,
        rejected=(
            *(sentence for source in sources for sentence in source.rejected),
            *(functools.reduce(lambda said, origin: origin.as_shown(said), origins, sentence) for sentence in torn),
        ),
        notices=(*chosen.notices, *on_mixtures(merged, grouping, throughputs)),
        homes=homes,
        reference_homes={task: home for task, (_, home) in held.items()},
        logged=logged,
        tunings=tuple(tunings),
    )


def _in_order(
    run_ids: Iterable[str], missing: pd.DataFrame, grouping: Grouping
) -> tuple[tuple[str, ...], tuple[Task, ...]]:
    """All objectives, and the tasks with theirs, in the order of the runs: those without a record have their place."""
    placed = {run_id: (task, grouping.name_of[run_id]) for run_id, task in grouping.task_of.items()}
    known = missing[missing["objective"] != ""]
    placed |= dict(zip(known["run_id"], zip(known["task"], known["objective"], strict=True), strict=True))
    cells = dict.fromkeys(placed[run_id] for run_id in run_ids if run_id in placed)
    tasks = tuple(
        dataclasses.replace(task, objectives=tuple(name for label, name in cells if label == task.label))
        for task in grouping.tasks
    )
    return tuple(dict.fromkeys(name for _, name in cells)), tasks


def _held(sources: Iterable[Source], tasks: Iterable[Task]) -> dict[str, tuple[Reference, Store]]:
    """The reference that each task's numbers are held against, where there is one, and where its samples lie."""
    known: dict[str, list[tuple[Reference, Store]]] = defaultdict(list)
    for source in sources:
        for reference in source.references:
            known[reference.key].append((reference, source.origin.store))
    held = {}
    for task in tasks:
        evaluation = task.spec.evaluation
        key = reference_key(task.spec.dataset, evaluation.space, evaluation.samples)
        fitting = [pair for pair in known[key] if _is_of(pair[0], task.measured_on)]
        if fitting:
            held[task.label] = fitting[0]
    return held


def _is_of(reference: Reference, measured_on: MeasuredOn) -> bool:
    """Whether a reference was measured on the same, as far as either side says on what."""
    told = ((reference.space_sha256, measured_on.space), (reference.data_sha256, measured_on.data))
    return all(one == other for one, other in told if one and other)


def _draws(held: Iterable[tuple[str, Reference]]) -> pd.DataFrame:
    rows = [
        (task, draw.kind, draw.draw, draw.metric, math.nan if draw.value is None else draw.value)
        for task, reference in held
        for draw in reference.draws
    ]
    return pd.DataFrame(rows, columns=list(REFERENCE_COLUMNS))


def _run_row(run: Run, grouping: Grouping) -> tuple[object, ...]:
    record = run.record
    return (
        grouping.task_of[record.run_id],
        grouping.name_of[record.run_id],
        record.spec.seed,
        record.run_id,
        str(record.status),
        record.reason,
        record.steps,
        record.images,
        record.timings.training,
        record.environment.hardware,
    )


def _values(runs: Iterable[Run], grouping: Grouping) -> pd.DataFrame:
    """A row per run, metric and selection; ``final`` values of runs that did not complete are left out."""
    rows = []
    for run in runs:
        record = run.record
        of = (grouping.task_of[record.run_id], grouping.name_of[record.run_id], record.spec.seed, record.run_id)
        for metric, selection, value, *protocol in run.values:
            if selection != "final" or record.status is Status.COMPLETED:
                rows.append((*of, metric, selection, math.nan if value is None else value, *protocol))
    return pd.DataFrame(rows, columns=list(VALUE_COLUMNS))
