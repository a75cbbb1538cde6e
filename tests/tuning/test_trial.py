"""One trial against what may happen to it meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from optuna.trial import TrialState

from bench.execution.phases import Phases
from bench.execution.tasks import Progress
from bench.execution.watcher import Watcher
from bench.measured import HistoryRow
from bench.spec import RunSpec
from bench.store import Store
from bench.suite import load_suite
from bench.tuning.board import Board, Claim
from bench.tuning.leases import Leases, this_worker
from bench.tuning.storage import open_storage
from bench.tuning.trial import TrialRunner
from tests.execution.carrying import Silent
from tests.tuning.carrying import ONE, TINY, TWO, write


class Acted:
    """Phases of which a run does what the test says."""

    def __init__(self, store: Store, act: Callable[[Watcher, threading.Event], None]) -> None:
        self.store, self._act = store, act

    def train_one(
        self, spec: RunSpec, watcher: Watcher, unwanted: threading.Event, validated: tuple[str, ...]
    ) -> tuple[HistoryRow, ...]:
        self._act(watcher, unwanted)
        return ()


def evaluated(step: int, value: float | None, share: float) -> Progress:
    row = HistoryRow(step=step, images=step, seconds=1.0, split="validation", name="sliced_wasserstein", value=value)
    return Progress(step=step, images=step, seconds=1.0, share=share, rows=(row,))


@pytest.fixture
def board(tmp_path: Path) -> Board:
    plan = load_suite(write(tmp_path, TINY.replace(TWO, ONE) + "[tune]\ntrials = 2\n"))
    assert plan.tuning is not None
    storage = open_storage(None, tmp_path)
    return Board(plan.tuning, plan.name, storage, Leases(storage.engine, this_worker()))


def runner(board: Board, folder: Path, act: Callable[[Watcher, threading.Event], None]) -> tuple[TrialRunner, Claim]:
    claim = board.next()
    assert claim is not None
    phases = cast(Phases, Acted(Store(folder), act))
    return TrialRunner(claim, (0,), phases, cast(Watcher, Silent()), lambda: False), claim


def test_a_trial_that_another_worker_has_finished_is_left_to_it(board: Board, tmp_path: Path) -> None:
    def slept_too_long(watcher: Watcher, unwanted: threading.Event) -> None:
        study = board.load(board.tuning.studies[0])
        study.tell(claim.trial.number, 0.5)
        watcher.progress("run", evaluated(10, 0.9, 0.5))

    late, claim = runner(board, tmp_path, slept_too_long)
    assert not late.carry_out()
    (trial,) = board.load(board.tuning.studies[0]).get_trials()
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 0.5)


def test_a_trial_that_was_taken_over_is_not_told_of(board: Board, tmp_path: Path) -> None:
    def lose(watcher: Watcher, unwanted: threading.Event) -> None:
        lost.give_up()
        assert unwanted.is_set()

    lost, _ = runner(board, tmp_path, lose)
    assert not lost.carry_out()
    (trial,) = board.load(board.tuning.studies[0]).get_trials()
    assert trial.state is TrialState.RUNNING


def test_what_was_left_goes_on_with_its_settings_and_reports(board: Board, tmp_path: Path) -> None:
    def stopped(watcher: Watcher, unwanted: threading.Event) -> None:
        watcher.progress("run", evaluated(10, 0.9, 0.5))

    first, claim = runner(board, tmp_path, stopped)
    assert not first.carry_out()  # no record: it was stopped
    params = board.load(board.tuning.studies[0]).get_trials()[0].params
    board.leave(claim)
    again, other = runner(board, tmp_path, stopped)
    assert (other.slot, other.trial.number, other.reported) == (claim.slot, claim.trial.number, {1})
    assert not again.carry_out()  # reported twice, kept once
    (trial,) = board.load(board.tuning.studies[0]).get_trials()
    assert trial.params == params
    assert trial.intermediate_values == {1: 0.9}


def test_no_more_trials_than_asked_for_are_handed_out(board: Board) -> None:
    claims: list[Any] = [board.next() for _ in range(4)]
    assert [claim.slot if claim else None for claim in claims] == [0, 1, None, None]
    board.leave(claims[0])
    again = board.next()
    assert again is not None
    assert again.slot == 0
    assert len(board.load(board.tuning.studies[0]).get_trials()) == 2
