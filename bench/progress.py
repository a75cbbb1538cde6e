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

if TYPE_CHECKING:
    from bench.execution.tasks import Progress

PHASES = {"references": "Perfect samplers", "runs": "Training", "throughput": "Throughput"}
STYLES = {"completed": "green", "done": "green", "diverged": "yellow"}


class Estimate:
    """How long a phase still takes, from the share of its work that is done."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.finished = 0
        self.shares: dict[str, float] = {}
        self._begin = time.monotonic()

    def remaining(self) -> float | None:
        """Seconds; None until anything is done."""
        done = self.finished + sum(self.shares.values())
        if done <= 0:
            return None
        return (time.monotonic() - self._begin) / done * (self.total - done)

    def text(self) -> str:
        """``about 3 min left``."""
        seconds = self.remaining()
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
            self._print(f"{PHASES[name]}: {total}")

    def started(self, key: str) -> None:
        """Noted, not printed."""
        with self._lock:
            self._begun[key] = time.monotonic()

    def progress(self, key: str, progress: Progress) -> None:
        """Counted for the estimate."""
        with self._lock:
            self._estimate.shares[key] = progress.share

    def finished(self, key: str, status: str, reason: str | None) -> None:
        """One line."""
        with self._lock:
            estimate = self._estimate
            estimate.shares.pop(key, None)
            estimate.finished += 1
            took = time.monotonic() - self._begun.pop(key, time.monotonic())
            left = f", {estimate.text()}" if estimate.finished < estimate.total else ""
            why = f": {reason}" if reason else ""
            if not self._quiet or status not in STYLES:
                self._print(f"[{estimate.finished}/{estimate.total}] {key}  {status}{why}  ({duration(took)}{left})")

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
            self._whole = self._bars.add_task(PHASES[name], total=total, note="") if total else None

    def started(self, key: str) -> None:
        """A new line for the task."""
        with self._lock:
            self._running[key] = self._bars.add_task(f"  {key}", total=100, note="")

    def progress(self, key: str, progress: Progress) -> None:
        """Its line moves on; the newest metrics stand at its end."""
        with self._lock:
            self._estimate.shares[key] = progress.share
            tested = [row for row in progress.rows if row.split == "validation" and row.value is not None]
            note = "  ".join(f"{row.name} {row.value:.3g}" for row in tested)
            task = self._running[key]
            if note:
                self._bars.update(task, completed=round(100 * progress.share), note=note)
            else:
                self._bars.update(task, completed=round(100 * progress.share))
            if self._whole is not None:
                self._bars.update(self._whole, note=self._estimate.text())

    def finished(self, key: str, status: str, reason: str | None) -> None:
        """Its line goes; what went wrong stays on the screen."""
        with self._lock:
            self._estimate.shares.pop(key, None)
            self._estimate.finished += 1
            if (task := self._running.pop(key, None)) is not None:
                self._bars.remove_task(task)
            if status not in ("completed", "done"):
                style = STYLES.get(status, "red")
                self._console.print(f"{key}  {status}: {reason}", style=style, markup=False, highlight=False)
            if self._whole is not None:
                self._bars.update(self._whole, completed=self._estimate.finished, note=self._estimate.text())


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
