"""A results folder as a suite leaves it half-way: all failed, half missing, mixed, not begun, under way.

`python -m tests.report.unfinished FOLDER` writes ``FOLDER/unfinished``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.activity import ActiveRun, Activity, now, write_activity
from bench.checkpoints import write_checkpoint
from bench.record import Status
from bench.spec import RunSpec
from bench.store import Store
from tests.report.synthetic import make_reference, make_run, spec

SEEDS = range(5)
COMPLETED, DIVERGED, CRASHED = Status.COMPLETED, Status.DIVERGED, Status.CRASHED
OUT_OF_MEMORY, TIMED_OUT, FAILED = Status.OUT_OF_MEMORY, Status.TIMED_OUT, Status.FAILED
ON_RING: dict[str, Sequence[Status | None]] = {
    "nsgan": [COMPLETED] * 5,
    "wgan": [DIVERGED, CRASHED, OUT_OF_MEMORY, TIMED_OUT, FAILED],
    "wgan-gp": [COMPLETED, COMPLETED, None, None, None],
    "minimax": [COMPLETED, COMPLETED, COMPLETED, CRASHED, DIVERGED],
    "r3gan": [None] * 5,
}
"""How the runs of each objective ended, by seed; None is missing."""
INTERRUPTED_AT = 1200
HOSTILE = "\x1b[31mRuntimeError\x1b[0m: <b>bad</b> \x00 ``` | \x1b]0;title\x07 \u202eevil\u202c\r\n"


def plan_text(specs: Sequence[RunSpec]) -> str:
    """``plan.json`` of these runs."""
    cells: dict[str, dict[str, object]] = {}
    for run in specs:
        labels = {kind: getattr(run, kind).label for kind in ("objective", "architecture", "dataset")}
        cell = cells.setdefault(run.cell_id, {"id": run.cell_id, "name": run.cell_name, **labels, "seeds": []})
        seeds = cell["seeds"]
        assert isinstance(seeds, list)
        seeds.append(run.seed)
    return json.dumps({"title": "x", "name": "x", "runs": [run.run_id for run in specs], "cells": list(cells.values())})


def make_unfinished(folder: Path) -> Store:
    """`ON_RING`, and the same objectives on the digits, of which nothing has begun.

    Of WGAN-GP's missing runs one has a checkpoint, one has begun without any, one has not begun.
    """
    store = Store(folder)
    store.prepare()
    make_reference(store, "ring")
    for name, statuses in ON_RING.items():
        for seed, status in enumerate(statuses):
            if status is not None:
                make_run(store, spec(name, "ring", seed), status)
    store.write_suite(
        'title = "Half-way"', plan_text([spec(o, d, s) for s in SEEDS for d in DATASETS for o in ON_RING])
    )
    for seed in (2, 3):
        store.write_spec(spec("wgan-gp", "ring", seed))
    write_checkpoint(store.run_folder(spec("wgan-gp", "ring", 2).run_id), INTERRUPTED_AT, b"weights")
    return store


DATASETS = ("ring", "digits")


def begin_to_run(store: Store, runs: Sequence[RunSpec], *, host: str | None = None) -> None:
    """Say that another process carries these runs out right now: the one that started this one, which lives."""
    parent = psutil.Process(os.getppid())
    active = tuple(ActiveRun(run_id=run.run_id, step=1200, share=0.4, started_at=now()) for run in runs)
    activity = Activity(
        pid=parent.pid,
        host=host or os.uname().nodename,
        process_started=parent.create_time(),
        started_at=now(),
        updated_at="2026-11-21T12:00:00+00:00",
        phase="runs",
        total=40,
        finished=17,
        seconds_left=None,
        active=active,
    )
    write_activity(store.folder, activity)


if __name__ == "__main__":
    made = make_unfinished(Path(sys.argv[1]) / "unfinished")
    begin_to_run(made, [spec("wgan-gp", "ring", 3), spec("r3gan", "ring", 0)])
