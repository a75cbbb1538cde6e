"""Work that takes long and is done once: by one process, which tells how far it is."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

Kept = TypeVar("Kept")

LINE_SECONDS = 10.0
"""From one line about progress to the next; what is done sooner says nothing."""


@contextlib.contextmanager
def one_process(file: Path) -> Iterator[None]:
    """Hold off other processes that are about to make the same file, beside which an empty one stays as the lock.

    Where none can be had (a folder that is not writable, a file system without locks), go on without: the work is then
    done twice, with the same result.
    """
    from filelock import FileLock  # here: listing and planning lock nothing

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, NotImplementedError):
            file.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(file.with_name(f".{file.name}.lock"), mode=0o644))
        yield


def kept_or_made(file: Path, read: Callable[[], Kept | None], make: Callable[[], Kept]) -> Kept:
    """What ``read`` finds, or, where that is None, what ``make`` makes and keeps, in one process while others wait.

    Nobody waits for what is there already: files are whole or not there. One that ``read`` rejects it rejects twice.
    """
    found = read()
    if found is None:
        with one_process(file):
            found = read()  # another process may have made it meanwhile
            if found is None:
                found = make()
    return found


class Pace:
    """Tells, every so often, how much of a long piece of work is done and about how long the rest will take.

    Args:
        what: is being done; begins the line.
        total: how much there is to do.
    """

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._begin = self._told = time.monotonic()

    def tell(self, done: int) -> None:
        """A line in the log, which who waits for the work is shown; none where the last one was a moment ago."""
        now = time.monotonic()
        if now - self._told < LINE_SECONDS or not 0 < done < self._total:
            return
        self._told = now
        left = (now - self._begin) * (self._total - done) / done
        log.info("%s: %s of %s, about %s left", self._what, f"{done:,}", f"{self._total:,}", _span(left))


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
