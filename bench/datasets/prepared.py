"""Images decoded once: kept under the data root as one array that later runs map into memory."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.datasets.parts import part_of
from bench.errors import DataError
from bench.files import write_atomically
from bench.lazy import np
from bench.once import Pace, one_process

FOLDER = "prepared"
VERSION = 1
"""Of how images are decoded and kept; with another number they are prepared anew."""
PART = 4096
"""Images that are hashed at once."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is to be prepared.

    Args:
        name: of the dataset.
        settings: what decides the pixels, in any words: another text is kept as another file.
        sources: a hash of the files that it is made of: once they change, it is made anew.
        shape: ``(n, channels, height, width)``.
    """

    name: str
    settings: str
    sources: str
    shape: tuple[int, ...]

    @property
    def file(self) -> str:
        """Its name without a suffix."""
        return f"{self.name}-{hashlib.sha256(self.settings.encode()).hexdigest()[:12]}"

    @property
    def size(self) -> int:
        """In bytes."""
        return int(np.prod(self.shape))


@dataclasses.dataclass(frozen=True)
class Prepared:
    """An array that is mapped into memory, and the SHA-256 of what it holds."""

    array: np.ndarray
    digest: str


def tell_file(path: Path) -> str:
    """Of a file that is a source: another text once it has changed."""
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def prepare(wanted: Wanted, root: Path, make: Callable[[], Iterable[np.ndarray]]) -> Prepared:
    """What is wanted: as it is kept under the data root, else made and kept there.

    Args:
        wanted: what.
        root: the data root.
        make: gives the images in their order, uint8, some at a time; called only where they are not there yet.

    Raises:
        DataError: there is no room for it, or the folder cannot be written; and what ``make`` raises.
    """
    folder = root / FOLDER
    if (found := _open(wanted, folder)) is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with one_process(folder / wanted.file):
            if (found := _open(wanted, folder)) is not None:  # another process was faster
                return found
            _check_room(wanted, folder)
            _write(wanted, folder, make)
    except OSError as error:
        raise DataError(
            f"dataset '{wanted.name}' cannot be prepared: '{folder.absolute()}' cannot be written "
            f"({error.strerror or error}); another data root is named by --data-root or GANBENCH_DATA"
        ) from None
    found = _open(wanted, folder)
    if found is None:
        raise DataError(f"'{folder / wanted.file}.npy' cannot be read again after it was written: is the disk sound?")
    return found


def _open(wanted: Wanted, folder: Path) -> Prepared | None:
    """What is kept, if it is whole and of the same sources.

    An array that is not the file that was written is hashed again: a copy is as good, another array is not.
    """
    path, sidecar = (folder / f"{wanted.file}.{suffix}" for suffix in ("npy", "json"))
    try:
        told = json.loads(sidecar.read_text(encoding="utf-8"))
        if (told["version"], told["sources"], tuple(told["shape"])) != (VERSION, wanted.sources, wanted.shape):
            return None
        array = np.lib.format.open_memmap(path, mode="r")
        digest, known, found = str(told["sha256"]), told.get("file"), _identify(path)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if array.shape != wanted.shape or array.dtype != np.uint8:
        return None
    if known != found:
        if _hash(wanted, array) != digest:
            return None
        with contextlib.suppress(OSError):  # where it cannot be written, it is hashed again the next time
            write_atomically(sidecar, json.dumps(told | {"file": found}, indent=1).encode())
    return Prepared(array, digest)


def _identify(path: Path) -> list[int]:
    """Size, time and number of a file: with all three the same, it is the same."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _hash(wanted: Wanted, array: np.ndarray) -> str:
    sha, pace = hashlib.sha256(_head(wanted)), Pace(f"checking what is prepared of '{wanted.name}', images", len(array))
    for start in range(0, len(array), PART):
        sha.update(np.ascontiguousarray(array[start : start + PART]).data)
        pace.tell(start)
    return sha.hexdigest()


def _head(wanted: Wanted) -> bytes:
    """What is hashed before the images."""
    return f"uint8 {wanted.shape}".encode()


def _check_room(wanted: Wanted, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted.size:
        raise DataError(
            f"dataset '{wanted.name}' takes {wanted.size / 1e9:.1f} GB once it is prepared, but '{folder.absolute()}' "
            f"has {free / 1e9:.1f} GB free; another data root is named by --data-root or GANBENCH_DATA"
        )


def _write(wanted: Wanted, folder: Path, make: Callable[[], Iterable[np.ndarray]]) -> None:
    """The array under a temporary name, then under its own; what tells of it appears last."""
    target = folder / f"{wanted.file}.npy"
    with part_of(folder / wanted.file) as part:
        temporary = part / target.name
        digest = _fill(wanted, temporary, make())
        (folder / f"{wanted.file}.json").unlink(missing_ok=True)  # of an array that is about to go
        temporary.replace(target)
    told = {"version": VERSION, "sources": wanted.sources, "shape": wanted.shape, "sha256": digest}
    told |= {"settings": wanted.settings, "file": _identify(target)}
    write_atomically(folder / f"{wanted.file}.json", json.dumps(told, indent=1).encode())


def _fill(wanted: Wanted, path: Path, parts: Iterable[np.ndarray]) -> str:
    total, *shape = wanted.shape
    done, sha, pace = 0, hashlib.sha256(_head(wanted)), Pace(f"preparing '{wanted.name}', images", total)
    with path.open("wb") as file:  # written, not mapped: a full disk is an error here, and a killed process there
        header = {"descr": "|u1", "fortran_order": False, "shape": wanted.shape}
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            if list(part.shape[1:]) != shape or part.dtype != np.uint8:
                raise ValueError(f"images are {part.dtype} of shape {part.shape[1:]}, not uint8 of {tuple(shape)}")
            content = np.ascontiguousarray(part).data
            file.write(content)
            sha.update(content)
            done += len(part)
            pace.tell(done)
        file.flush()
        os.fsync(file.fileno())
    if done != total:
        raise DataError(f"dataset '{wanted.name}' has {done:,} images where {total:,} were expected")
    return sha.hexdigest()
