"""What commands say, and where the things lie that they are about."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bench.reading import told

if TYPE_CHECKING:
    from bench.store import Store
    from bench.suite import Plan

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
LONGEST_LINE = 100_000


def warn(sentences: Iterable[str]) -> None:
    """Say what is to be known beside the result."""
    for sentence in sentences:
        complain("warning", sentence)


def complain(what: str, sentence: object) -> None:
    """Say what is wrong, whatever of it comes from files: nothing in it is obeyed by the terminal."""
    said = str(sentence).replace("\u00a0", " ")  # a number and its unit
    lines = "\n".join(told(line, LONGEST_LINE) for line in said.split("\n"))
    err.print(f"{what}: {lines}", markup=False, soft_wrap=True)


def working(what: str, quiet: bool) -> contextlib.AbstractContextManager[Any]:
    """Show on a terminal that something is being done."""
    return err.status(what, spinner="dots") if err.is_terminal and not quiet else contextlib.nullcontext()


def load(suite: Path) -> Plan:
    """The plan of a suite file."""
    from bench.suite import load_suite

    return load_suite(suite)


def store_of(plan: Plan, results: Path) -> Store:
    """Where a suite's results are, or will be."""
    from bench.store import Store

    store = Store(results / plan.name)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        store.folder.stat()  # a name that no folder can have is told of, not taken for an empty one
    return store


def data_root_of(given: Path | None) -> Path:
    """Where data sets are: as given, else in the user's cache."""
    if given is not None:
        return given
    import platformdirs

    return Path(platformdirs.user_cache_dir("ganbench", appauthor=False))
