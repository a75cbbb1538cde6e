"""What holds of every engine that tasks are sent to other machines by, and what is told where there is none."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from bench.commands.engines import choose_engine
from bench.environment import host_environment
from bench.errors import UsageError
from bench.execution import phases, ray_connection, under_way
from bench.execution.conduct import ThisMachine, conduct
from bench.execution.executor import UNLIMITED, Limits, Outcome, Site
from bench.execution.interruption import Interruption
from bench.execution.pool import LocalPool
from bench.execution.ray import RayCluster
from bench.execution.ray_connection import REACH_SECONDS, reach, split_address
from bench.execution.ray_executor import Needs, Node
from bench.execution.ray_node import SILENCE_SECONDS, Mailbox
from bench.execution.tasks import Progress, ReferenceTask, RunTask, Task, ThroughputTask
from bench.plan import Plan
from bench.record import Status
from bench.spec import RunSpec
from bench.store import Store
from bench.suite import load_suite
from tests.execution.carrying import TINY, Silent
from tests.faults.laws import compare
from tests.specs import run_spec
from tests.test_cli import usage_error

SUITE = f'objectives = ["nsgan", "wgan"]\ndatasets = ["ring"]\n{TINY}'
HAS_RAY = importlib.util.find_spec("ray") is not None


class Elsewhere:
    """An engine of one file: machines that are lost, and whose files are seen late.

    Args:
        losses: so many tasks of each kind are lost at their ends, after ``does``.
        does: whether a lost task was carried out before.
        seconds: from a record's writing until this machine sees it.
    """

    def __init__(self, losses: int = 0, *, does: bool = False, seconds: float = 0.0) -> None:
        self._losses, self._does, self._seconds = losses, does, seconds
        self._lost: dict[str, int] = {}
        self._threads = ThreadPoolExecutor(4)
        self.carried_out = 0

    @contextmanager
    def open(
        self,
        plan: Plan,
        runs: Sequence[RunSpec],
        store: Store,
        data_root: Path,
        weights: Path | None,
        interruption: Interruption,
    ) -> Iterator[Site]:
        with ThisMachine("cpu", 2).open(plan, (), store, data_root, weights, interruption) as site:
            assert isinstance(site.executor, LocalPool)
            self._pool = site.executor
            yield Site(site.place, self, 2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def submit(
        self,
        task: Task,
        *,
        log: Path | None = None,
        limits: Limits = UNLIMITED,
        started: Callable[[], None] = lambda: None,
        progress: Callable[[Progress], None] = lambda _: None,
        unwanted: threading.Event | None = None,
    ) -> Future[Outcome]:
        def carry_out() -> Outcome:
            key = task.spec.run_id if isinstance(task, RunTask) else task.kind
            self._lost[key] = self._lost.get(key, 0) + 1
            lost = self._lost[key] <= self._losses
            if lost and not self._does:
                started()
                return Outcome(lost="node far-away was lost")
            outcome = self._pool.submit(task, log=log, limits=limits, started=started, progress=progress).result()
            if isinstance(task, RunTask):
                self.carried_out += 1
                hidden = task.place.results / "runs" / task.spec.run_id / "record.json"
                if self._seconds:
                    hidden.rename(hidden.with_suffix(".hidden"))
                    threading.Timer(self._seconds, hidden.with_suffix(".hidden").rename, [hidden]).start()
            return Outcome(lost="node far-away was lost") if lost else outcome

        return self._threads.submit(carry_out)

    def ask_to_stop(self) -> None:
        self._pool.ask_to_stop()


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    path = tmp_path_factory.mktemp("suite") / "suite.toml"
    path.write_text(SUITE)
    return load_suite(path)


@pytest.fixture(scope="module")
def peace(plan: Plan, tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> Store:
    store = Store(tmp_path_factory.mktemp("peace"))
    assert conduct(plan, store, data_root, "cpu", 2, Silent()).exit_code == 0
    return store


def test_what_is_lost_is_tried_again_and_comes_out_the_same(
    plan: Plan, peace: Store, tmp_path: Path, data_root: Path
) -> None:
    store = Store(tmp_path)
    summary = conduct(plan, store, data_root, "cpu", 2, Silent(), engine=Elsewhere(losses=2))
    assert (summary.trained, summary.exit_code) == (2, 0)
    assert summary.warnings == ("node far-away was lost",)
    assert compare(peace, store, plan.run_ids).told == []
    assert len(store.throughputs().items) == 2


def test_what_always_loses_its_machine_is_given_up(plan: Plan, tmp_path: Path, data_root: Path) -> None:
    class LosesRuns(Elsewhere):
        def submit(self, task: Task, **named: Any) -> Future[Outcome]:
            self._losses = 1000 if isinstance(task, RunTask) else 0
            return super().submit(task, **named)

    store = Store(tmp_path)
    summary = conduct(plan, store, data_root, "cpu", 2, Silent(), engine=LosesRuns())
    assert summary.statuses == {Status.CRASHED: 2}
    times = " and, tried again, ".join(["node far-away was lost"] * under_way.LOST_IN_A_ROW)
    assert {record.reason for record in store.records()} == {times}


def test_what_was_recorded_before_its_machine_was_lost_is_not_trained_again(
    plan: Plan, tmp_path: Path, data_root: Path
) -> None:
    engine = Elsewhere(losses=1, does=True)
    summary = conduct(plan, Store(tmp_path), data_root, "cpu", 2, Silent(), engine=engine)
    assert (summary.trained, summary.exit_code, engine.carried_out) == (2, 0, 2)


def test_records_that_are_seen_late_are_waited_for(plan: Plan, peace: Store, tmp_path: Path, data_root: Path) -> None:
    store = Store(tmp_path)
    summary = conduct(plan, store, data_root, "cpu", 2, Silent(), engine=Elsewhere(seconds=1.0))
    assert (summary.statuses, summary.exit_code, summary.warnings) == ({Status.COMPLETED: 2}, 0, ())
    assert compare(peace, store, plan.run_ids).told == []


def test_records_that_are_never_seen_are_told(
    plan: Plan, tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phases, "SEEN_SECONDS", 0.5)
    summary = conduct(plan, Store(tmp_path), data_root, "cpu", 2, Silent(), engine=Elsewhere(seconds=20.0))
    assert summary.exit_code == 1
    assert any("2 records that other machines wrote are not seen here yet" in said for said in summary.warnings)


# the command line


@pytest.mark.parametrize("command", ["run", "tune"])
def test_without_ray_it_is_said_what_to_install(tmp_path: Path, command: str) -> None:
    (tmp_path / "suite.toml").write_text(SUITE)
    arguments = ["ganbench", command, "suite.toml", "--on", "ray"]
    code = f"import sys; sys.modules['ray'] = None; sys.argv = {arguments}; from bench.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.strip() == 'error: Ray is not installed in this Python: pip install "ganbench[ray]"'
    assert not (tmp_path / "results").exists()


@pytest.mark.skipif(not HAS_RAY, reason='Ray is not installed: pip install "ganbench[ray]"')
def test_an_unreachable_address_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "suite.toml").write_text(SUITE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    for options in (("--on", f"ray://{address}"), ("--address", address)):
        said = usage_error("run", "suite.toml", *options, cwd=tmp_path)
        assert said.count("error:") == 1
        assert "no Ray cluster answers at" in said
        assert "refused" in said
    assert not (tmp_path / "results").exists()


@pytest.mark.skipif(not HAS_RAY, reason='Ray is not installed: pip install "ganbench[ray]"')
def test_what_answers_and_is_no_cluster_is_waited_for_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert REACH_SECONDS < 30
    monkeypatch.setattr(ray_connection, "REACH_SECONDS", 3.0)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(UsageError, match="is no Ray cluster, or a busy one"):
            reach(f"127.0.0.1:{mute.getsockname()[1]}")


@pytest.mark.parametrize(
    ("address", "expected"),
    [("ray://head:10001", ("head", 10001)), ("10.0.0.1:6379", ("10.0.0.1", 6379)), ("[::1]:6379", ("::1", 6379))],
)
def test_addresses(address: str, expected: tuple[str, int]) -> None:
    assert split_address(address) == expected


@pytest.mark.parametrize(
    "address", ["", "head", "ray://head", "head:port", "head:0", "head:99999", "http://head:1", ":1"]
)
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(UsageError, match="no address of a cluster"):
        split_address(address)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"on": "slurm"}, "--on slurm: valid: local, ray, ray://HOST:PORT"),
        ({"on": "ray://a:1", "address": "b:2"}, "two clusters"),
        ({"on": "local", "address": "b:2"}, "an address is a cluster's"),
        ({"gpus_per_run": 0.5}, "--gpus-per-run: for clusters"),
        ({"on": "ray", "gpus_per_run": 1.5}, "shares of one GPU"),
    ],
)
def test_options_that_contradict_each_other(
    options: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    with pytest.raises(UsageError, match=expected):
        choose(**options)


def test_engines_as_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    assert choose() == choose(on="local") == ThisMachine("auto", None)
    assert choose(on="ray") == choose(address="head:6379") == RayCluster("head:6379")
    assert choose(on="ray://head:10001") == choose(on="ray", address="ray://head:10001")
    monkeypatch.delenv("RAY_ADDRESS")
    assert choose(on="ray") == RayCluster(None)


def choose(
    on: str | None = None,
    address: str | None = None,
    cpus_per_run: float | None = None,
    gpus_per_run: float | None = None,
) -> Any:
    return choose_engine(on, address, "auto", None, cpus_per_run, gpus_per_run)


# what Ray is asked for


def test_needs_of_runs() -> None:
    place = _place()
    spec = run_spec()
    threads = spec.model_copy(update={"training": spec.training.model_copy(update={"threads": 3})})
    run, speed = RunTask(place=place, spec=threads), ThroughputTask(place=place, spec=threads)
    other = ReferenceTask(place=place, dataset=spec.dataset, space="raw", samples=100, plugins=())
    assert Needs(None, 0.25).options(run) == {"num_cpus": 3.0, "num_gpus": 0.25}
    assert Needs(None, 0.25).options(speed) == {"num_cpus": 3.0, "num_gpus": 1}  # alone on the device
    assert Needs(None, 0.25).options(other) == {"num_cpus": 1.0, "num_gpus": 0.25}
    assert Needs(0.5, 0).options(run) == {"num_cpus": 0.5, "num_gpus": 0}


@pytest.mark.parametrize(
    ("cpus", "gpus", "room"), [(1, 0, 8), (3, 0, 2), (1, 0.25, 4), (1, 1, 1), (1, 2, 0), (9, 0, 0), (0.5, 0.5, 2)]
)
def test_room_of_a_node(cpus: float, gpus: float, room: int) -> None:
    assert Node("id", "10.0.0.1", 8.0, 1.0).room(cpus, gpus) == room


def test_a_mailbox_tells_orders_to_stop_when_they_are_unwanted_or_their_driver_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    mailbox = Mailbox()
    assert [mailbox.tell(1, "a"), mailbox.tell(2, "b")] == [False, False]
    assert mailbox.take(frozenset({2})) == [(1, "a"), (2, "b")]
    assert [mailbox.tell(1, "c"), mailbox.tell(2, "d")] == [False, True]
    mailbox.take(None)
    assert mailbox.tell(1, "e")
    mailbox.take(frozenset())
    clock[0] += SILENCE_SECONDS + 1
    assert mailbox.tell(1, "f")
    assert mailbox.take(frozenset()) == [(1, "f")]
    assert not mailbox.tell(1, "g")


def _place() -> Any:
    from bench.execution.tasks import Place

    return Place(results=Path("/r"), data_root=Path("/d"), device="cpu", environment=host_environment())
