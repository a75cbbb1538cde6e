"""A plan, carried out: what is missing is trained, measured and stored; what is there is left alone."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from bench.errors import StoreError, UsageError
from bench.execution.pool import LocalPool, Outcome
from bench.execution.tasks import (
    HistoryRow,
    Place,
    ProbeAnswer,
    ProbeTask,
    Progress,
    ReferenceTask,
    RunTask,
    ThroughputTask,
    make_history,
)
from bench.record import Record, Status, Timings, reference_key
from bench.spec import RunSpec
from bench.store import Store
from bench.suite import Plan

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


@dataclasses.dataclass(frozen=True)
class Missing:
    """What of a plan is not in the store yet."""

    runs: tuple[RunSpec, ...]
    references: tuple[RunSpec, ...]
    """One run of each dataset, space and sample number."""
    throughputs: tuple[RunSpec, ...]
    """One run of each cell that has a run which did not fail."""

    @property
    def nothing(self) -> bool:
        """Whether everything is there."""
        return not (self.runs or self.references or self.throughputs)


@dataclasses.dataclass(frozen=True)
class Summary:
    """How carrying out a plan ended."""

    statuses: Counter[Status]
    """Of the whole plan, runs of earlier calls included."""
    planned: int
    trained: int
    kept: int
    """Runs that were there already."""
    seconds: float
    interrupted: bool
    warnings: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 all completed or diverged, 1 some failure, 130 interrupted."""
        if self.interrupted:
            return 130
        unfinished = self.planned > self.statuses.total()
        return int(unfinished or any(status.is_failure for status in self.statuses))


def find_missing(plan: Plan, store: Store) -> Missing:
    """What has to be done to complete the plan."""
    references = {
        reference_key(spec.dataset, spec.evaluation.space, spec.evaluation.samples): spec for spec in plan.specs
    }
    return Missing(
        runs=tuple(spec for spec, run_id in zip(plan.specs, plan.run_ids, strict=True) if not store.record(run_id)),
        references=tuple(spec for key, spec in references.items() if store.reference(key) is None),
        throughputs=find_missing_throughputs(plan, store),
    )


def measure(plan: Plan, store: Store, data_root: Path, device: str, watcher: Watcher) -> tuple[str, ...]:
    """Measure the training speed of every cell of a plan that has none yet, without training any; returns warnings."""
    specs = dict(zip(plan.run_ids, plan.specs, strict=True))
    missing = [specs[cell.run_ids[0]] for cell in plan.cells if store.throughput(cell.id) is None]
    if not missing:
        return ()
    with _termination_as_interrupt(), LocalPool(1) as pool:
        place = find_place(store, data_root, device)
        store.prepare()
        conductor = _Conductor(pool, store, place, watcher)
        conductor.measure_speeds(missing)
    return tuple(conductor.warnings)


def find_place(store: Store, data_root: Path, device: str) -> Place:
    """The device that was asked for, with its environment; found out in a process of its own, where torch is loaded.

    Raises:
        UsageError: there is no such device, or it cannot be used.
    """
    with LocalPool(1) as pool:  # what it prints is of no use to anybody: the outcome says what is wrong
        (outcome,) = _wait({pool.submit(ProbeTask(device=device), log=Path(os.devnull)): lambda _: None})
    _raise_usage_fault(outcome)
    if outcome.done is None or not outcome.done.answer:
        raise UsageError(f"device '{device}' cannot be used: {_reason(outcome)}; try --device cpu")
    answer = ProbeAnswer.model_validate_json(outcome.done.answer)
    return Place(
        results=store.folder.absolute(),
        data_root=data_root.absolute(),
        device=answer.device,
        environment=answer.environment,
    )


def default_slots(plan: Plan, device: str) -> int:
    """Runs side by side: one on a GPU; on a CPU as many as the cores this process may use have room for."""
    if device != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // max(spec.training.threads for spec in plan.specs))


def _refuse_newer(store: Store) -> tuple[str, ...]:
    """Sentences for files that cannot be trusted and will be made anew; a newer ganbench's are not overwritten."""
    contents = (store.records(), store.references(), store.throughputs())
    newer = [sentence for part in contents for sentence in part.newer]
    if newer:
        raise StoreError(*newer, f"results folder '{store.folder}' is left as it is: choose another with --results")
    return tuple(sentence for part in contents for sentence in part.rejected)


def find_missing_throughputs(plan: Plan, store: Store) -> tuple[RunSpec, ...]:
    """One run of each cell whose speed is to be measured: what cannot be trained has none."""
    found = []
    specs = dict(zip(plan.run_ids, plan.specs, strict=True))
    for cell in plan.cells:
        records = (store.record(run_id) for run_id in cell.run_ids)
        if store.throughput(cell.id) is None and any(r is not None and not r.status.is_failure for r in records):
            found.append(specs[cell.run_ids[0]])
    return tuple(found)


