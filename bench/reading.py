"""Files of a results folder that may be torn, foreign or of another version: read, validated, or named and skipped.

Nothing here raises for what a file holds, follows a link, or waits for a file that never ends.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from bench.migrations import FIRST_IDENTIFIED_VERSION, MIGRATIONS, migrate
from bench.record import SCHEMA_VERSION, Record, Reference, Throughput
from bench.tidy import COLUMNS

M = TypeVar("M", Record, Reference, Throughput)

NEWER = " (written by a newer ganbench: upgrade to read it)"
LARGEST_BYTES = 64 << 20
"""Of a file of text; a record takes some kilobytes."""
LARGEST_COUNT = 2**63 - 1
"""What a column of whole numbers holds."""

Stamp = tuple[int, int]
"""Size and time of last change (nanoseconds) of a file: whether it is still the one that was read."""


@dataclasses.dataclass(frozen=True)
class Contents(Generic[M]):
    """What could be read, and a sentence for each file that could not be trusted."""

    items: tuple[M, ...]
    rejected: tuple[str, ...]

    @property
    def newer(self) -> tuple[str, ...]:
        """The sentences of files that a newer ganbench wrote: they are results, and not to be overwritten."""
        return of_newer(self.rejected)

    def __iter__(self) -> Iterator[M]:
        return iter(self.items)


def of_newer(sentences: Iterable[str]) -> tuple[str, ...]:
    """Those that tell of files which a newer ganbench wrote."""
    return tuple(sentence for sentence in sentences if sentence.endswith(NEWER))


def inside(name: str) -> str:
    """``name`` as a file or folder is called: itself, unless it would lead elsewhere or is no name at all."""
    plain = name not in ("", ".", "..") and not any(mark in name for mark in "/\\\0")
    encoded = name.encode("utf-8", "backslashreplace")
    return name if plain and encoded == name.encode("utf-8", "replace") else "%" + quote(encoded, safe="")


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file for reading. A link is not followed, and a pipe not waited for.

    Raises:
        FileNotFoundError: there is nothing.
        OSError: it cannot be opened, or is something else.
    """
    flags = ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK")  # no system has them all
    try:
        handle = os.open(path, sum(getattr(os, flag, 0) for flag in flags))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "a symbolic link, which is not followed", str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(handle, "rb")


def read_bytes(path: str | Path, largest: int = LARGEST_BYTES) -> bytes:
    """The content of a regular file.

    Raises:
        FileNotFoundError: there is nothing.
        OSError: it cannot be read, is something else, or holds more than ``largest`` bytes.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > largest:
            raise OSError(errno.EFBIG, f"more than {largest >> 20} MiB", str(path))
        return file.read()


def find_records(runs: Path, rejected: list[str]) -> dict[str, Stamp]:
    """The run folders that hold a record, in the order of their names, each with its record's stamp.

    Args:
        runs: the folder of run folders.
        rejected: is given a sentence for each entry that is no run folder, or whose record is no regular file.
    """
    found: dict[str, Stamp] = {}
    for name in _list(runs, rejected, folders=True):
        path = f"{runs}/{name}/record.json"
        try:
            state = os.lstat(path)  # there are 100,000 of these: Path.lstat takes twice as long
        except FileNotFoundError:
            continue
        except OSError as error:
            rejected.append(f"{told(path)}: cannot be read ({_reason(error)}); skipped")
            continue
        if stat.S_ISREG(state.st_mode):
            found[name] = (state.st_size, state.st_mtime_ns)
        else:
            kind = "a symbolic link, which is not followed" if stat.S_ISLNK(state.st_mode) else "not a regular file"
            rejected.append(f"{told(path)}: cannot be read ({kind}); skipped")
    return found


def read_records(folder: Path) -> Contents[Record]:
    """All records under a folder of run folders, in the order of their ids."""
    rejected: list[str] = []
    items = tuple(each_record(folder, rejected))
    return Contents(items, tuple(rejected))


def each_record(folder: Path, rejected: list[str]) -> Iterator[Record]:
    """The same one by one, for those who need not hold them all; ``rejected`` is given the sentences meanwhile."""
    for name in find_records(folder, rejected):
        record = read_model(folder / name / "record.json", Record, rejected)
        if record is not None:
            yield record


def read_folder(folder: Path, model: type[M]) -> Contents[M]:
    """All that a folder's JSON files hold, in the order of their names."""
    rejected: list[str] = []
    paths = [folder / name for name in _list(folder, rejected, folders=False) if name.endswith(".json")]
    items = tuple(item for path in paths if (item := read_model(path, model, rejected)) is not None)
    return Contents(items, tuple(rejected))


