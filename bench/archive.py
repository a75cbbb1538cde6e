"""Results as one file: what reports and comparisons read of a results folder, packed to be kept and passed on.

    <name>.zip
      suite.toml  plan.json  tuning.json
      runs/<run id>/   spec.json  record.json  history.parquet  samples.npz  film.npz
      references/      *.json  *.npz
      throughput/      *.json

Checkpoints, logs, pictures and the index of records stay behind: runs cannot be gone on with from it. The same files
make the same archive, byte for byte. A packed file may come from anywhere: what is no such file is refused, and
nothing of it lands outside of the folder that it is unpacked into.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from bench.errors import StoreError
from bench.files import replacing
from bench.reading import read_bytes, told

SUFFIX = ".zip"
LARGEST_FILE = 256 << 20
"""Bytes of one file in it; a run's samples take some hundred kilobytes."""
LARGEST_TOTAL = 8 << 30
"""Bytes of everything in it, unpacked."""
MOST_FILES = 1_000_000

_NAME = r"[A-Za-z0-9%][A-Za-z0-9._+%-]{0,254}"
KNOWN = re.compile(
    r"suite\.toml|plan\.json|tuning\.json"
    rf"|runs/{_NAME}/(?:spec\.json|record\.json|history\.parquet|samples\.npz|film\.npz)"
    rf"|references/{_NAME}\.(?:json|npz)"
    rf"|throughput/{_NAME}\.json"
)
"""The paths of what is packed. Names hold nothing that a system takes for a path, a drive or a device."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LEVEL = 9
_DATE = (1980, 1, 1, 0, 0, 0)
"""Of every file in it: the earliest that the format can tell."""
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What zipfile raises for a file that is torn, or made in another way."""


@dataclasses.dataclass(frozen=True)
class Packed:
    """What was packed."""

    path: Path
    files: int
    runs: int
    """Those with a record."""
    bytes: int
    """Of the archive."""


def pack(folder: Path, archive: Path) -> Packed:
    """Pack what reports and comparisons read of a results folder.

    Args:
        folder: the results folder of one suite.
        archive: where to, a name that ends in ``.zip``; a file that is there is replaced, whole or not at all.

    Raises:
        StoreError: the folder holds no results, a file of it cannot be read, `unpacked` would refuse the archive, or
            it can have no such name.
        StorageError: the archive cannot be written.
    """
    _check_name(archive)
    names = _find(folder)
    runs = sum(name.startswith("runs/") and name.endswith("/record.json") for name in names)
    if not runs:
        raise StoreError(f"'{folder}' holds no results to pack: expected '{folder}/runs' with a finished run in it")
    _check_count(folder, names)
    total = 0
    with (
        replacing(archive) as kept,
        zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as file,
    ):
        for name in names:
            try:
                content = read_bytes(folder / name, LARGEST_FILE)
            except OSError as error:
                raise StoreError(f"{told(folder / name)}: cannot be packed: {error.strerror or error}") from None
            total += len(content)
            if total > LARGEST_TOTAL:
                raise StoreError(f"'{told(folder)}' cannot be packed: it holds more than {LARGEST_TOTAL >> 30} GiB")
            file.writestr(_entry(name), content)
    return Packed(archive, len(names), runs, archive.stat().st_size)


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A results folder, for as long as it is needed: ``path`` itself where that is a folder, else a temporary one.

    Args:
        path: of a folder, which is not looked into, or of a packed file.

    Raises:
        StoreError: neither; the file is torn, or holds what packed results do not.
    """
    if os.path.isdir(path):  # never raises  # noqa: PTH112
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ganbench-") as temporary:
        folder = Path(temporary) / _folder_name(path)
        with _opened(path) as file:
            for entry in _checked(file, path):
                _extract(file, entry, folder, path)
        yield folder


def is_packed(path: Path) -> bool:
    """Whether a path is of a file that is, or claims to be, packed results."""
    return path.suffix == SUFFIX and os.path.isfile(path)  # never raises  # noqa: PTH113


def _check_name(archive: Path) -> None:
    if os.path.isdir(archive):  # never raises  # noqa: PTH112
        raise StoreError(f"'{told(archive)}' is a folder: name a file, such as {told(archive / ('results' + SUFFIX))}")
    if archive.suffix != SUFFIX:
        shown = told(archive)
        raise StoreError(f"'{shown}' is no name of packed results, which end in {SUFFIX}: name them {shown}{SUFFIX}")


def _check_count(folder: Path, names: list[str]) -> None:
    """See that no more files are packed than `unpacked` takes, and that no system takes two of them for one."""
    if len(names) > MOST_FILES:
        raise StoreError(f"'{told(folder)}' cannot be packed: it holds more than {MOST_FILES:,} files")
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise StoreError(f"'{told(folder)}' cannot be packed: '{other}' and '{name}' are one file on some systems")


def _find(folder: Path) -> list[str]:
    """What there is to pack, in the order of names. Links are not followed."""
    found = [name for name in ("suite.toml", "plan.json", "tuning.json") if _is_file(folder / name)]
    for part, depth in (("references", 1), ("runs", 2), ("throughput", 1)):
        pattern = "/".join(["*"] * depth)
        names = (path.relative_to(folder).as_posix() for path in (folder / part).glob(pattern) if _is_file(path))
        found += sorted(name for name in names if KNOWN.fullmatch(name))
    return found


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode) and not path.parent.is_symlink()
    except (OSError, ValueError):
        return False


def _entry(name: str) -> zipfile.ZipInfo:
    """The entry of a file, the same on every system."""
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix, which the attributes are of
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _folder_name(path: Path) -> str:
    """What the suite is called: as the file, without what no results folder's name holds."""
    return re.sub(r"[^A-Za-z0-9._+-]", "_", path.stem)[:100].lstrip(".") or "results"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    shown = told(path)
    try:
        file = zipfile.ZipFile(path)
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"'{shown}': there is neither a results folder nor a packed file of that name") from None
    except OSError as error:
        raise StoreError(f"'{shown}' cannot be read: {error.strerror or error}") from None
    except _BROKEN as error:
        raise StoreError(
            f"'{shown}' is no packed results ({told(error, 200)}): a results folder, or a file that `ganbench pack` "
            "made, is expected"
        ) from None
    with file:
        yield file


