"""Arrays of your own: images or points in an .npy or .npz file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bench.catalog import Unit, datasets
from bench.datasets.base import Data
from bench.datasets.own import OwnImages, OwnPath, Share, find_path, split_at_random
from bench.datasets.prepared import Wanted, prepare, tell_file
from bench.datasets.splitting import make_data, make_mapped
from bench.errors import DataError
from bench.lazy import np, torch

Layout = Literal["auto", "nchw", "nhwc"]
Key = Annotated[str, Field(description="name of the samples in an .npz; empty: the only array beside the labels")]
LabelsKey = Annotated[str, Field(description="name of the labels in an .npz")]
Labels = Annotated[bool, Field(description="whether the file holds labels, whole numbers from 0")]
PART = 4096
IN_MEMORY = 2**28
"""Bytes of images up to which they are read into memory; more are kept under ``prepared`` and mapped."""


@datasets.register(
    "array",
    formula="images of an .npy or .npz file, N×C×H×W, N×H×W×C or N×H×W; splits at random, by class",
    source="your own",
)
@dataclass(frozen=True)
class Array(OwnImages):
    """Square images of your own in an .npy or .npz file, with or without labels.

    Bytes are taken as they are; floats are scaled from [minimum, maximum] to 0 … 255 and rounded.
    """

    path: OwnPath
    size: Annotated[int, Field(ge=8, le=1024, description="height and width of the images"), Unit("pixels")]
    channels: Annotated[Literal[1, 3], Field(description="1 for grey, 3 for colour")] = 3
    layout: Annotated[
        Layout, Field(description="order of the axes: nchw channels first, nhwc channels last, auto as the shape tells")
    ] = "auto"
    labels: Labels = False
    samples_key: Key = ""
    labels_key: LabelsKey = "labels"
    minimum: Annotated[float, Field(description="black, of arrays of floats")] = 0.0
    maximum: Annotated[float, Field(description="white, of arrays of floats")] = 1.0
    validation: Share = 0.1
    test: Share = 0.1

    def load(self, root: Path) -> Data:
        """Of the file at ``path``."""
        what = "dataset 'array'"
        if not self.minimum < self.maximum:
            raise DataError(f"{what}: minimum {self.minimum:g} is not below maximum {self.maximum:g}")
        path = find_path(self.path, root, what)
        arrays = read_arrays(path, what)
        samples, labels = pick_arrays(arrays, path, self.samples_key, self.labels_key if self.labels else "", what)
        told = f"{what}: '{path}'"
        pixels = self._arrange(samples, told)
        if pixels.dtype != np.uint8 and not np.issubdtype(pixels.dtype, np.floating):
            raise DataError(f"{told} holds {pixels.dtype}; images are uint8, or floats from minimum to maximum")
        splits = split_at_random(len(pixels), self.validation, self.test, labels, told)
        if pixels.size <= IN_MEMORY:
            stored = np.concatenate(list(self._convert(pixels, told)))
            return make_data(
                {split: torch.from_numpy(stored[chosen]) for split, chosen in splits.items()}, splits, labels
            )
        settings = f"{path} {self.samples_key} {self.shape} {self.layout} {self.minimum} {self.maximum}"
        wanted = Wanted("array", settings, tell_file(path), tuple(pixels.shape))
        prepared = prepare(wanted, root, lambda: self._convert(pixels, told))
        return make_mapped(prepared, splits, labels)

    def _arrange(self, samples: np.ndarray, told: str) -> np.ndarray:
        """The array as N×C×H×W, without copying it."""
        first, last = (len(samples), *self.shape), (len(samples), self.size, self.size, self.channels)
        if self.channels == 1 and samples.shape == (len(samples), self.size, self.size):
            return samples[:, None]
        if samples.shape == first and self.layout in ("auto", "nchw"):
            if first == last and self.layout == "auto":
                raise DataError(f"{told}: its shape {samples.shape} fits both layouts; say which with 'layout'")
            return samples
        if samples.shape == last and self.layout in ("auto", "nhwc"):
            return samples.transpose(0, 3, 1, 2)
        due = [shape for shape, layout in ((first, "nchw"), (last, "nhwc")) if self.layout in ("auto", layout)]
        allowed = " or ".join("×".join(["N", *map(str, shape[1:])]) for shape in due)
        raise DataError(
            f"{told} holds an array of shape {'×'.join(map(str, samples.shape))}; with size = {self.size}, channels = "
            f'{self.channels} and layout = "{self.layout}" it is to be {allowed}'
        )

    def _convert(self, pixels: np.ndarray, told: str) -> Iterator[np.ndarray]:
        """As bytes, some at a time."""
        for start in range(0, len(pixels), PART):
            part = pixels[start : start + PART]
            if part.dtype == np.uint8:
                yield np.ascontiguousarray(part)
                continue
            _check_finite(part, start, told)
            low, high = float(part.min()), float(part.max())
            if low < self.minimum or high > self.maximum:
                raise DataError(
                    f"{told} holds numbers from {low:g} to {high:g}, outside of minimum = {self.minimum:g} and "
                    f"maximum = {self.maximum:g}: set these to what black and white are"
                )
            scaled = (part.astype(np.float64) - self.minimum) * (255 / (self.maximum - self.minimum))
            yield np.ascontiguousarray(scaled.round().astype(np.uint8))


@datasets.register(
    "points",
    formula="points of an .npy or .npz file, N×dimensions; splits at random, by class",
    source="your own",
)
@dataclass(frozen=True)
class Points:
    """Points of your own in an .npy or .npz file, with or without labels; as they are, in no way scaled."""

    path: OwnPath
    dimensions: Annotated[int, Field(ge=1, le=100_000, description="coordinates of a point")]
    labels: Labels = False
    samples_key: Key = ""
    labels_key: LabelsKey = "labels"
    validation: Share = 0.1
    test: Share = 0.1
    space: ClassVar[str] = "raw"

    @property
    def shape(self) -> tuple[int, ...]:
        """As the settings tell."""
        return (self.dimensions,)

    def load(self, root: Path) -> Data:
        """Of the file at ``path``."""
        what = "dataset 'points'"
        path = find_path(self.path, root, what)
        arrays = read_arrays(path, what)
        samples, labels = pick_arrays(arrays, path, self.samples_key, self.labels_key if self.labels else "", what)
        told = f"{what}: '{path}'"
        if samples.shape != (len(samples), self.dimensions) or not np.issubdtype(samples.dtype, np.floating):
            raise DataError(
                f"{told} holds {samples.dtype} of shape {'×'.join(map(str, samples.shape))}; with dimensions = "
                f"{self.dimensions} it is to be floats of shape N×{self.dimensions}"
            )
        _check_finite(samples, 0, told)
        splits = split_at_random(len(samples), self.validation, self.test, labels, told)
        points = samples.astype(np.float32)
        return make_data({split: torch.from_numpy(points[chosen]) for split, chosen in splits.items()}, splits, labels)


def read_arrays(path: Path, what: str) -> dict[str, np.ndarray]:
    """The arrays of a file by their names, that of an .npy without one; nothing in it is unpickled.

    Raises:
        DataError: it is no such file, or broken.
    """
    if path.is_dir():
        raise DataError(f"{what}: '{path}' is a folder; a folder of images is a dataset 'images'")
    try:
        arrays = _read(path)
    except Exception as error:  # whatever a broken file makes of zipfile, its decompressors and numpy
        raise DataError(f"{what}: '{path}' {_tell(error)}") from None
    if arrays is None:
        raise DataError(
            f"{what}: '{path}' is no .npy or .npz file"
            + (", but looks like a table of text" if path.suffix.lower() in (".csv", ".tsv", ".txt") else "")
            + "; write one with numpy.save or numpy.savez"
        )
    if not arrays:
        raise DataError(f"{what}: '{path}' holds no arrays; a folder of images is a dataset 'images'")
    return arrays


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays, or None of another kind of file."""
    with path.open("rb") as file:
        start = file.read(6)
    if start[:4] == b"PK\3\4" or start[:4] == b"PK\5\6":
        with np.load(path, allow_pickle=False) as archive:
            members = {name: archive[name] for name in archive.files}
        return {name: each for name, each in members.items() if isinstance(each, np.ndarray)}  # others are bytes
    return {"": np.load(path, mmap_mode="r", allow_pickle=False)} if start == b"\x93NUMPY" else None


