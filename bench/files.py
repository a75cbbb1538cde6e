"""Files that are there whole or not at all, and folders that are known to be writable."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from bench.errors import StoreError


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` whole or not at all.

    Promises that a reader, and the machine after a power cut, sees the old file or the new one. Does not promise
    that a concurrent writer's content survives: the last rename wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it private; results are to be shared  # noqa: PTH101
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    _sync_folder(path.parent)


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
