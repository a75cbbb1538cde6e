"""Official formats, in small: what is in the files is what is loaded, upright, in its split."""

from __future__ import annotations

import dataclasses
import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image

from bench.datasets import lsun, mnist, natural
from bench.datasets.base import SPLITS, Data
from bench.datasets.celeba import CelebA
from bench.datasets.cifar import Cifar10, Cifar100
from bench.datasets.lsun import LsunBedroom
from bench.datasets.mnist import LETTERS, EmnistLetters, FashionMnist, Kmnist, Mnist
from bench.datasets.natural import STL10_MEMBER, Stl10, Svhn
from bench.datasets.samples import Mapped
from bench.errors import DataError
from tests.datasets.formats import DATA, accept, idx, labels_of, needs_mnist, random_bytes, write_gz, write_tar


def all_rows(data: Data) -> np.ndarray:
    """All samples, sorted, so that splits can be compared with files."""
    rows = torch.cat([data.split(split)[:].flatten(1) for split in SPLITS]).numpy()
    return rows[np.lexsort(rows.T)]


def labels_belong(data: Data, images: np.ndarray, labels: np.ndarray) -> bool:
    """Whether each loaded image has the label that it has in the files."""
    due = {image.tobytes(): int(label) for image, label in zip(images, labels, strict=True)}
    return all(
        due[image.numpy().tobytes()] == int(label)
        for split in SPLITS
        for image, label in zip(data.split(split)[:], data.labels(split), strict=True)  # type: ignore[arg-type]
    )


def write_mnist(root: Path, folder: str, train: int = 400, test: int = 50) -> tuple[np.ndarray, np.ndarray]:
    images = random_bytes(train + test, 28, 28)
    labels = labels_of(train + test, 10)
    for part, chosen in (("train", slice(train)), ("t10k", slice(train, None))):
        write_gz(root / folder / f"raw/{part}-images-idx3-ubyte.gz", idx(images[chosen]))
        write_gz(root / folder / f"raw/{part}-labels-idx1-ubyte.gz", idx(labels[chosen]))
    return images[:, None], labels


@pytest.mark.parametrize(("cls", "folder"), [(Mnist, "MNIST"), (FashionMnist, "FashionMNIST"), (Kmnist, "KMNIST")])
def test_idx_files(cls: type, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = write_mnist(tmp_path, folder)
    accept(monkeypatch, cls, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    data = cls(validation=100).load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (300, 100, 50)
    assert data.shape == cls().shape == (1, 28, 28)
    assert labels_belong(data, images, labels)
    assert np.array_equal(all_rows(data), all_rows_of(images))
    assert {row.tobytes() for row in images[400:]} == {row.numpy().tobytes() for row in data.test[:]}
    assert data.validation_labels is not None
    assert data.validation_labels.bincount().tolist() == [10] * 10
    assert sorted(tmp_path.rglob("*")) == before, "nothing is written where all files are there"


def all_rows_of(images: np.ndarray) -> np.ndarray:
    rows = images.reshape(len(images), -1)
    return rows[np.lexsort(rows.T)]


def unpack_mnist(root: Path) -> tuple[np.ndarray, np.ndarray]:
    images, labels = write_mnist(root, "MNIST")
    for packed in list((root / "MNIST/raw").iterdir()):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    return images, labels


def test_unpacked_idx_files_are_found(tmp_path: Path) -> None:
    images, labels = unpack_mnist(tmp_path)
    assert labels_belong(Mnist(validation=100).load(tmp_path), images, labels)


@pytest.mark.parametrize("content", [b"", b"\0\0\x08\x03", b"a,b\n1,2\n", idx(random_bytes(4, 28, 28))[:-1]])
def test_what_is_no_idx_file_is_named(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"some/file' is no idx file"):
        mnist.parse_idx(content, Path("some/file"))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "train-images-idx3-ubyte",
            random_bytes(400, 28, 27),
            r"labels-idx1-ubyte' hold arrays of shape 400×28×27 and 400;",
        ),
        ("train-labels-idx1-ubyte", labels_of(399, 10), r"of shape 400×28×28 and 399; due are N×28×28"),
        ("train-images-idx3-ubyte", labels_of(400, 10), r"of shape 400 and 400"),
        ("t10k-labels-idx1-ubyte", labels_of(50, 11), r"hold labels that are of none of 10"),
    ],
)
def test_idx_files_that_do_not_belong_together_are_named(
    name: str, content: np.ndarray, says: str, tmp_path: Path
) -> None:
    unpack_mnist(tmp_path)
    (tmp_path / f"MNIST/raw/{name}").write_bytes(idx(content))
    with pytest.raises(DataError, match=rf"{tmp_path}/MNIST/raw/{name}'.*{says}"):
        Mnist(validation=100).load(tmp_path)


def test_idx_files_with_too_few_images_are_named(tmp_path: Path) -> None:
    unpack_mnist(tmp_path)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte' holds 400 images, of which 400 cannot be held out"):
        Mnist(validation=400).load(tmp_path)


