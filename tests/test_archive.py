"""Packed results: what is in them, that they come back as they were, and what is refused."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bench
from bench import archive
from bench.archive import is_packed, pack, unpacked
from bench.errors import StoreError
from bench.record import SCHEMA_VERSION
from bench.store import Store
from tests.examples import examples
from tests.fixtures.freeze import suite_folder

FROZEN = suite_folder(SCHEMA_VERSION)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results" / "small"
    shutil.copytree(FROZEN, folder)
    return folder


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("packed")
    return pack(FROZEN, folder / "small.zip").path.read_bytes()


def written(folder: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    path = folder / "foreign.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries:
            file.writestr(name, content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(StoreError) as caught, unpacked(path):
        pass
    (fault,) = caught.value.faults
    assert "\n" not in fault
    return fault


def test_packed_results_are_read_as_the_folder_is(results: Path, tmp_path: Path) -> None:
    made = pack(results, tmp_path / "small.zip")
    assert made.runs == len(list(results.glob("runs/*/record.json")))
    pd.testing.assert_frame_equal(bench.load_results(made.path), bench.load_results(results))
    with unpacked(made.path) as folder:
        assert folder.name == "small"
        one, other = Store(results), Store(folder)
        assert one.records().items == other.records().items
        assert one.references().items == other.references().items
        assert one.suite_text() == other.suite_text()
        for record in one.records():
            history = one.history(record.run_id)
            assert (history is None) == (other.history(record.run_id) is None)
    assert not folder.exists()


def test_a_folder_is_taken_as_it_is(results: Path) -> None:
    with unpacked(results) as folder:
        assert folder == results
    assert results.exists()


def test_the_same_files_make_the_same_archive(results: Path, tmp_path: Path) -> None:
    once = pack(results, tmp_path / "one.zip").path.read_bytes()
    for path in sorted(results.rglob("*"), reverse=True):
        path.touch()
    assert pack(results, tmp_path / "two.zip").path.read_bytes() == once


def test_what_reports_do_not_read_stays_behind(results: Path, tmp_path: Path) -> None:
    run = next(results.glob("runs/*"))
    for name in ("checkpoint.pt", "log.txt", "samples.png", "film.npz", ".record.json.x.part"):
        (run / name).write_bytes(b"x")
    (results / "logs").mkdir(exist_ok=True)
    (results / "logs" / "x.log").write_bytes(b"x")
    (results / "records.parquet").write_bytes(b"x")
    (results / "references" / "elsewhere.json").symlink_to(results / "suite.toml")
    with zipfile.ZipFile(pack(results, tmp_path / "small.zip").path) as file:
        names = file.namelist()
    assert f"runs/{run.name}/film.npz" in names
    assert not [name for name in names if not archive.KNOWN.fullmatch(name)]
    assert "references/elsewhere.json" not in names
    assert names[:1] == ["suite.toml"] or "suite.toml" not in names


def test_a_folder_without_a_finished_run_is_not_packed(tmp_path: Path) -> None:
    Store(tmp_path / "empty").prepare()
    with pytest.raises(StoreError, match="holds no results to pack"):
        pack(tmp_path / "empty", tmp_path / "empty.zip")
    assert not (tmp_path / "empty.zip").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../suite.toml",
        "/etc/passwd",
        "runs/../../x/record.json",
        "runs/./record.json",
        "runs//record.json",
        "runs/a/b/record.json",
        "runs\\a\\record.json",
        "runs/a/checkpoint.pt",
        "runs/a/record.json.exe",
        "runs/C:/record.json",
        "runs/.hidden/record.json",
        "runs/a\nb/record.json",
        "samples.npy",
        "Suite.toml",
    ],
)
def test_names_that_are_no_part_of_results_are_refused(tmp_path: Path, name: str) -> None:
    assert "is no part of results" in refusal(written(tmp_path, ("runs/a/record.json", b"{}"), (name, b"x")))


def linked() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("runs/a/record.json")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def lzma() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("runs/a/record.json")
    entry.compress_type = zipfile.ZIP_LZMA
    return entry


@pytest.mark.parametrize(("entry", "says"), [(linked, "is no regular file"), (lzma, "is compressed in another way")])
def test_entries_of_another_kind_are_refused(tmp_path: Path, entry: Callable[[], zipfile.ZipInfo], says: str) -> None:
    assert says in refusal(written(tmp_path, (entry(), b"/etc/passwd")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    assert "stands there twice" in refusal(written(tmp_path, *[("runs/a/record.json", b"{}")] * 2))


def test_what_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, ("runs/a/record.json", b"x" * 2000), ("runs/b/record.json", b"x" * 2000))
    with monkeypatch.context() as patch:
        patch.setattr(archive, "LARGEST_FILE", 1000)
        assert "is larger than" in refusal(path)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "LARGEST_TOTAL", 3000)
        assert "holds more than" in refusal(path)
    monkeypatch.setattr(archive, "MOST_FILES", 1)
    assert "more than 1 files" in refusal(path)


def test_what_could_not_be_unpacked_is_not_packed(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "small.zip"
    kept.write_bytes(b"of before")
    for limit in ("MOST_FILES", "LARGEST_TOTAL", "LARGEST_FILE"):
        with monkeypatch.context() as patch:
            patch.setattr(archive, limit, 3)
            with pytest.raises(StoreError, match="cannot be packed"):
                pack(results, kept)
    run = next(results.glob("runs/*"))
    shutil.copytree(run, run.with_name(run.name.upper()))
    with pytest.raises(StoreError, match="are one file on some systems"):
        pack(results, kept)
    assert kept.read_bytes() == b"of before"
    assert set(tmp_path.iterdir()) == {kept, results.parent}


def test_what_is_not_trusted_is_called_by_the_packed_files_name(results: Path, tmp_path: Path) -> None:
    path = next(results.glob("runs/*/record.json"))
    path.write_bytes(b"torn")
    made = pack(results, tmp_path / "small.zip").path
    with pytest.warns(UserWarning, match=f"^{re.escape(str(made))}/runs/{path.parent.name}/record.json"):
        bench.load_results(made)


@pytest.mark.parametrize("name", ["before", "before.tar", ".zip", "folder", "folder.zip"])
def test_a_name_that_no_packed_file_has_is_refused(results: Path, tmp_path: Path, name: str) -> None:
    for folder in ("folder", "folder.zip"):
        (tmp_path / folder).mkdir()
    with pytest.raises(StoreError, match="is a folder" if "folder" in name else r"end in \.zip"):
        pack(results, tmp_path / name)


def test_packing_holds_no_archive_in_memory(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr(zipfile.ZipFile, "__init__", _noting(made))
    pack(results, tmp_path / "small.zip")
    (file,) = made
    assert isinstance(file, io.BufferedWriter)


def _noting(made: list[Any]) -> Callable[..., None]:
    make = zipfile.ZipFile.__init__

    def noted(self: zipfile.ZipFile, file: Any, *arguments: Any, **settings: Any) -> None:
        made.append(file)
        make(self, file, *arguments, **settings)

    return noted


def test_a_file_that_says_less_than_it_holds_gives_no_more(tmp_path: Path) -> None:
    """The size that was checked bounds what is read, whatever the compressed bytes unfold to."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("runs/a/record.json", b"0" * 1_000_000)
    size = (1_000_000).to_bytes(4, "little")
    path = tmp_path / "lying.zip"
    path.write_bytes(buffer.getvalue().replace(size, (10).to_bytes(4, "little")))
    assert "is torn" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip", b"PK\x05\x06" + b"\0" * 18])
def test_a_file_that_is_none_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "torn.zip"
    path.write_bytes(content)
    assert "is no packed results" in refusal(path)
    with pytest.raises(StoreError):
        bench.load_results(path)


def test_where_nothing_is_that_is_said(tmp_path: Path) -> None:
    assert "neither a results folder nor a packed file" in refusal(tmp_path / "none.zip")
    assert not is_packed(tmp_path / "none.zip")


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_torn_and_changed_archives_never_raise_anything_else(
    tmp_path: Path, packed: bytes, data: st.DataObject
) -> None:
    content = bytearray(packed)
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            end = len(content) - 1  # most of what can be broken is in the directory there
            at = data.draw(st.integers(max(0, end - 3000), end) | st.integers(0, end))
            content[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed.zip"
    path.write_bytes(content)
    before = set(tmp_path.rglob("*"))
    with contextlib.suppress(StoreError), unpacked(path) as folder:
        assert all(each.resolve().is_relative_to(folder.parent.resolve()) for each in folder.rglob("*"))
    assert set(tmp_path.rglob("*")) == before
