"""A run under way, from its place in the queue to its record."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bench.activity import now
from bench.execution.executor import Limits, Outcome
from bench.execution.outcomes import Pending, raise_storage_fault
from bench.execution.tasks import Progress, RunTask
from bench.execution.watcher import Watcher
from bench.measured import HistoryRow, make_history
from bench.record import Record, Status, Timings
from bench.spec import RunSpec
from bench.store import Store

if TYPE_CHECKING:
    from bench.execution.phases import Phases

LOST_IN_A_ROW = 3
"""So often a task may lose its machine without getting any further: then the task is to blame."""


class Run:
    """One run under way: what it told so far, should its process not live to record it."""

    def __init__(
        self,
        phases: Phases,
        spec: RunSpec,
        watcher: Watcher | None = None,
        unwanted: threading.Event | None = None,
        validated: tuple[str, ...] = (),
    ) -> None:
        self.phases, self.spec = phases, spec
        self.watcher, self.unwanted, self.validated = watcher or phases.watcher, unwanted, validated
        self.last = Progress(step=0, images=0, seconds=0.0, share=0.0)
        self.rows: list[HistoryRow] = []
        self.started_at = ""
        self.crashes: list[str] = []
        self.losses: list[str] = []
        self.lost_at = 0
        self.is_recorded = False
        self.before = stamp(phases.store, spec.run_id)

    def submit(self) -> Pending:
        """Queue its process."""
        phases, execution = self.phases, self.spec.execution
        memory = execution.memory_limit_gib
        future = phases.pool.submit(
            RunTask(place=phases.place, spec=self.spec, validated=self.validated),
            log=phases.store.run_folder(self.spec.run_id) / "log.txt",
            limits=Limits(execution.timeout_seconds, None if memory is None else round(memory * 2**30)),
            started=self.start,
            progress=self.progress,
            unwanted=self.unwanted,
        )
        return {future: self._finish}

    @property
    def can_be_packed(self) -> bool:
        """Whether other runs may share its process: not where it is held to limits of its own."""
        execution = self.spec.execution
        return execution.timeout_seconds is None and execution.memory_limit_gib is None

    def start(self) -> None:
        """It left the queue."""
        self.started_at = now()
        self.rows = []  # a process that goes on from a checkpoint tells of what lies before it, too
        self.watcher.started(self.spec.run_id)

    def progress(self, progress: Progress) -> None:
        """It told of itself."""
        if not progress.note:
            self.last = progress
        self.rows += progress.rows
        self.watcher.progress(self.spec.run_id, progress)

    def _finish(self, outcome: Outcome) -> Pending:
        phases, run_id = self.phases, self.spec.run_id
        if outcome.done is not None and outcome.done.stopped:
            return {}
        raise_storage_fault(outcome)
        store = phases.store
        told = outcome.done is not None and outcome.done.answer  # by another machine, whose files may be seen later
        record = Record.model_validate_json(told) if told else self.record()
        if record is None:
            if outcome.lost is not None and self._may_try_again(outcome.lost):
                return self.submit()
            if outcome.crashed is not None:
                self.crashes.append(outcome.crashed)
                if self.spec.execution.retry_crashed and len(self.crashes) == 1:
                    return self.submit()
            record = self._record_for(outcome)
            store.write_history(run_id, make_history(self.rows))
            store.write_record(record)
        self.finish(record)
        return {}

    def _may_try_again(self, lost: str) -> bool:
        """Whether a run whose machine was lost goes on elsewhere: it does as long as that gets it any further."""
        if self.last.step > self.lost_at:
            self.losses.clear()
        self.lost_at = self.last.step
        self.losses.append(lost)
        if len(self.losses) == LOST_IN_A_ROW:
            return False
        self.phases.tell_loss(self.spec.run_id, lost, self.watcher)
        return True

    def record(self) -> Record | None:
        """The one that its process wrote: not that of an earlier failure, which is tried again."""
        store, run_id = self.phases.store, self.spec.run_id
        return store.record(run_id) if stamp(store, run_id) != self.before else None

    def settle(self, outcome: Outcome) -> bool:
        """Take in how the process ended that it shared with others; whether it is recorded."""
        raise_storage_fault(outcome)
        record = self.record()
        if record is not None:
            self.finish(record)
        return record is not None

    def finish(self, record: Record) -> None:
        """It is recorded."""
        self.phases.recorded += 1
        self.is_recorded = True
        self.watcher.finished(self.spec.run_id, record.status, record.reason)

    def _record_for(self, outcome: Outcome) -> Record:
        """The record of a run whose process could not write one."""
        status, reason = self._ending(outcome)
        return Record(
            run_id=self.spec.run_id,
            spec=self.spec,
            status=status,
            reason=reason,
            log_tail=outcome.log_tail,
            steps=self.last.step,
            images=self.last.images,
            timings=Timings(total=outcome.seconds, start=None, training=self.last.seconds, evaluation=None, files=None),
            environment=outcome.environment or self.phases.place.environment,
            started_at=self.started_at,
        )

    def _ending(self, outcome: Outcome) -> tuple[Status, str]:
        failed = outcome.failed
        if outcome.timed_out:
            return Status.TIMED_OUT, f"took longer than its {self.spec.execution.timeout_seconds:g} s"
        if outcome.out_of_memory is not None:
            return Status.OUT_OF_MEMORY, outcome.out_of_memory
        if failed is not None:
            return (Status.OUT_OF_MEMORY if failed.out_of_memory else Status.FAILED), failed.reason
        reason = " and, tried again, ".join((*self.losses, *self.crashes)) or "the process ended without a record"
        return Status.CRASHED, reason


def stamp(store: Store, run_id: str) -> tuple[int, int, int] | None:
    """Tells a run's record from one that was written over it; None where there is none."""
    try:
        found = (store.run_folder(run_id) / "record.json").stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
