"""Every point at which a file can fail: no exception but one, nothing torn, and the same call again succeeds."""

from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.environment import host_environment
from bench.errors import StorageError, UsageError
from bench.execution.heartbeat import Heartbeat
from bench.execution.run import run
from bench.execution.tasks import Failed, Message, Place, ReferenceTask, RunTask, Task, ThroughputTask
from bench.execution.worker import answer
from bench.fingerprint import take_fingerprint
from bench.measured import Film
from bench.record import Record
from bench.spec import ExecutionSpec, RunSpec
from bench.store import Store
from tests.execution.carrying import Silent
from tests.faults.conftest import Peace
from tests.faults.faulty import KINDS, Faulty
from tests.faults.laws import torn_files
from tests.specs import run_spec

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="paths of open files are read from /proc")


@pytest.fixture(scope="module")
def spec() -> RunSpec:
    """Four steps, with a checkpoint after each look."""
    made = run_spec(amount=4, every=2, samples=50)
    return made.model_copy(update={"execution": ExecutionSpec(checkpoint_seconds=1e-6)})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> Place:
    folder = tmp_path_factory.mktemp("whole")
    return Place(results=folder, data_root=data_root, device="cpu", environment=host_environment())


@pytest.fixture(scope="module")
def calls(place: Place, spec: RunSpec) -> dict[str, int]:
    """How many calls of each kind a whole run makes; it is what all others are held against."""
    with Faulty(place.results).installed() as counting:
        assert train(place, spec)
    return dict(counting.calls)


def train(place: Place, spec: RunSpec) -> bool:
    return run(RunTask(place=place, spec=spec), lambda _: None, lambda: False)


def elsewhere(place: Place, folder: Path) -> Place:
    return place.model_copy(update={"results": folder})


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob(".*.part"))


def test_a_run_is_seen_to_write(calls: dict[str, int]) -> None:
    """A layer that sees nothing would let nothing fail."""
    assert all(calls.get(kind, 0) >= 5 for kind in ("mkstemp", "write", "fsync", "rename")), calls


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_survives_the_failure_of_any_call(
    kind: str, calls: dict[str, int], place: Place, spec: RunSpec, tmp_path: Path
) -> None:
    store = Store(place.results)
    expected = take_fingerprint(store, spec.run_id)
    for at in range(1, calls.get(kind, 0) + 1):
        there = elsewhere(place, tmp_path / f"{kind}-{at}")
        recorded = False
        with Faulty(there.results, kind, at).installed() as faulty, contextlib.suppress(StorageError):
            recorded = train(there, spec)
        assert len(faulty.failed) == 1, at
        if "checkpoint" in Path(faulty.failed[0]).name:
            assert recorded, f"{at}: a checkpoint that cannot be written ended the run"
        assert torn_files(there.results) == [], at
        assert leftovers(there.results) == [], at
        again = Store(there.results)
        if recorded:
            assert take_fingerprint(again, spec.run_id) == expected, at
        assert train(there, spec)
        assert take_fingerprint(again, spec.run_id) == expected, at
        shutil.rmtree(there.results)


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.EDQUOT, errno.ENOSPC])
@pytest.mark.parametrize("kind", ["mkstemp", "write", "fsync", "rename"])
def test_a_disk_that_stays_broken_ends_a_run_with_its_own_error(
    kind: str, number: int, place: Place, spec: RunSpec, tmp_path: Path
) -> None:
    there = elsewhere(place, tmp_path / "broken")
    with (
        Faulty(there.results, kind, at=3, number=number, lasting=True).installed() as faulty,
        pytest.raises(StorageError, match=os.strerror(number)) as caught,
    ):
        train(there, spec)
    assert caught.value.errno == number
    assert len(faulty.failed) > 2, "checkpoints that cannot be written do not end a run"
    assert Store(there.results).record(spec.run_id) is None
    assert torn_files(there.results) == leftovers(there.results) == []


