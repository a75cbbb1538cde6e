"""The packed index: as good as the records while it tells of them, and as good as none otherwise."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import bench
from bench import index
from bench.errors import StorageError
from bench.record import SCHEMA_VERSION, Measurement, Record, Status
from bench.store import Store
from tests.fixtures.freeze import suite_folder
from tests.test_store import make_record


def with_metrics(record: Record, **values: float | None) -> Record:
    """The record with these metrics in place of its own."""
    (measurement,) = record.measurements[:1]
    made = [measurement.model_copy(update={"metric": name, "value": value}) for name, value in values.items()]
    return record.model_copy(update={"measurements": tuple(made)})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Runs with metrics that not all of them have, one undefined in each."""
    store = Store(tmp_path / "suite")
    store.write_record(with_metrics(make_record(0), fid=1.5, recall=None))
    store.write_record(with_metrics(make_record(1), fid=2.5, precision=0.5))
    store.write_record(with_metrics(make_record(2), recall=None, of_a_plugin=3.0))
    diverged = make_record(3).model_copy(update={"status": Status.DIVERGED, "reason": "step 7", "measurements": ()})
    store.write_record(diverged)
    return store


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs whose records were read from their files, since the fixture was made."""
    read: list[str] = []
    of_old = index.read_model

    def noting(path: Path, *others: object) -> Record | None:
        read.append(path.parent.name)
        return of_old(path, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(index, "read_model", noting)
    return read


def cold(store: Store) -> pd.DataFrame:
    """What is told without an index."""
    kept = shutil.copytree(store.folder, store.folder.parent / "cold" / store.folder.name, dirs_exist_ok=True)
    (kept / index.FILE).unlink(missing_ok=True)
    frame = bench.load_results(kept)
    shutil.rmtree(kept)
    return frame


def read_alike(store: Store) -> None:
    """What is told with the index is what is told without, to the last dtype."""
    assert_frame_equal(store.frame().frame, cold(store), check_exact=True)


def test_packed_tells_the_same(store: Store, unread: list[str]) -> None:
    before = store.frame().frame
    assert store.pack() == 4
    unread.clear()
    assert_frame_equal(store.frame().frame, before, check_exact=True)
    assert unread == []
    read_alike(store)


def test_columns_are_those_that_are_documented(store: Store) -> None:
    store.pack()
    frame = bench.load_results(store.folder)
    identifying = [
        "run_id",
        "suite",
        "objective",
        "architecture",
        "dataset",
        "seed",
        "status",
        "reason",
        "steps",
        "images",
    ]
    metrics = ["fid", "precision", "recall", "of_a_plugin"]
    seconds = [f"seconds_{part}" for part in ("total", "start", "training", "evaluation", "files")]
    running = [*seconds, "resumptions", "training_images_per_second"]
    running += ["space", "space_sha256", "data_sha256", "device", "hardware"]
    assert list(frame.columns) == identifying + metrics + running
    assert list(frame["run_id"]) == sorted(frame["run_id"])
    assert [frame[name].dtype for name in ("seed", "steps", "images", "resumptions")] == [np.int64] * 4
    assert all(frame[name].dtype == np.float64 for name in (*metrics, *seconds, "training_images_per_second"))
    assert frame["recall"].isna().all()  # undefined in two runs is a column; measured in none is not


def test_what_changed_after_packing_is_read_from_its_file(store: Store, unread: list[str]) -> None:
    store.pack()
    store.write_record(with_metrics(make_record(0), fid=9.25, recall=None))  # retried
    store.write_record(make_record(4))  # new
    shutil.rmtree(store.run_folder(make_record(2).run_id))  # gone, with the only value of of_a_plugin
    unread.clear()
    frame = store.frame().frame.set_index("run_id")
    assert sorted(unread) == sorted(make_record(seed).run_id for seed in (0, 4))
    assert frame.loc[make_record(0).run_id, "fid"] == 9.25
    assert len(frame) == 4
    assert "of_a_plugin" not in frame
    read_alike(store)
    assert store.pack() == 2
    read_alike(store)


def test_a_record_of_the_same_size_is_read_again(store: Store) -> None:
    store.pack()
    path = store.run_folder(make_record(0).run_id) / "record.json"
    state = path.stat()
    path.write_text(path.read_text().replace('"value": 1.5', '"value": 7.5'))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert path.stat().st_size == state.st_size
    assert store.frame().frame.loc[0, "fid"] == 7.5


def test_few_records_are_left_unpacked(store: Store) -> None:
    assert store.pack(fewest=5) == 0
    assert not (store.folder / index.FILE).exists()
    assert store.pack(fewest=4) == 4
    written = (store.folder / index.FILE).stat().st_mtime_ns
    assert store.pack() == 0
    store.write_record(make_record(4))
    assert store.pack(fewest=2) == 0
    assert (store.folder / index.FILE).stat().st_mtime_ns == written


def test_nothing_is_packed_of_nothing(tmp_path: Path) -> None:
    assert Store(tmp_path / "none").pack() == 0
    assert not (tmp_path / "none").exists()


def test_reading_writes_nothing(store: Store) -> None:
    def state() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in store.folder.rglob("*")}

    before = state()
    bench.load_results(store.folder)
    assert state() == before
    store.pack()
    (store.folder / index.FILE).write_bytes(b"torn")
    before = state()
    bench.load_results(store.folder)
    assert state() == before


def test_what_cannot_be_trusted_is_named_packed_or_not(store: Store) -> None:
    for name, content in (("torn", "{"), ("newer", f'{{"schema_version": {SCHEMA_VERSION + 1}}}')):
        store.run_folder(name).mkdir()
        (store.run_folder(name) / "record.json").write_text(content)
    before = store.frame()
    assert store.pack(fewest=5) == 0  # six files, of which four are records
    assert store.pack() == 4
    assert store.pack() == 0
    after = store.frame()
    assert (after.rejected, after.newer) == (before.rejected, before.newer)
    assert (len(after.rejected), len(after.newer)) == (2, 1)
    with pytest.warns(UserWarning, match="skipped"):
        assert len(bench.load_results(store.folder)) == 4


def test_older_versions_are_packed_too(tmp_path: Path) -> None:
    for version in range(1, SCHEMA_VERSION + 1):
        store = Store(shutil.copytree(suite_folder(version), tmp_path / f"v{version}"))
        assert store.pack() == len(store.records().items)
        read_alike(store)


def test_suites_are_read_together(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "another")
    other.write_record(with_metrics(make_record(0), kid=0.5))
    store.pack()
    frame = bench.load_results(tmp_path)
    assert list(frame["suite"]) == ["another"] + ["suite"] * 4
    assert frame["kid"].count() == 1
    assert frame["fid"].count() == 2


def test_a_suite_may_be_renamed(store: Store, tmp_path: Path, unread: list[str]) -> None:
    store.pack()
    unread.clear()
    store.folder.rename(tmp_path / "renamed")
    assert set(bench.load_results(tmp_path / "renamed")["suite"]) == {"renamed"}
    assert unread == []


def test_a_full_disk_leaves_the_index_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.pack()
    content = (store.folder / index.FILE).read_bytes()
    store.write_record(make_record(4))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space"):
        store.pack()
    assert (store.folder / index.FILE).read_bytes() == content
    assert len(store.frame().frame) == 5


def test_measurements_of_all_selections_have_columns_of_their_own(tmp_path: Path) -> None:
    store, record = Store(tmp_path), make_record()
    base = record.measurements[0].model_dump()
    measurements = [
        Measurement(**(base | {"metric": name, "selection": selection, "value": 1.0}))
        for selection in ("oracle_best", "final", "best_on_validation")
        for name in ("of_a_plugin", "kid", "fid")
    ]
    store.write_record(record.model_copy(update={"measurements": tuple(measurements)}))
    columns = [name for name in store.frame().frame.columns if name.startswith(("fid", "kid", "of_a"))]
    suffixes = ("", "_best_on_validation", "_oracle_best")
    assert columns == [name + suffix for suffix in suffixes for name in ("fid", "kid", "of_a_plugin")]
