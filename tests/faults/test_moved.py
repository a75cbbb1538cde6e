"""Clocks that jump and folders that move: nothing is lost, nothing is trained twice, checkpoints are gone on from."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from pathlib import Path

import pytest

from bench.checkpoints import latest_step
from bench.environment import host_environment
from bench.execution.run import run
from bench.execution.tasks import Place, RunTask
from bench.fingerprint import take_fingerprint
from bench.spec import ExecutionSpec, RunSpec
from bench.store import Store
from tests.execution.carrying import Silent
from tests.faults.conftest import Peace
from tests.faults.laws import compare
from tests.specs import run_spec

DAYS = 86_400.0


def set_times(folder: Path, seconds: float) -> None:
    """Of last change and access of everything, so far from what they are."""
    for path in folder.rglob("*"):
        state = path.stat()
        os.utime(path, (state.st_atime + seconds, state.st_mtime + seconds))


@pytest.mark.parametrize("days", [-3650, -1, 1, 3650])
def test_what_is_recorded_is_not_trained_again_whatever_the_clock_says(
    peace: Peace, tmp_path: Path, days: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(peace.store.folder, tmp_path / "points"))
    Store(folder).pack()
    before = {path: path.read_bytes() for path in folder.rglob("*.json")}
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + days * DAYS)
    for shift in (0.0, days * DAYS, -2 * days * DAYS):
        set_times(folder, shift)
        watcher = Silent()
        summary = peace.carry_out(folder, watcher)
        assert (summary.trained, summary.kept, summary.exit_code) == (0, 4, 0)
        assert watcher.events == []
        Store(folder).pack()
    assert {path: path.read_bytes() for path in folder.rglob("*.json")} == before
    assert compare(peace.store, Store(folder), peace.plan.run_ids).told == []


def lack(peace: Peace, folder: Path, runs: int) -> Path:
    """A copy of the results in which so many runs have not been made yet."""
    shutil.copytree(peace.store.folder, folder, copy_function=shutil.copy)
    for run_id in peace.plan.run_ids[:runs]:
        shutil.rmtree(folder / "runs" / run_id)
    return folder


def test_a_suite_goes_on_after_the_clock_has_jumped(
    peace: Peace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lack(peace, tmp_path / "points", runs=2)
    clock = time.time
    for days in (-1000, 1000):
        set_times(folder, -2 * days * DAYS)
        monkeypatch.setattr(time, "time", lambda days=days: clock() + days * DAYS)
        summary = peace.carry_out(folder, limit=1)
        assert summary.trained == 1
    assert (summary.kept, summary.exit_code) == (3, 0)
    assert compare(peace.store, Store(folder), peace.plan.run_ids).told == []


@pytest.fixture
def spec() -> RunSpec:
    made = run_spec(amount=12, every=6, samples=50)
    return made.model_copy(update={"execution": ExecutionSpec(checkpoint_seconds=1e-6)})


@pytest.fixture
def place(tmp_path: Path, data_root: Path) -> Place:
    return Place(results=tmp_path / "here", data_root=data_root, device="cpu", environment=host_environment())


def begin(place: Place, spec: RunSpec, looks: int) -> None:
    """Train until it has looked up so often, and leave its checkpoints."""
    looked = itertools.count(1)
    assert not run(RunTask(place=place, spec=spec), lambda _: None, lambda: next(looked) >= looks)


def whole(place: Place, spec: RunSpec) -> object:
    """Of the run without any interruption."""
    there = place.model_copy(update={"results": place.results.with_name("whole")})
    assert run(RunTask(place=there, spec=spec), lambda _: None, lambda: False)
    return take_fingerprint(Store(there.results), spec.run_id)


@pytest.mark.parametrize("days", [-3650, 3650])
def test_the_newest_checkpoint_is_the_one_of_the_latest_step_whatever_the_clock_said(
    place: Place, spec: RunSpec, days: float, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(place, spec, looks=5)
    run_folder = Store(place.results).run_folder(spec.run_id)
    newest, older = sorted(run_folder.glob("checkpoint-*.pt"), reverse=True)
    for path, seconds in ((newest, days * DAYS), (older, -days * DAYS)):
        os.utime(path, (time.time() + seconds,) * 2)
    step = latest_step(run_folder)
    capsys.readouterr()
    assert run(RunTask(place=place, spec=spec), lambda _: None, lambda: False)
    assert f"resumed at step {step}" in capsys.readouterr().out
    record = Store(place.results).record(spec.run_id)
    assert record is not None
    assert record.timings.resumptions == 1
    assert take_fingerprint(Store(place.results), spec.run_id) == whole(place, spec)


def test_a_folder_that_was_copied_elsewhere_goes_on_there(place: Place, spec: RunSpec) -> None:
    begin(place, spec, looks=5)
    there = place.model_copy(update={"results": place.results.with_name("there")})
    shutil.copytree(place.results, there.results)
    shutil.rmtree(place.results)
    assert run(RunTask(place=there, spec=spec), lambda _: None, lambda: False)
    record = Store(there.results).record(spec.run_id)
    assert record is not None
    assert record.timings.resumptions == 1
    assert take_fingerprint(Store(there.results), spec.run_id) == whole(place, spec)


def test_a_suite_that_was_copied_elsewhere_trains_what_is_missing_alone(peace: Peace, tmp_path: Path) -> None:
    there = lack(peace, tmp_path / "there" / "points", runs=1)
    before = {path: path.stat().st_mtime_ns for path in there.rglob("record.json")}
    summary = peace.carry_out(there)
    assert (summary.trained, summary.kept, summary.exit_code) == (1, 3, 0)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert compare(peace.store, Store(there), peace.plan.run_ids).told == []