def test_leftovers_that_cannot_be_removed_are_not_trusted(
    place: Place, spec: RunSpec, calls: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = elsewhere(place, tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch, Faulty(tmp_path, "rename", 1, lasting=True).installed():
        patch.setattr(os, "unlink", refuse)
        patch.setattr(os, "remove", refuse)
        with pytest.raises(StorageError):
            train(there, spec)
    assert leftovers(tmp_path)
    assert Store(tmp_path).record(spec.run_id) is None
    assert Store(tmp_path).frame().frame.empty
    assert train(there, spec)
    assert take_fingerprint(Store(tmp_path), spec.run_id) == take_fingerprint(Store(place.results), spec.run_id)


# what processes tell of it


def last_message(task: Task) -> object:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    answer(task.model_dump_json(), sender, lambda: False)
    sender.close()
    content: object = None
    while True:
        try:
            content = Message.model_validate_json(receiver.recv_bytes()).content
        except EOFError:
            return content


@pytest.mark.parametrize("kind", ["mkstemp", "write", "fsync", "rename"])
def test_a_process_says_that_it_is_the_disk(kind: str, place: Place, spec: RunSpec, tmp_path: Path) -> None:
    there = elsewhere(place, tmp_path)
    reference = ReferenceTask(place=there, dataset=spec.dataset, space="raw", samples=50, plugins=())
    for task in (RunTask(place=there, spec=spec), reference, ThroughputTask(place=there, spec=spec)):
        with Faulty(tmp_path, kind, 1, lasting=True).installed():
            said = last_message(task)
        assert isinstance(said, Failed)
        assert said.storage
        assert "No space left on device" in said.reason
        assert leftovers(tmp_path) == torn_files(tmp_path) == []


def test_a_classifier_that_cannot_be_kept_is_used_all_the_same(place: Place, tmp_path: Path) -> None:
    spec = run_spec(dataset="digits")
    there = place.model_copy(update={"results": tmp_path / "results", "data_root": tmp_path / "data"})
    task = ReferenceTask(place=there, dataset=spec.dataset, space="classifier", samples=50, plugins=())
    with Faulty(tmp_path / "data", "write", 1, lasting=True).installed() as faulty:
        assert not isinstance(last_message(task), Failed)
    assert faulty.failed
    assert len(Store(tmp_path / "results").references().items) == 1
    assert leftovers(tmp_path) == []


# what the supervisor writes


def _record(store: Store, record: Record) -> None:
    store.write_record(record)


WRITES: dict[str, Callable[[Store, Peace], object]] = {
    "suite": lambda store, peace: store.write_suite(peace.plan.suite_text + "# more", peace.plan.to_json()),
    "spec": lambda store, peace: store.write_spec(peace.plan.specs[0]),
    "record": lambda store, peace: store.write_record(_first(peace.store)),
    "history": lambda store, peace: store.write_history(*_history(peace)),
    "samples": lambda store, peace: store.write_samples(peace.plan.run_ids[0], _samples(peace), b"picture"),
    "film": lambda store, peace: store.write_film(*_film(peace)),
    "reference": lambda store, peace: store.write_reference(peace.store.references().items[0]),
    "reference samples": lambda store, peace: store.write_reference_samples("key", _samples(peace)),
    "throughput": lambda store, peace: store.write_throughput(peace.store.throughputs().items[0]),
    "index": lambda store, _: store.pack(),
}


def _first(store: Store) -> Record:
    return store.records().items[0]


def _history(peace: Peace) -> tuple[str, object]:
    run_id = peace.plan.run_ids[0]
    return run_id, peace.store.history_table(run_id)


def _samples(peace: Peace) -> object:
    return peace.store.samples(peace.plan.run_ids[0])


def _film(peace: Peace) -> tuple[str, Film]:
    run_id = peace.plan.run_ids[0]
    film = peace.store.film(run_id)
    assert film is not None
    return run_id, film


def content(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("what", "empty"),
    [  # an index is made of records: of an empty folder there is none
        pytest.param(what, empty, id=f"{what}, {'new' if empty else 'over an older one'}")
        for what in WRITES
        for empty in (True, False)
        if not (what == "index" and empty)
    ],
)
def test_whatever_is_written_is_there_whole_or_as_it_was(what: str, empty: bool, peace: Peace, tmp_path: Path) -> None:
    write = WRITES[what]
    start = tmp_path / "start"
    if empty:
        start.mkdir()
    else:
        shutil.copytree(peace.store.folder, start)
        (start / "records.parquet").unlink(missing_ok=True)
    whole = Path(shutil.copytree(start, tmp_path / "whole"))
    with Faulty(whole).installed() as counting:
        write(Store(whole), peace)
    before, after = content(start), content(whole)
    assert before != after or what in ("spec", "record", "reference", "throughput", "history", "film")
    for kind in KINDS:
        for at in range(1, counting.calls[kind] + 1):
            folder = Path(shutil.copytree(start, tmp_path / f"{kind}-{at}"))
            with Faulty(folder, kind, at).installed(), pytest.raises(StorageError, match="No space left"):
                write(Store(folder), peace)
            now = content(folder)
            assert all(now[path] in (before.get(path), after[path]) for path in now), (kind, at)
            assert now.keys() >= before.keys()
            write(Store(folder), peace)
            assert content(folder) == after, (kind, at)


@pytest.mark.parametrize("kind", KINDS)
def test_a_heartbeat_that_cannot_be_told_is_no_fault(kind: str, tmp_path: Path) -> None:
    with Faulty(tmp_path, kind, 1, lasting=True).installed(), Heartbeat(tmp_path, Silent()) as heartbeat:
        heartbeat.phase("runs", 1)
        heartbeat.started("a")
        heartbeat.finished("a", "completed", None)
    assert not (tmp_path / "running.json").exists()


@pytest.mark.parametrize("kind", ["mkstemp", "write", "fsync", "chmod", "rename"])
def test_a_suite_that_cannot_be_kept_ends_the_command(kind: str, peace: Peace, tmp_path: Path) -> None:
    """All runs are there, the suite's text is another: it alone is written."""
    folder = Path(shutil.copytree(peace.store.folder, tmp_path / "points"))
    (folder / "plan.json").write_text(json.dumps({"another": "plan"}))
    with Faulty(folder, kind, 1, lasting=True).installed(), pytest.raises((StorageError, UsageError)) as caught:
        peace.carry_out(folder)
    assert "No space left" in str(caught.value)
    assert torn_files(folder) == leftovers(folder) == []
    summary = peace.carry_out(folder)
    assert (summary.trained, summary.kept, summary.exit_code) == (0, 4, 0)
    assert (folder / "plan.json").read_text() == peace.plan.to_json()
