"""An index that is torn, garbage, foreign or of another version is as good as none, and does no harm."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bench
from bench import index
from bench.store import Store
from tests.examples import examples
from tests.test_store import make_record


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("packed") / "suite")
    for seed in range(3):
        store.write_record(make_record(seed))
    store.pack()
    return store


def is_ignored(store: Store, content: bytes) -> None:
    """An index of that content is no index, and does no harm; a good one is made in its place."""
    path = store.folder / index.FILE
    good = path.read_bytes()
    path.write_bytes(content)
    assert index.read_index(path) is None
    assert len(store.frame().frame) == 3
    assert store.frame().rejected == ()
    assert store.pack() == 3
    assert path.read_bytes() == good


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_an_index_of_which_a_byte_is_another_is_ignored(packed: Store, data: st.DataObject) -> None:
    content = bytearray((packed.folder / index.FILE).read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    is_ignored(packed, bytes(content))


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_torn_or_garbage_index_is_ignored(packed: Store, data: st.DataObject) -> None:
    content = (packed.folder / index.FILE).read_bytes()
    torn = st.integers(0, len(content) - 1).map(lambda at: content[:at])
    longer = st.binary(min_size=1, max_size=100).map(lambda more: content + more)
    is_ignored(packed, data.draw(st.one_of(torn, longer, st.binary(max_size=300))))


def rows(store: Store) -> pa.Table:
    table = index.read_index(store.folder / index.FILE)
    assert table is not None
    return table


def replaced(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


WRONG_TABLES = {
    "a column less": lambda table: table.drop_columns(["status"]),
    "no stamp": lambda table: table.drop_columns(["record_mtime_ns"]),
    "text for a number": lambda table: replaced(table, "seed", table["seed"].cast("string")),
    "a metric of text": lambda table: table.append_column("kid", table["run_id"]),
    "a metric of whole numbers": lambda table: table.append_column("kid", table["seed"]),
    "a column twice": lambda table: table.append_column("fid", table["fid"]),
    "a run twice": lambda table: pa.concat_tables([table, table.slice(0, 1)]),
    "a run without a name": lambda table: replaced(
        table, "run_id", pc.if_else(pc.equal(table["seed"], 0), None, table["run_id"])
    ),
}


@pytest.mark.parametrize("change", WRONG_TABLES.values(), ids=WRONG_TABLES)
def test_a_sealed_file_that_is_no_index_is_ignored(packed: Store, change: Callable[[pa.Table], pa.Table]) -> None:
    # written by a fault of ours, or by somebody who means us harm
    is_ignored(packed, index.seal(change(rows(packed))))


@pytest.mark.parametrize("key", [b"ganbench_index", b"ganbench_records"])
@pytest.mark.parametrize("version", [b"0", b"99"])
def test_an_index_of_another_version_is_ignored(
    packed: Store, key: bytes, version: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = rows(packed)
    with monkeypatch.context() as patched:
        patched.setitem(index._VERSIONS, key, version)
        content = index.seal(table)
    is_ignored(packed, content)


def test_somebody_elses_parquet_is_ignored(packed: Store, tmp_path: Path) -> None:
    pq.write_table(rows(packed), tmp_path / "foreign")
    is_ignored(packed, (tmp_path / "foreign").read_bytes())


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_an_index_that_is_no_file_is_ignored(kind: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "suite")
    store.write_record(make_record())
    path = store.folder / index.FILE
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        store.pack()
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    assert index.read_index(path) is None
    assert len(bench.load_results(store.folder)) == 1
