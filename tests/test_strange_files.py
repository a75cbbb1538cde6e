"""What is no file or no folder where one is expected, and names that lead elsewhere: named and skipped."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import bench
from bench.errors import StoreError
from bench.record import SCHEMA_VERSION
from bench.store import Store
from tests.fixtures.freeze import suite_folder
from tests.test_store import make_record

FROZEN = Store(suite_folder(SCHEMA_VERSION))
RECORD = next(FROZEN.folder.glob("runs/wgan-gp*/record.json"))


def pipe(path: Path) -> None:
    os.mkfifo(path)


def plug(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def link(path: Path) -> None:
    shutil.copy(RECORD, path.parent.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent.parent / "elsewhere")


def link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


NO_FILES = [Path.mkdir, pipe, plug, link, link_to_nothing, link_to_itself, endless, huge]


@pytest.mark.parametrize("make", NO_FILES, ids=lambda make: make.__name__)
@pytest.mark.timeout(20)
def test_what_is_no_file_is_named_and_skipped(tmp_path: Path, make: Callable[[Path], None]) -> None:
    store, good = Store(tmp_path), make_record()
    store.prepare()
    store.write_record(good)
    (folder := store.run_folder(RECORD.parent.name)).mkdir()
    for path in (folder / "record.json", *(tmp_path / part / "x.json" for part in ("references", "throughput"))):
        make(path)
    for name in ("history.parquet", "samples.npz"):
        make(folder / name)
    for name in ("suite.toml", "plan.json", "records.parquet"):
        make(tmp_path / name)
    assert store.records().items == (good,)
    assert not store.references().items
    assert not store.throughputs().items
    frame = store.frame()
    rejected = [store.records().rejected, store.references().rejected, store.throughputs().rejected, frame.rejected]
    assert [len(sentences) for sentences in rejected] == [1] * 4
    assert len(frame.frame) == 1
    assert store.record(folder.name) is store.history(folder.name) is store.samples(folder.name) is None
    assert store.reference("x") is store.throughput("x") is None
    assert not store.holds_suite("", "")
    if make is not huge:
        with pytest.raises(OSError, match=r".+"):
            store.suite_text()


def test_a_linked_run_folder_is_named_and_skipped(tmp_path: Path) -> None:
    store, record = Store(tmp_path / "suite"), make_record()
    store.write_record(record)
    store.run_folder(record.run_id).rename(tmp_path / "elsewhere")
    store.run_folder(record.run_id).symlink_to(tmp_path / "elsewhere")
    assert store.record(record.run_id) is None
    assert [len(part) for part in (store.records().items, store.records().rejected, store.frame().rejected)] == [
        0,
        1,
        1,
    ]


@pytest.mark.parametrize("part", ["runs", "references", "throughput"])
def test_a_file_where_a_folder_is_expected_is_named(tmp_path: Path, part: str) -> None:
    (tmp_path / part).write_text("not a folder")
    store = Store(tmp_path)
    rejected = [*store.records().rejected, *store.references().rejected, *store.throughputs().rejected]
    assert len(rejected) == 1
    assert str(tmp_path / part) in rejected[0]
    assert store.record("run") is store.history("run") is store.samples("run") is store.reference("x") is None
    assert len(store.frame().frame) == 0
    assert len(store.frame().rejected) == (part == "runs")


def test_a_file_among_run_folders_is_named_unless_it_is_hidden(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_record(make_record())
    for name in ("notes.txt", ".DS_Store", ".record.json.x.part"):
        (tmp_path / "runs" / name).write_text("")
    (sentence,) = store.frame().rejected
    assert sentence.endswith("notes.txt: not a folder; skipped")


def test_a_folder_without_runs_has_none(tmp_path: Path) -> None:
    for store in (Store(tmp_path), Store(tmp_path / "missing")):
        assert store.records().items == store.records().rejected == store.frame().rejected == ()
        assert store.frame().frame.empty
        assert "run_id" in store.frame().frame


@pytest.mark.parametrize("function", ["scandir", "lstat", "open"])
def test_folders_that_may_not_be_read_are_named(tmp_path: Path, function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for somebody without the rights: the tests may run as root, who has them all."""
    store = Store(tmp_path)
    store.write_record(make_record())
    store.write_reference(FROZEN.references().items[0])

    def refuse(path: str | Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(os, function, refuse)
        rejected = [*store.records().rejected, *store.frame().rejected]
        assert store.record(make_record().run_id) is None or function != "open"
        if function != "lstat":
            rejected += store.references().rejected
    assert len(rejected) == (2 if function == "lstat" else 3)
    assert all("Permission denied" in sentence for sentence in rejected)


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../../other", "/etc", "a/b", "a\\b", "a\0b", "\ud800", "x" * 5000, "é", "\n"]
)
def test_no_name_leads_out_of_the_results_folder(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / "suite")
    for folder in (tmp_path / "other", tmp_path / "suite", tmp_path / "suite" / "runs", tmp_path):
        folder.mkdir(exist_ok=True)
        shutil.copy(RECORD, folder / "record.json")
    assert store.run_folder(name).parent == tmp_path / "suite" / "runs"
    assert store.run_folder(name).name not in ("", ".", "..")
    assert store.record(name) is store.history(name) is store.samples(name) is None
    assert store.reference(name) is store.reference_samples(name) is store.throughput(name) is None


def test_strange_names_of_folders_are_told_in_letters(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/runs/\xff\xfe\n\x1b[31m"
    Path(os.fsdecode(folder)).mkdir(parents=True)
    Path(os.fsdecode(folder) + "/record.json").write_text("{")
    (sentence,) = Store(tmp_path).frame().rejected
    assert sentence.isprintable()
    assert "not readable as JSON" in sentence
    sentence.encode()


@pytest.mark.parametrize("path", ["missing", "file", "\0", "x" * 5000])
def test_no_results_are_told_as_such(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="holds no results"):
        bench.load_results(f"{tmp_path}/{path}")
