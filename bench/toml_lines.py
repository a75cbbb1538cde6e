"""Where the keys of a TOML text stand, so that a message can name the line.

Meant for text that a TOML parser has accepted; anything this scan does not expect ends it, and what lies
behind has no line of its own.
"""

from __future__ import annotations

import bisect
import contextlib
import re
import tomllib
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""``("grid", 0, "objectives", 2)`` is ``grid[0].objectives[2]``."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[A-Za-z0-9_-]+")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r"\"{3}(?:\\.|[^\\])*?\"{3,5}(?!\")|'{3}.*?'{3,5}(?!')|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'", re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}\n#]+")


def locate_keys(text: str) -> Mapping[KeyPath, int]:
    """The line (from 1) of every key, table and list element that is found in ``text``."""
    scanner = _Scanner(text)
    with contextlib.suppress(_UnexpectedError, RecursionError, ValueError):
        scanner.scan()
    return scanner.lines


def nearest_line(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """The line of ``path``, or else of the innermost table or list around it that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


class _UnexpectedError(Exception):
    """The text is not what the scan expects."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._newlines = [at for at, character in enumerate(text) if character == "\n"]
        self._elements: dict[KeyPath, int] = {}
        """How many ``[[tables]]`` each list of tables has so far."""

    def scan(self) -> None:
        table: KeyPath = ()
        while self._skip_blank() < len(self._text):
            if self._peek("[["):
                self._at += 2
                table = self._list_of_tables()
                self._expect("]]")
            elif self._peek("["):
                self._at += 1
                table = self._mark(self._resolve(self._keys()))
                self._expect("]")
            else:
                self._pair(table)

    def _list_of_tables(self) -> KeyPath:
        *parents, name = self._keys()
        path = (*self._resolve(tuple(parents)), name)
        self._mark(path)
        index = self._elements.get(path, 0)
        self._elements[path] = index + 1
        return self._mark((*path, index))

    def _resolve(self, keys: tuple[str, ...]) -> KeyPath:
        """The path of a header's keys: each list of tables on the way stands for its last table."""
        path: KeyPath = ()
        for key in keys:
            path = (*path, key)
            if path in self._elements:
                path = (*path, self._elements[path] - 1)
        return path

    def _pair(self, table: KeyPath) -> None:
        path = table
        for key in self._keys():
            path = self._mark((*path, key))
        self._expect("=")
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        if self._peek("["):
            self._elements_of(path, closing="]")
        elif self._peek("{"):
            self._elements_of(path, closing="}")
        else:
            found = _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
            if found is None:
                raise _UnexpectedError
            self._at = found.end()

    def _elements_of(self, path: KeyPath, closing: str) -> None:
        """A list's elements or an inline table's pairs, from the opening bracket to the closing one."""
        self._at += 1
        index = 0
        while self._skip_blank() < len(self._text) and not self._peek(closing):
            if closing == "]":
                self._value(self._mark((*path, index)))
                index += 1
            else:
                self._pair(path)
            self._skip_blank()
            if self._peek(","):
                self._at += 1
            elif not self._peek(closing):
                raise _UnexpectedError
        self._expect(closing)

    def _keys(self) -> tuple[str, ...]:
        keys: list[str] = []
        self._skip_blank()
        while found := _KEY.match(self._text, self._at):
            self._at = found.end()
            quoted = found[0][0] in "\"'"
            keys.append(tomllib.loads(f"key = {found[0]}")["key"] if quoted else found[0])
            dot = _DOT.match(self._text, self._at)
            if dot is None:
                return tuple(keys)
            self._at = dot.end()
        raise _UnexpectedError

    def _mark(self, path: KeyPath) -> KeyPath:
        self.lines.setdefault(path, bisect.bisect_left(self._newlines, self._at) + 1)
        return path

    def _skip_blank(self) -> int:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _peek(self, token: str) -> bool:
        return self._text.startswith(token, self._at)

    def _expect(self, token: str) -> None:
        self._skip_blank()
        if not self._peek(token):
            raise _UnexpectedError
        self._at += len(token)
