"""A file layer on which one call fails: the k-th write, flush, rename … below a folder."""

from __future__ import annotations

import errno
import io
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

KINDS = ("mkdir", "mkstemp", "open", "write", "fsync", "chmod", "rename")
"""Every way in which bench changes a folder; removals apart."""


class Faulty:
    """Counts the calls of each kind that concern a folder, and lets one of them fail, or all from one on.

    Args:
        folder: all that lies in it.
        kind: which calls fail.
        at: the number of the call that fails, from 1; 0 for none.
        number: the error's.
        lasting: whether all later ones of this kind fail, too.
    """

    def __init__(self, folder: Path, kind: str = "", at: int = 0, number: int = errno.ENOSPC, lasting: bool = False):
        self.calls: Counter[str] = Counter()
        self.failed: list[str] = []
        """The paths of the calls that failed."""
        self._folder = str(folder)
        self._kind, self._at, self._number, self._lasting = kind, at, number, lasting

    @contextmanager
    def installed(self) -> Iterator[Self]:
        """In force while entered."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "mkdir", self._guard("mkdir", os.mkdir, _new))
            patch.setattr(tempfile, "mkstemp", self._guard("mkstemp", tempfile.mkstemp, _folder_of))
            patch.setattr(io, "open", self._guard("open", io.open, _written))
            patch.setattr(os, "fdopen", self._wrap(os.fdopen))
            patch.setattr(os, "fsync", self._guard("fsync", os.fsync, lambda handle: _path_of(handle)))
            patch.setattr(os, "chmod", self._guard("chmod", os.chmod, _first))
            patch.setattr(os, "replace", self._guard("rename", os.replace, lambda _, target: str(target)))
            yield self

    def check(self, kind: str, path: str) -> None:
        """Count a call, and fail if it is its turn.

        Raises:
            OSError: it is.
        """
        if not path.startswith(self._folder):
            return
        self.calls[kind] += 1
        count = self.calls[kind]
        if kind == self._kind and (count == self._at or (self._lasting and 0 < self._at < count)):
            self.failed.append(path)
            raise OSError(self._number, os.strerror(self._number), path)

    def _guard(self, kind: str, call: Callable[..., Any], path: Callable[..., str]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            self.check(kind, path(*arguments, **named))
            return call(*arguments, **named)

        return guarded

    def _wrap(self, fdopen: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(handle: int, *arguments: Any, **named: Any) -> Any:
            path = _path_of(handle)
            file = fdopen(handle, *arguments, **named)
            return _Writer(self, path, file) if path.startswith(self._folder) and file.writable() else file

        return wrapped


class _Writer:
    """A file that may fail half-way through a write, as a full disk lets it."""

    def __init__(self, faulty: Faulty, path: str, file: Any) -> None:
        self._faulty, self._path, self._file = faulty, path, file

    def write(self, content: bytes) -> int:
        try:
            self._faulty.check("write", self._path)
        except OSError:
            self._file.write(content[: len(content) // 2])
            raise
        return int(self._file.write(content))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _first(path: object, *_: object, **__: object) -> str:
    return str(path)


def _new(path: str | Path, *_: object, **__: object) -> str:
    """Of a folder that is there already nothing can fail."""
    return "" if Path(path).exists() else str(path)


def _folder_of(*_: object, **named: object) -> str:
    return f"{named.get('dir')}/"


def _written(path: object, mode: str = "r", *_: object, **__: object) -> str:
    return str(path) if set(mode) & set("wax+") else ""


def _path_of(handle: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115
    except OSError:
        return ""