def _tell(error: Exception) -> str:
    """What is wrong with a file that makes its reader raise that."""
    told = str(error) or type(error).__name__
    if isinstance(error, ValueError) and ("object" in told.lower() or "pickle" in told.lower()):
        return "holds Python objects, which are not read: save plain arrays of numbers"
    # RuntimeError: zipfile's, of a password or a compression that it does not know
    whole = isinstance(error, (OSError, RuntimeError, MemoryError))
    return f"{'cannot be read' if whole else 'is broken'}: {told}"


def pick_arrays(
    arrays: dict[str, np.ndarray], path: Path, samples_key: str, labels_key: str, what: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Samples and labels; labels are None where ``labels_key`` is empty.

    Raises:
        DataError: they are not there, or do not fit each other.
    """
    names = ", ".join(f"'{name}' ({'×'.join(map(str, each.shape))})" for name, each in arrays.items() if name)
    if "" in arrays:
        if labels_key:
            raise DataError(f"{what}: '{path}' is a single array; labels stand beside samples in an .npz")
        return _check_samples(arrays[""], path, what), None
    if labels_key and labels_key not in arrays:
        raise DataError(f"{what}: '{path}' has no labels '{labels_key}'; it holds {names}: name them with 'labels_key'")
    rest = [name for name in arrays if name != labels_key]
    if not samples_key and len(rest) > 1 and not labels_key and "labels" in rest:
        rest.remove("labels")  # there, but not asked for
    if (samples_key not in arrays) if samples_key else (len(rest) != 1):
        lacking = (
            f"has no array '{samples_key}'" if samples_key else "does not tell which of its arrays are the samples"
        )
        raise DataError(f"{what}: '{path}' {lacking}; it holds {names or 'none'}: name one with 'samples_key'")
    samples = _check_samples(arrays[samples_key or rest[0]], path, what)
    return samples, _check_labels(arrays[labels_key], len(samples), path, what) if labels_key else None


def _check_samples(samples: np.ndarray, path: Path, what: str) -> np.ndarray:
    if samples.ndim == 0:
        raise DataError(f"{what}: '{path}' holds a single number, no samples")
    return samples


def _check_labels(labels: np.ndarray, n: int, path: Path, what: str) -> np.ndarray:
    if labels.shape not in ((n,), (n, 1)) or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{what}: '{path}' has labels of type {labels.dtype} and shape {'×'.join(map(str, labels.shape))}; "
            f"whole numbers of shape {n} are due"
        )
    labels = labels.reshape(-1).astype(np.int64)
    found = np.unique(labels)
    if not np.array_equal(found, np.arange(len(found))):
        raise DataError(
            f"{what}: '{path}' has labels from {found[0]} to {found[-1]}, {len(found)} different ones; "
            "they are to be all the whole numbers from 0 to the number of classes less 1"
        )
    return labels


def _check_finite(part: np.ndarray, start: int, told: str) -> None:
    bad = ~np.isfinite(part.reshape(len(part), -1)).all(axis=1)
    if bad.any():
        first = start + int(bad.argmax())
        raise DataError(f"{told} has numbers that are not finite, the first in sample {first:,} (counted from 0)")
