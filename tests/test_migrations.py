"""Results of every version are read, completely; a layout does not change unless its version does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import bench
from bench.migrations import MIGRATIONS
from bench.reading import NEWER
from bench.record import SCHEMA_VERSION, Record, Status
from bench.report import build
from bench.store import Store
from tests.fixtures.freeze import LAYOUTS, MODELS, layout, pinned, suite_folder

VERSIONS = range(1, SCHEMA_VERSION + 1)
HOW_TO = (
    f"If results of version {SCHEMA_VERSION} are in anybody's hands: raise SCHEMA_VERSION (bench/record.py), add the "
    "step to MIGRATIONS (bench/migrations.py) and run `python -m tests.fixtures.freeze`, which writes the version's "
    "fixture and its line in tests/fixtures/layouts.json. If none are yet, the last of these is enough."
)


@pytest.fixture(params=VERSIONS, ids=lambda version: f"v{version}")
def frozen(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """The results of one version, in a folder of the test's own."""
    version: int = request.param
    assert suite_folder(version).is_dir(), f"no fixture of version {version}. {HOW_TO}"
    shutil.copytree(suite_folder(version), tmp_path / "frozen")
    return Store(tmp_path / "frozen")


def files(store: Store) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_layout_changes_with_its_version_alone(model: type[Record]) -> None:
    frozen = pinned().get(str(SCHEMA_VERSION), {}).get(model.__name__)
    assert layout(model) == frozen, f"the layout of {model.__name__} is not that in {LAYOUTS}. {HOW_TO}"


def test_there_is_a_step_from_each_version_to_the_next() -> None:
    assert sorted(MIGRATIONS) == list(range(1, SCHEMA_VERSION)), HOW_TO


def test_a_fixture_is_of_its_version(frozen: Store, request: pytest.FixtureRequest) -> None:
    version = request.node.callspec.params["frozen"]
    models = [*frozen.folder.glob("*/*.json"), *frozen.folder.glob("runs/*/record.json")]
    assert {json.loads(path.read_bytes())["schema_version"] for path in models} == {version}


def test_everything_is_read_and_nothing_is_written(frozen: Store) -> None:
    before = files(frozen)
    contents = [frozen.records(), frozen.references(), frozen.throughputs()]
    assert [part.rejected for part in contents] == [(), (), ()]
    records = list(frozen.records())
    assert len(records) == len(list(frozen.folder.glob("runs/*/record.json"))) >= 3
    assert {Status.COMPLETED, Status.DIVERGED, Status.CRASHED} <= {record.status for record in records}
    assert all(record.schema_version == SCHEMA_VERSION for record in records)
    assert all(record.spec.execution.timeout_seconds == 60 for record in records)
    assert (len(frozen.references().items), len(frozen.throughputs().items)) == (1, 2)
    for record in records:
        assert frozen.record(record.run_id) == record
        history = frozen.history(record.run_id)
        assert (history is not None) == (frozen.run_folder(record.run_id) / "history.parquet").exists()
    (completed,) = [record for record in records if record.status is Status.COMPLETED]
    history, samples = frozen.history(completed.run_id), frozen.samples(completed.run_id)
    assert history is not None
    assert set(history["split"]) == {"train", "validation", "test"}
    assert samples is not None
    assert len(completed.measurements) > 20
    assert files(frozen) == before


def test_load_results_and_the_report_work_on_it(frozen: Store, tmp_path: Path) -> None:
    records = list(frozen.records())
    frame = bench.load_results(tmp_path)
    assert list(frame["run_id"]) == [record.run_id for record in records]
    assert list(frame["status"]) == [str(record.status) for record in records]
    assert frame["fid"].count() == 1
    page = build([frozen.folder], tmp_path / "report", command="ganbench run frozen.toml").read_text(encoding="utf-8")
    assert "wgan-gp" in page
    assert "skipped" not in page


@pytest.mark.parametrize("status", Status)
def test_a_record_of_any_status_is_read(frozen: Store, status: Status) -> None:
    path = next(iter(frozen.folder.glob("runs/crash*/record.json")))
    path.write_text(path.read_text().replace('"status": "crashed"', f'"status": "{status}"'))
    record = frozen.record(path.parent.name)
    assert record is not None
    assert record.status is status


def test_a_migrated_record_says_the_same_in_todays_words(frozen: Store, tmp_path: Path) -> None:
    """What is read of an old file, written anew, is a file of today with the same content."""
    today = Store(tmp_path / "today")
    for record in frozen.records():
        renamed = record.model_copy(update={"run_id": record.spec.run_id})  # version 1 named runs after less
        today.write_record(renamed)
        assert today.record(renamed.run_id) == renamed


def test_a_run_of_version_1_keeps_its_id_and_no_plan_asks_for_it() -> None:
    records = list(Store(suite_folder(1)).records())
    assert all(record.run_id != record.spec.run_id for record in records)
    for version in VERSIONS[1:]:
        assert all(record.run_id == record.spec.run_id for record in Store(suite_folder(version)).records())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_record_in_another_runs_folder_is_named_and_skipped(version: int, tmp_path: Path) -> None:
    store = Store(tmp_path)
    source = next(iter((suite_folder(version) / "runs").iterdir()))
    shutil.copytree(source, store.run_folder("another"))
    contents = store.records()
    assert contents.items == ()
    assert len(contents.rejected) == 1
    assert "not of its folder's; skipped" in contents.rejected[0]


WRONG_VERSIONS = [None, "3", "", True, False, 0, -1, 3.0, 1.0, [3], {}, -(10**30), "x" * 10_000]


@pytest.mark.parametrize("version", WRONG_VERSIONS, ids=lambda version: repr(version)[:12])
def test_a_version_that_is_none_is_named_and_skipped(frozen: Store, version: object) -> None:
    rejected = with_version(frozen, version)
    assert all("schema version" in sentence and sentence.endswith("; skipped") for sentence in rejected)
    assert all(len(sentence) < 400 for sentence in rejected)


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 2**31, 10**30])
def test_a_newer_version_is_told_as_such(frozen: Store, version: int) -> None:
    assert all(sentence.endswith(NEWER) for sentence in with_version(frozen, version))
    assert len(frozen.records().newer) == len(frozen.frame().newer) == 1


def with_version(store: Store, version: object) -> list[str]:
    """What is told of a record, a reference and a throughput measurement that say they are of ``version``."""
    paths = [
        next(iter(store.folder.glob(part))) for part in ("runs/*/record.json", "references/*.json", "throughput/*.json")
    ]
    before = [len(part.items) for part in (store.records(), store.references(), store.throughputs())]
    for path in paths:
        path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": version}))
    contents = [store.records(), store.references(), store.throughputs()]
    assert [len(part.items) for part in contents] == [number - 1 for number in before]
    rejected = [sentence for part in contents for sentence in part.rejected]
    assert len(rejected) == 3
    assert all(str(path) in sentence for path, sentence in zip(paths, rejected, strict=True))
    assert list(store.frame().rejected) == rejected[:1]
    return rejected
