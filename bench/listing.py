"""`ganbench list` and `ganbench describe`: the catalogue for people and programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from bench.catalog import CATALOGS, Catalog, Description, registered_by
from bench.errors import CatalogError, unknown
from bench.plugins import load_plugin
from bench.settings import SettingDescription
from bench.symbols import pieces, symbols_of

LABELS = 10
"""Columns of the labels on the left of a description."""


def select_catalogs(kind: str | None) -> Sequence[Catalog[Any]]:
    """The catalogue of a kind (singular or plural), or all of them.

    Raises:
        CatalogError: there is no such kind.
    """
    if kind is None:
        return CATALOGS
    chosen = [catalog for catalog in CATALOGS if kind in (catalog.kind, catalog.singular)]
    if not chosen:
        raise CatalogError(unknown("kind", kind, [catalog.kind for catalog in CATALOGS]))
    return chosen


def find_descriptions(name: str) -> tuple[Description, ...]:
    """All entries called ``name`` (several kinds may have one), or those that a plugin's file registers.

    Raises:
        CatalogError: no kind has one.
        PluginError: the file cannot be loaded.
    """
    if name.endswith(".py") or Path(name).is_file():
        plugin = load_plugin(Path(name))
        catalogs = {catalog.kind: catalog for catalog in CATALOGS}
        return tuple(catalogs[entry.kind].describe(entry.name) for entry in registered_by(plugin))
    found = tuple(catalog.describe(name) for catalog in CATALOGS if name in catalog.names())
    if not found:
        raise CatalogError(unknown("name", name, sorted({name for catalog in CATALOGS for name in catalog.names()})))
    return found


def print_catalogue(console: Console, catalogs: Sequence[Catalog[Any]], as_json: bool) -> None:
    """Of one kind formulas, optima, settings and sources too; of several, a line or two per entry."""
    listed = {catalog.kind: [catalog.describe(name) for name in catalog.names()] for catalog in catalogs}
    if as_json:
        plain = {kind: [dataclasses.asdict(entry) for entry in entries] for kind, entries in listed.items()}
        print(json.dumps(plain, indent=1, ensure_ascii=False))
        return
    for kind, entries in listed.items():
        console.print(Text(kind, "bold"))
        if len(listed) == 1:
            for entry in entries:
                _print_entry(console, entry)
            continue
        width = max(len(entry.name) for entry in entries) + 2
        for entry in entries:
            _print_row(console, entry.name, Text(entry.summary), width)
        console.print()
    which = "ganbench list losses (or another kind) adds formulas, optima and settings; " if len(listed) > 1 else ""
    _print(console, Text(f"{which}ganbench describe NAME says everything of one", "dim"))


def print_descriptions(console: Console, descriptions: Sequence[Description], as_json: bool) -> None:
    """Everything there is to know of each entry."""
    if as_json:
        print(json.dumps([dataclasses.asdict(entry) for entry in descriptions], indent=1, ensure_ascii=False))
        return
    for i, entry in enumerate(descriptions):
        if i:
            console.print()
        _print_description(console, entry)


def _print_entry(console: Console, entry: Description) -> None:
    _print(console, Text(entry.name, "cyan"))
    _print(console, Text(entry.summary), 2)
    fits = cell_len(entry.formula) + 2 <= console.width
    for line in [entry.formula] if fits else pieces(entry.formula):
        _print(console, Text(line), 4, first=Text("  "))
    if entry.optimum:
        _print(console, Text(f"at the optimum: {entry.optimum}"), 4, first=Text("  "))
    if entry.settings:
        shown = [f"{one.name} = {one.default}" + (f" [{one.unit}]" if one.unit else "") for one in entry.settings]
        _print(console, Text(f"settings: {', '.join(shown)}"), 4, first=Text("  "))
    _print(console, Text(entry.source, "dim"), 2)
    console.print()


def _print_description(console: Console, entry: Description) -> None:
    _print(console, Text.assemble((entry.name, "bold cyan"), f"  ({entry.kind}, {entry.origin})"))
    _print(console, Text(entry.summary))
    console.print()
    for piece in pieces(entry.formula):
        _print(console, Text(piece), 4, first=Text("  "))
    console.print()
    if symbols := symbols_of(entry):
        for symbol in symbols:
            _print_row(console, symbol.plain, Text(symbol.meaning.replace("`", ""), "dim"), LABELS)
        console.print()
    facts = (
        ("optimum", pieces(entry.optimum)),
        ("LaTeX", latex_lines(entry.latex)),
        ("source", [entry.source]),
    )
    for label, lines in facts:
        for i, line in enumerate(lines):
            _print_row(console, "" if i else label, Text(line), LABELS)
    console.print("\nsettings, with their defaults [and units]" if entry.settings else "\nno settings", markup=False)
    for setting in entry.settings:
        _print(console, Text.assemble((setting.name, "cyan"), f" = {setting.default}"), 6, first=Text("  "))
        meaning = f": {setting.meaning}" if setting.meaning else ""
        _print(console, Text(f"{values_of(setting)}{meaning}", "dim"), 6)
    if parts := parts_of(entry):
        console.print()
        _print(console, Text(f"ganbench describe NAME has the settings of its parts: {', '.join(parts)}", "dim"))


def latex_lines(latex: str) -> list[str]:
    """A formula in LaTeX by its parts, which commas and a quad keep apart; they can be joined again as they are."""
    return [part.strip() for part in latex.replace(r", \quad ", ", \\quad\n").splitlines()]


def values_of(setting: SettingDescription) -> str:
    """What a setting can be, with its unit: ``number ≥ 0 [score]``; of words, the words."""
    unit = f"[{setting.unit}]" if setting.unit else ""
    kind = "" if setting.type == "text" and setting.allowed else setting.type.replace("list of entry", "entries")
    return " ".join(part for part in (kind, setting.allowed, unit) if part)


def parts_of(entry: Description) -> list[str]:
    """The loss, penalties, stabilisers and optimizers that an objective picks by default, each once."""
    if entry.kind != "objective":
        return []
    (catalog,) = select_catalogs(entry.kind)
    picks: list[Any] = []
    for field in catalog.entry(entry.name).fields.values():
        picks += field.default if isinstance(field.default, tuple) else [field.default]
    return list(dict.fromkeys(pick.name for pick in picks if hasattr(pick, "settings")))


def _print_row(console: Console, label: str, text: Text, width: int) -> None:
    """A label on the left, the text wrapped on its right."""
    _print(console, text, width, first=Text(set_cell_size(label, width), "cyan"))


def _print(console: Console, text: Text, indent: int = 0, first: Text | None = None) -> None:
    """The text wrapped at the console's width and indented; ``first`` stands before its first line instead.

    Rich's own indentation fills lines up with spaces, which are in the way of copying.
    """
    if first is not None and first.cell_len + text.cell_len <= console.width:
        console.print(first + text, soft_wrap=True)
        return
    margin = Text(" " * indent)
    for i, line in enumerate(text.wrap(console, max(1, console.width - indent))):
        line.rstrip()
        console.print((margin if i or first is None else first) + line, soft_wrap=True)
