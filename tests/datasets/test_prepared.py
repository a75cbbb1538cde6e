"""Prepared images: made once, made again when they are out of date or torn, never half there."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.datasets import prepared as module
from bench.datasets.prepared import Wanted, prepare
from bench.errors import DataError
from tests.datasets.formats import random_bytes

PIXELS = random_bytes(10, 1, 8, 8)
WANTED = Wanted("mine", "size 8", "sources", PIXELS.shape)


class Maker:
    def __init__(self, pixels: np.ndarray = PIXELS) -> None:
        self.pixels, self.calls = pixels, 0

    def __call__(self) -> Iterator[np.ndarray]:
        self.calls += 1
        yield self.pixels[:6]
        yield self.pixels[6:]


def test_made_once_then_mapped(tmp_path: Path) -> None:
    maker = Maker()
    found = [prepare(WANTED, tmp_path, maker) for _ in range(3)]
    assert maker.calls == 1
    assert isinstance(found[2].array, np.memmap)
    assert np.array_equal(found[2].array, PIXELS)
    due = hashlib.sha256(f"uint8 {PIXELS.shape}".encode() + PIXELS.tobytes()).hexdigest()
    assert {each.digest for each in found} == {due}


def test_other_settings_are_another_file_and_other_sources_the_same(tmp_path: Path) -> None:
    prepare(WANTED, tmp_path, Maker())
    prepare(Wanted("mine", "size 9", "sources", PIXELS.shape), tmp_path, Maker())
    assert len(list((tmp_path / "prepared").glob("*.npy"))) == 2
    other = Maker(PIXELS[::-1])
    changed = prepare(Wanted("mine", "size 8", "other sources", PIXELS.shape), tmp_path, other)
    assert np.array_equal(changed.array, PIXELS[::-1])
    assert len(list((tmp_path / "prepared").glob("*.npy"))) == 2


@pytest.mark.parametrize(
    "torn",
    ["no sidecar", "empty sidecar", "foreign sidecar", "short array", "empty array", "archive", "no array", "objects"],
)
def test_what_is_torn_is_made_again(torn: str, tmp_path: Path) -> None:
    prepare(WANTED, tmp_path, Maker())
    array, sidecar = (tmp_path / f"prepared/{WANTED.file}.{suffix}" for suffix in ("npy", "json"))
    if torn == "no sidecar":
        sidecar.unlink()
    elif torn == "empty sidecar":
        sidecar.write_text("")
    elif torn == "foreign sidecar":
        sidecar.write_text(json.dumps([1]))
    elif torn == "short array":
        array.write_bytes(array.read_bytes()[:-1])
    elif torn == "empty array":
        array.write_bytes(b"")
    elif torn == "archive":
        with array.open("wb") as file:
            np.savez(file, PIXELS)
    elif torn == "no array":
        array.unlink()
    else:
        np.save(array, np.array([{}] * 10), allow_pickle=True)
    maker = Maker()
    assert np.array_equal(prepare(WANTED, tmp_path, maker).array, PIXELS)
    assert maker.calls == 1


def test_another_array_under_its_name_is_not_taken_for_it(tmp_path: Path) -> None:
    prepare(WANTED, tmp_path, Maker())
    np.save(tmp_path / f"prepared/{WANTED.file}.npy", PIXELS[::-1])
    maker = Maker()
    assert np.array_equal(prepare(WANTED, tmp_path, maker).array, PIXELS)
    assert maker.calls == 1


def test_a_copy_is_hashed_once_and_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(WANTED, tmp_path / "a", Maker())
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    hashed = []
    monkeypatch.setattr(module, "_hash", lambda *each, hash=module._hash: hashed.append(each) or hash(*each))
    maker = Maker()
    for _ in range(2):
        assert np.array_equal(prepare(WANTED, tmp_path / "b", maker).array, PIXELS)
    assert (maker.calls, len(hashed)) == (0, 1)


def test_leftovers_of_killed_processes_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "prepared"
    left, others = folder / f".{WANTED.file}.k1ll3d_x.part", folder / ".another-0123456789ab.runs.part"
    for part in (left, others):
        part.mkdir(parents=True)
        (part / "half.npy").touch()
    prepare(WANTED, tmp_path, Maker())
    assert not left.exists()
    assert others.exists()


@pytest.mark.parametrize("fault", [DataError("broken"), KeyboardInterrupt()])
def test_an_interruption_leaves_nothing(fault: BaseException, tmp_path: Path) -> None:
    def fail() -> Iterator[np.ndarray]:
        yield PIXELS[:6]
        raise fault

    with pytest.raises(type(fault)):
        prepare(WANTED, tmp_path, fail)
    assert [path.name for path in (tmp_path / "prepared").iterdir() if not path.name.endswith(".lock")] == []


def test_too_few_images_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="6 images where 10 were expected"):
        prepare(WANTED, tmp_path, lambda: [PIXELS[:6]])


def test_no_room_is_told_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage: Any = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(1000, 999, 1))
    maker = Maker()
    with pytest.raises(DataError, match=r"takes 0\.0 GB once it is prepared.*--data-root"):
        prepare(WANTED, tmp_path, maker)
    assert maker.calls == 0


def test_a_root_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "prepared").write_text("a file where the folder is to be")
    with pytest.raises(DataError, match=r"cannot be prepared.*--data-root"):
        prepare(WANTED, tmp_path, Maker())


def test_progress_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("bench.once.LINE_SECONDS", 0.0)
    with caplog.at_level(logging.INFO, logger="bench"):
        prepare(WANTED, tmp_path, Maker())
    assert "preparing 'mine', images: 6 of 10, about 0 s left" in caplog.messages
