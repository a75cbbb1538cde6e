"""A folder of images of one's own: what is read, and what is said of each file that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from bench.catalog import datasets
from bench.datasets.base import SPLITS, Data
from bench.datasets.decoding import Frame
from bench.datasets.loading import load_dataset
from bench.errors import CatalogError, DataError
from tests.datasets.formats import random_bytes
from tests.specs import choice


def write_images(folder: Path, n: int, side: int = 16, seed: int = 0) -> np.ndarray:
    folder.mkdir(parents=True, exist_ok=True)
    pixels = random_bytes(n, side, side, 3, seed=seed)
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{i:04}.png")
    return pixels.transpose(0, 3, 1, 2)


def load(root: Path, **settings: Any) -> Data:
    return load_dataset(choice(datasets, "images", **({"path": "mine", "size": 16} | settings)), root)


def rows(data: Data) -> set[bytes]:
    return {row.numpy().tobytes() for split in SPLITS for row in data.split(split)[:]}


def test_every_image_is_in_one_split(tmp_path: Path) -> None:
    pixels = write_images(tmp_path / "mine", 40)
    data = load(tmp_path, validation=0.2)
    assert (len(data.train), len(data.validation), len(data.test)) == (28, 8, 4)
    assert rows(data) == {image.tobytes() for image in pixels}
    assert data.train_labels is None
    assert data.sha256 == load(tmp_path, validation=0.2).sha256 != load(tmp_path).sha256


def test_subfolders_are_classes(tmp_path: Path) -> None:
    known = {
        image.tobytes(): number
        for number, name in enumerate(("apple", "Pear", "plum"))
        for image in write_images(tmp_path / "mine" / name, 20, seed=number)
    }
    order = sorted(("apple", "Pear", "plum"))  # capitals first, as everywhere
    data = load(tmp_path, labels=True)
    assert data.classes == 3
    for split in SPLITS:
        labels = data.labels(split)
        assert labels is not None
        shares = labels.bincount(minlength=3)
        assert shares.min() == shares.max()
        for image, label in zip(data.split(split)[:], labels.tolist(), strict=True):
            assert ("apple", "Pear", "plum")[known[image.numpy().tobytes()]] == order[label]
    assert datasets.create("images", path="mine", size=16, labels=True).space == "classifier"
    assert datasets.create("images", path="mine", size=16).space == "inception"


def test_broken_files_are_all_named(tmp_path: Path) -> None:
    write_images(tmp_path / "mine", 30)
    whole = (tmp_path / "mine/0007.png").read_bytes()
    (tmp_path / "mine/0007.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "mine/notes.txt").write_text("mine")
    Image.fromarray(random_bytes(9, 30, 3)).save(tmp_path / "mine/small.png")
    Image.fromarray(random_bytes(20, 20).astype(np.uint16)).save(tmp_path / "mine/deep.png")
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    message = str(caught.value)
    assert len(caught.value.faults) == 1
    assert "4 files" in message
    folder = tmp_path / "mine"
    assert f"{folder}/0007.png: is broken" in message
    assert f"{folder}/notes.txt: is no image" in message
    assert f"{folder}/small.png: has 30×9 pixels, fewer than 16 one way" in message
    assert f"{folder}/deep.png: has pixels of mode" in message
    assert not list((tmp_path / "prepared").glob("*.npy"))


def test_of_many_broken_files_ten_are_named(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for i in range(25):
        (tmp_path / f"mine/{i:02}.png").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"25 files[\s\S]*00\.png[\s\S]*09\.png: is no image\n  … and 15 more"):
        load(tmp_path)


def test_a_changed_file_is_decoded_anew(tmp_path: Path) -> None:
    write_images(tmp_path / "mine", 20)
    before = load(tmp_path)
    other = random_bytes(16, 16, 3, seed=99)
    Image.fromarray(other).save(tmp_path / "mine/0003.png")
    after = load(tmp_path)
    assert other.transpose(2, 0, 1).tobytes() in rows(after)
    assert before.sha256 != after.sha256
    assert len(list((tmp_path / "prepared").glob("*.npy"))) == 1, "what is out of date is replaced"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"path": "gone"}, "gone' does not exist; a relative path starts at the data root"),
        ({"path": ""}, "'path' is empty"),
        ({"path": "file.npz"}, "is no folder; a file of arrays is a dataset 'array'"),
        ({"path": "void"}, "holds no files"),
        ({"path": "few"}, "3 samples are too few"),
        ({"labels": True}, "each class is a subfolder, but 20 of 20 files"),
        ({"path": "classes", "labels": True}, "the smallest class has 1 samples"),
    ],
)
def test_faults_are_told(settings: dict[str, Any], says: str, tmp_path: Path) -> None:
    write_images(tmp_path / "mine", 20)
    write_images(tmp_path / "few", 3)
    write_images(tmp_path / "classes/a", 20)
    write_images(tmp_path / "classes/b", 1)
    (tmp_path / "void").mkdir()
    (tmp_path / "file.npz").touch()
    with pytest.raises(DataError, match=says):
        load(tmp_path, **settings)


def test_a_path_that_is_meant_from_here_is_pointed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_images(tmp_path / "here/mine", 20)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(DataError, match=rf"did you mean '{tmp_path}/here/mine'"):
        load(tmp_path)
    assert len(load(tmp_path, path=str(tmp_path / "here/mine")).train) == 16


@pytest.mark.parametrize("setting", ["size", "channels", "crop"])
def test_settings_out_of_range_are_refused_before_anything_is_read(setting: str) -> None:
    with pytest.raises(CatalogError, match=setting):
        datasets.create("images", **({"path": "mine", "size": 16} | {setting: 5}))


def test_a_frame_cuts_the_central_square_or_nothing() -> None:
    pixels = np.zeros((20, 60), np.uint8)
    pixels[:, 20:40] = 200
    wide = Image.fromarray(pixels)
    assert (Frame(20, 1, "center").decode(wide) == 200).all()
    squeezed = Frame(20, 1, "none").decode(wide)[0]
    assert squeezed[:, :5].max() < 10
    assert squeezed[:, 9:11].min() > 190


def test_a_frame_lays_transparency_on_white_and_greys_out_colours() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert (Frame(8, 3, "center").decode(clear) == 255).all()
    assert Frame(8, 1, "center").decode(Image.new("RGB", (8, 8), (10, 10, 10))).tolist() == [[[10] * 8] * 8]


def test_small_images_are_enlarged_only_if_asked() -> None:
    small = Image.new("L", (4, 4), 77)
    with pytest.raises(ValueError, match="4×4 pixels"):
        Frame(8, 1, "center").decode(small)
    assert (Frame(8, 1, "center", upscale=True).decode(small) == 77).all()


def test_images_keep_their_pixels_where_nothing_is_resized(tmp_path: Path) -> None:
    pixels = write_images(tmp_path / "mine", 20)
    shown = load(tmp_path).decode(load(tmp_path).train[:])
    assert shown.dtype == torch.float32
    assert len(pixels) == 20
