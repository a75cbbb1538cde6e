"""Reports: tables, figures and a page made from a suite's results. No torch."""

from __future__ import annotations

from pathlib import Path

__all__ = ["build"]


def build(results: Path, reports: Path, *, command: str) -> Path:
    """Make the report of one suite from whatever is there.

    Args:
        results: the suite's results folder, ``results/<suite>``.
        reports: where the report goes, ``reports/<suite>``; files of an earlier one are replaced.
        command: what a reader types to make the results again.

    Returns:
        The path of ``index.html``. Beside it: ``report.md``, ``figures/*.png`` and ``*.svg``, ``tables/*.csv``.
    """
    from bench.report.material import read_material  # matplotlib and pandas load when a report is made, not before
    from bench.report.page import write_page
    from bench.report.sections import make_page
    from bench.report.style import theme

    with theme():
        return write_page(make_page(read_material(results), command), reports)
