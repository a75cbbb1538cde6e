"""Files that are there whole or not at all, and folders that are known to be writable."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bench.errors import StorageError, StoreError

PREFIX, SUFFIX = ".", ".part"
"""Of a file that is being written, beside its place."""


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` whole or not at all.

    Promises that a reader, and the machine after a power cut, sees the old file or the new one. Does not promise
    that a concurrent writer's content survives: the last rename wins.

    Raises:
        StorageError: it cannot be written; what was there is as it was.
    """
    with replacing(path) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """The same of what is written piece by piece: a file that stands at ``path`` when the block has ended well.

    Raises:
        StorageError: it cannot be written; what was there is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f"{PREFIX}{path.name}.", suffix=SUFFIX, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)  # mkstemp makes it private; results are to be shared  # noqa: PTH101
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(error.errno, error.strerror or str(error), str(path)) from error


def remove_leftovers(folder: Path) -> None:
    """Remove what killed writers left half-written in ``folder``; nobody may be writing there."""
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with contextlib.suppress(OSError):
            path.unlink()


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def check_writable(folder: Path, what: str, option: str) -> None:
    """See that a folder can be written, or made; leaves nothing behind.

    Args:
        folder: where.
        what: names it in the message.
        option: of the command line, that chooses another.

    Raises:
        StoreError: it cannot.
    """
    try:
        existing = folder.absolute()
        while not existing.exists():
            existing = existing.parent
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise StoreError(
            f"{what} '{folder}' cannot be written: {error.strerror or error}; "
            f"choose another with {option} or change its permissions"
        ) from None
