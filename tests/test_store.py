"""The results folder: whole files or none, and nothing trusted that should not be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bench
from bench.environment import host_environment
from bench.errors import StoreError
from bench.files import write_atomically
from bench.record import SCHEMA_VERSION, Measurement, Record, Status, Timings
from bench.store import Store
from tests.specs import run_spec


def make_record(seed: int = 0) -> Record:
    spec = run_spec(seed=seed)
    return Record(
        run_id=spec.run_id,
        spec=spec,
        status=Status.COMPLETED,
        steps=20,
        images=320,
        measurements=(
            Measurement(
                metric="fid", value=1.5, space="raw", split="test", generated=100, real=100, weights="ema", step=20,
                selection="final",
            ),
        ),
        timings=Timings(total=1, start=0.1, training=0.5, evaluation=0.2, files=0.1),
        environment=host_environment(),
        started_at="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    store, record = Store(tmp_path / "suite"), make_record()
    store.write_record(record)
    assert store.record(record.run_id) == record
    frame = bench.load_results(tmp_path)
    assert frame.loc[0, "fid"] == 1.5
    assert frame.loc[0, "suite"] == "suite"


def test_files_that_cannot_be_trusted_are_named_and_skipped(tmp_path: Path) -> None:
    store = Store(tmp_path)
    good = make_record(0)
    store.write_record(good)
    for seed, content in enumerate(
        [
            b"",
            b"{",
            b"\xff\xfe\x00",
            b"[]",
            b"[" * 100_000,
            b"{}",
            json.dumps({"schema_version": SCHEMA_VERSION + 1}).encode(),
            json.dumps({"schema_version": SCHEMA_VERSION, "run_id": "x"}).encode(),
            good.model_dump_json().encode(),  # a record in another run's folder
        ],
        start=1,
    ):
        write_atomically(store.run_folder(make_record(seed).run_id) / "record.json", content)
    contents = store.records()
    assert contents.items == (good,)
    assert len(contents.rejected) == 9
    assert all("record.json" in sentence and "skipped" in sentence for sentence in contents.rejected)
    assert any("newer ganbench" in sentence for sentence in contents.rejected)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_no_bytes_break_reading(tmp_path: Path, content: bytes) -> None:
    store, run_id = Store(tmp_path), make_record().run_id
    for name in ("record.json", "history.parquet", "samples.npz", "film.npz"):
        write_atomically(store.run_folder(run_id) / name, content)
    assert store.record(run_id) is None
    assert store.history(run_id) is None
    assert store.samples(run_id) is None
    assert store.film(run_id) is None


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_without_results_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no results"):
        bench.load_results(tmp_path)
