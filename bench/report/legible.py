"""Text of suites, plugins, logs and records, made safe for what shows it: a page, Markdown, CSV."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

import pandas as pd
from markupsafe import Markup, escape

ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")
"""Of a terminal (ECMA-48): colours, cursor moves, titles."""
TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters, themselves unseen, that turn the direction of the text around them."""
UNSEEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{TURNS}]")
"""Those, Unicode's control characters and halves of surrogate pairs."""
FORMULA = re.compile(r"[\s\ufffd]*[=+\-@＝＋－＠]")
"""How a text begins that a spreadsheet would calculate."""


def legible(text: str) -> str:
    """Text without what a terminal would obey: escape sequences gone, other control characters replaced by ``�``.

    Logs are full of them, and a page, a fence of Markdown or a CSV that holds a NUL is none.
    """
    flat = ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return UNSEEN.sub("\ufffd", flat)


def legible_entry(entry: object) -> object:
    """The same of a text; of anything else, and of markup that is made here, itself."""
    return legible(entry) if isinstance(entry, str) and not isinstance(entry, Markup) else entry


def one_line(text: object) -> str:
    """Legible text on one line."""
    return " ".join(legible(str(text)).split())


def slug(title: str) -> str:
    """A title as files and anchors are named: ``objectives-tasks`` of ``Objectives × tasks``."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "table"


def csv_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table with all of its text legible, and none of it a formula.

    Excel and its like calculate a cell that begins with ``=``, ``+``, ``-`` or ``@``, from wherever the file came: such
    text, which is never a number of ours, has an apostrophe before it. Numbers stand as they are.
    """
    words = table.select_dtypes(exclude=["number", "bool"])
    return table.assign(**{str(name): words[name].map(_csv_entry) for name in words})


def csv_shown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> pd.DataFrame:
    """A table as it is shown, in the same way."""
    table = pd.DataFrame([[_csv_entry(entry) for entry in row] for row in rows], columns=range(len(columns)))
    return table.set_axis([str(_csv_entry(name)) for name in columns], axis="columns")


def _csv_entry(entry: object) -> object:
    shown = legible_entry(entry)
    return f"'{shown}" if isinstance(shown, str) and FORMULA.match(shown) else shown


def markdown_text(text: object) -> Markup:
    """Text that Markdown and HTML show as it stands, on one line."""
    marked = re.sub(r"([\\`*_{}\[\]#!|~$]|^[-+>]|(?<=^\d)[.)](?= |$))", r"\\\1", one_line(text))
    unlinked = str(escape(marked)).replace("://", ":&#47;/").replace("@", "&#64;")  # GitHub makes links by itself
    return Markup(re.sub(r"(?i)(www)\.", r"\1&#46;", unlinked))


def breakable(text: str) -> Markup:
    """Text whose lines may break after an opening bracket, where a browser would not."""
    return Markup(str(escape(legible(text))).replace("(", "(<wbr>"))


def fenced(text: str) -> Markup:
    """Verbatim text in a fence longer than any in it."""
    text = legible(text)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markup(f"{fence}\n{text.rstrip()}\n{fence}")  # nothing inside a fence is markup
