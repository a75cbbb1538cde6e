"""The faults of a suite file, gathered so that they are told all at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from bench.errors import SuiteError
from bench.toml_lines import KeyPath, nearest_line

MOST_FAULTS = 100
"""More are counted, not told."""


class Faults:
    """What is wrong with one file, and where.

    Args:
        file: stands before every fault.
        lines: where the file's keys are.
    """

    def __init__(self, file: Path, lines: Mapping[KeyPath, int]) -> None:
        self._file, self._lines = file, lines
        self._faults: dict[tuple[int, str], None] = {}
        self._paths: set[KeyPath] = set()

    def add(self, path: KeyPath, message: str) -> None:
        """Tell that something is wrong at ``path``, which is empty for the file as a whole."""
        self._paths.add(path)
        line = nearest_line(self._lines, path)
        file = str(self._file) if str(self._file).isprintable() else ascii(str(self._file))
        where = f"{file}:{line}" if line else file
        text = ": ".join(part for part in (where, show_path(path), " ".join(message.split())) if part)
        self._faults[line or 0, text] = None

    def at(self, path: KeyPath) -> bool:
        """Whether something is known to be wrong at ``path`` itself."""
        return path in self._paths

    def raise_if_any(self) -> None:
        """Raise them, if there are any.

        Raises:
            SuiteError: one fault a line, in the order of the file.
        """
        if self._faults:
            told = [text for _, text in sorted(self._faults, key=lambda fault: fault[0])]
            more = [f"… and {len(told) - MOST_FAULTS} more faults"] if len(told) > MOST_FAULTS else []
            raise SuiteError(*told[:MOST_FAULTS], *more)


def show_path(path: KeyPath) -> str:
    """``grid[0].objectives[2]``."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            plain = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)
            text += f".{plain}" if text else plain
    return text
