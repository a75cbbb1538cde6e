"""What of the results a report is of: the choices of `ganbench report`."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class View:
    """What of the results a report is of."""

    only: tuple[str, ...] = ()
    """Patterns such as ``wgan*``; a run is part of the report if one of them matches its objective, its cell's name or
    its id. None: all."""
    baseline: str | None = None
    """Label of the objective that the others are held against; overrides the suite's ``[report] baseline``."""
    metric: str | None = None
    """Name of the metric that ranks, where it was measured; overrides the suite's ``[report] metric``."""


EVERYTHING = View()


class ReportWarning(UserWarning):
    """A sentence on what a report's numbers are not compared across, or on a wish of the suite that it cannot meet.

    `bench.report.build` and `bench.report.load` issue it through Python's `warnings`, once per sentence; the report
    says the same.
    """
