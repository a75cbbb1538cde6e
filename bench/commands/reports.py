"""Commands that read results: report them, compare them, pack them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.options import REPORTS, RESULTS, AsJson, Metric, Name, Only, Quiet, Reports, Results
from bench.commands.terminal import out, warn, working
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.commands.sources import Source
    from bench.report.view import View

What = Annotated[
    list[Path],
    typer.Argument(help="Suite files, results folders or packed results; several make one report.", show_default=False),
]
LONGEST_NAME = 100
MADE_OF = ".made-of"
"""A file beside a page that tells which results it is of, so that `ganbench run` takes no other for its own."""


def report(
    what: What,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
    only: Only = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            help="The objective that the others are held against.",
            show_default="the suite's, else its first",
        ),
    ] = None,
    metric: Metric = None,
    name: Name = None,
    quiet: Quiet = False,
) -> None:
    """Write the report of what has been recorded so far, of one suite or of several together."""
    from bench.commands.sources import find_source
    from bench.files import check_writable
    from bench.report.view import View

    sources = [find_source(each, results) for each in what]
    view = View(tuple(only or ()), baseline, metric)
    folder = reports / (_checked(name) if name else name_report([source.report for source in sources], view))
    check_writable(folder, "reports folder", "--reports")
    commands = [source.command for source in sources]
    if view != View() or len(sources) > 1:
        commands.append(shlex.join(["ganbench", *sys.argv[1:]]))
    write_report(sources, folder, command="\n".join(dict.fromkeys(commands)), view=view, quiet=quiet)


def compare(
    a: Annotated[Path, typer.Argument(help="What was: a suite file, a results folder or packed results.", metavar="A")],
    b: Annotated[Path, typer.Argument(help="What is held against it.", metavar="B")],
    results: Results = RESULTS,
    reports: Reports = REPORTS,
    only: Only = None,
    metric: Metric = None,
    name: Name = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Hold two results against each other, run by run: what became better, worse, or stayed as it was."""
    from bench.commands.sources import find_source
    from bench.files import check_writable

    sources = [find_source(each, results) for each in (a, b)]
    folder = reports / (_checked(name) if name else _shorten(f"compare-{sources[0].name}-{sources[1].name}"))
    check_writable(folder, "reports folder", "--reports")
    with working("Comparing …", quiet), _warnings():
        from bench.comparison import compare_results, write_comparison

        before, after = (source.path for source in sources)
        comparison = compare_results(before, after, only=tuple(only or ()), metric=metric, shown=(str(a), str(b)))
        page = write_comparison(comparison, folder, command=shlex.join(["ganbench", *sys.argv[1:]]))
    if as_json:
        print(json.dumps(comparison.to_plain() | {"report": str(page)}, indent=1, ensure_ascii=False, allow_nan=False))
        return
    from bench.comparison.terminal import print_comparison

    print_comparison(out, comparison, brief=quiet)
    out.print(f"report: {page}", markup=False, soft_wrap=True)


def pack(
    folder: Annotated[Path, typer.Argument(help="Results folder of a suite, or its suite file.", show_default=False)],
    archive: Annotated[
        Path | None, typer.Argument(help="The file that is made.", show_default="the suite's name with .zip")
    ] = None,
    results: Results = RESULTS,
) -> None:
    """Pack what reports and comparisons read of results into one file, without checkpoints, logs and pictures."""
    from bench import archive as archives
    from bench.commands.sources import find_source

    source = find_source(folder, results)
    if archives.is_packed(source.path):
        raise UsageError(f"'{folder}' is packed already")
    made = archives.pack(source.path, archive or Path(source.name + archives.SUFFIX))
    runs = "1 run" if made.runs == 1 else f"{made.runs:,} runs"
    out.print(f"{made.path}: {runs} in {made.files:,} files, {made.bytes / 1e6:.1f} MB", markup=False, soft_wrap=True)


def write_report(
    sources: Sequence[Source], reports: Path, *, command: str, view: View | None = None, quiet: bool = False
) -> None:
    """Write a report of results, and say where it went and what of it is not compared."""
    import bench.report
    from bench.commands.sources import opened
    from bench.files import write_atomically

    view = view or bench.report.View()
    with working("Writing the report …", quiet), _warnings(), opened(sources) as folders:
        shown = [source.shown for source in sources]
        page = bench.report.build(folders, reports, command=command, view=view, shown=shown)
    write_atomically(reports / MADE_OF, _seal(page, [source.path for source in sources], view))
    out.print(f"report: {page}", markup=False, soft_wrap=True)


def is_current(page: Path, folder: Path) -> bool:
    """Whether a page is the whole report of a results folder, and was written after everything in it."""
    from bench.report.view import View

    try:
        if (page.parent / MADE_OF).read_bytes() != _seal(page, [folder], View()):
            return False
        newest = max((path.stat().st_mtime for path in folder.rglob("*") if path.is_file()), default=0.0)
        return page.stat().st_mtime >= newest
    except OSError:
        return False


def _seal(page: Path, results: Sequence[Path], view: View) -> bytes:
    """Tells a page, and what it is of, from all others."""
    of = "\n".join([*(os.fsdecode(path.resolve()) for path in results), repr(view)])
    return hashlib.sha256(page.read_bytes() + of.encode("utf-8", "surrogateescape")).hexdigest().encode()


def name_report(names: Sequence[str], view: View) -> str:
    """The folder of a report: a suite's whole report is in the folder of its name, and no other one is.

    Args:
        names: `bench.commands.sources.Source.report` of what it is made of.
        view: what of that it is of.
    """
    parts = ["+".join(names)]
    if view.only:
        parts.append(f"only-{'+'.join(view.only)}")
    if view.baseline:
        parts.append(f"against-{view.baseline}")
    if view.metric:
        parts.append(f"by-{view.metric}")
    return _shorten("-".join(parts))


def _shorten(name: str) -> str:
    """A name that any system takes; of a longer one, as much as tells it from others."""
    plain = re.sub(r"[^A-Za-z0-9._+-]", "_", name).lstrip(".")
    if len(plain) <= LONGEST_NAME:
        return plain
    from bench.spec import digest

    return f"{plain[: LONGEST_NAME - 9]}-{digest({'name': name})}"


def _checked(name: str) -> str:
    from bench.suite import NAME

    if not NAME.fullmatch(name):
        raise UsageError(
            f"--name '{name}' cannot name a folder: letters, digits, '.', '_', '+' and '-' only, at most 100"
        )
    return name


@contextmanager
def _warnings() -> Iterator[None]:
    """What the report says of itself, told here too, each once."""
    from bench.report.view import ReportWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ReportWarning)
        yield
    told = [warning for warning in caught if issubclass(warning.category, ReportWarning)]
    warn(dict.fromkeys(str(warning.message) for warning in told))
    for warning in caught:
        if warning not in told:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
