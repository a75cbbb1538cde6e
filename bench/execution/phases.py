"""The phases of a plan on one pool: perfect samplers, runs, throughput; every task's outcome brought into the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from bench.errors import UsageError
from bench.execution.pool import LocalPool, Outcome
from bench.execution.tasks import HistoryRow, Place, Progress, ReferenceTask, RunTask, ThroughputTask, make_history
from bench.record import Record, Status, Timings, reference_key
from bench.spec import RunSpec
from bench.store import Store

Pending = dict[Future[Outcome], Callable[[Outcome], None]]
"""Tasks under way, each with what to do with its outcome."""
LOG_TAIL_LINES = 60
THROUGHPUT_TIMEOUT_SECONDS = 600.0


class Watcher(Protocol):
    """Is told what happens; called from several threads."""

    def phase(self, name: str, total: int) -> None:
        """A phase of ``total`` tasks begins: ``references``, ``runs``, ``throughput``."""
        ...

    def started(self, key: str) -> None:
        """A task left the queue."""
        ...

    def progress(self, key: str, progress: Progress) -> None:
        """A run told of itself."""
        ...

    def finished(self, key: str, status: str, reason: str | None) -> None:
        """A task ended."""
        ...


class Phases:
    """The phases of a plan on one pool."""

    def __init__(self, pool: LocalPool, store: Store, place: Place, watcher: Watcher) -> None:
        self.pool, self.store, self.place, self.watcher = pool, store, place, watcher
        self.warnings: list[str] = []

    def make_references(self, specs: Sequence[RunSpec]) -> None:
        """Measure the perfect samplers; all of them before any training, which would share their classifiers.

        Raises:
            UsageError: data are missing or broken.
        """
        self.watcher.phase("references", len(specs))
        futures: Pending = {}
        for spec in specs:
            task = ReferenceTask(
                place=self.place,
                dataset=spec.dataset,
                space=spec.evaluation.space,
                samples=spec.evaluation.samples,
                plugins=spec.plugins,
            )
            futures |= self._submit_measurement(
                task, reference_key(spec.dataset, spec.evaluation.space, spec.evaluation.samples)
            )
        for outcome in wait_for(futures):
            raise_usage_fault(outcome)

    def measure_speeds(self, specs: Sequence[RunSpec]) -> None:
        """Measure the training speed of the specs' cells."""
        self.watcher.phase("throughput", len(specs))
        for spec in specs:  # one after the other: each is alone on the device
            wait_for(self._submit_measurement(ThroughputTask(place=self.place, spec=spec), spec.cell_id))

    def _submit_measurement(self, task: ReferenceTask | ThroughputTask, key: str) -> Pending:
        def finish(outcome: Outcome) -> None:
            reason = reason_of(outcome)
            if reason is not None:
                self.warnings.append(f"no {task.kind} for {key}: {reason} (see logs/ in {self.store.folder})")
            self.watcher.finished(key, "failed" if reason else "done", reason)

        timeout = THROUGHPUT_TIMEOUT_SECONDS if isinstance(task, ThroughputTask) else None
        log = self.store.folder / "logs" / f"{task.kind}-{key}.txt"
        return {self.pool.submit(task, log=log, timeout=timeout, started=lambda: self.watcher.started(key)): finish}

    def train(self, specs: Sequence[RunSpec]) -> None:
        """Train and record all of them."""
        self.watcher.phase("runs", len(specs))
        futures: Pending = {}
        for spec in specs:
            futures |= _Run(self, spec).submit()
        wait_for(futures)


class _Run:
    """One run under way: what it told so far, should its process not live to record it."""

    def __init__(self, phases: Phases, spec: RunSpec) -> None:
        self.phases, self.spec = phases, spec
        self.last = Progress(step=0, images=0, seconds=0.0, share=0.0)
        self.rows: list[HistoryRow] = []
        self.started_at = ""

    def submit(self) -> Pending:
        phases, run_id = self.phases, self.spec.run_id
        future = phases.pool.submit(
            RunTask(place=phases.place, spec=self.spec),
            log=phases.store.run_folder(run_id) / "log.txt",
            timeout=self.spec.timeout_seconds,
            started=self._start,
            progress=self._progress,
        )
        return {future: self._finish}

    def _start(self) -> None:
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self.phases.watcher.started(self.spec.run_id)

    def _progress(self, progress: Progress) -> None:
        self.last = progress
        self.rows += progress.rows
        self.phases.watcher.progress(self.spec.run_id, progress)

    def _finish(self, outcome: Outcome) -> None:
        store, run_id = self.phases.store, self.spec.run_id
        if outcome.done is not None and outcome.done.stopped:
            return
        record = store.record(run_id)
        if record is None:
            record = self._record_for(outcome)
            store.write_history(run_id, make_history(self.rows))
            store.write_record(record)
        self.phases.watcher.finished(run_id, record.status, record.reason)

    def _record_for(self, outcome: Outcome) -> Record:
        """The record of a run whose process could not write one."""
        failed = outcome.failed
        if outcome.timed_out:
            status, reason = Status.TIMED_OUT, f"took longer than its {self.spec.timeout_seconds:g} s"
        elif failed is not None and failed.out_of_memory:
            status, reason = Status.OUT_OF_MEMORY, failed.reason
        elif failed is not None:
            status, reason = Status.FAILED, failed.reason
        else:
            status, reason = Status.CRASHED, outcome.crashed or "the process ended without a record"
        timings = Timings(total=outcome.seconds, start=None, training=self.last.seconds, evaluation=None, files=None)
        return Record(
            run_id=self.spec.run_id,
            spec=self.spec,
            status=status,
            reason=reason,
            log_tail=_tail(self.phases.store.run_folder(self.spec.run_id) / "log.txt"),
            steps=self.last.step,
            images=self.last.images,
            timings=timings,
            environment=self.phases.place.environment,
            started_at=self.started_at,
        )


def wait_for(futures: Pending) -> list[Outcome]:
    """Wait for all, giving each outcome to its function as it comes."""
    pending = set(futures)
    while pending:  # in short waits: a signal is seen between them
        done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            futures[future](future.result())
    return [future.result() for future in futures]


def reason_of(outcome: Outcome) -> str | None:
    """Why a task did not do what it should; None where it did."""
    if outcome.failed is not None:
        return outcome.failed.reason
    if outcome.crashed is not None:
        return outcome.crashed
    return "it took too long" if outcome.timed_out else None


def raise_usage_fault(outcome: Outcome) -> None:
    """Raise what the user can mend as a UsageError, if that is how the task ended."""
    if outcome.failed is not None and outcome.failed.faults:
        raise UsageError(*outcome.failed.faults)


def _tail(log: Path) -> str | None:
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return None
    return "\n".join(text.splitlines()[-LOG_TAIL_LINES:]) or None
