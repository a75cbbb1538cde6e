"""The log of one process: beginning and end of what it printed, however much that was."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import BinaryIO

HALF = 512 * 1024
"""Bytes kept of the beginning, and of the end."""
TAIL_LINES, TAIL_BYTES = 60, 8192


class LogFile:
    """A log of at most 2 × `HALF` bytes and a line that says what is left out.

    The beginning is written as it comes; the end when the process is gone. A disk that is full costs the log alone.

    Args:
        path: the file, appended to; None for no file.
    """

    def __init__(self, path: Path | None) -> None:
        self._file: BinaryIO | None = None
        self._room = HALF
        self._end = bytearray()
        self._left_out = 0
        if path is not None:
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                too_long = path.is_file() and path.stat().st_size > 2 * HALF
                self._file = path.open("wb" if too_long else "ab", buffering=0)

    def write(self, printed: bytes) -> None:
        """Take in what was printed."""
        head = printed[: self._room]
        self._room -= len(head)
        self._put(head)
        self._end += printed
        if len(self._end) > 2 * HALF:
            self._shorten()

    def _shorten(self) -> None:
        self._left_out += len(self._end) - HALF
        del self._end[:-HALF]

    def close(self) -> str | None:
        """Write the end; returns the last lines, None of nothing printed."""
        printed = self._left_out + len(self._end)
        rest = printed - (HALF - self._room)  # what the file does not hold yet
        if rest > HALF:
            self._put(f"\n[… {rest - HALF:,} bytes left out …]\n".encode())
        if rest > 0:
            self._put(bytes(self._end[-min(rest, HALF) :]))
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        text = bytes(self._end[-TAIL_BYTES:]).decode(errors="replace")
        return "\n".join(text.splitlines()[-TAIL_LINES:]) or None

    def _put(self, content: bytes) -> None:
        if self._file is not None and content:
            with contextlib.suppress(OSError):
                self._file.write(content)
