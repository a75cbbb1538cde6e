"""What tables say of one objective against another, task by task or over all: the same cells, the same words."""

from __future__ import annotations

from bench.metrics import Metric
from bench.report.blocks import Cell
from bench.report.style import share, shares
from bench.report.summary import Line
from bench.report.wording import gain_text, p_text


def gain_cell(line: Line, metric: Metric) -> Cell:
    """The improvement with its interval.

    Args:
        line: of a table of `significance`.
        metric: in whose unit differences are.
    """
    ratio = line["scale"] == "log-ratio"
    keys = ("improvement", "improvement_low", "improvement_high")
    estimate, low, high = (gain_text(line[key], metric, ratio=ratio) for key in keys)
    return Cell(f"{estimate}{' ×' if ratio else ''}", f"[{low}–{high}]", sort=line["improvement"])


def chance_cells(line: Line) -> tuple[Cell, Cell, Cell]:
    """Probability of improvement, p, and what is made of them."""
    told = "told apart" if line["told_apart"] else "within the floor" if line["within_floor"] else "not told apart"
    ends = shares(line["probability_low"], line["probability_high"])
    return (
        Cell(share(line["probability"]), ends, sort=line["probability"]),
        Cell(p_text(line["p"]), f"adjusted {p_text(line['p_adjusted'])}", sort=line["p_adjusted"]),
        Cell(told),
    )
