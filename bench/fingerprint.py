"""What of a run's results depends on its spec and the machine alone, as bytes: equal however the run came about."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import pandas as pd

from bench.record import NOT_REPEATED
from bench.spec import canonical, identity
from bench.store import Store

SHOWN = 3
"""Differences that are told of each part, at most."""


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """A run's record and history without what clocks measured, its samples and its film."""

    record: bytes
    """JSON."""
    history: bytes
    """Parquet."""
    samples: bytes
    """The file; empty of a run that kept none."""
    film: bytes
    """The same."""

    def differences(self, other: Fingerprint) -> tuple[str, ...]:
        """A few words on each part that is not the same, byte for byte; empty where all are."""
        told: list[str] = []
        if self.record != other.record:
            pairs = _pairs("record", json.loads(self.record), json.loads(other.record))
            told += [f"{name}: {one!r} and {two!r}" for name, one, two in pairs][:SHOWN] or ["record"]
        if self.history != other.history:
            told += _of_histories(self.history, other.history)[:SHOWN] or ["history"]
        if self.samples != other.samples:
            told.append("samples")
        if self.film != other.film:
            told.append("film")
        return tuple(told)


def take_fingerprint(store: Store, run_id: str, at: Set[int] | None = None) -> Fingerprint | None:
    """Of a recorded run; None where it has no record, or no history, that can be trusted.

    Args:
        store: holds it.
        run_id: names it.
        at: the steps whose evaluations are part of it, for runs that differ in when they are evaluated alone; None:
            all of them, all that the record says, and the film, whose frames are of the evaluations.
    """
    record, history = store.record(run_id), store.history(run_id)
    if record is None or history is None:
        return None
    plain = json.loads(record.model_dump_json(exclude=set(NOT_REPEATED)))
    # settings that are no part of what the run is, such as its timeout, do not make it another
    plain["spec"] = identity(record.spec)
    if at is not None:
        history = history[(history["split"] == "train") | history["step"].isin(list(at))]
        plain = {key: plain[key] for key in ("status", "reason", "steps", "images", "measurements")}
        plain["measurements"] = [m for m in plain["measurements"] if m["selection"] == "final"]
    folder = store.run_folder(run_id)
    return Fingerprint(
        record=canonical(plain).encode(),
        history=_to_parquet(history.drop(columns="seconds").reset_index(drop=True)),
        samples=_content(folder / "samples.npz"),
        film=_content(folder / "film.npz") if at is None else b"",
    )


def evaluated_steps(store: Store, run_id: str) -> frozenset[int]:
    """The steps after which a run was evaluated."""
    history = store.history(run_id)
    return frozenset() if history is None else frozenset(history[history["split"] == "test"]["step"])


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _to_parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _pairs(name: str, one: Any, two: Any) -> Iterator[tuple[str, Any, Any]]:
    """The leaves that differ, by their paths."""
    if isinstance(one, dict) and isinstance(two, dict):
        for key in sorted(one.keys() | two.keys()):
            yield from _pairs(f"{name}.{key}", one.get(key), two.get(key))
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for index, (left, right) in enumerate(zip(one, two, strict=True)):
            yield from _pairs(f"{name}[{index}]", left, right)
    elif one != two:
        yield name, one, two


def _of_histories(one: bytes, two: bytes) -> list[str]:
    frames = [pd.read_parquet(io.BytesIO(content)) for content in (one, two)]
    if len(frames[0]) != len(frames[1]):
        return [f"history: {len(frames[0])} and {len(frames[1])} rows"]
    told = []
    for left, right in zip(frames[0].itertuples(index=False), frames[1].itertuples(index=False), strict=True):
        if repr(left) != repr(right):  # NaN is NaN here
            told.append(f"history: {left.split} {left.name} at step {left.step}: {left.value!r} and {right.value!r}")
    return told
