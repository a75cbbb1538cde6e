"""Planned runs without a record: what they are part of, and why they have none."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from enum import StrEnum

import pandas as pd

from bench.activity import Activity
from bench.checkpoints import latest_step
from bench.record import Record
from bench.report.asked import Labels, labels_of
from bench.report.tasks import Grouping
from bench.store import Store

MISSING_COLUMNS = ("run_id", "task", "objective", "seed", "why", "step", "share")


class Why(StrEnum):
    """Why a planned run has no record, as far as its folder tells."""

    UNDER_WAY = "under way"
    INTERRUPTED = "interrupted"
    BEGUN = "begun, no checkpoint yet"
    UNTRUSTED = "record not trusted"
    ENDED = "ended while this report was made"
    NOT_BEGUN = "not begun"


def find_missing(
    store: Store, activity: Activity | None, run_ids: Iterable[str], records: Iterable[Record], grouping: Grouping
) -> pd.DataFrame:
    """A row per planned run without a record, in the order of the plan, with columns `MISSING_COLUMNS`.

    ``task`` and ``objective`` are empty where the id does not tell them. ``step`` and ``share`` (of the budget, 0 to
    1) are how far the run has got; NaN where that is not known.

    Args:
        store: where the runs' folders are.
        activity: what is being done there, read before the records.
        run_ids: of those runs.
        records: of the others.
        grouping: of these.
    """
    active = {run.run_id: run for run in activity.active} if activity is not None else {}
    labels = {run_id: labels_of(run_id) for run_id in run_ids}
    places = _places([known for known in labels.values() if known], records, grouping)
    begun = _begun(store)
    rows: list[tuple[object, ...]] = []
    for run_id, known in labels.items():
        task, objective = ("", "") if known is None else places[known.objective, known.architecture, known.dataset]
        if run_id in active:
            state: tuple[object, ...] = (str(Why.UNDER_WAY), active[run_id].step, active[run_id].share)
        else:
            why, step = _why(store, run_id) if run_id in begun else (Why.NOT_BEGUN, None)
            state = (str(why), math.nan if step is None else step, math.nan)
        rows.append((run_id, task, objective, -1 if known is None else known.seed, *state))
    return pd.DataFrame(rows, columns=list(MISSING_COLUMNS))


def _begun(store: Store) -> set[str]:
    """The runs that have a folder: of most planned runs one look tells that they have none."""
    try:
        return {path.name for path in (store.folder / "runs").iterdir()}
    except OSError:
        return set()


def _why(store: Store, run_id: str) -> tuple[Why, int | None]:
    folder = store.run_folder(run_id)
    if (folder / "record.json").exists():
        return (Why.UNTRUSTED if store.record(run_id) is None else Why.ENDED), None
    step = latest_step(folder)
    if step is not None:
        return Why.INTERRUPTED, step
    return (Why.BEGUN if (folder / "spec.json").exists() else Why.NOT_BEGUN), None


Names = tuple[str, str, str]
"""Labels of an objective, an architecture and a dataset."""


def _places(missing: list[Labels], records: Iterable[Record], grouping: Grouping) -> dict[Names, tuple[str, str]]:
    """The task and the objective, as the report calls them, that runs of these labels are part of.

    A cell that has a record is where that is. Of another the plan tells labels alone: it stands in the one task of
    its dataset and architecture, or in a task of its own where there is none or more than one.
    """
    seen: dict[Names, Counter[tuple[str, str]]] = defaultdict(Counter)
    for record in records:
        spec, run_id = record.spec, record.run_id
        names = (spec.objective.label, spec.architecture.label, spec.dataset.label)
        seen[names][grouping.task_of[run_id], grouping.name_of[run_id]] += 1
    tasks: dict[tuple[str, str], list[str]] = defaultdict(list)
    for task in grouping.tasks:
        tasks[task.spec.architecture.label, task.spec.dataset.label].append(task.label)
    fields = {*tasks, *((known.architecture, known.dataset) for known in missing)}
    places = {}
    for known in missing:
        names = (known.objective, known.architecture, known.dataset)
        if seen[names]:
            places[names] = seen[names].most_common(1)[0][0]
            continue
        of = tasks.get((known.architecture, known.dataset), [])
        alone = sum(dataset == known.dataset for _, dataset in fields) == 1 and not of
        own = known.dataset if alone else f"{known.dataset}, {known.architecture}"
        places[names] = (of[0] if len(of) == 1 else own, known.objective)
    return places
