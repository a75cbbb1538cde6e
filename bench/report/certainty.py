"""How sure the order is: every objective against the baseline and against the best, task by task."""

from __future__ import annotations

import pandas as pd

from bench import statistics
from bench.metrics import METRICS
from bench.report import drawing
from bench.report.blocks import Block, Cell, Row, Table, Text
from bench.report.material import Material
from bench.report.outcomes import Outcomes, partial
from bench.report.overall import of_part
from bench.report.pair_cells import chance_cells, gain_cell
from bench.report.style import Look, plural
from bench.report.summary import Line

LONG = 15
"""Rows of a table that may stand open."""
HOW = (
    "Improvement: interquartile mean of the (log-)ratios or differences of runs of one seed, with a 95 % bootstrap "
    "interval over seeds, widened for few of them (Agarwal et al. 2021; Hesterberg 2015); above 1 × (or 0) is better. "
    "Probability: chance that a run of the first beats a run of the other, with Newcombe's 95 % interval; ties count "
    "half, runs without a value lose. p: two-sided Mann–Whitney test of this pair alone, {way}. "
)
VERDICT = (
    "Told apart: the adjusted p is at most 0.05, the interval excludes no difference, and the medians differ by more "
    "than the perfect sampler's own draws do (“within the floor” where they do not). Runs: of both sides, those with a "
    "value of the planned ones; all that have a record decide, missing ones have no part in it."
)


def certainty_blocks(
    material: Material, best: pd.DataFrame, baseline: pd.DataFrame, look: dict[str, Look]
) -> tuple[Block, ...]:
    """Differences task by task: against the baseline, and of the best against each.

    Args:
        material: the results.
        best: of `significance.best_comparisons`.
        baseline: of `significance.baseline_comparisons`.
        look: of each objective.
    """
    if best.empty:
        return (Text(("There is nothing to compare: no task has two objectives with a value.",)),)
    blocks: list[Block] = []
    if not baseline.empty:
        blocks += drawing.baseline_intervals(material, baseline, look)
        caption = (
            f"Adjusted: Holm's correction over the objectives of the task{of_part(material)}. "
            f"{VERDICT}{_reach(baseline, family=True)}"
        )
        blocks.append(_table(f"Each against {material.baseline}, the baseline", caption, baseline, look, "one"))
    blocks += drawing.best_intervals(material, best, look)
    caption = (
        f"Adjusted: step-down permutation test over the task{of_part(material)}, which allows for the best having been "
        f"chosen by these same runs. {VERDICT}{_valueless(material, best)}{_reach(best, family=False)}"
    )
    blocks.append(_table("The best against each other", caption, best, look, "other"))
    return tuple(blocks)


def _table(title: str, caption: str, comparisons: pd.DataFrame, look: dict[str, Look], named: str) -> Table:
    rows = [
        Row(
            (
                Cell(f"{line['task']}: {line['one']} over {line['other']}"),
                gain_cell(line, METRICS[line["metric"]]),
                *chance_cells(line),
                _runs_cell(line),
            ),
            color=look[line[named]].color,
        )
        for line in comparisons.to_dict("records")
    ]
    columns = ("comparison", "improvement", "probability", "p", "verdict", "runs")
    said = HOW.format(way=_way(comparisons)) + caption
    return Table(title, said, columns, tuple(rows), frozenset({0, 4, 5}), collapsed=len(rows) > LONG)


def _runs_cell(line: Line) -> Cell:
    """How many runs of either side have a value, and what became of those that have none."""
    sides = [(line[f"{side}_finished"], line[f"{side}_planned"], line[f"{side}_without"]) for side in ("one", "other")]
    whole = len({side[:2] for side in sides}) == 1 and not any(without for *_, without in sides)
    text = f"{sides[0][1]} each" if whole else "; ".join(f"{known} of {planned}" for known, planned, _ in sides)
    lacking = [f"{name}: {side[2]}" for name, side in zip((line["one"], line["other"]), sides, strict=True) if side[2]]
    pairs = f"{line['seeds']} {plural('seed', line['seeds'])} in common"
    return Cell(text, pairs, counted="; ".join(lacking))


def _valueless(material: Material, comparisons: pd.DataFrame) -> str:
    """The objectives that no row is of, since no run of theirs has a value."""
    absent: dict[str, Outcomes] = {}
    for label, of in comparisons.groupby("task", sort=False):
        compared = {*of["one"], *of["other"]}
        cells = material.outcomes_of(str(label))
        absent |= {f"{name} on {label}": cell for name, cell in cells.items() if name not in compared}
    return f" Without a value, and in no row: {partial(absent)}." if absent else ""


def _way(comparisons: pd.DataFrame) -> str:
    """How the p of the pairs was reckoned."""
    if comparisons["exact"].all():
        return "exact"
    approximation = "by normal approximation with correction for ties"
    some = f"exact up to {statistics.EXACT_RUNS} runs of both and {approximation} above"
    return some if comparisons["exact"].any() else approximation


def _reach(comparisons: pd.DataFrame, *, family: bool) -> str:
    """The smallest p that the pair with the fewest runs can have, and what few seeds are good for."""
    hardest = comparisons.sort_values("smallest_p", kind="stable").to_dict("records")[-1]
    said = ""
    if hardest["exact"]:
        most = int((comparisons["task"] == hardest["task"]).sum()) if family else 1
        adjusted = min(1.0, most * hardest["smallest_p"])
        said += (
            f" With {hardest['one_runs']} runs against {hardest['other_runs']}, no p of a pair below "
            f"{hardest['smallest_p']:.2g} is possible"
            + (f", and none below {adjusted:.2g} with the correction for {most}." if most > 1 else ".")
        )
    if comparisons["seeds"].min() < statistics.DESCRIPTIVE_BELOW:
        said += f" Under {statistics.DESCRIPTIVE_BELOW} seeds all of this is descriptive."
    return said
