"""What a page is made of: sections of sentences, tables, pictures and verbatim text. Templates escape all of it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from bench.report.style import theme

Kind = Literal["measured", "reference"]


@dataclasses.dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    detail: str = ""
    """Said in small print below: a range."""
    best: bool = False
    counted: str = ""
    """Said below that: which of the planned runs the number is of, where it is not of all."""
    sort: float | None = None
    """What the column is sorted by; the number that ``text`` begins with where there is none."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of a table; the first cell is its heading."""

    cells: tuple[Cell, ...]
    kind: Kind = "measured"
    color: str | None = None
    """Of the objective."""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table with its caption, which says what is better, N, seeds and what brackets mean."""

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    text_columns: frozenset[int] = frozenset({0})
    """Columns of words, set flush left."""
    collapsed: bool = False
    compact: bool = False
    """Of many columns of words: set closer, and free to break lines after an opening bracket."""
    name: str = ""
    """Of its file and its anchor; made of the title where there is none."""
    sortable: bool = True
    """Whether its rows are of one kind, so that readers may put them in another order."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure, its caption, and what it shows for those who cannot see it."""

    name: str
    title: str
    caption: str
    alternative: str
    draw: Callable[[], Figure] = dataclasses.field(repr=False)
    """Called when the figure is needed: a hundred of them at once take a gigabyte."""
    collapsed: bool = False

    @functools.cached_property
    def figure(self) -> Figure:
        """The figure in the report's style, kept as long as this is."""
        with theme():
            return self.draw()


@dataclasses.dataclass(frozen=True)
class Text:
    """Paragraphs."""

    paragraphs: tuple[str, ...]
    kind: Literal["plain", "warning"] = "plain"


@dataclasses.dataclass(frozen=True)
class Finding:
    """The answer for one task: a sentence to remember, and what it rests on."""

    subject: str
    lead: str
    evidence: tuple[str, ...]
    tags: tuple[str, ...] = ()
    """``descriptive``, ``preliminary`` where that is all it is."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """Names and what they are."""

    items: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Verbatim:
    """Text of a file, as it stands."""

    title: str
    text: str
    collapsed: bool = False
    wrap: bool = False
    """Whether long lines are broken rather than scrolled to."""


Block = Table | Picture | Text | Finding | Facts | Verbatim


@dataclasses.dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    summary: str
    """One line: what was run."""
    sections: tuple[Section, ...]
    csv: dict[str, pd.DataFrame]
    """By name of the file in ``tables/``."""
