"""What must hold of a results folder after any fault, looked at from outside."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import random
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from bench.checkpoints import NAME as CHECKPOINT
from bench.fingerprint import take_fingerprint
from bench.record import Status
from bench.store import Store

PNG_END = b"IEND\xaeB`\x82"
"""A reader of pictures does without it."""


def read_records(folder: Path) -> dict[Path, bytes]:
    """Every record file of a results folder."""
    found = {}
    for path in folder.glob("runs/*/record.json"):
        try:
            found[path] = path.read_bytes()
        except FileNotFoundError:  # a live victim works there
            continue
    return found


def lost_records(before: dict[Path, bytes], folder: Path, retried: bool) -> list[Path]:
    """Records that were there and are gone, or are others now.

    Args:
        before: what was there.
        folder: the results folder.
        retried: whether failed runs were to be run again: their records may be others.
    """
    now = read_records(folder)
    return [
        path
        for path, content in before.items()
        if path not in now or (now[path] != content and not (retried and _is_failure(content)))
    ]


def _is_failure(content: bytes) -> bool:
    return Status(json.loads(content)["status"]).is_failure


def torn_files(folder: Path, but: Iterable[Path] = ()) -> list[str]:
    """Files that are not what somebody wrote as a whole, each with what is wrong.

    Args:
        folder: the results folder.
        but: files that were damaged on purpose.
    """
    damaged = set(but)
    torn = []
    for path in sorted(folder.rglob("*")):
        check = _check_of(path)
        if check is None or path in damaged:
            continue
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # a live victim works there
            continue
        try:
            check(content)
        except Exception as error:  # each kind of file breaks in its own way
            torn.append(f"{path}: {type(error).__name__}: {error}")
    return torn


def _check_of(path: Path) -> Callable[[bytes], object] | None:
    """What reads a whole file of its kind, and raises for a torn one; None of what may be torn."""
    if CHECKPOINT.fullmatch(path.name):
        return lambda content: _check_digest(content, path.stem.rpartition("-")[2])
    if path.name.startswith(".") or not path.is_file():
        return None
    kinds: dict[str, Callable[[bytes], object]] = {
        ".json": json.loads,
        ".toml": lambda content: tomllib.loads(content.decode()),
        ".parquet": lambda content: pq.read_table(io.BytesIO(content)),
        ".npz": _check_archive,
        ".png": _check_picture,
    }
    return kinds.get(path.suffix)


def _check_digest(content: bytes, digest: str) -> None:
    if not hashlib.sha256(content).hexdigest().startswith(digest):
        raise ValueError("is not what its name says")


def _check_archive(content: bytes) -> None:
    if (broken := zipfile.ZipFile(io.BytesIO(content)).testzip()) is not None:
        raise ValueError(f"{broken} is damaged")
    np.load(io.BytesIO(content), allow_pickle=False)["samples"]


def _check_picture(content: bytes) -> None:
    Image.open(io.BytesIO(content)).load()
    if not content.endswith(PNG_END):
        raise ValueError("ends too early")


@dataclasses.dataclass
class Comparison:
    """Runs of one results folder held against those of another."""

    runs: int = 0
    differing_runs: int = 0
    differing_bytes: int = 0
    resumptions: int = 0
    told: list[str] = dataclasses.field(default_factory=list)
    """What differs, in words."""


def compare(reference: Store, tried: Store, run_ids: Iterable[str]) -> Comparison:
    """Hold every run against the one of the reference, byte for byte."""
    result = Comparison()
    for run_id in run_ids:
        one, two = take_fingerprint(reference, run_id), take_fingerprint(tried, run_id)
        if one is None:
            raise ValueError(f"the reference has no {run_id}")
        result.runs += 1
        parts = [(field.name, getattr(one, field.name)) for field in dataclasses.fields(one)]
        if two is None:
            result.differing_runs += 1
            result.differing_bytes += sum(len(part) for _, part in parts)
            result.told.append(f"{run_id}: no record that can be trusted")
            continue
        differing = sum(_differing_bytes(part, getattr(two, name)) for name, part in parts)
        if differing:
            result.differing_runs += 1
            result.differing_bytes += differing
            result.told += [f"{run_id}: {difference}" for difference in one.differences(two)]
        record = tried.record(run_id)
        result.resumptions += 0 if record is None else record.timings.resumptions
    return result


def _differing_bytes(one: bytes, two: bytes) -> int:
    return sum(a != b for a, b in zip(one, two, strict=False)) + abs(len(one) - len(two))


def checkpoints(folder: Path) -> dict[Path, list[Path]]:
    """The checkpoints of each run folder that has any, newest first."""
    found: dict[Path, list[Path]] = {}
    for path in sorted(folder.glob("runs/*/checkpoint-*.pt"), reverse=True):
        found.setdefault(path.parent, []).append(path)
    return found


def damage_checkpoints(folder: Path, chance: random.Random) -> Iterator[tuple[Path, str]]:
    """Damage the newest checkpoint of some run, sometimes all of them; each with what was done to it."""
    found = checkpoints(folder)
    if not found:
        return
    several = found[chance.choice(sorted(found))]
    for path in several if chance.random() < 0.25 else several[:1]:
        content = bytearray(path.read_bytes())
        how = chance.choice(["truncated", "a bit flipped", "emptied"]) if content else "emptied"
        if how == "truncated":
            del content[chance.randrange(len(content)) :]
        elif how == "a bit flipped":
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        else:
            content.clear()
        path.write_bytes(content)
        yield path, how
