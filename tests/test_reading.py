"""Files that cannot be trusted, of every kind and with every fault: named and skipped, never an exception."""

from __future__ import annotations

import json
import shutil
import threading
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.forecast import make_forecast
from bench.record import SCHEMA_VERSION, Record
from bench.state import make_state
from bench.store import HISTORY_COLUMNS, Store
from bench.suite import plan_suite
from tests.examples import examples
from tests.fixtures.freeze import suite_folder
from tests.mutations import mutated_bytes, mutated_json
from tests.test_store import make_record

FROZEN = Store(suite_folder(SCHEMA_VERSION))
FILES = {
    "record": next(FROZEN.folder.glob("runs/wgan-gp*/record.json")),
    "reference": next(FROZEN.folder.glob("references/*.json")),
    "throughput": next(FROZEN.folder.glob("throughput/wgan-gp*.json")),
    "old record": next(suite_folder(1).glob("runs/wgan-gp*/record.json")),
}
often = settings(
    max_examples=examples(80),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)


def short(path: Path) -> dict[str, object]:
    """What a file says, with few of its measurements or draws: they are alike."""
    plain = json.loads(path.read_bytes())
    return {key: value[:2] if key in ("measurements", "draws") else value for key, value in plain.items()}


def is_read_or_named(folder: Path, original: Path, content: bytes) -> None:
    """A file of that content is trusted, and fits into every table, or it is named in one sentence."""
    path = folder / original.relative_to(original.parents[2 if original.name == "record.json" else 1])
    shutil.rmtree(folder, ignore_errors=True)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    store = Store(folder)
    contents = [store.records(), store.references(), store.throughputs()]
    rejected = [sentence for part in contents for sentence in part.rejected]
    assert sum(len(part.items) for part in contents) + len(rejected) == 1
    for sentence in rejected:
        assert str(path) in sentence
        assert "; skipped" in sentence
        assert sentence.isprintable()
        assert len(sentence) < len(str(path)) + 400
        sentence.encode()
    if original.name == "record.json":
        frame = store.frame()
        assert list(frame.rejected) == rejected
        assert len(frame.frame) == len(store.records().items)
        assert [str(kind) for kind in frame.frame[["seed", "steps", "images"]].dtypes] == ["int64"] * 3
        assert store.pack() == len(frame.frame)
        assert store.frame().frame.equals(frame.frame)


@pytest.mark.parametrize("name", FILES)
@often
@given(data=st.data())
def test_whatever_a_file_says(tmp_path: Path, name: str, data: st.DataObject) -> None:
    is_read_or_named(tmp_path / "suite", FILES[name], data.draw(mutated_json(short(FILES[name]))))


@pytest.mark.parametrize("name", FILES)
@often
@given(data=st.data())
def test_whatever_bytes_a_file_has(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = json.dumps(short(FILES[name])).encode()
    is_read_or_named(tmp_path / "suite", FILES[name], data.draw(mutated_bytes(content)))


@often
@given(data=st.data())
def test_whatever_bytes_a_history_has(tmp_path: Path, data: st.DataObject) -> None:
    path = FILES["record"].parent / "history.parquet"
    store = Store(tmp_path)
    (folder := store.run_folder("run")).mkdir(parents=True, exist_ok=True)
    (folder / "history.parquet").write_bytes(data.draw(mutated_bytes(path.read_bytes())))
    history = store.history("run")
    if history is not None:  # it reads as one, to the last cell
        assert tuple(history.columns) == HISTORY_COLUMNS
        assert all(isinstance(name, str) for name in [*history["split"], *history["name"]])
        assert all(kind.kind in "iuf" for kind in history.drop(columns=["split", "name"]).dtypes)


@often
@given(data=st.data())
def test_a_history_that_is_not_what_was_written_is_not_read(tmp_path: Path, data: st.DataObject) -> None:
    """A number that changed on the disk is told by the checksum of its page."""
    original = FROZEN.history_table(FILES["record"].parent.name)
    assert original is not None
    store = Store(tmp_path)
    store.write_history("run", original)
    path = store.run_folder("run") / "history.parquet"
    content = bytearray(path.read_bytes())
    pages = content.rindex(b"\x15") // 2  # well before the footer
    content[data.draw(st.integers(0, pages))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(content))
    read = store.history_table("run")
    assert read is None or read.equals(original)


@often
@given(data=st.data())
def test_whatever_bytes_samples_have(tmp_path: Path, data: st.DataObject) -> None:
    path = FILES["record"].parent / "samples.npz"
    store = Store(tmp_path)
    (folder := store.run_folder("run")).mkdir(parents=True, exist_ok=True)
    (folder / "samples.npz").write_bytes(data.draw(mutated_bytes(path.read_bytes())))
    samples = store.samples("run")
    assert samples is None or samples.ndim in (2, 4)


@pytest.mark.parametrize("shape", [(10**12, 2), (2**62, 2), (-1, 2), (0, 2), (4,)])
def test_samples_of_an_impossible_shape_are_none(tmp_path: Path, shape: tuple[int, ...]) -> None:
    store = Store(tmp_path)
    (folder := store.run_folder("run")).mkdir(parents=True)
    with (folder / "samples.npz").open("wb") as file:
        np.savez(file, samples=np.zeros((4, 2)))
    content = (folder / "samples.npz").read_bytes()
    with zipfile.ZipFile(folder / "samples.npz") as archive:
        original = archive.read("samples.npy")
    header = b"(4, 2), }" + b" " * 30
    assert header in content
    changed = f"{shape}, }}".encode().ljust(len(header))
    content = content.replace(header, changed)
    checksums = (
        zlib.crc32(original).to_bytes(4, "little"),
        zlib.crc32(original.replace(header, changed)).to_bytes(4, "little"),
    )
    (folder / "samples.npz").write_bytes(content.replace(*checksums))
    assert store.samples("run") is None


@pytest.mark.parametrize("metric", ["run_id", "suite", "status", "seconds_total", "record_bytes"])
def test_a_metric_called_as_another_column_is_not_trusted(tmp_path: Path, metric: str) -> None:
    store, record = Store(tmp_path), make_record()
    measurement = record.measurements[0].model_copy(update={"metric": metric})
    store.write_record(record.model_copy(update={"measurements": (measurement,)}))
    (sentence,) = store.frame().rejected
    assert f"a metric called '{metric}'" in sentence


def test_plan_and_status_are_told_beside_files_that_cannot_be_trusted(tmp_path: Path) -> None:
    plan = plan_suite('seeds = 2\nobjectives = ["nsgan"]\ndatasets = ["ring"]\n', Path("suite.toml"))
    store = Store(tmp_path)
    torn = store.run_folder(plan.run_ids[0])
    torn.mkdir(parents=True)
    (torn / "record.json").write_text("{")
    assert make_forecast(plan, store).recorded == 0
    state = make_state(plan, store)
    assert (state.missing, len(state.rejected)) == (2, 1)


def test_a_reader_beside_a_writer_sees_whole_records(tmp_path: Path) -> None:
    store = Store(tmp_path)
    records: list[Record] = [make_record(seed) for seed in range(30)]

    def write() -> None:
        for record in records:
            store.write_record(record)
            store.pack()

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        assert store.frame().rejected == ()
    writer.join()
    assert len(store.frame().frame) == 30
