"""What a person sees while a suite runs: live lines in a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from bench.estimate import Estimate

if TYPE_CHECKING:
    from bench.execution.tasks import Progress

PHASES = {"datasets": "Data sets", "references": "Perfect samplers", "runs": "Training"}
"""What phases are called where their own name does not say it."""
STOPPING = "stopping: what runs writes a checkpoint first"
STYLES = {"completed": "green", "done": "green", "diverged": "yellow", "pruned": "yellow", "undefined": "yellow"}


def time_left(estimate: Estimate) -> str:
    """``about 3 min left``."""
    seconds = estimate.remaining()
    return f"about {duration(seconds)} left" if seconds is not None else "time left not known yet"


class Display(AbstractContextManager["Display"], Protocol):
    """A watcher of `bench.execution.conduct` that is shown while it is entered."""

    def phase(self, name: str, total: int) -> None:
        """A phase begins."""

    def started(self, key: str) -> None:
        """A task began."""

    def progress(self, key: str, progress: Progress) -> None:
        """A run is further on."""

    def finished(self, key: str, status: str, reason: str | None) -> None:
        """A task ended."""

    def stopping(self) -> None:
        """What runs was asked to stop."""


class PlainLines:
    """A line per finished task, for logs and pipes.

    Args:
        quiet: only what went wrong.
    """

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console, self._quiet = console, quiet
        self._lock = threading.Lock()
        self._estimate = Estimate(0)
        self._begun: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None

    def phase(self, name: str, total: int) -> None:
        """Named where there is something to do."""
        self._estimate = Estimate(total)
        if total and not self._quiet:
            self._print(f"{_title(name)}: {total}")

    def started(self, key: str) -> None:
        """Noted, not printed."""
        with self._lock:
            self._begun[key] = time.monotonic()

    def progress(self, key: str, progress: Progress) -> None:
        """Counted for the estimate; work that is no training tells what it does."""
        with self._lock:
            self._estimate.progress(key, progress.share)
            if progress.note and not self._quiet:
                self._print(f"{key}: {progress.note}")

    def finished(self, key: str, status: str, reason: str | None) -> None:
        """One line."""
        with self._lock:
            estimate = self._estimate
            estimate.finish(key)
            took = time.monotonic() - self._begun.pop(key, time.monotonic())
            left = f", {time_left(estimate)}" if estimate.finished < estimate.total else ""
            why = f": {reason}" if reason else ""
            if not self._quiet or status not in STYLES:
                of = f"/{estimate.total}" if estimate.total else ""
                self._print(f"[{estimate.finished}{of}] {key}  {status}{why}  ({duration(took)}{left})")

    def stopping(self) -> None:
        """One line."""
        if not self._quiet:
            self._print(STOPPING)

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class LiveLines:
    """One live line per running task, and one for the whole."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Bars(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            transient=True,
        )
        self._lock = threading.Lock()
        self._estimate = Estimate(0)
        self._whole: TaskID | None = None
        self._running: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bars.stop()

    def phase(self, name: str, total: int) -> None:
        """A new line for the whole."""
        with self._lock:
            if self._whole is not None:
                self._bars.remove_task(self._whole)
            self._estimate = Estimate(total)
            self._whole = self._bars.add_task(_title(name), total=total, note="") if total else None

    def started(self, key: str) -> None:
        """A new line for the task."""
        with self._lock:
            if key in self._running:  # it crashed, and is tried again
                self._bars.remove_task(self._running[key])
            self._running[key] = self._bars.add_task(f"  {key}", total=100, note="")

    def progress(self, key: str, progress: Progress) -> None:
        """Its line moves on; the newest metrics stand at its end."""
        with self._lock:
            self._estimate.progress(key, progress.share)
            tested = [row for row in progress.rows if row.split == "validation" and row.value is not None]
            note = progress.note or "  ".join(f"{row.name} {row.value:.3g}" for row in tested)
            task = self._running[key]
            if note:
                self._bars.update(task, completed=round(100 * progress.share), note=note)
            else:
                self._bars.update(task, completed=round(100 * progress.share))
            if self._whole is not None:
                self._bars.update(self._whole, note=time_left(self._estimate))

    def finished(self, key: str, status: str, reason: str | None) -> None:
        """Its line goes; what went wrong stays on the screen."""
        with self._lock:
            self._estimate.finish(key)
            if (task := self._running.pop(key, None)) is not None:
                self._bars.remove_task(task)
            if status not in ("completed", "done"):
                style = STYLES.get(status, "red")
                why = f": {reason}" if reason else ""
                self._console.print(f"{key}  {status}{why}", style=style, markup=False, highlight=False)
            if self._whole is not None:
                self._bars.update(self._whole, completed=self._estimate.finished, note=time_left(self._estimate))

    def stopping(self) -> None:
        """One line above the others."""
        self._console.print(STOPPING, highlight=False)


def _title(phase: str) -> str:
    return PHASES.get(phase, phase.capitalize())


def make_display(console: Console, quiet: bool) -> Display:
    """Live lines in a terminal, plain ones elsewhere or where less is wanted."""
    return LiveLines(console) if console.is_terminal and not quiet else PlainLines(console, quiet)


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
