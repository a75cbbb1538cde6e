"""Results that were made again with a change: of numbers, of settings, of what they ran on."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bench.record import Record, Status
from bench.spec import Frozen
from bench.store import Store

Change = Callable[[Record], Record]
LOW = ("fid", "sliced_wasserstein", "kid", "reverse_kl")
"""Metrics of the made-up world that are better when low, and change together."""


def change(store: Store, folder: Path, *changes: Change) -> Store:
    """The same suite in another folder, each of its records changed; its plan asks for the runs that come out."""
    shutil.copytree(store.folder, folder, ignore=shutil.ignore_patterns("runs", "records.parquet"))
    changed = Store(folder)
    ids = {}
    for record in store.records():
        new = record
        for each in changes:
            new = each(new)
        new = new.model_copy(update={"run_id": new.spec.run_id})
        ids[record.run_id] = new.run_id
        shutil.copytree(store.run_folder(record.run_id), changed.run_folder(new.run_id))
        changed.write_spec(new.spec)
        changed.write_record(new)
    plan = json.loads((store.folder / "plan.json").read_bytes())
    plan["runs"] = [ids.get(run_id, run_id) for run_id in plan["runs"]]
    (folder / "plan.json").write_text(json.dumps(plan))
    return changed


def worse(objective: str, factor: float) -> Change:
    """The metrics of an objective so many times as large."""
    return noisy(0.0, factors={objective: factor})


def noisy(sigma: float, seed: int = 0, factors: Mapping[str, float] | None = None) -> Change:
    """Every number drawn again: multiplied by log-normal noise, and by a factor per objective."""
    random = np.random.default_rng(seed)

    def draw(record: Record) -> Record:
        factor = (factors or {}).get(record.spec.objective.label, 1.0) * math.exp(random.normal(0, sigma))
        measurements = tuple(
            m.model_copy(update={"value": m.value * factor}) if m.metric in LOW and m.value is not None else m
            for m in record.measurements
        )
        return record.model_copy(update={"measurements": measurements})

    return draw


def failed(objective: str, seeds: int) -> Change:
    """The first seeds of an objective diverged."""

    def fail(record: Record) -> Record:
        if record.spec.objective.label != objective or record.spec.seed >= seeds:
            return record
        return record.model_copy(update={"status": Status.DIVERGED, "reason": "at step 17", "measurements": ()})

    return fail


def on(**environment: object) -> Change:
    """Another environment."""
    return lambda record: record.model_copy(update={"environment": record.environment.model_copy(update=environment)})


def with_spec(**changes: Callable[[Frozen], Frozen]) -> Change:
    """Another spec: a function for each field of it."""

    def change_spec(record: Record) -> Record:
        fields = {name: function(getattr(record.spec, name)) for name, function in changes.items()}
        return record.model_copy(update={"spec": record.spec.model_copy(update=fields)})

    return change_spec