def read_model(path: Path, model: type[M], rejected: list[str]) -> M | None:
    """The model in the file, or None with the reason added to ``rejected``; just None where there is no file."""
    try:
        content = read_bytes(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        rejected.append(f"{told(path)}: cannot be read ({_reason(error)}); skipped")
        return None
    try:
        return _check_place(path, *_parse(content, model))
    except _UntrustedError as fault:
        rejected.append(f"{told(path)}: {fault}; skipped{fault.newer}")
        return None


def told(text: object, limit: int = 1000) -> str:
    """``text`` in one line that any terminal and file can hold, however strange its characters are."""
    line = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(text)[:limit])
    return line if len(str(text)) <= limit else line + "…"


class _UntrustedError(Exception):
    """Why a file's content is not used."""

    newer = ""


class _NewerError(_UntrustedError):
    """A newer ganbench wrote it."""

    newer = NEWER


def _parse(content: bytes, model: type[M]) -> tuple[M, int]:
    """The model and the version that it was written as."""
    try:  # nearly every file is of this version: parsed once, by pydantic, straight from its bytes
        item = model.model_validate_json(content, strict=True)
        if item.schema_version == SCHEMA_VERSION and "schema_version" in item.model_fields_set:
            return item, SCHEMA_VERSION
    except ValidationError:
        pass  # an older version, or broken: found out below
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _UntrustedError(f"not readable as JSON ({told(error, 200)})") from None
    version = plain.get("schema_version") if isinstance(plain, dict) else None
    if type(version) is not int or (version != SCHEMA_VERSION and version not in MIGRATIONS):
        kind = _NewerError if type(version) is int and version > SCHEMA_VERSION else _UntrustedError
        raise kind(f"schema version {told(repr(version), 40)}, this ganbench reads 1 to {SCHEMA_VERSION}")
    try:
        migrate(plain, version)
        return model.model_validate_json(json.dumps(plain), strict=True), version
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise _UntrustedError(told(f"{where}: {first['msg']}", 200)) from None
    except RecursionError as error:
        raise _UntrustedError(f"not readable as JSON ({error})") from None


def _check_place(path: Path, item: M, version: int) -> M:
    """See that a file is called after its content, and that a record fits into a table."""
    if isinstance(item, Record):
        _check_record(path, item, version)
    else:
        key = item.key if isinstance(item, Reference) else item.cell_id
        if key != path.stem:
            raise _UntrustedError(f"the content is of {told(key, 200)}")
    return item


def _check_record(path: Path, record: Record, version: int) -> None:
    folder = path.parent
    named = record.run_id if version < FIRST_IDENTIFIED_VERSION else record.spec.run_id
    if not record.run_id == named == folder.name:
        raise _UntrustedError(f"the record is of run {told(named, 200)}, not of its folder's")
    if folder.is_symlink():
        raise _UntrustedError("its folder is a symbolic link, which is not followed")
    counts = [record.steps, record.images, record.timings.resumptions]
    for measurement in record.measurements:
        if measurement.metric in COLUMNS:
            raise _UntrustedError(f"a metric called '{measurement.metric}', as a column of every run is")
        counts += (measurement.step, measurement.generated, measurement.real)
    if min(counts) < 0 or max(counts) > LARGEST_COUNT:
        raise _UntrustedError("a whole number below 0 or past 2^63 - 1")


def _list(folder: Path, rejected: list[str], *, folders: bool) -> list[str]:
    """Names in a folder, sorted: of the folders in it, or of all else. Hidden files are nobody's results."""
    names = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if folders and not entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith("."):
                        kind = "a symbolic link, which is not followed" if entry.is_symlink() else "not a folder"
                        rejected.append(f"{told(entry.path)}: {kind}; skipped")
                elif folders or not entry.name.startswith("."):
                    names.append(entry.name)
    except FileNotFoundError:
        pass
    except OSError as error:
        rejected.append(f"{told(folder)}: cannot be listed ({_reason(error)}); skipped")
    return sorted(names)


def _reason(error: OSError) -> str:
    return told(error.strerror or error, 200)
