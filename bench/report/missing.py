"""Planned runs without a record: what they are part of, and why they have none."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum

import pandas as pd

from bench.checkpoints import latest_step
from bench.record import Record
from bench.report.asked import Labels, labels_of
from bench.report.sources import Origin
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


ORDER = (Why.UNDER_WAY, Why.ENDED, Why.UNTRUSTED, Why.INTERRUPTED, Why.BEGUN, Why.NOT_BEGUN)
"""What is said of a run where several folders tell different things of it: the first of these."""


def find_missing(
    origins: Sequence[Origin], run_ids: Iterable[str], records: Iterable[Record], grouping: Grouping
) -> pd.DataFrame:
    """A row per planned run without a record, in the order of the plan, with columns `MISSING_COLUMNS`.

    ``task`` and ``objective`` are empty where the id does not tell them. ``step`` and ``share`` (of the budget, 0 to
    1) are how far the run has got, in the folder where it has got farthest; NaN where that is not known.

    Args:
        origins: where the runs' folders may be.
        run_ids: of those runs.
        records: of the others.
        grouping: of these.
    """
    labels = {run_id: labels_of(run_id) for run_id in run_ids}
    places = _places([known for known in labels.values() if known], records, grouping)
    states = [_states(origin, labels) for origin in origins]
    rows: list[tuple[object, ...]] = []
    for run_id, known in labels.items():
        task, objective = ("", "") if known is None else places[known.objective, known.architecture, known.dataset]
        why, step, share = min((of[run_id] for of in states), key=_first_told)
        seed = -1 if known is None else known.seed
        rows.append((run_id, task, objective, seed, str(why), *(math.nan if x is None else x for x in (step, share))))
    return pd.DataFrame(rows, columns=list(MISSING_COLUMNS))


State = tuple[Why, int | None, float | None]
"""Why a run has no record, and its step and share of the budget as far as they are known."""


def _first_told(state: State) -> tuple[int, int]:
    return ORDER.index(state[0]), -(state[1] or 0)


def _states(origin: Origin, run_ids: Iterable[str]) -> dict[str, State]:
    """Of each of the runs, as one results folder has it."""
    active = {run.run_id: run for run in origin.activity.active} if origin.activity is not None else {}
    begun = _begun(origin.store)
    states: dict[str, State] = {}
    for run_id in run_ids:
        if run_id in active:
            states[run_id] = (Why.UNDER_WAY, active[run_id].step, active[run_id].share)
        else:
            why, step = _why(origin.store, run_id) if run_id in begun else (Why.NOT_BEGUN, None)
            states[run_id] = (why, step, None)
    return states


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
