"""The phases of a plan: perfect samplers, runs, throughput; every task's outcome brought into the store."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Protocol

from bench.activity import now
from bench.errors import StorageError, UsageError
from bench.execution.executor import UNLIMITED, Executor, Limits, Outcome
from bench.execution.interruption import Interruption
from bench.execution.packs import make_packs
from bench.execution.tasks import (
    DatasetAnswer,
    DatasetTask,
    HistoryRow,
    Place,
    Progress,
    ReferenceTask,
    RunTask,
    ThroughputTask,
    dataset_key,
    make_history,
)
from bench.record import Record, Status, Timings, reference_key
from bench.spec import RunSpec
from bench.store import Store

Pending = dict[Future[Outcome], Callable[[Outcome], "Pending"]]
"""Tasks under way, each with what to do with its outcome; that may begin more of them."""
WISH_SECONDS = 0.2
"""How often a wish to stop is looked for."""
THROUGHPUT_LIMITS = Limits(seconds=600.0)
LOST_IN_A_ROW = 3
"""So often a task may lose its machine without getting any further: then the task is to blame."""
SEEN_SECONDS = 120.0
"""How long another machine's files may take to be seen on this one: NFS remembers for a minute that one is missing."""


class Watcher(Protocol):
    """Is told what happens; called from several threads."""

    def phase(self, name: str, total: int) -> None:
        """A phase of ``total`` tasks begins: ``datasets``, ``references``, ``runs``, ``throughput``, or one of a
        verification."""
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

    def stopping(self) -> None:
        """What runs was asked to write its checkpoint and stop."""
        ...


class Phases:
    """The phases of a plan on one executor."""

    def __init__(
        self, pool: Executor, store: Store, place: Place, watcher: Watcher, interruption: Interruption
    ) -> None:
        self.pool, self.store, self.place, self.watcher = pool, store, place, watcher
        self.interruption = interruption
        self.at_once = 1
        """Runs that one process interleaves, where they may be: on a GPU. Out of memory, fewer of them are tried."""
        self.warnings: list[str] = []
        self.losses: list[str] = []
        """What became of machines that tasks ran on: told, and made up for."""
        self.recorded = 0
        """Runs that got a record."""

    def open_datasets(self, specs: Sequence[RunSpec], *, measured: bool = True) -> dict[str, DatasetAnswer]:
        """See that all that the specs read is there, before anything is trained: data, weights, classifiers.

        Args:
            specs: runs.
            measured: whether they will be: in feature spaces, which may have to be downloaded or trained.

        Returns:
            What each dataset is, by `dataset_key`.

        Raises:
            UsageError: data or weights are missing or broken, or a dataset's code is: all of what is, at once.
        """
        needs: dict[str, list[RunSpec]] = {}
        for spec in specs:
            needs.setdefault(dataset_key(spec.dataset), []).append(spec)
        self.watcher.phase("datasets", len(needs))
        futures: Pending = {}
        answers: dict[str, DatasetAnswer] = {}
        for key, using in needs.items():
            spaces = tuple(dict.fromkeys(spec.evaluation.space for spec in using)) if measured else ()
            plugins = tuple(dict.fromkeys(plugin for spec in using for plugin in spec.plugins))
            task = DatasetTask(place=self.place, dataset=using[0].dataset, spaces=spaces, plugins=plugins)

            def keep(answer: str, key: str = key) -> None:
                answers[key] = DatasetAnswer.model_validate_json(answer)

            futures |= self._submit(task, using[0].dataset.label, keep)
        outcomes = self._wait_for(futures)
        if self.warnings:  # a task that ended otherwise than it should: no run could do better
            raise UsageError(*self.warnings)
        raise_usage_fault(*outcomes)
        return answers

    def make_references(self, specs: Sequence[RunSpec]) -> None:
        """Measure the perfect samplers.

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
            futures |= self._submit(task, reference_key(spec.dataset, spec.evaluation.space, spec.evaluation.samples))
        raise_usage_fault(*self._wait_for(futures))

    def measure_speeds(self, specs: Sequence[RunSpec]) -> None:
        """Measure the training speed of the specs' cells."""
        self.watcher.phase("throughput", len(specs))
        for spec in specs:  # one after the other: each is alone on the device
            self._wait_for(self._submit(ThroughputTask(place=self.place, spec=spec), spec.cell_id))

    def _submit(
        self,
        task: DatasetTask | ReferenceTask | ThroughputTask,
        key: str,
        keep: Callable[[str], None] = lambda _: None,
        tries: int = LOST_IN_A_ROW,
    ) -> Pending:
        def finish(outcome: Outcome) -> Pending:
            if outcome.done is not None and outcome.done.stopped:
                return {}
            raise_storage_fault(outcome)
            if outcome.lost is not None and tries > 1:
                self.tell_loss(key, outcome.lost, self.watcher)
                return self._submit(task, key, keep, tries - 1)
            if outcome.done is not None:
                keep(outcome.done.answer)
            if not isinstance(task, ThroughputTask) and outcome.failed is not None and outcome.failed.faults:
                self.watcher.finished(key, "failed", None)  # why is told when all have ended, and not twice
                return {}
            reason = reason_of(outcome)
            if reason is not None:
                self.warnings.append(f"no {task.kind} for {key}: {reason} (see logs/ in {self.store.folder})")
            self.watcher.finished(key, "failed" if reason else "done", reason)
            return {}

        limits = THROUGHPUT_LIMITS if isinstance(task, ThroughputTask) else UNLIMITED
        log = self.store.folder / "logs" / f"{task.kind}-{key}.txt"
        return {
            self.pool.submit(
                task,
                log=log,
                limits=limits,
                started=lambda: self.watcher.started(key),
                progress=lambda progress: self.watcher.progress(key, progress),
            ): finish
        }

    def train(self, specs: Sequence[RunSpec], name: str = "runs") -> None:
        """Train and record all of them, in a phase of that name."""
        self.watcher.phase(name, len(specs))
        runs = [Run(self, spec) for spec in specs]
        packed = [run for run in runs if self.at_once > 1 and run.can_be_packed]
        futures: Pending = {}
        for threads in dict.fromkeys(run.spec.training.threads for run in packed):  # which a process has but once
            for pack in make_packs([run for run in packed if run.spec.training.threads == threads], self.at_once):
                futures |= pack.submit()
        for run in runs:
            if run not in packed:
                futures |= run.submit()
        for _ in each_outcome(futures, self.pool, self.interruption, self.watcher.stopping):
            pass
        self._see_records([spec.run_id for spec in specs])

    def tell_loss(self, key: str, reason: str, watcher: Watcher) -> None:
        """A task is tried again, because its machine was lost."""
        if reason not in self.losses:
            self.losses.append(reason)
        watcher.progress(key, Progress(step=0, images=0, seconds=0.0, share=0.0, note=f"{reason}; tried again"))

    def _see_records(self, run_ids: Sequence[str]) -> None:
        """Wait until this machine sees records that others wrote."""
        until = time.monotonic() + SEEN_SECONDS
        while unseen := [run_id for run_id in run_ids if _stamp(self.store, run_id) is None]:
            if self.interruption.requested or time.monotonic() > until:
                self.warnings.append(
                    f"{len(unseen)} records that other machines wrote are not seen here yet: do all machines share "
                    f"'{self.store.folder}'? The same command goes on"
                )
                return
            time.sleep(WISH_SECONDS)

    def train_one(
        self, spec: RunSpec, watcher: Watcher, unwanted: threading.Event, validated: tuple[str, ...] = ()
    ) -> tuple[HistoryRow, ...]:
        """Train and record one run, from a thread of one's own.

        Args:
            spec: the run.
            watcher: is told of it, in place of the phases' own.
            unwanted: once it is set, the run is stopped with a checkpoint, and is not recorded.
            validated: metrics measured on the validation split as well.

        Returns:
            What it told of itself.
        """
        run = Run(self, spec, watcher, unwanted, validated)
        pending = run.submit()
        while pending:
            ((future, finish),) = pending.items()
            pending = finish(future.result())
        if run.is_recorded:
            self._see_records([spec.run_id])
        return tuple(run.rows)

    def _wait_for(self, futures: Pending) -> list[Outcome]:
        return wait_for(futures, self.pool, self.interruption, self.watcher.stopping)


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
        self.before = _stamp(phases.store, spec.run_id)

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
        return store.record(run_id) if _stamp(store, run_id) != self.before else None

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