def conduct(plan: Plan, store: Store, data_root: Path, device: str, slots: int | None, watcher: Watcher) -> Summary:
    """Carry out a plan.

    Args:
        plan: what to run.
        store: where results go.
        data_root: where data sets and classifiers lie.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        slots: runs side by side; None for as many as the device has room for.
        watcher: is told of progress.

    Raises:
        UsageError: the device or the data are not there, or the results are a newer ganbench's; nothing was trained.
    """
    begin = time.perf_counter()
    warnings = list(_refuse_newer(store))
    missing = find_missing(plan, store)
    if missing.nothing and not store.holds_suite(plan.suite_text, plan.to_json()):
        store.prepare()
        store.write_suite(plan.suite_text, plan.to_json())
    interrupted = False
    if not missing.nothing:
        store.check_writable()
        try:
            with _termination_as_interrupt():
                place = find_place(store, data_root, device)
                store.prepare()
                store.write_suite(plan.suite_text, plan.to_json())
                with LocalPool(slots or default_slots(plan, place.device)) as pool:
                    conductor = _Conductor(pool, store, place, watcher)
                    conductor.make_references(missing.references)
                    conductor.train(missing.runs)
                    conductor.measure_speeds(find_missing_throughputs(plan, store))
                    warnings += conductor.warnings
        except KeyboardInterrupt:
            interrupted = True
    records = [record for run_id in plan.run_ids if (record := store.record(run_id)) is not None]
    return Summary(
        statuses=Counter(record.status for record in records),
        planned=len(plan.specs),
        trained=len(records) - (len(plan.specs) - len(missing.runs)),
        kept=len(plan.specs) - len(missing.runs),
        seconds=time.perf_counter() - begin,
        interrupted=interrupted,
        warnings=tuple(warnings),
    )


class _Conductor:
    """The phases of a plan on one pool."""

    def __init__(self, pool: LocalPool, store: Store, place: Place, watcher: Watcher) -> None:
        self.pool, self.store, self.place, self.watcher = pool, store, place, watcher
        self.warnings: list[str] = []

    def make_references(self, specs: Sequence[RunSpec]) -> None:
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
        for outcome in _wait(futures):
            _raise_usage_fault(outcome)

    def measure_speeds(self, specs: Sequence[RunSpec]) -> None:
        self.watcher.phase("throughput", len(specs))
        for spec in specs:  # one after the other: each is alone on the device
            _wait(self._submit_measurement(ThroughputTask(place=self.place, spec=spec), spec.cell_id))

    def _submit_measurement(self, task: ReferenceTask | ThroughputTask, key: str) -> Pending:
        def finish(outcome: Outcome) -> None:
            reason = _reason(outcome)
            if reason is not None:
                self.warnings.append(f"no {task.kind} for {key}: {reason} (see logs/ in {self.store.folder})")
            self.watcher.finished(key, "failed" if reason else "done", reason)

        timeout = THROUGHPUT_TIMEOUT_SECONDS if isinstance(task, ThroughputTask) else None
        log = self.store.folder / "logs" / f"{task.kind}-{key}.txt"
        return {self.pool.submit(task, log=log, timeout=timeout, started=lambda: self.watcher.started(key)): finish}

    def train(self, specs: Sequence[RunSpec]) -> None:
        self.watcher.phase("runs", len(specs))
        futures: Pending = {}
        for spec in specs:
            futures |= _Run(self, spec).submit()
        _wait(futures)


class _Run:
    """One run under way: what it told so far, should its process not live to record it."""

    def __init__(self, conductor: _Conductor, spec: RunSpec) -> None:
        self.conductor, self.spec = conductor, spec
        self.last = Progress(step=0, images=0, seconds=0.0, share=0.0)
        self.rows: list[HistoryRow] = []
        self.started_at = ""

    def submit(self) -> Pending:
        conductor, run_id = self.conductor, self.spec.run_id
        future = conductor.pool.submit(
            RunTask(place=conductor.place, spec=self.spec),
            log=conductor.store.run_folder(run_id) / "log.txt",
            timeout=self.spec.timeout_seconds,
            started=self._start,
            progress=self._progress,
        )
        return {future: self._finish}

    def _start(self) -> None:
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self.conductor.watcher.started(self.spec.run_id)

    def _progress(self, progress: Progress) -> None:
        self.last = progress
        self.rows += progress.rows
        self.conductor.watcher.progress(self.spec.run_id, progress)

    def _finish(self, outcome: Outcome) -> None:
        store, run_id = self.conductor.store, self.spec.run_id
        if outcome.done is not None and outcome.done.stopped:
            return
        record = store.record(run_id)
        if record is None:
            record = self._record_for(outcome)
            store.write_history(run_id, make_history(self.rows))
            store.write_record(record)
        self.conductor.watcher.finished(run_id, record.status, record.reason)

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
            log_tail=_tail(self.conductor.store.run_folder(self.spec.run_id) / "log.txt"),
            steps=self.last.step,
            images=self.last.images,
            timings=timings,
            environment=self.conductor.place.environment,
            started_at=self.started_at,
        )


def _wait(futures: Pending) -> list[Outcome]:
    """Wait for all, giving each outcome to its function as it comes."""
    pending = set(futures)
    while pending:  # in short waits: a signal is seen between them
        done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            futures[future](future.result())
    return [future.result() for future in futures]


def _reason(outcome: Outcome) -> str | None:
    if outcome.failed is not None:
        return outcome.failed.reason
    if outcome.crashed is not None:
        return outcome.crashed
    return "it took too long" if outcome.timed_out else None


def _raise_usage_fault(outcome: Outcome) -> None:
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


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """SIGTERM stops a suite as Ctrl-C does; while it stops, further ones change nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
