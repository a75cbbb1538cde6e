"""A plan, carried out: what is missing is trained, measured and stored; what is there is left alone."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import StoreError, UsageError
from bench.execution.phases import Phases, Watcher, raise_usage_fault, reason_of, wait_for
from bench.execution.pool import LocalPool
from bench.execution.tasks import (
    Place,
    ProbeAnswer,
    ProbeTask,
)
from bench.record import Status, reference_key
from bench.spec import RunSpec
from bench.store import Store
from bench.suite import Plan


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
        phases = Phases(pool, store, place, watcher)
        phases.measure_speeds(missing)
    return tuple(phases.warnings)


def find_place(store: Store, data_root: Path, device: str) -> Place:
    """The device that was asked for, with its environment; found out in a process of its own, where torch is loaded.

    Raises:
        UsageError: there is no such device, or it cannot be used.
    """
    with LocalPool(1) as pool:  # what it prints is of no use to anybody: the outcome says what is wrong
        (outcome,) = wait_for({pool.submit(ProbeTask(device=device), log=Path(os.devnull)): lambda _: None})
    raise_usage_fault(outcome)
    if outcome.done is None or not outcome.done.answer:
        raise UsageError(f"device '{device}' cannot be used: {reason_of(outcome)}; try --device cpu")
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
                    phases = Phases(pool, store, place, watcher)
                    phases.make_references(missing.references)
                    phases.train(missing.runs)
                    phases.measure_speeds(find_missing_throughputs(plan, store))
                    warnings += phases.warnings
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
