"""What a suite asked for, as its results folder tells it: the plan's runs, the suite's text, title and wishes."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from bench.store import Store

LABEL = r"[A-Za-z0-9][A-Za-z0-9.+-]*"
RUN_ID = re.compile(rf"({LABEL})_({LABEL})_({LABEL})_s([0-9]{{1,19}})_[0-9a-f]{{8}}")


@dataclasses.dataclass(frozen=True)
class Labels:
    """What a run's id says of it; labels hold no underscore."""

    objective: str
    architecture: str
    dataset: str
    seed: int

    @property
    def cell_name(self) -> str:
        """As a run's spec has it."""
        return f"{self.objective}_{self.architecture}_{self.dataset}"


def labels_of(run_id: str) -> Labels | None:
    """The labels and the seed that a run's id is made of; None where it is not made like one."""
    match = RUN_ID.fullmatch(run_id)
    return None if match is None else Labels(match[1], match[2], match[3], int(match[4]))


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a suite asked for."""

    runs: dict[str, None] | None
    """Run ids in the order of the plan; None where there is no plan that can be read."""
    cells: set[str] | None
    """Their cells' ids, where the plan tells them."""
    text: str | None
    """Of the suite file."""
    title: str | None
    baseline: str | None
    """Label of the objective that its report holds the others against."""
    metric: str | None
    """Name of the metric that ranks in its report."""
    faults: tuple[str, ...]
    """A sentence for each file that could not be trusted."""


def read_asked(store: Store) -> Asked:
    """Read ``plan.json`` and ``suite.toml`` of a results folder."""
    runs, cells, fault = _plan(store.folder / "plan.json")
    text, unreadable = _suite_text(store)
    suite, no_suite = _suite(text)
    report = suite.get("report")
    wishes: Mapping[str, object] = report if isinstance(report, Mapping) else {}
    return Asked(
        runs=runs,
        cells=cells,
        text=text,
        title=_text_at(suite, "title"),
        baseline=_text_at(wishes, "baseline"),
        metric=_text_at(wishes, "metric"),
        faults=(*fault, *unreadable, *no_suite),
    )


def _plan(path: Path) -> tuple[dict[str, None] | None, set[str] | None, list[str]]:
    """The run ids and the cell ids that were asked for, in order, and what is wrong with the file."""
    if not path.is_file():
        return None, None, []
    try:
        plan = json.loads(path.read_bytes())
        runs, cells = plan["runs"], plan.get("cells")
        if not (isinstance(runs, list) and all(isinstance(run, str) for run in runs)):
            raise ValueError("'runs' is not a list of run ids")
        asked = None if cells is None else {str(cell["id"]) for cell in cells}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return None, None, [f"{path}: not a plan ({error}); skipped"]
    return dict.fromkeys(runs), asked, []


def _suite_text(store: Store) -> tuple[str | None, list[str]]:
    """The suite's text, and what is wrong with the file."""
    try:
        return store.suite_text(), []
    except (OSError, ValueError) as error:
        return None, [f"{store.folder / 'suite.toml'}: not readable ({error}); skipped"]


def _suite(text: str | None) -> tuple[Mapping[str, object], list[str]]:
    """The suite as plain data, and what is wrong with its text."""
    try:
        return tomllib.loads(text or ""), []
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return {}, [f"suite.toml: not a suite ({error}); its title is not known"]


def _text_at(table: Mapping[str, object], key: str) -> str | None:
    """The text at a key; None where there is none, or none but blanks."""
    value = table.get(key)
    return value.strip() or None if isinstance(value, str) else None
