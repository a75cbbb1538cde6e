"""Arrays of one's own: every layout is the same image, and every fault is told."""

from __future__ import annotations

import contextlib
import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.catalog import datasets
from bench.datasets import array as module
from bench.datasets.base import SPLITS, Data
from bench.datasets.loading import load_dataset
from bench.datasets.samples import Mapped
from bench.errors import DataError
from tests.datasets.formats import random_bytes
from tests.specs import choice

PIXELS = random_bytes(40, 3, 16, 16)


def load(root: Path, name: str = "array", **settings: Any) -> Data:
    defaults: dict[str, Any] = {"size": 16} if name == "array" else {}
    return load_dataset(choice(datasets, name, **(defaults | settings)), root)


def images(data: Data) -> np.ndarray:
    stored = torch.cat([data.split(split)[:] for split in SPLITS]).numpy()
    return stored[np.lexsort(stored.reshape(len(stored), -1).T)]


def test_all_layouts_and_types_hold_the_same_images(tmp_path: Path) -> None:
    last = PIXELS.transpose(0, 2, 3, 1)
    np.save(tmp_path / "first.npy", PIXELS)
    np.save(tmp_path / "last.npy", last)
    np.savez_compressed(tmp_path / "packed.npz", last)
    np.save(tmp_path / "floats.npy", (last / 255).astype(np.float32))
    np.save(tmp_path / "signed.npy", PIXELS / 127.5 - 1)
    found = [
        load(tmp_path, path="first.npy"),
        load(tmp_path, path="last.npy"),
        load(tmp_path, path="packed.npz"),
        load(tmp_path, path="floats.npy"),
        load(tmp_path, path="signed.npy", minimum=-1.0),
        load(tmp_path, path="last.npy", layout="nhwc"),
    ]
    assert len({data.sha256 for data in found}) == 1
    assert {image.tobytes() for image in images(found[0])} == {image.tobytes() for image in PIXELS}
    assert (len(found[0].train), len(found[0].validation), len(found[0].test)) == (32, 4, 4)


def test_grey_images_need_no_axis_of_channels(tmp_path: Path) -> None:
    grey = PIXELS[:, 0]
    for name, array in (("a", grey), ("b", grey[:, None]), ("c", grey[..., None])):
        np.save(tmp_path / f"{name}.npy", array)
    hashes = {load(tmp_path, path=f"{name}.npy", channels=1).sha256 for name in "abc"}
    assert len(hashes) == 1


def test_labels_go_with_their_images(tmp_path: Path) -> None:
    labels = np.arange(40) % 4
    marked = PIXELS.copy()
    marked[:, 0, 0, 0] = labels
    np.savez(tmp_path / "mine.npz", images=marked, labels=labels)
    data = load(tmp_path, path="mine.npz", labels=True)
    assert data.classes == 4
    for split in SPLITS:
        assert torch.equal(data.split(split)[:][:, 0, 0, 0].long(), data.labels(split))  # type: ignore[arg-type]
    assert load(tmp_path, path="mine.npz").train_labels is None, "labels that are not asked for are left alone"


def test_large_arrays_are_kept_and_mapped_with_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "mine.npy", PIXELS / 255)
    small = load(tmp_path, path="mine.npy")
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    large = load(tmp_path, path="mine.npy")
    assert isinstance(large.train, Mapped)
    for split in SPLITS:
        assert torch.equal(small.split(split)[:], large.split(split)[:])