def test_an_idx_file_that_is_not_the_official_one_is_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path, "MNIST")
    with pytest.raises(DataError, match=r"MNIST/raw/train-images-idx3-ubyte.gz' is broken or not the official file"):
        Mnist().load(tmp_path)


@pytest.mark.parametrize("packed", [True, False])
def test_emnist_letters_stand_upright_and_count_from_0(
    packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upright = random_bytes(390, 28, 28)
    labels = labels_of(390, 26)
    sideways = upright.transpose(0, 2, 1)
    contents = [
        idx(np.ascontiguousarray(part)) for part in (sideways[:312], labels[:312] + 1, sideways[312:], labels[312:] + 1)
    ]
    raw = tmp_path / "EMNIST/raw"
    raw.mkdir(parents=True)
    if packed:
        with zipfile.ZipFile(raw / "gzip.zip", "w") as archive:
            for name, content in zip(LETTERS, contents, strict=True):
                archive.writestr(f"gzip/{name}.gz", gzip.compress(content))
    else:
        for name, content in zip(LETTERS, contents, strict=True):
            (raw / name).write_bytes(content)
    accept(monkeypatch, EmnistLetters, tmp_path)
    data = EmnistLetters(validation=104).load(tmp_path)
    assert data.classes == 26
    assert labels_belong(data, upright[:, None], labels)
    if not packed:
        (raw / LETTERS[3]).write_bytes(idx(labels[312:]))
        with pytest.raises(DataError, match=rf"{LETTERS[3]}' hold labels that are of none of 26 classes"):
            EmnistLetters(validation=104).load(tmp_path)


@pytest.mark.parametrize(("cls", "classes"), [(Cifar10, 10), (Cifar100, 100)])
def test_cifar_binary_records(cls: type, classes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = random_bytes(600, 3, 32, 32), labels_of(600, classes)
    coarse = [] if classes == 10 else [labels[:, None] // 5]
    records = np.concatenate([*coarse, labels[:, None], images.reshape(600, -1)], axis=1).astype(np.uint8)
    if classes == 10:
        members = {f"cifar-10-batches-bin/data_batch_{i + 1}.bin": records[i * 80 : i * 80 + 80] for i in range(5)}
        members["cifar-10-batches-bin/test_batch.bin"] = records[400:]
    else:
        members = {"cifar-100-binary/train.bin": records[:400], "cifar-100-binary/test.bin": records[400:]}
    write_tar(tmp_path / cls().files[0].path, {name: part.tobytes() for name, part in members.items()})
    accept(monkeypatch, cls, tmp_path)
    data = cls(validation=100).load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (300, 100, 200)
    assert (data.shape, data.classes) == ((3, 32, 32), classes)
    assert labels_belong(data, images, labels)


def test_an_archive_without_its_files_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tar(tmp_path / "cifar-10-binary.tar.gz", {"other.bin": b"x"})
    accept(monkeypatch, Cifar10, tmp_path)
    with pytest.raises(DataError, match=r"cifar-10-binary.tar.gz' does not hold records"):
        Cifar10().load(tmp_path)


def test_svhn_calls_nought_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, digits = random_bytes(450, 3, 32, 32), labels_of(450, 10)
    named = np.where(digits == 0, 10, digits)[:, None]
    for name, part in (("train", slice(400)), ("test", slice(400, None))):
        content = {"X": images[part].transpose(2, 3, 1, 0), "y": named[part]}
        scipy.io.savemat(tmp_path / f"{name}_32x32.mat", content)
    accept(monkeypatch, Svhn, tmp_path)
    data = Svhn(validation=100).load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test), data.classes) == (300, 100, 50, 10)
    assert labels_belong(data, images, digits)


@pytest.mark.parametrize("packed", [True, False])
def test_stl10_is_turned_upright_and_reduced(packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upright = np.zeros((60, 3, 96, 96), np.uint8)
    upright[:, :, :48] = np.arange(60, dtype=np.uint8)[:, None, None, None] + 100  # bright above, dark below
    content = np.ascontiguousarray(upright.transpose(0, 1, 3, 2)).tobytes()
    monkeypatch.setattr(natural, "STL10_IMAGES", 60)
    monkeypatch.setattr(natural, "STL10_HELD_OUT", 10)
    if packed:
        write_tar(tmp_path / "stl10_binary.tar.gz", {"stl10_binary/class_names.txt": b"x", STL10_MEMBER: content})
    else:
        (tmp_path / STL10_MEMBER).parent.mkdir()
        (tmp_path / STL10_MEMBER).write_bytes(content)
    accept(monkeypatch, Stl10, tmp_path)
    data = Stl10(size=32).load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (40, 10, 10)
    assert isinstance(data.train, Mapped)
    images = torch.cat([data.split(split)[:] for split in SPLITS])
    assert images.shape == (60, 3, 32, 32)
    assert sorted(images[:, 0, 0, 5].tolist()) == list(range(100, 160))
    assert (images[:, :, -1] == 0).all()
    if not packed:
        (tmp_path / STL10_MEMBER).write_bytes(bytes(len(content)))
        assert not Stl10(size=32).load(tmp_path).train[:].any(), "another file is prepared anew"


def test_celeba_is_cropped_to_its_central_square(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "celeba/img_align_celeba"
    folder.mkdir(parents=True)
    lines = []
    for i in range(30):
        pixels = np.zeros((218, 178, 3), np.uint8)
        pixels[20:198] = 7 * i  # what is left of 218 rows
        Image.fromarray(pixels).save(folder / f"{i:06}.png")
        lines.append(f"{i:06}.png {i % 3}\n")
    (tmp_path / "celeba/list_eval_partition.txt").write_text("".join(lines))
    accept(monkeypatch, CelebA, tmp_path)
    data = CelebA(size=32).load(tmp_path)
    for number, split in enumerate(SPLITS):
        images = data.split(split)[:]
        assert images.shape == (10, 3, 32, 32)
        assert images.amin((1, 2, 3)).equal(images.amax((1, 2, 3))), "rows above or below the square are seen"
        assert sorted(images[:, 0, 0, 0].tolist()) == [7 * i for i in range(number, 30, 3)]
    (folder / "readme.txt").touch()
    monkeypatch.setattr("bench.datasets.celeba.decode_all", lambda *_: pytest.fail("prepared anew for nothing"))
    CelebA(size=32).load(tmp_path)


def test_another_folder_of_celeba_is_prepared_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "celeba/img_align_celeba"
    folder.mkdir(parents=True)
    (tmp_path / "celeba/list_eval_partition.txt").write_text("".join(f"{i}.png {i // 3}\n" for i in range(9)))
    accept(monkeypatch, CelebA, tmp_path)
    for grey in (10, 20):
        for i in range(9):
            Image.fromarray(np.full((218, 178, 3), grey, np.uint8)).save(folder / f"{i}.png")
        assert (CelebA(size=32).load(tmp_path).train[:] == grey).all()


def test_celeba_is_read_out_of_its_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "celeba").mkdir()
    with zipfile.ZipFile(tmp_path / "celeba/img_align_celeba.zip", "w") as archive:
        for i in range(9):
            picture = io.BytesIO()
            Image.fromarray(np.full((218, 178, 3), 20 * i, np.uint8)).save(picture, "png")
            archive.writestr(f"img_align_celeba/{i}.png", picture.getvalue())
    (tmp_path / "celeba/list_eval_partition.txt").write_text("".join(f"{i}.png {i // 3}\n" for i in range(9)))
    accept(monkeypatch, CelebA, tmp_path)
    data = CelebA(size=64).load(tmp_path)
    assert sorted(data.test[:].flatten(1)[:, 0].tolist()) == [120, 140, 160]


def test_celeba_has_to_be_fetched_by_hand(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"by hand[\s\S]*celeba/img_align_celeba.zip[\s\S]*mmlab"):
        CelebA().load(tmp_path)


def test_lsun_is_read_out_of_its_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lmdb = pytest.importorskip("lmdb", reason="the package lmdb is not installed")
    monkeypatch.setattr(lsun, "HELD_OUT", 5)
    folder = tmp_path / "lsun/bedroom_train_lmdb"
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=2**24) as environment, environment.begin(write=True) as transaction:
        for i in range(40):
            picture = io.BytesIO()
            Image.fromarray(np.full((40, 70, 3), 6 * i, np.uint8)).save(picture, "webp", lossless=True)
            transaction.put(f"{i:040x}".encode(), picture.getvalue())
    data = dataclasses.replace(LsunBedroom(), size=32, images=30).load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (20, 5, 5)
    shown = torch.cat([data.split(split)[:] for split in SPLITS])
    assert sorted(shown[:, 0, 0, 0].tolist()) == [6 * i for i in range(30)]
    with pytest.raises(DataError, match="40 images where 50 were expected"):
        dataclasses.replace(LsunBedroom(), size=32, images=50).load(tmp_path)


def test_lsun_without_its_package_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lmdb", None)
    (tmp_path / "lsun/bedroom_train_lmdb").mkdir(parents=True)
    (tmp_path / "lsun/bedroom_train_lmdb/data.mdb").touch()
    with pytest.raises(DataError, match=r"pip install 'ganbench\[lsun\]'"):
        LsunBedroom().load(tmp_path)


@pytest.mark.data
@needs_mnist
def test_official_mnist_has_the_published_numbers_of_each_digit() -> None:
    data = Mnist().load(Path(str(DATA)))
    counts = sum(data.labels(split).bincount(minlength=10) for split in SPLITS)  # type: ignore[union-attr]
    # LeCun's counts, training and test part together
    assert counts.tolist() == [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]
    assert (len(data.train), len(data.validation), len(data.test)) == (50_000, 10_000, 10_000)
    for split in SPLITS:  # mean pixel of the training part: 33.3 of 255
        assert data.split(split)[:].float().mean().item() == pytest.approx(33.3, abs=0.6)
