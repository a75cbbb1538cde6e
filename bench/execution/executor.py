"""What carries tasks out: the one interface of this machine's pool and of clusters.

Another engine is one file: an `Engine` whose executor calls `bench.execution.worker` (or a `LocalPool`) wherever it is.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self

from bench.execution.interruption import Interruption
from bench.execution.tasks import Done, Failed, Place, Progress, Task
from bench.plan import Plan
from bench.record import Environment
from bench.spec import RunSpec
from bench.store import Store


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a task's process ended: one of the first six is set."""

    done: Done | None = None
    failed: Failed | None = None
    crashed: str | None = None
    """What ended the process: a signal's name, or an exit code."""
    timed_out: bool = False
    out_of_memory: str | None = None
    """Who ended it for that."""
    lost: str | None = None
    """What became of the machine that it ran on; no fault of the task, which may be tried again elsewhere."""
    seconds: float = 0.0
    """From before the fork until the process was gone."""
    log_tail: str | None = None
    """The last lines that it printed."""
    environment: Environment | None = None
    """Where it ran, if that is known and not what its place says."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a task's process may take; None for as much as there is."""

    seconds: float | None = None
    memory_bytes: int | None = None
    """Of the host."""


UNLIMITED = Limits()


class Executor(Protocol):
    """Runs tasks, each in a process of its own. Leaving it stops what still runs, and waits for that."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def submit(
        self,
        task: Task,
        *,
        log: Path | None = None,
        limits: Limits = UNLIMITED,
        started: Callable[[], None] = lambda: None,
        progress: Callable[[Progress], None] = lambda _: None,
        unwanted: threading.Event | None = None,
    ) -> Future[Outcome]:
        """Queue a task.

        Args:
            task: what to do.
            log: file for what the process prints.
            limits: a process that takes more is killed.
            started: called, in another thread, when the task leaves the queue.
            progress: called, in another thread, with every progress message, before the outcome is there.
            unwanted: once it is set, the task is asked to stop, and the others go on.
        """
        ...

    def ask_to_stop(self) -> None:
        """Start nothing more, and ask what runs to stop; does not wait for it. Every future ends nevertheless."""
        ...


@dataclasses.dataclass(frozen=True)
class Site:
    """Where a suite is carried out, and by whom."""

    place: Place
    executor: Executor
    slots: int
    """Runs that it has room for now, side by side."""
    at_once: int = 1
    """Of them, those that one task interleaves."""


class Engine(Protocol):
    """This machine, or a cluster."""

    def open(
        self,
        plan: Plan,
        runs: Sequence[RunSpec],
        store: Store,
        data_root: Path,
        weights: Path | None,
        interruption: Interruption,
    ) -> AbstractContextManager[Site]:
        """Be ready for a plan's tasks; leaving it stops what still runs.

        Args:
            plan: whose tasks they will be.
            runs: that are all going to be submitted; none where each is decided on when others have ended.
            store: where results go.
            data_root: where data sets and classifiers lie.
            weights: of the Inception network, where they do not lie under the data root.
            interruption: says whether the user still wants to.

        Raises:
            UsageError: something that the tasks need is not there: a device, a cluster, a folder on one of its nodes.
            KeyboardInterrupt: the user does not want to wait for it.
        """
        ...
