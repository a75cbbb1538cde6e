"""One trial: its runs, carried out and recorded as any run is, and what the study is told of them."""

from __future__ import annotations

import dataclasses
import math
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from bench.checkpoints import remove_checkpoints
from bench.errors import UsageError
from bench.execution.phases import Phases
from bench.execution.tasks import Progress
from bench.execution.watcher import Watcher
from bench.measured import make_history
from bench.record import Record, Status
from bench.spec import RunSpec
from bench.store import Store
from bench.tuning.board import SECONDS, Claim
from bench.tuning.samplers import suggest

SPLIT = "validation"
STATUS, REASON, RUNS, IMAGES = "status", "reason", "runs", "images"
"""User attributes of a trial, beside those of `bench.tuning.board`."""
PRUNED = "pruned"
LOCK_SECONDS = 0.3


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a trial ended."""

    state: TrialState
    status: str
    """``pruned``, or that of the run that decided it."""
    reason: str | None
    value: float | None = None


class _StoppedError(Exception):
    """The trial was interrupted, or lost to another worker; it is not finished."""


class TrialRunner:
    """Carries out one claimed trial.

    Args:
        claim: the trial.
        seeds: of its runs, one after the other.
        phases: how runs are carried out.
        watcher: is told of the trial under its own name.
        stopping: whether everything is to stop.
    """

    def __init__(
        self, claim: Claim, seeds: tuple[int, ...], phases: Phases, watcher: Watcher, stopping: Callable[[], bool]
    ) -> None:
        self._claim, self._seeds, self._phases, self._watcher = claim, seeds, phases, watcher
        self._stopping = stopping
        self.unwanted = threading.Event()
        """Set once the trial is pruned, or lost."""
        self.lost = threading.Event()
        """Set once another worker has taken it over."""
        self._finals: list[float] = []
        self._step = 0
        self._pruned_at: int | None = None
        self._images, self._seconds = 0, 0.0
        self._runs: list[str] = []

    def give_up(self) -> None:
        """Another worker has the trial."""
        self.lost.set()
        self.unwanted.set()

    def carry_out(self) -> bool:
        """Whether the trial is finished; it is not where everything is to stop, or it was lost to another worker.

        Raises:
            StorageError: results cannot be written.
        """
        self._watcher.started(self._claim.name)
        try:
            self._finish(self._run_all())
        except (_StoppedError, UpdateFinishedTrialError):  # the latter: the other worker has finished it meanwhile
            return False
        return True

    def _finish(self, ending: Ending) -> None:
        """Tell the study."""
        claim = self._claim
        attributes = {
            STATUS: ending.status,
            REASON: ending.reason,
            RUNS: self._runs,
            IMAGES: self._images,
            SECONDS: round(self._seconds, 3),
        }
        for key, value in attributes.items():
            claim.trial.set_user_attr(key, value)
        claim.trial.study.tell(claim.trial, ending.value, ending.state)
        metric = claim.study.metric
        said = f"{metric.title} {ending.value:.4g}" if ending.value is not None else ending.reason
        self._watcher.finished(claim.name, ending.status, said)

    def _run_all(self) -> Ending:
        claim = self._claim
        values = suggest(claim.trial, claim.study.parameters)
        for index, seed in enumerate(self._seeds):
            try:
                spec = claim.study.make(values, seed)
            except UsageError as error:
                return Ending(TrialState.FAIL, Status.FAILED, "; ".join(error.faults))
            ending = self._run(spec, is_last=index == len(self._seeds) - 1)
            if ending is not None:
                return ending
        return Ending(TrialState.COMPLETE, Status.COMPLETED, None, statistics.median(self._finals))

    def _run(self, spec: RunSpec, *, is_last: bool) -> Ending | None:
        """One run of the trial; how the trial ended by it, or None where it goes on."""
        run_id, store = spec.run_id, self._phases.store
        self._runs.append(run_id)
        hearing = _Hearing(self, spec, is_last=is_last)
        with self._alone(store, run_id):
            record = _usable(store, spec, hearing.metric)
            if record is None:
                begin = time.perf_counter()
                validated = (hearing.metric,)
                rows = self._phases.train_one(spec, hearing, hearing.unwanted, validated)
                record = store.record(run_id)
                if self.lost.is_set() or (self._pruned_at is None and (record is None or self._stopping())):
                    raise _StoppedError
                if record is None:
                    store.write_history(run_id, make_history(rows))
                    remove_checkpoints(store.run_folder(run_id))
                    self._images += hearing.images
                    self._seconds += time.perf_counter() - begin
            else:
                hearing.read(store)
        if record is not None:
            self._images += record.images
            self._seconds += record.timings.total
        if self._pruned_at is not None:
            pruner = type(self._claim.trial.study.pruner).__name__
            return Ending(TrialState.PRUNED, PRUNED, f"{pruner}, at evaluation {self._pruned_at}")
        assert record is not None
        return self._judge(record, hearing)

    def _judge(self, record: Record, hearing: _Hearing) -> Ending | None:
        """What the end of a run means for its trial.

        A diverged run says something of its settings: its trial is pruned, and without a number, which samplers that
        learn take for worse than any that has one. What failed otherwise says nothing: they do not see it.
        """
        if record.status.is_failure:
            return Ending(TrialState.FAIL, record.status, record.reason)
        final = hearing.values[-1] if hearing.values else None
        if record.status is Status.DIVERGED or final is None:
            self._report(math.nan)
            said = record.reason or f"{self._claim.study.metric.title} is not defined at the end"
            status = record.status if record.status is Status.DIVERGED else "undefined"
            return Ending(TrialState.PRUNED, status, said)
        self._finals.append(final)
        return None

    def hear(self, value: float | None, *, may_prune: bool) -> bool:
        """Take in an evaluation of the run under way; whether the trial is to go on."""
        if self._pruned_at is not None:
            return False
        worth = math.nan if value is None else statistics.median([*self._finals, value])
        self._report(worth)
        is_new = self._step >= max(self._claim.reported, default=0)  # not one that another worker has decided on
        if may_prune and is_new and self._claim.trial.should_prune():
            self._pruned_at = self._step
            return False
        return True

    def _report(self, value: float) -> None:
        self._step += 1
        if self._step not in self._claim.reported:
            self._claim.trial.report(value, self._step)

    @contextmanager
    def _alone(self, store: Store, run_id: str) -> Iterator[None]:
        """Hold a run: an equal one of another trial waits, and finds it recorded."""
        folder = store.run_folder(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock")
        while True:
            try:
                lock.acquire(timeout=LOCK_SECONDS)
                break
            except Timeout:
                if self._stopping() or self.lost.is_set():
                    raise _StoppedError from None
            except NotImplementedError:  # a file system without locks
                break
        try:
            yield
        finally:
            lock.release()

    def tell(self, share: float, progress: Progress, index: int) -> None:
        """Pass on how far the trial is."""
        whole = (index + share) / len(self._seeds)
        self._watcher.progress(self._claim.name, progress.model_copy(update={"share": whole}))


class _Hearing:
    """Listens to one run of a trial: a `Watcher` of it."""

    def __init__(self, trial: TrialRunner, spec: RunSpec, *, is_last: bool) -> None:
        self._trial, self._is_last = trial, is_last
        self.metric = trial._claim.study.metric.name
        self._index = len(trial._runs) - 1
        self.unwanted = trial.unwanted
        self.values: list[float | None] = []
        self.images = 0
        self._heard: set[int] = set()

    def read(self, store: Store) -> None:
        """The same of a run that is recorded already."""
        history = store.history(self._trial._runs[-1])
        if history is None:
            return
        rows = history[(history["split"] == SPLIT) & (history["name"] == self.metric)].sort_values("step")
        for place, value in enumerate(rows["value"], start=1):
            self._take(None if math.isnan(value) else float(value), is_end=place == len(rows))

    def phase(self, name: str, total: int) -> None:
        """Not of a single run."""

    def started(self, key: str) -> None:
        """Its process begins."""

    def progress(self, key: str, progress: Progress) -> None:
        """Its evaluations are the trial's."""
        self.images = max(self.images, progress.images)
        for row in progress.rows:
            if row.split == SPLIT and row.name == self.metric and row.step not in self._heard:
                self._heard.add(row.step)
                self._take(row.value, is_end=progress.share >= 1)
        self._trial.tell(progress.share, progress, self._index)

    def finished(self, key: str, status: str, reason: str | None) -> None:
        """The trial's end is told by itself."""

    def stopping(self) -> None:
        """Told by itself, too."""

    def _take(self, value: float | None, *, is_end: bool) -> None:
        value = value if value is not None and math.isfinite(value) else None
        self.values.append(value)
        if not self._trial.hear(value, may_prune=not (is_end and self._is_last)):
            self.unwanted.set()


def _usable(store: Store, spec: RunSpec, metric: str) -> Record | None:
    """A run's record; not that of one that was measured otherwise, for another study."""
    record = store.record(spec.run_id)
    if record is None or record.status is not Status.COMPLETED:
        return record
    history = store.history(spec.run_id)
    if history is None:
        return None
    measured = history[(history["split"] == SPLIT) & (history["name"] == metric)]
    return None if measured.empty else record