def _checked(file: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The files of an archive, of which every one is known, once, and no larger than it may be."""
    entries = [entry for entry in file.infolist() if not entry.is_dir()]
    shown = told(path)
    if len(entries) > MOST_FILES:
        raise StoreError(f"'{shown}' is no packed results: it holds more than {MOST_FILES:,} files")
    seen: set[str] = set()
    for entry in entries:
        fault = _fault(entry, seen)
        if fault:
            raise StoreError(
                f"'{shown}' is no packed results: '{told(entry.filename, 200)}' in it {fault}; `ganbench pack` makes "
                "such files"
            )
        seen.add(entry.filename.casefold())
    if sum(entry.file_size for entry in entries) > LARGEST_TOTAL:
        raise StoreError(f"'{shown}' is not unpacked: it holds more than {LARGEST_TOTAL >> 30} GiB")
    if not any(name.startswith("runs/") for name in seen):
        raise StoreError(f"'{shown}' is no packed results: no run is in it")
    return entries


def _fault(entry: zipfile.ZipInfo, seen: set[str]) -> str:
    """What is wrong with an entry; empty where nothing is."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    # zipfile cuts names at a NUL and turns backslashes on Windows: what stands in the file is what is looked at
    if not KNOWN.fullmatch(entry.orig_filename) or entry.orig_filename != entry.filename:
        return "is no part of results"
    if kind not in (0, stat.S_IFREG):
        return "is no regular file"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if entry.compress_type not in _METHODS:
        return "is compressed in another way"
    if entry.file_size > LARGEST_FILE:
        return f"is larger than {LARGEST_FILE >> 20} MiB"
    return "stands there twice" if entry.filename.casefold() in seen else ""


def _extract(file: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, path: Path) -> None:
    try:
        content = file.read(entry)  # no more than the size that was checked, and its check sum holds
    except (*_BROKEN, OSError) as error:
        raise StoreError(f"'{told(path)}' is torn: '{entry.filename}' in it cannot be read ({error})") from None
    target = folder / entry.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
