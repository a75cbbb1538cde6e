"""What the columns of a table are sorted by: numbers as numbers, however they are written."""

from __future__ import annotations

import math
import re

from bench.report.blocks import Cell, Table

BLANK = frozenset({"", "–"})
"""How a cell says that it has no value."""
NUMBER = re.compile(
    r"[<>≤≥≈]?\s*(?P<sign>[-−+]?)(?:(?P<infinite>∞)|(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+−]?\d+)?))"
    r"(?P<suffix>[kMG]?)(?![\w.,])\s?(?P<unit>[^\W\d_]*)"
)
SUFFIXES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
UNITS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "KiB": 2.0**-10, "MiB": 1.0, "GiB": 2.0**10}
"""In seconds and mebibytes; any other word after a number says what it counts (``3 missing``)."""


def number(text: str) -> float | None:
    """The number that a cell's text begins with, if any: 41000 of ``41k``, −∞ of ``−∞``, 150 of ``2.5 min``."""
    match = NUMBER.match(text.strip())
    if match is None:
        return None
    size = math.inf if match["infinite"] else float(match["digits"].replace(",", "").replace("−", "-"))
    size *= SUFFIXES[match["suffix"]] * UNITS.get(match["unit"], 1.0)
    return -size if match["sign"] in ("-", "−") else size


def keys(table: Table) -> tuple[tuple[float | None, ...], ...]:
    """What each cell is sorted by, row by row: its ``sort``, or the number that it begins with.

    None of a cell without a value, and of all cells of a column of words: these are sorted by their text.
    """
    columns = zip(*(row.cells for row in table.rows), strict=True)
    by_column = [
        _column(cells, words=index in table.text_columns and not any(cell.sort is not None for cell in cells))
        for index, cells in enumerate(columns)
    ]
    return tuple(zip(*by_column, strict=True))


def _column(cells: tuple[Cell, ...], *, words: bool) -> tuple[float | None, ...]:
    found = tuple(_key(cell) for cell in cells)
    is_numeric = all(key is not None or cell.text in BLANK for key, cell in zip(found, cells, strict=True))
    return found if is_numeric and not words else (None,) * len(cells)


def _key(cell: Cell) -> float | None:
    key = number(cell.text) if cell.sort is None else cell.sort
    return None if key is None or math.isnan(key) else key