def raise_storage_fault(outcome: Outcome) -> None:
    """Raise that results cannot be written any more: no run's fault, and nothing that the next one could do better."""
    if outcome.failed is not None and outcome.failed.storage:
        raise StorageError(outcome.failed.reason)


def each_outcome(
    futures: Pending, pool: Executor, interruption: Interruption, stopping: Callable[[], None] = lambda: None
) -> Iterator[Outcome]:
    """Give each outcome to its function as it comes, and then to the caller; nothing is kept of a task that has ended.

    Args:
        futures: tasks of ``pool``; taken out as they end.
        pool: asked to stop when the user wants to.
        interruption: says whether they do.
        stopping: called then.

    Raises:
        KeyboardInterrupt: they did; every task has ended.
    """
    ended: SimpleQueue[Future[Outcome]] = SimpleQueue()  # to wait for ten thousand futures takes a while, each time
    new, asked = dict(futures), False
    while futures:
        for future in new:
            future.add_done_callback(ended.put)
        new = {}
        with contextlib.suppress(Empty):
            future = ended.get(timeout=WISH_SECONDS)
            new = futures.pop(future)(future.result())
            futures |= new
            yield future.result()
            del future
        if interruption.requested and not asked:
            asked = True
            stopping()
            pool.ask_to_stop()
    if interruption.requested:
        raise KeyboardInterrupt


def wait_for(
    futures: Pending, pool: Executor, interruption: Interruption, stopping: Callable[[], None] = lambda: None
) -> list[Outcome]:
    """All of `each_outcome`, as they came."""
    return list(each_outcome(futures, pool, interruption, stopping))


def reason_of(outcome: Outcome) -> str | None:
    """Why a task did not do what it should; None where it did."""
    if outcome.failed is not None:
        return outcome.failed.reason
    ended = outcome.crashed or outcome.out_of_memory or outcome.lost
    if ended is not None:
        return ended
    return "it took too long" if outcome.timed_out else None


def raise_usage_fault(*outcomes: Outcome) -> None:
    """Raise what the user can mend as one UsageError, if that is how tasks ended."""
    faults = [fault for outcome in outcomes if outcome.failed is not None for fault in outcome.failed.faults]
    if faults:
        raise UsageError(*dict.fromkeys(faults))


def _stamp(store: Store, run_id: str) -> tuple[int, int, int] | None:
    """Tells a run's record from one that was written over it; None where there is none."""
    try:
        found = (store.run_folder(run_id) / "record.json").stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