@pytest.mark.parametrize(
    ("content", "settings", "says"),
    [
        (PIXELS, {"size": 32}, r"shape 40×3×16×16; with size = 32.* N×3×32×32 or N×32×32×3"),
        (PIXELS, {"layout": "nhwc"}, r"it is to be N×16×16×3$"),
        (PIXELS[0], {}, r"shape 3×16×16"),
        (PIXELS.astype(np.int64), {}, "holds int64; images are uint8, or floats"),
        (PIXELS > 9, {}, "holds bool"),
        (PIXELS / 1.0, {}, "numbers from 0 to 255, outside of minimum = 0 and maximum = 1"),
        (np.where(PIXELS == 7, np.nan, PIXELS / 255), {}, "not finite, the first in sample 0"),
        (PIXELS[:5], {}, "5 samples are too few"),
        (PIXELS[:0], {}, "0 samples are too few"),
        (np.float32(3), {}, "a single number"),
        (PIXELS, {"labels": True}, "a single array; labels stand beside samples in an .npz"),
        (PIXELS / 255, {"minimum": 1.0}, "minimum 1 is not below maximum 1"),
        (np.array([{}]), {}, "holds Python objects, which are not read"),
    ],
)
def test_arrays_that_cannot_be_used(content: Any, settings: dict[str, Any], says: str, tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", content)
    with pytest.raises(DataError, match=says) as caught:
        load(tmp_path, path="mine.npy", **settings)
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    ("arrays", "settings", "says"),
    [
        ({"a": PIXELS, "b": PIXELS}, {}, r"which of its arrays.*'a' \(40×3×16×16\), 'b'.*'samples_key'"),
        ({"a": PIXELS}, {"samples_key": "b"}, "no array 'b'; it holds 'a'"),
        ({"a": PIXELS}, {"labels": True}, "no labels 'labels'; it holds 'a'.*'labels_key'"),
        ({"a": PIXELS, "labels": np.zeros(40)}, {"labels": True}, "labels of type float64"),
        ({"a": PIXELS, "labels": np.zeros(39, int)}, {"labels": True}, "shape 39; whole numbers of shape 40"),
        ({"a": PIXELS, "labels": np.arange(40) % 2 + 1}, {"labels": True}, "labels from 1 to 2"),
        ({"a": PIXELS, "labels": np.arange(40)}, {"labels": True}, "cannot be split in equal shares; the smallest"),
        ({"a": np.array([{}])}, {}, "holds Python objects, which are not read"),
    ],
)
def test_archives_that_cannot_be_used(
    arrays: dict[str, np.ndarray], settings: dict[str, Any], says: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "mine.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=says):
        load(tmp_path, path="mine.npz", **settings)


def test_files_that_hold_no_arrays(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match=r"mine.csv' is no .npy or .npz file, but looks like a table of text"):
        load(tmp_path, path="mine.csv")
    np.savez(tmp_path / "whole.npz", PIXELS)
    (tmp_path / "torn.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:5000])
    with pytest.raises(DataError, match=r"torn.npz' is broken"):
        load(tmp_path, path="torn.npz")
    np.save(tmp_path / "whole.npy", PIXELS)
    (tmp_path / "torn.npy").write_bytes((tmp_path / "whole.npy").read_bytes()[:5000])
    with pytest.raises(DataError, match=r"torn.npy' is broken"):
        load(tmp_path, path="torn.npy")
    with pytest.raises(DataError, match="is a folder; a folder of images is a dataset 'images'"):
        load(tmp_path, path=str(tmp_path))


def rewrite(path: Path, change: Callable[[bytearray], None]) -> None:
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)


def test_archives_that_cannot_be_unpacked(tmp_path: Path) -> None:
    def damage(content: bytearray) -> None:
        content[200:400] = bytes(200)

    def encrypt(content: bytearray) -> None:
        for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            content[content.index(mark) + at] |= 1

    def pack_strangely(content: bytearray) -> None:
        for mark, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
            content[content.index(mark) + at] = 77

    path = tmp_path / "mine.npz"
    for change, says in (
        (damage, "is broken: "),
        (encrypt, "cannot be read: .*encrypted"),
        (pack_strangely, "cannot be"),
    ):
        np.savez_compressed(path, PIXELS)
        rewrite(path, change)
        with pytest.raises(DataError, match=f"mine.npz' {says}") as caught:
            load(tmp_path, path="mine.npz")
        assert len(caught.value.faults) == 1


@given(st.data())
@settings(max_examples=100)
def test_damage_anywhere_is_told_or_harmless(data: st.DataObject) -> None:
    buffer = io.BytesIO()
    save = data.draw(st.sampled_from([np.save, np.savez, np.savez_compressed]))
    save(buffer, PIXELS[:2])  # type: ignore[operator]
    content = bytearray(buffer.getvalue())
    end = len(content) - 1
    places = st.one_of(st.integers(0, end), st.integers(0, 140), st.integers(end - 120, end))
    for place in data.draw(st.lists(places, min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine"
        path.write_bytes(content)
        with contextlib.suppress(DataError):
            assert all(isinstance(each, np.ndarray) for each in module.read_arrays(path, "mine").values())


def test_of_an_archive_arrays_alone_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", PIXELS)
    with zipfile.ZipFile(tmp_path / "mine.npz", "a") as archive:
        archive.writestr("notes.txt", "mine")
    assert len(load(tmp_path, path="mine.npz").train) == 32
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("photos/1.png", b"x")
    with pytest.raises(DataError, match=r"photos.zip' holds no arrays; a folder of images is a dataset 'images'"):
        load(tmp_path, path="photos.zip")


def test_points_are_taken_as_they_are(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(100, 5))
    np.save(tmp_path / "points.npy", points)
    data = load(tmp_path, "points", path="points.npy", dimensions=5)
    found = torch.cat([data.split(split)[:] for split in SPLITS])
    assert found.dtype == torch.float32
    assert {tuple(row) for row in found.tolist()} == {tuple(row) for row in points.astype(np.float32).tolist()}
    with pytest.raises(DataError, match=r"shape 100×5; with dimensions = 4"):
        load(tmp_path, "points", path="points.npy", dimensions=4)
    points[7] = np.inf
    np.save(tmp_path / "points.npy", points)
    with pytest.raises(DataError, match="not finite, the first in sample 7"):
        load(tmp_path, "points", path="points.npy", dimensions=5)
