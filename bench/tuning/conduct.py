"""A suite's studies, carried out: trials side by side in this process, and beside other workers if there are any."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.execution.conduct import ThisMachine
from bench.execution.executor import Engine
from bench.execution.interruption import Interruption
from bench.execution.phases import Phases
from bench.execution.watcher import Watcher
from bench.plan import Plan
from bench.store import Store
from bench.tune_plan import TuningPlan
from bench.tuned import Tuning
from bench.tuning.board import Board, Claim
from bench.tuning.leases import BEAT_SECONDS, Leases, this_worker
from bench.tuning.outcome import read_outcome
from bench.tuning.storage import kept, open_storage
from bench.tuning.trial import TrialRunner

FOLDER = "tune"
"""In a suite's results folder: a results folder of the trials' runs, and the studies' SQLite file."""
PHASE = "trials"
LOOK_SECONDS = 0.2
WAIT_SECONDS = 1.0
"""Until a worker without a trial looks again whether another one left any."""


@dataclasses.dataclass(frozen=True)
class Tuned:
    """How tuning ended."""

    outcome: Tuning
    finished: int
    """Trials that this process finished."""
    earlier: int
    """Trials that were finished before."""
    seconds: float
    interrupted: bool
    is_complete: bool

    @property
    def exit_code(self) -> int:
        """0 all trials completed, pruned or diverged, 1 some failed otherwise, 130 interrupted."""
        if self.interrupted:
            return 130
        return int(any(trial.state == "failed" for study in self.outcome.studies for trial in study.trials))


def tune(
    plan: Plan,
    tuning: TuningPlan,
    store: Store,
    data_root: Path,
    device: str,
    slots: int | None,
    watcher: Watcher,
    *,
    storage_url: str | None = None,
    weights: Path | None = None,
    engine: Engine | None = None,
) -> Tuned:
    """Carry out the studies of a suite; what is finished is left alone, what was interrupted goes on.

    Args:
        plan: the suite's.
        tuning: what is asked for.
        store: of the trials' runs.
        data_root: where data sets and classifiers lie.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        slots: trials side by side in this process; None for as many as the device has room for.
        watcher: is told of progress.
        storage_url: of the database; None for a SQLite file in the store's folder.
        weights: of the Inception network, where they do not lie under the data root.
        engine: carries trials out; None for this machine, with that device and those slots.

    Raises:
        UsageError: the database, the device or the data are not there, or a study of this name is of something else;
            nothing was trained.
        StorageError: results or the database cannot be written any more; what is recorded is safe.
    """
    begin = time.perf_counter()
    if storage_url is None:
        store.prepare()
    storage = open_storage(storage_url, store.folder)
    store.prepare()
    with kept(storage):
        board = Board(tuning, plan.name, storage, Leases(storage.engine, this_worker()))
        earlier = _count(board)
        shift, interrupted = None, False
        if not board.is_complete:
            try:
                with Interruption() as interruption:
                    engine = engine or ThisMachine(device, slots)
                    with engine.open(plan, (), store, data_root, weights, interruption) as site:
                        phases = Phases(site.executor, store, site.place, watcher, interruption)
                        phases.open_datasets([study.spec for study in tuning.studies])
                        watcher.phase(
                            PHASE, 0 if tuning.trials is None else tuning.trials * len(tuning.studies) - earlier
                        )
                        shift = _Shift(board, phases, watcher, interruption)
                        shift.work(site.slots)
            except KeyboardInterrupt:
                interrupted = True
        return Tuned(
            outcome=read_outcome(board, plan, storage.shown),
            finished=0 if shift is None else shift.finished,
            earlier=earlier,
            seconds=time.perf_counter() - begin,
            interrupted=interrupted,
            is_complete=board.is_complete,
        )


def _count(board: Board) -> int:
    return sum(len(board.standing(study).finished) for study in board.tuning.studies)


class _Shift:
    """This process's work at the studies, in several threads."""

    def __init__(self, board: Board, phases: Phases, watcher: Watcher, interruption: Interruption) -> None:
        self._board, self._phases, self._watcher, self._interruption = board, phases, watcher, interruption
        self._stopping, self._ended = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._active: dict[tuple[str, int], TrialRunner] = {}
        self._errors: list[BaseException] = []
        self.finished = 0

    def work(self, slots: int) -> None:
        """Until every study is complete.

        Raises:
            KeyboardInterrupt: the user wants to stop; trials under way have a checkpoint and are left to the next call.
        """
        threads = [threading.Thread(target=self._guarded, args=(self._slot,), daemon=True) for _ in range(slots)]
        heart = threading.Thread(target=self._guarded, args=(self._beat,), daemon=True)
        for thread in (*threads, heart):
            thread.start()
        while any(thread.is_alive() for thread in threads):
            if self._interruption.requested and not self._stopping.is_set():
                self._watcher.stopping()
                self._stop()
            time.sleep(LOOK_SECONDS)
        self._ended.set()
        heart.join()
        if self._errors:
            raise self._errors[0]
        if self._interruption.requested:
            raise KeyboardInterrupt

    def _stop(self) -> None:
        self._stopping.set()
        self._phases.pool.ask_to_stop()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._errors.append(error)
            self._stop()

    def _slot(self) -> None:
        """One trial after the other; where others have the last ones, wait whether they finish them."""
        while not self._stopping.is_set():
            claim = self._board.next()
            if claim is not None:
                self._carry_out(claim)
            elif self._board.is_complete:
                return
            else:
                self._stopping.wait(WAIT_SECONDS)

    def _carry_out(self, claim: Claim) -> None:
        runner = TrialRunner(claim, self._board.tuning.seeds, self._phases, self._watcher, self._stopping.is_set)
        with self._known(claim, runner):
            if runner.carry_out():
                with self._lock:
                    self.finished += 1

    @contextmanager
    def _known(self, claim: Claim, runner: TrialRunner) -> Iterator[None]:
        key = (claim.study_name, claim.slot)
        with self._lock:
            self._active[key] = runner
        try:
            yield
        finally:
            with self._lock:
                del self._active[key]
            self._board.leave(claim)

    def _beat(self) -> None:
        """Tell other workers that this one lives; give up what they have taken over meanwhile."""
        while not self._ended.wait(BEAT_SECONDS):
            self._board.leases.beat()
            with self._lock:
                active = dict(self._active)
            for (study, slot), runner in active.items():
                if not self._board.leases.holds(study, slot):
                    runner.give_up()
