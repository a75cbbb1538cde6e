"""Two processes and one results folder: one works, the other is told; and everybody can look on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.activity import FILE, Activity, begin_activity, read_activity, write_activity
from bench.checkpoints import latest_step
from bench.errors import StoreError
from bench.estimate import Estimate
from bench.execution.heartbeat import Heartbeat
from bench.execution.lock import locked
from bench.execution.tasks import Progress
from bench.fingerprint import take_fingerprint
from bench.record import Status
from tests.execution.carrying import TINY, Silent, carry_out

LONG = (
    'seeds = 2\nobjectives = ["nsgan"]\ndatasets = ["ring"]\n[training]\nsteps = 1_000_000\nbatch_size = 16\n'
    "[evaluation]\nsamples = 100\nevery = 500_000\n[execution]\ncheckpoint_seconds = 0.2\n"
)


def ganbench(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench", *arguments, "--results", str(folder)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A suite that will not end by itself, with both of its runs under way."""
    (tmp_path / "long.toml").write_text(LONG)
    process = ganbench(tmp_path, "run", str(tmp_path / "long.toml"), "--reports", str(tmp_path), "--slots", "2")
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            activity = read_activity(tmp_path / "long")
            if activity is not None and len(activity.active) == 2 and all(run.step > 0 for run in activity.active):
                break
            time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_the_second_run_on_a_folder_says_who_holds_it(tmp_path: Path, running: subprocess.Popen[str]) -> None:
    second = ganbench(tmp_path, "run", str(tmp_path / "long.toml"), "--reports", str(tmp_path))
    _, said = second.communicate(timeout=60)
    assert second.returncode == 2, said
    assert f"is in use by another ganbench (process {running.pid} on " in said
    assert "--results" in said
    assert "Traceback" not in said
    assert running.poll() is None


def test_status_tells_what_runs_while_it_runs_and_what_is_left_when_it_was_killed(
    tmp_path: Path, running: subprocess.Popen[str]
) -> None:
    looking = ganbench(tmp_path, "status", str(tmp_path / "long.toml"), "--json")
    out, err = looking.communicate(timeout=60)
    assert looking.returncode == 0, err
    state = json.loads(out)
    assert state["running"]["pid"] == running.pid
    assert {run["run_id"].split("_s")[0] for run in state["running"]["active"]} == {"nsgan_mlp_ring"}
    shown, _ = ganbench(tmp_path, "status", str(tmp_path / "long.toml")).communicate(timeout=60)
    assert f"process {running.pid}" in shown
    assert "step" in shown

    children = psutil.Process(running.pid).children(recursive=True)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not all(map(latest_step, (tmp_path / "long" / "runs").iterdir())):
        time.sleep(0.05)
    running.kill()
    running.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive  # no orphan goes on
    shown, _ = ganbench(tmp_path, "status", str(tmp_path / "long.toml")).communicate(timeout=60)
    assert "process" not in shown
    assert "interrupted at step" in shown


def test_the_whole_group_may_be_told_to_stop_at_once(tmp_path: Path, running: subprocess.Popen[str]) -> None:
    """As a batch system does it: the fork server must not die of what is meant for the supervisor."""
    os.killpg(running.pid, signal.SIGTERM)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert not list((tmp_path / "long").glob("runs/*/record.json"))
    assert all(latest_step(folder) for folder in (tmp_path / "long" / "runs").iterdir())
    assert not (tmp_path / "long" / FILE).exists()


