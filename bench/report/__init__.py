"""Reports: tables, figures and a page made from suites' results. No torch."""

from __future__ import annotations

import contextlib
import gc
import warnings
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report.view import EVERYTHING, ReportWarning, View

if TYPE_CHECKING:
    from bench.report.material import Material

__all__ = ["ReportWarning", "View", "build", "load"]


def build(
    results: Sequence[Path],
    reports: Path,
    *,
    command: str,
    view: View = EVERYTHING,
    shown: Sequence[str] | None = None,
) -> Path:
    """Make one report of whatever is there.

    Args:
        results: results folders of suites, ``results/<suite>``; several are merged.
        reports: where the report goes, ``reports/<name>``; of an earlier one nothing is left.
        command: what a reader types to make the results again.
        view: what of the results the report is of.
        shown: what the results are called in it; their paths by default.

    Returns:
        The path of ``index.html``. Beside it: ``report.md``, ``figures/*.png`` and ``*.svg``, ``tables/*.csv`` and
        ``*.tex``.

    Raises:
        UsageError: a folder that is none, results that contradict each other, or a view of what is not there.

    Warns:
        ReportWarning: of what stands in the results and is not compared, and why.
    """
    from bench.report.page import write_page  # matplotlib and pandas load when a report is made, not before
    from bench.report.sections import make_page
    from bench.report.style import theme

    with _uncollected():
        page = make_page(load(*results, view=view, shown=shown), command)
    gc.freeze()  # figures are looked through for garbage, and not all that they are made of
    try:
        with theme():
            return write_page(page, reports)
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: thousands of records live long, and would be gone through again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def load(*results: str | Path, view: View = EVERYTHING, shown: Sequence[str] | None = None) -> Material:
    """What a report is made from, as DataFrames: for notebooks.

    Args:
        results: results folders of suites, ``results/<suite>``, or packed ones; several are merged.
        view: what of the results is wanted.
        shown: what the results are called; their paths by default.

    Raises:
        UsageError: a folder that is none, results that contradict each other, or a view of what is not there.

    Warns:
        ReportWarning: of what stands in the results and is not compared, and why.
    """
    from bench.archive import unpacked
    from bench.report.reader import read_material

    with contextlib.ExitStack() as folders:
        opened = [folders.enter_context(unpacked(Path(each))) for each in results]
        material = read_material(opened, view, shown or [str(each) for each in results])
        # samples and films are read when they are asked for: what was unpacked stays as long as the material
        weakref.finalize(material, folders.pop_all().close)
    for sentence in material.notices:
        warnings.warn(sentence, ReportWarning, stacklevel=2)
    return material
