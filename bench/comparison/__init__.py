"""Two results held against each other, run by run: for a change of version, machine or objective. No torch.

Runs are paired by objective, architecture, dataset (their labels) and seed, and not by their ids: settings may have
been changed on purpose. What was not measured in the same way is not compared, and said.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from bench.archive import unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.comparison.compared import Compared

__all__ = ["compare_results", "write_comparison"]


def compare_results(
    before: str | Path,
    after: str | Path,
    *,
    only: Sequence[str] = (),
    metric: str | None = None,
    shown: tuple[str, str] | None = None,
) -> Compared:
    """Compare two results.

    Args:
        before: results folder of a suite, ``results/<suite>``, or packed results.
        after: the one that is held against it.
        only: patterns such as ``wgan*``; a run is compared if one of them matches its objective, its cell's name or
            its id. None: all.
        metric: name of the metric that is compared; the one that ranks each task by default.
        shown: what the two are called; their paths by default.

    Raises:
        UsageError: one of them holds no results, or nothing of the two can be compared.

    Warns:
        ReportWarning: of what stands in one of them, "A: " or "B: ", and is not compared with the rest of it.
    """
    from bench.comparison.compared import compare_sides  # pandas loads when results are compared, not before
    from bench.comparison.sides import read_side
    from bench.comparison.words import notices
    from bench.report.view import ReportWarning

    names = shown or (str(before), str(after))
    with unpacked(Path(before)) as one, unpacked(Path(after)) as other:
        sides = (read_side(one, names[0]), read_side(other, names[1]))
    for sentence in notices(*sides):
        warnings.warn(sentence, ReportWarning, stacklevel=2)
    return compare_sides(*sides, only=only, metric=metric)


def write_comparison(compared: Compared, reports: Path, *, command: str) -> Path:
    """Write the page of a comparison.

    Args:
        compared: what it is of.
        reports: the page's folder; files of an earlier one are replaced.
        command: what a reader types to make it again.

    Returns:
        The path of ``index.html``, which is written last. Beside it: ``report.md``; ``figures/improvement.png`` and
        ``.svg``; ``tables/*.csv`` and ``*.tex`` of ``objectives``, ``cells``, ``settings``, ``environments`` and
        ``speed``, ``*.tex`` only of those that have rows.
    """
    from bench.comparison.page import make_page
    from bench.report.page import write_page
    from bench.report.style import theme

    with theme():
        return write_page(make_page(compared, command), reports)
