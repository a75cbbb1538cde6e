"""Checkpoints of a run, as files of its folder: ``checkpoint-<step>-<16 hex of the content's SHA-256>.pt``.

The name tells what the content must be, so that a torn, swapped or half-copied file is known before it is opened.
The last two are kept: where the newest cannot be trusted, the run goes on from the one before.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from bench.files import write_atomically

NAME = re.compile(r"checkpoint-(\d{12,})-([0-9a-f]{16})\.pt")
KEPT = 2


def write_checkpoint(folder: Path, step: int, content: bytes) -> None:
    """Keep a run's checkpoint, and the one before it; older ones go.

    Args:
        folder: of the run.
        step: generator steps so far.
        content: as the training wrote it.

    Raises:
        StorageError: it cannot be written; those before are as they were.
    """
    write_atomically(folder / f"checkpoint-{step:012d}-{_digest(content)}.pt", content)
    for path in _newest_first(folder)[KEPT:]:
        with contextlib.suppress(OSError):
            path.unlink()


def read_checkpoints(folder: Path, rejected: list[str]) -> Iterator[bytes]:
    """The contents of a run's checkpoints that are whole, newest first.

    Args:
        folder: of the run.
        rejected: is given a sentence for each that is not.
    """
    for path in _newest_first(folder):
        try:
            content = path.read_bytes()
        except OSError as error:
            rejected.append(f"{path.name}: cannot be read ({error.strerror or error}); skipped")
            continue
        if _digest(content) == path.stem.rpartition("-")[2]:
            yield content
        else:
            rejected.append(f"{path.name}: is not what was written (torn, or changed); skipped")


def latest_step(folder: Path) -> int | None:
    """The step that a run's newest checkpoint is of, as its name says; None where there is none."""
    return max((_step(path) for path in _newest_first(folder)), default=None)


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints of a run, which is over."""
    for path in _newest_first(folder):
        with contextlib.suppress(OSError):
            path.unlink()


def _newest_first(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if NAME.fullmatch(path.name)]
    except OSError:
        return []
    return sorted(found, key=lambda path: (_step(path), path.name), reverse=True)


def _step(path: Path) -> int:
    return int(path.name.split("-")[1])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
