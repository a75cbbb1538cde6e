"""`ganbench check`: the laws of each kind, held against what a plugin registers or what goes by a name."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bench.catalog import CATALOGS, Entry, registered_by
from bench.conformance import (
    architectures,
    datasets,
    losses,
    objectives,
    optimizers,
    penalties,
    spaces,
    stabilisers,
)
from bench.conformance.laws import Law, Outcome, Verdict, judge
from bench.errors import CatalogError, PluginError, unknown
from bench.plugins import load_plugin

LAWS: dict[str, Sequence[Law]] = {
    "losses": losses.LAWS,
    "penalties": penalties.LAWS,
    "stabilisers": stabilisers.LAWS,
    "objectives": objectives.LAWS,
    "architectures": architectures.LAWS,
    "datasets": datasets.LAWS,
    "spaces": spaces.LAWS,
    "optimizers": optimizers.LAWS,
}
"""Of each kind of the catalogue, its laws."""

OUTCOMES: tuple[Outcome, ...] = ("holds", "broken", "skipped")
SIGNS = {"holds": ("✓", "green"), "broken": ("✗", "bold red"), "skipped": ("–", "yellow")}


WITH_FORMULAS = ("loss", "penalty")
FORMULAS_ARE_UNKNOWN = "No law knows your formula: with a wrong factor it passes all the same."


@dataclasses.dataclass(frozen=True)
class Checked:
    """An entry and the verdict of each law of its kind."""

    kind: str
    name: str
    origin: str
    verdicts: tuple[Verdict, ...]

    def count(self, outcome: Outcome) -> int:
        """Laws of this outcome."""
        return sum(verdict.outcome == outcome for verdict in self.verdicts)

    def broken(self) -> list[str]:
        """Short names of the laws that it breaks."""
        return [verdict.name for verdict in self.verdicts if verdict.outcome == "broken"]


def check_entry(entry: Entry[Any], root: Path = Path()) -> Checked:
    """One entry of the catalogue.

    Args:
        entry: what is held to the laws of its kind.
        root: the data root, for datasets that lie in files.
    """
    catalog = next(catalog for catalog in CATALOGS if catalog.kind == entry.kind)
    # what an objective is made of is tried by itself, and suites choose its settings
    kept = tuple(entry.fields) if entry.kind == "objectives" else ()
    verdicts = judge(entry, LAWS[entry.kind], root, kept)
    return Checked(catalog.singular, entry.name, catalog.describe(entry.name).origin, tuple(verdicts))


def check_plugin(path: Path, root: Path = Path()) -> list[Checked]:
    """Every entry that a plugin file registers.

    Raises:
        PluginError: the file cannot be loaded.
    """
    plugin = load_plugin(path)
    return [check_entry(entry, root) for entry in registered_by(plugin)]


def check_name(name: str, root: Path = Path()) -> list[Checked]:
    """Every entry called ``name``; several kinds may have one.

    Raises:
        CatalogError: no kind has.
    """
    found = [catalog.entry(name) for catalog in CATALOGS if name in catalog.names()]
    if not found:
        names = sorted({name for catalog in CATALOGS for name in catalog.names()})
        raise CatalogError(f"{unknown('name', name, names)}; a plugin is a file that ends in .py")
    return [check_entry(entry, root) for entry in found]


def check(target: str, root: Path = Path()) -> list[Checked]:
    """What ``target`` stands for: a plugin's file where it ends in ``.py`` or is one, else a name of the catalogue.

    Raises:
        PluginError: the file cannot be loaded.
        CatalogError: there is no entry of that name.
    """
    path = Path(target)
    if path.suffix == ".py" and not os.path.lexists(path):
        raise PluginError(f"plugin '{path}' does not exist")
    with contextlib.redirect_stdout(sys.stderr):  # what a plugin prints is no verdict
        return check_plugin(path, root) if path.suffix == ".py" or path.is_file() else check_name(target, root)


def print_checked(console: Console, target: str, checked: Sequence[Checked]) -> None:
    """A heading per entry, a line per law and what was found, and the sum of it all."""
    for each in checked:
        console.print(Text.assemble((each.name, "bold cyan"), f"  ({each.kind}, {each.origin})"))
        for verdict in each.verdicts:
            if verdict.outcome == "skipped":
                continue
            sign, style = SIGNS[verdict.outcome]
            console.print(Text.assemble("  ", (sign, style), f" {verdict.law}"), soft_wrap=True)
            if verdict.words:
                shown = "red" if verdict.outcome == "broken" else "yellow"
                console.print(Text(f"      {verdict.words}", style=shown), soft_wrap=True)
        for reason, names in _by_reason(each.verdicts).items():
            sign, style = SIGNS["skipped"]
            told = f" not tried, {reason}: {', '.join(names)}"
            console.print(Text.assemble("  ", (sign, style), told), soft_wrap=True)
        if each.kind in WITH_FORMULAS:
            console.print(Text(f"  {FORMULAS_ARE_UNKNOWN}", style="dim"), soft_wrap=True)
        console.print()
    broken = any(each.broken() for each in checked)
    style = "bold red" if broken else "bold green"
    console.print(Text(f"{Path(target).name}: {_sum_up(checked)}", style=style), soft_wrap=True)


def _sum_up(checked: Sequence[Checked]) -> str:
    hold, broken, skipped = (sum(each.count(outcome) for each in checked) for outcome in OUTCOMES)
    parts = [
        f"{hold} law{' holds' if hold == 1 else 's hold'}",
        f"{broken or 'none'} {'are' if broken > 1 else 'is'} broken",
        f"{skipped} could not be tried",
    ]
    return ", ".join(parts if skipped else parts[:-1])


def _by_reason(verdicts: Iterable[Verdict]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.outcome == "skipped":
            reasons.setdefault(verdict.words, []).append(verdict.name)
    return reasons


def to_json(checked: Sequence[Checked]) -> str:
    """For programs."""
    return json.dumps([dataclasses.asdict(each) for each in checked], indent=1, ensure_ascii=False)
