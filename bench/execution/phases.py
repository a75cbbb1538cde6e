"""The phases of a plan: perfect samplers, runs, throughput; every task's outcome brought into the store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from bench.errors import UsageError
from bench.execution.executor import UNLIMITED, Executor, Limits, Outcome
from bench.execution.interruption import Interruption
from bench.execution.outcomes import (
    WISH_SECONDS,
    Pending,
    each_outcome,
    raise_storage_fault,
    raise_usage_fault,
    reason_of,
    wait_for,
)
from bench.execution.packs import make_packs
from bench.execution.tasks import (
    DatasetAnswer,
    DatasetTask,
    Place,
    Progress,
    ReferenceTask,
    ThroughputTask,
    dataset_key,
)
from bench.execution.under_way import LOST_IN_A_ROW, Run, stamp
from bench.execution.watcher import Watcher
from bench.measured import HistoryRow
from bench.record import reference_key
from bench.spec import RunSpec
from bench.store import Store

THROUGHPUT_LIMITS = Limits(seconds=600.0)
SEEN_SECONDS = 120.0
"""How long another machine's files may take to be seen on this one: NFS remembers for a minute that one is missing."""


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
        self._see_records([run.spec.run_id for run in runs if run.is_recorded])

    def tell_loss(self, key: str, reason: str, watcher: Watcher) -> None:
        """A task is tried again, because its machine was lost."""
        if reason not in self.losses:
            self.losses.append(reason)
        watcher.progress(key, Progress(step=0, images=0, seconds=0.0, share=0.0, note=f"{reason}; tried again"))

    def _see_records(self, run_ids: Sequence[str]) -> None:
        """Wait until this machine sees records that others wrote."""
        until = time.monotonic() + SEEN_SECONDS
        while unseen := [run_id for run_id in run_ids if stamp(self.store, run_id) is None]:
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
