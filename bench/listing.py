"""`ganbench list` and `ganbench describe`: the catalogue for people and programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.catalog import CATALOGS, Catalog, Description
from bench.errors import CatalogError, unknown


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
    """All entries called ``name``; several kinds may have one.

    Raises:
        CatalogError: no kind has.
    """
    found = tuple(catalog.describe(name) for catalog in CATALOGS if name in catalog.names())
    if not found:
        raise CatalogError(unknown("name", name, sorted({name for catalog in CATALOGS for name in catalog.names()})))
    return found


def print_catalogue(console: Console, catalogs: Sequence[Catalog[Any]], as_json: bool) -> None:
    """A table per kind."""
    if as_json:
        plain = {c.kind: [dataclasses.asdict(c.describe(name)) for name in c.names()] for c in catalogs}
        print(json.dumps(plain, indent=1, ensure_ascii=False))
        return
    for catalog in catalogs:
        table = Table(title=catalog.kind, title_justify="left", title_style="bold", box=None, pad_edge=False)
        table.add_column("name", style="cyan", no_wrap=True)
        table.add_column("what it is")
        table.add_column("source", style="dim")
        for name in catalog.names():
            entry = catalog.describe(name)
            table.add_row(Text(name), Text(entry.summary), Text(entry.source))
        console.print(table)
        console.print()


def print_descriptions(console: Console, descriptions: Sequence[Description], as_json: bool) -> None:
    """Everything there is to know of each entry."""
    if as_json:
        print(json.dumps([dataclasses.asdict(entry) for entry in descriptions], indent=1, ensure_ascii=False))
        return
    for entry in descriptions:
        console.print(Text.assemble((entry.name, "bold cyan"), f"  ({entry.kind}, {entry.origin})"))
        console.print(Text(entry.summary))
        console.print(Text(f"\n  {entry.formula}\n"), soft_wrap=True)
        console.print(Text(f"source: {entry.source}"))
        console.print("\nsettings, with their defaults:" if entry.settings else "\nno settings")
        for setting in entry.settings:
            limits = " ".join(part for part in (setting.type, setting.allowed) if part)
            console.print(Text.assemble("  ", (setting.name, "cyan"), f" = {setting.default}"), soft_wrap=True)
            console.print(Text(f"      {limits}: {setting.meaning}", style="dim"), soft_wrap=True)
        console.print()
