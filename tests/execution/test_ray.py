"""A Ray cluster of three nodes on this machine: what is recorded there is what this machine alone records."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints import latest_step
from bench.execution.conduct import Summary, conduct
from bench.execution.executor import Engine
from bench.execution.interruption import Interruption
from bench.execution.ray_connection import QUIET
from bench.execution.ray_node import SILENCE_SECONDS
from bench.execution.tasks import Progress
from bench.record import Status
from bench.store import Store
from bench.suite import load_suite
from tests.execution.carrying import Silent
from tests.faults.laws import compare, torn_files

os.environ.update(QUIET)  # Ray reads them when it is imported
ray = pytest.importorskip("ray", reason='Ray is not installed: pip install "ganbench[ray]"')

from bench.execution.ray import RayCluster, make_terms, raise_faults_of  # noqa: E402
from bench.execution.ray_executor import find_nodes  # noqa: E402

CLIENT_PORT = 23_517
PATIENT = """
import os, time
from pathlib import Path
import torch
from bench.catalog import losses

FOLDER = Path(__file__).parent
calls = 0

@losses.register("patient", formula="–", source="test")
class Patient:
    '''The non-saturating loss, which waits at its 60th batch until it is let go on, and goes on slowly where that is
    asked for; its numbers do not know of that.'''

    def discriminator(self, real, fake):
        global calls
        calls += 1
        if calls == 60:
            (FOLDER / f"waiting-{os.getpid()}").touch()
            while not (FOLDER / "go").exists():
                time.sleep(0.05)
        if (FOLDER / "slowly").exists():
            time.sleep(0.25)
        return torch.nn.functional.softplus(-real).mean() + torch.nn.functional.softplus(fake).mean()

    def generator(self, real, fake):
        return torch.nn.functional.softplus(-fake).mean()

@losses.register("fatal", formula="–", source="test")
class Fatal:
    'Ends its process.'

    def discriminator(self, real, fake):
        os._exit(7)

    def generator(self, real, fake):
        return -fake.mean()
"""
SUITE = """
seeds = 4
plugins = ["patient.py"]
objectives = ["patient", "fatal"]
architectures = [{ name = "mlp", width = 16 }]
datasets = ["ring"]
[training]
steps = 100
batch_size = 16
[evaluation]
samples = 100
every = 25
[execution]
checkpoint_seconds = 1e-6
"""


class Suite:
    """Runs that wait half-way, and others that crash; carried out into several folders."""

    def __init__(self, folder: Path, data_root: Path) -> None:
        self.folder, self.data_root, self.path = folder, data_root, folder / "waiting.toml"
        (folder / "patient.py").write_text(PATIENT)
        self.path.write_text(SUITE)
        self.plan = load_suite(self.path)
        self.let_go()
        self.peace = Store(folder / "peace")
        assert self.carry_out(self.peace, None).exit_code == 1  # those that crash

    def let_go(self) -> None:
        (self.folder / "go").touch()

    def hold(self) -> None:
        for path in (self.folder / "go", *self.folder.glob("waiting-*")):
            path.unlink(missing_ok=True)

    def waiting(self) -> int:
        return len(list(self.folder.glob("waiting-*")))

    def carry_out(self, store: Store, engine: Engine | None, watcher: Silent | None = None) -> Summary:
        return conduct(self.plan, store, self.data_root, "cpu", 2, watcher or Silent(), engine=engine)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> Suite:
    return Suite(tmp_path_factory.mktemp("suite"), data_root)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Three nodes with a core each, the first of them the head; this process is connected."""
    from ray.cluster_utils import Cluster

    size = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    head = {**size, "include_dashboard": False, "ray_client_server_port": CLIENT_PORT}
    made = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(2):
            made.add_node(wait=False, **size)
        made.wait_for_nodes(timeout=120)
        ray.init(made.address, log_to_driver=False, logging_level="CRITICAL")
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