def test_a_lock_is_let_go_of_and_kept_from_others(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(StoreError, match="in use by another ganbench"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_limit_leaves_the_rest_for_another_call(tmp_path: Path, data_root: Path) -> None:
    suite = f'objectives = ["nsgan", "wgan", "hinge"]\ndatasets = ["ring"]\n{TINY}'
    first, store = carry_out(suite, tmp_path, data_root, limit=1)
    assert (first.wanted, first.trained, first.postponed, first.exit_code) == (3, 1, 2, 0)
    second, _ = carry_out(suite, tmp_path, data_root, only=("wgan",))
    assert (second.wanted, second.trained, second.kept, second.exit_code) == (1, 1, 0, 0)
    assert second.statuses == {Status.COMPLETED: 1}
    third, _ = carry_out(suite, tmp_path, data_root)
    assert (third.wanted, third.trained, third.kept, third.exit_code) == (3, 1, 2, 0)
    assert json.loads((store.folder / "plan.json").read_text())["cells"][2]["objective"] == "hinge"


def test_a_run_interrupted_in_its_process_goes_on_with_the_same_bytes(tmp_path: Path, data_root: Path) -> None:
    suite = (
        'seeds = 1\nobjectives = ["r3gan"]\ndatasets = ["grid"]\n[training]\nsteps = 400\nbatch_size = 16\n'
        "[evaluation]\nsamples = 100\nevery = 150\n"
    )
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    _, whole = carry_out(suite, tmp_path / "whole", data_root)

    class Interrupts(Silent):
        def progress(self, key: str, progress: Progress) -> None:
            if progress.share > 0.3 and ("stopping",) not in self.events:
                self.events.append(("stopping",))
                os.kill(os.getpid(), signal.SIGINT)

    first, parts = carry_out(suite, tmp_path / "parts", data_root, Interrupts())
    assert first.exit_code == 130
    assert first.statuses.total() == 0
    second, _ = carry_out(suite, tmp_path / "parts", data_root)
    assert second.exit_code == 0
    (record,) = parts.records()
    assert record.timings.resumptions == 1
    one, two = (take_fingerprint(store, record.run_id) for store in (whole, parts))
    assert one is not None
    assert two is not None
    assert one.differences(two) == ()


def test_activity_of_a_process_that_is_gone_is_not_told(tmp_path: Path) -> None:
    activity = begin_activity()
    write_activity(tmp_path, activity)
    assert read_activity(tmp_path) == activity
    assert activity.is_alive
    write_activity(tmp_path, activity.model_copy(update={"process_started": activity.process_started - 100}))
    assert read_activity(tmp_path) is None  # another process has its number now
    write_activity(tmp_path, activity.model_copy(update={"host": "elsewhere"}))
    other = read_activity(tmp_path)
    assert other is not None
    assert other.is_alive is None
    for content in (b"", b"{", b"[]", b"\xff", b"null", b'{"pid": "x"}'):
        (tmp_path / FILE).write_bytes(content)
        assert read_activity(tmp_path) is None


def test_a_heartbeat_tells_what_is_under_way_and_ends(tmp_path: Path) -> None:
    watcher = Silent()
    with Heartbeat(tmp_path, watcher) as heartbeat:
        heartbeat.phase("runs", 2)
        heartbeat.started("a")
        heartbeat.progress("a", Progress(step=5, images=80, seconds=0.1, share=0.25))
        heartbeat.started("b")
        told = read_activity(tmp_path)
        assert isinstance(told, Activity)
        assert {run.run_id: (run.step, run.share) for run in told.active} == {"a": (5, 0.25), "b": (0, 0.0)}
        heartbeat.finished("a", "completed", None)
    assert not (tmp_path / FILE).exists()
    assert [event[0] for event in watcher.events] == ["phase", "started", "started", "finished"]


def test_a_heartbeat_on_a_full_disk_is_silent(tmp_path: Path) -> None:
    with Heartbeat(tmp_path / "nowhere", Silent()) as heartbeat:
        heartbeat.phase("runs", 1)


def test_an_estimate_does_not_count_what_an_earlier_process_did(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    estimate = Estimate(2)
    assert estimate.remaining() is None
    estimate.progress("a", 0.5)  # resumed
    assert estimate.remaining() is None
    clock[0] = 10.0
    estimate.progress("a", 0.75)
    assert estimate.remaining() == pytest.approx(10 / 0.25 * 1.25)
    estimate.finish("a")
    assert estimate.remaining() == pytest.approx(10 / 0.5 * 1)
