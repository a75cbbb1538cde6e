"""One process at a time carries out a plan in a results folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bench.activity import read_activity
from bench.errors import StoreError

FILE = "lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a results folder; the operating system lets go of it however this process ends.

    Raises:
        StoreError: another process holds it.
    """
    lock = FileLock(folder / FILE)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise StoreError(
            f"{_holder(folder)}: wait until it has ended, or choose another folder with --results"
        ) from None
    except NotImplementedError:  # a file system without locks: nothing is known, and nothing is kept from working
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _holder(folder: Path) -> str:
    activity = read_activity(folder)
    said = f"results folder '{folder}' is in use by another ganbench"
    if activity is None:
        return said
    return f"{said} (process {activity.pid} on {activity.host}, since {activity.started_at})"
