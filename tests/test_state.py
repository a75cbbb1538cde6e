"""`ganbench status`: what is recorded, what was interrupted, what runs."""

from __future__ import annotations

import errno
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bench.activity import ActiveRun, begin_activity, now, write_activity
from bench.checkpoints import write_checkpoint
from bench.plan import Plan
from bench.record import Status
from bench.state import LISTED, State, make_state, print_state, watch_state
from bench.store import Store
from bench.suite import plan_suite
from tests.test_forecast import SUITE, of, record


def test_what_cannot_be_told_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_half(path: Path, text: str, encoding: str) -> int:
        path.write_bytes(text.encode(encoding)[: len(text) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", write_half)
    write_activity(tmp_path, begin_activity())
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def plan() -> Plan:
    return plan_suite(SUITE, Path("suite.toml"))


def shown(state: State) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_state(console, state)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_status_counts_this_plan_alone(plan: Plan, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_record(record(of(plan, "nsgan")[0], 10.0))
    store.write_record(record(of(plan, "wgan")[0], 1.0, Status.DIVERGED))
    other = plan_suite(SUITE.replace("100", "200"), Path("suite.toml"))
    store.write_record(record(other.specs[0], 10.0))
    state = make_state(plan, store)
    assert (state.runs, state.missing) == (8, 6)
    assert state.statuses == {"completed": 1, "diverged": 1}
    assert state.failures == ((of(plan, "wgan")[0].run_id, "diverged", "as told"),)
    assert (state.running, state.interrupted) == (None, ())
    assert "8 runs: 1 completed, 1 diverged, 6 without a record" in shown(state)
    assert "nothing is being done" in shown(state)


def test_what_runs_and_what_was_interrupted_is_named(plan: Plan, tmp_path: Path) -> None:
    store = Store(tmp_path)
    interrupted, active = of(plan, "nsgan")[0].run_id, of(plan, "wgan")[0].run_id
    for run_id in (interrupted, active):
        write_checkpoint(store.run_folder(run_id), 1200, b"content")
    run = ActiveRun(run_id=active, step=1300, share=0.65, started_at=now())
    doing = {"phase": "runs", "total": 8, "finished": 3, "active": (run,), "seconds_left": 90.0}
    write_activity(tmp_path, begin_activity().model_copy(update=doing))
    state = make_state(plan, store)
    assert state.interrupted == ((interrupted, 1200),)
    assert json.loads(json.dumps(state.to_plain()))["running"]["active"][0]["step"] == 1300
    text = shown(state)
    assert f"{interrupted}  interrupted at step 1,200" in text
    assert "runs: 3 of 8 done, about 1 min 30 s left" in text
    assert "step 1,300" in text
    assert "65%" in text


def test_another_machines_last_words_are_told_as_such(plan: Plan, tmp_path: Path) -> None:
    write_activity(tmp_path, begin_activity().model_copy(update={"host": "elsewhere"}))
    assert "on elsewhere" in shown(make_state(plan, Store(tmp_path)))
    assert "last heard of at" in shown(make_state(plan, Store(tmp_path)))


def test_many_interrupted_runs_are_counted(plan: Plan, tmp_path: Path) -> None:
    seeds = SUITE.replace("seeds = 4", f"seeds = {LISTED}") if "seeds = 4" in SUITE else f"seeds = {LISTED}\n{SUITE}"
    many = plan_suite(seeds, Path("suite.toml"))
    store = Store(tmp_path)
    for run_id in many.run_ids:
        write_checkpoint(store.run_folder(run_id), 10, b"content")
    assert f"… and {len(many.run_ids) - LISTED} more that were interrupted" in shown(make_state(many, store))


def test_watching_ends_when_all_is_recorded(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.state.WATCH_SECONDS", 0.0)
    store = Store(tmp_path)
    specs = list(plan.specs)

    def look() -> State:
        store.write_record(record(specs.pop(), 1.0))
        return make_state(plan, store)

    watch_state(Console(file=io.StringIO()), look)
    assert not specs
