"""Results that a command is given: by a suite's file, as a results folder, or packed into one file."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.archive import SUFFIX, is_packed, unpacked
from bench.errors import UsageError, nearest
from bench.reading import told


@dataclasses.dataclass(frozen=True)
class Source:
    """Results of one suite."""

    name: str
    """Of the suite: what its results folder, or the packed file, is called."""
    path: Path
    """A results folder, or a packed file."""
    shown: str
    """The same as the user named it; of a suite's file, its results folder."""
    command: str
    """What a reader types to make the results again."""
    report: str
    """Of the folder of its report: the suite's name where the results are its own, else also where they lie."""


def find_source(what: Path, results: Path) -> Source:
    """What is meant: a suite's file stands for its results under ``results``.

    Raises:
        UsageError: there is nothing, or it holds no results.
    """
    if os.path.isdir(what):  # never raises  # noqa: PTH112
        return _of_folder(what, results)
    if is_packed(what):
        return Source(what.stem, what, str(what), _kept_as(what.stem), _elsewhere(what))
    if what.suffix != ".toml" and not os.path.isfile(what):  # never raises  # noqa: PTH113
        hint = nearest(str(results / what.name), [str(results / name) for name in _suites(results)])
        raise UsageError(
            f"'{told(what)}': there is no such suite file, results folder or packed results"
            + (f"; {hint}" if hint else "")
        )
    from bench.suite import load_suite

    plan = load_suite(what)
    folder = results / plan.name
    if not os.path.isdir(folder / "runs"):  # noqa: PTH112
        raise UsageError(f"'{folder}' holds no results of {what}: ganbench run {what} makes them")
    return Source(plan.name, folder, str(folder), shlex.join(["ganbench", "run", str(what)]), plan.name)


def _of_folder(folder: Path, results: Path) -> Source:
    if os.path.isdir(folder / "runs"):  # noqa: PTH112
        name = folder.resolve().name
        is_own = folder.resolve() == (results / name).resolve()
        return Source(name, folder, str(folder), _kept_as(name), name if is_own else _elsewhere(folder.resolve()))
    held = [name for name in _suites(folder) if not name.endswith(SUFFIX)]
    if held:
        raise UsageError(f"'{told(folder)}' holds the results of several suites: name them, such as {folder / held[0]}")
    raise UsageError(f"'{told(folder)}' holds no results: expected '{told(folder)}/runs'")


def _kept_as(name: str) -> str:
    """The command for results whose suite's file nobody has named: its text stands below the command."""
    file = told(f"{name}.toml")
    return f"ganbench run {shlex.quote(file)}  # the suite below, kept as {file}"


def _elsewhere(path: Path) -> str:
    """``losses-of-server`` of ``/from/server/losses``: no suite's own report is called so."""
    return f"{path.name}-of-{path.absolute().parent.name or 'root'}"


def _suites(results: Path) -> list[str]:
    """The results folders and packed files in a folder."""
    try:
        return sorted(path.name for path in results.iterdir() if (path / "runs").is_dir() or path.suffix == SUFFIX)
    except (OSError, ValueError):
        return []


@contextlib.contextmanager
def opened(sources: Sequence[Source]) -> Iterator[list[Path]]:
    """The results folders; those of packed files are there for as long."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(unpacked(source.path)) for source in sources]