class Notes(Silent):
    """A watcher that keeps what is told in words."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def progress(self, key: str, progress: Progress) -> None:
        if progress.note:
            self.notes.append(progress.note)


@contextmanager
def acting(when: Callable[[], bool], act: Callable[[], None]) -> Iterator[None]:
    """Beside what is entered, do something as soon as something holds; it must come to that."""
    acted, left = threading.Event(), threading.Event()

    def watch() -> None:
        while not left.wait(0.05):
            if when():
                act()
                acted.set()
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join()
    assert acted.is_set()


def finished(watcher: Silent) -> list[str]:
    return [event[1] for event in watcher.events if event[0] == "finished" and "_s" in event[1]]


def test_a_node_is_lost_and_every_run_is_recorded_once_with_the_same_bytes(
    suite: Suite, cluster: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    suite.hold()
    victim = next(iter(cluster.worker_nodes))

    def lose_a_node() -> None:
        cluster.remove_node(victim, allow_graceful=False)
        suite.let_go()

    store = Store(tmp_path / "cluster")
    watcher = Notes()
    with acting(lambda: suite.waiting() == 3, lose_a_node):  # on every node a run is half-way
        summary = suite.carry_out(store, RayCluster(cluster.address, "cpu"), watcher)
    assert summary.statuses == {Status.COMPLETED: 4, Status.CRASHED: 4}
    assert (summary.trained, summary.kept, summary.exit_code) == (8, 0, 1)
    assert sorted(finished(watcher)) == sorted(suite.plan.run_ids)  # each once
    lost = f"({victim.node_id[:8]})"
    assert any(lost in note and note.endswith("tried again") for note in watcher.notes)
    assert any(lost in warning for warning in summary.warnings)
    found = compare(suite.peace, store, suite.plan.run_ids)
    assert found.told == []
    assert found.resumptions == 1  # the run of the lost node went on from its checkpoint, the others never stopped
    assert torn_files(store.folder) == []
    assert {record.reason for record in store.records() if record.status is Status.CRASHED} == {
        "the process ended by itself with exit code 7"
    }
    said = capfd.readouterr()
    assert "raylet" not in said.out + said.err  # what Ray has to say about it stays in Ray's logs


def test_interrupted_on_a_cluster_it_goes_on_there(suite: Suite, cluster: Any, tmp_path: Path) -> None:
    suite.hold()
    store = Store(tmp_path / "cluster")

    slowly = suite.folder / "slowly"

    def interrupt() -> None:
        slowly.touch()  # the wish to stop takes a moment to a node, and is to find the runs under way
        os.kill(os.getpid(), signal.SIGINT)
        suite.let_go()

    with acting(lambda: suite.waiting() >= 2, interrupt):
        first = suite.carry_out(store, RayCluster(cluster.address, "cpu", slots=2))
    slowly.unlink()
    assert (first.exit_code, first.statuses.total()) == (130, first.trained)
    begun = [run_id for run_id in suite.plan.run_ids if latest_step(store.run_folder(run_id))]
    assert begun
    second = suite.carry_out(store, RayCluster(cluster.address, "cpu"))
    assert second.statuses == {Status.COMPLETED: 4, Status.CRASHED: 4}
    found = compare(suite.peace, store, suite.plan.run_ids)
    assert (found.told, found.resumptions) == ([], len(begun))


def test_nodes_that_lack_something_are_told_before_anything_is_trained(
    suite: Suite, cluster: Any, tmp_path: Path
) -> None:
    store = Store(tmp_path / "cluster")
    store.prepare()
    terms = make_terms(suite.plan, store, suite.data_root, None)
    with Interruption() as interruption:
        raise_faults_of(find_nodes(), terms, interruption)
        results, data = terms.folders
        wrong = terms.model_copy(
            update={
                "source": "another",
                "folders": (
                    results.model_copy(update={"path": tmp_path / "nowhere"}),
                    data.model_copy(update={"identity": "another's"}),
                ),
                "files": (tmp_path / "weights.pth",),
            }
        )
        with pytest.raises(Exception, match="other source files of ganbench") as error:
            raise_faults_of(find_nodes(), wrong, interruption)
    said = str(error.value)
    assert f"does not see the results folder '{tmp_path / 'nowhere'}'" in said
    assert f"has a data root '{suite.data_root}' of its own" in said
    assert f"does not see '{tmp_path / 'weights.pth'}'" in said
    assert len(said.splitlines()) == 4


def test_needs_that_no_node_has_are_told(suite: Suite, cluster: Any, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"no node of the cluster has room for a run of 7 CPUs and 0 GPUs \(its nodes"):
        suite.carry_out(Store(tmp_path / "cluster"), RayCluster(cluster.address, "cpu", cpus_per_run=7))
    assert not list((tmp_path).rglob("record.json"))


@pytest.mark.skipif(not os.environ.get("GANBENCH_FAULTS"), reason="takes minutes: nox -s faults")
def test_a_driver_is_killed_and_the_next_one_goes_on(suite: Suite, cluster: Any, tmp_path: Path) -> None:
    """Through Ray's client, as from a machine that is no node of the cluster."""
    suite.hold()
    command = [sys.executable, "-m", "bench", "run", str(suite.path), "--on", f"ray://127.0.0.1:{CLIENT_PORT}"]
    command += ["--device", "cpu", "--results", str(tmp_path), "--reports", str(tmp_path), "--only", "patient"]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 240
    while suite.waiting() < 2 and killed.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert suite.waiting() >= 2
    killed.kill()
    killed.wait()
    time.sleep(SILENCE_SECONDS + 5)  # its runs wait, and cannot stop before they are let go on
    suite.let_go()
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "4 completed" in ended.stdout
    assert not re.search("raylet|Traceback", ended.stdout + ended.stderr)
    store = Store(tmp_path / suite.path.stem)
    found = compare(suite.peace, store, [run_id for run_id in suite.plan.run_ids if run_id.startswith("patient")])
    assert found.told == []
    assert found.resumptions >= 2
