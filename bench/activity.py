"""What a ``ganbench run`` is doing right now, told to others through ``running.json`` in the results folder."""

from __future__ import annotations

import contextlib
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import psutil
from pydantic import ValidationError

from bench.spec import Frozen

FILE = "running.json"


class ActiveRun(Frozen):
    """A run under way."""

    run_id: str
    step: int
    share: float
    """Of the budget, 0 to 1."""
    started_at: str
    """ISO 8601, UTC; of this process."""


class Activity(Frozen):
    """What one process does in a results folder."""

    pid: int
    host: str
    process_started: float
    """Seconds since the epoch, by the operating system: with ``pid`` it names one process."""
    started_at: str
    """ISO 8601, UTC."""
    updated_at: str
    phase: str
    """``references``, ``runs``, ``throughput``; empty before the first."""
    total: int
    """Tasks of the phase."""
    finished: int
    seconds_left: float | None
    """Of the phase, estimated."""
    active: tuple[ActiveRun, ...]

    @property
    def is_alive(self) -> bool | None:
        """Whether the process still runs; None where it is another machine's."""
        if self.host != socket.gethostname():
            return None
        try:
            return abs(psutil.Process(self.pid).create_time() - self.process_started) < 2
        except psutil.Error:
            return False


def begin_activity() -> Activity:
    """This process, with nothing done yet."""
    process = psutil.Process()
    return Activity(
        pid=os.getpid(),
        host=socket.gethostname(),
        process_started=process.create_time(),
        started_at=now(),
        updated_at=now(),
        phase="",
        total=0,
        finished=0,
        seconds_left=None,
        active=(),
    )


def now() -> str:
    """ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_activity(folder: Path, activity: Activity) -> None:
    """Tell others; what cannot be told (a full disk) is no fault of the work."""
    temporary = folder / f".{FILE}.{os.getpid()}.part"  # not flushed to the disk: nobody asks after a power cut
    try:
        temporary.write_text(activity.model_dump_json(indent=1) + "\n", encoding="utf-8")
        temporary.replace(folder / FILE)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()


def read_activity(folder: Path) -> Activity | None:
    """What is being done in the folder; None where nothing is, or nothing can be told."""
    try:
        activity = Activity.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError, ValueError):
        return None
    return None if activity.is_alive is False else activity


def end_activity(folder: Path) -> None:
    """Nothing is done any more."""
    with contextlib.suppress(OSError):
        (folder / FILE).unlink()
