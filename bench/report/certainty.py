"""How sure the order is, and what the choice of a checkpoint does to it."""

from __future__ import annotations

import math

import pandas as pd

from bench import statistics
from bench.report import drawing
from bench.report.blocks import Block, Cell, Row, Table, Text
from bench.report.material import Material
from bench.report.outcomes import Outcomes, partial
from bench.report.style import Look, plural, share, shares
from bench.report.summary import COUNTED, Line, by, metric_cell


def certainty_blocks(material: Material, comparisons: pd.DataFrame, look: dict[str, Look]) -> tuple[Block, ...]:
    """How far the best is ahead of each other one, and how sure that is."""
    if comparisons.empty:
        return (Text(("There is nothing to compare: no task has two objectives with a value.",)),)
    rows = []
    for line in comparisons.to_dict("records"):
        ratio = line["scale"] == "log-ratio"
        ends = [
            math.exp(line[end]) if ratio else line[end]
            for end in ("improvement", "improvement_low", "improvement_high")
        ]
        text = [_end(end) for end in ends]
        verdict = (
            "told apart" if line["told_apart"] else "within the floor" if line["within_floor"] else "not told apart"
        )
        rows.append(
            Row(
                (
                    Cell(f"{line['task']}: {line['best']} over {line['other']}"),
                    Cell(f"{text[0]}{' ×' if ratio else ''}", f"[{text[1]}–{text[2]}]"),
                    Cell(share(line["probability"]), shares(line["probability_low"], line["probability_high"])),
                    Cell(f"{line['p']:.3f}", f"adjusted {line['p_adjusted']:.3f}"),
                    Cell(verdict),
                    _runs_cell(line),
                ),
                color=look[line["other"]].color,
            )
        )
    table = Table(
        "The best against each other",
        "Improvement in the primary metric, paired by seed: interquartile mean of (log-)ratios or differences with a "
        "95 % percentile bootstrap interval over seeds; above 1 × (or 0) the best is better. Probability of "
        "improvement: "
        "chance that a run of the best beats a run of the other, with its bootstrap interval (ties count half, "
        "failures "
        f"lose). p: two-sided rank-sum test of this pair alone, {_way(comparisons)}. Adjusted: step-down "
        "permutation test over the task, "
        "which allows for the best having been chosen by these same runs. Told apart: the interval excludes no "
        "difference, the adjusted p is at most 0.05, and the medians differ by more than the perfect sampler's own "
        "draws "
        "(“within the floor” where they do not). Runs: of the best and of the other, those with a value of the planned "
        "ones; all that have a record decide the comparison, missing ones have no part in it."
        f"{_valueless(material, comparisons)}{_reach(comparisons)}",
        ("comparison", "improvement", "probability", "p", "verdict", "runs"),
        tuple(rows),
        frozenset({0, 4, 5}),
        collapsed=len(rows) > 40,
    )
    return (*drawing.comparison_intervals(material, comparisons, look), table)


def _runs_cell(line: Line) -> Cell:
    """How many runs of either side have a value, and what became of those that have none."""
    sides = [(line[f"{side}_finished"], line[f"{side}_planned"], line[f"{side}_without"]) for side in ("best", "other")]
    whole = len({side[:2] for side in sides}) == 1 and not any(without for *_, without in sides)
    text = f"{sides[0][1]} each" if whole else "; ".join(f"{known} of {planned}" for known, planned, _ in sides)
    lacking = [f"{name}: {side[2]}" for name, side in zip((line["best"], line["other"]), sides, strict=True) if side[2]]
    pairs = f"{line['seeds']} {plural('seed', line['seeds'])} in common"
    return Cell(text, pairs, counted="; ".join(lacking))


def _valueless(material: Material, comparisons: pd.DataFrame) -> str:
    """The objectives that no row is of, since no run of theirs has a value."""
    absent: dict[str, Outcomes] = {}
    for label, of in comparisons.groupby("task", sort=False):
        compared = {*of["best"], *of["other"]}
        cells = material.outcomes_of(str(label))
        absent |= {f"{name} on {label}": cell for name, cell in cells.items() if name not in compared}
    return f" Without a value, and in no row: {partial(absent)}." if absent else ""


def _way(comparisons: pd.DataFrame) -> str:
    """How the p of the pairs was reckoned."""
    if comparisons["exact"].all():
        return "exact"
    approximation = "by normal approximation with correction for ties"
    if not comparisons["exact"].any():
        return approximation
    return f"exact up to {statistics.EXACT_SPLITS:,} splits of the runs and {approximation} above"


def _reach(comparisons: pd.DataFrame) -> str:
    """The smallest p that the pair with the fewest runs can have, if it is known; and what few seeds are good for."""
    hardest = comparisons.sort_values("smallest_p", kind="stable").to_dict("records")[-1]
    said = ""
    if hardest["exact"]:
        said += (
            f" With {hardest['best_runs']} runs against {hardest['other_runs']}, no p of a pair below "
            f"{hardest['smallest_p']:.2g} is possible."
        )
    if comparisons["seeds"].min() < statistics.DESCRIPTIVE_BELOW:
        said += f" Under {statistics.DESCRIPTIVE_BELOW} seeds all of this is descriptive."
    return said


def _end(value: float) -> str:
    if math.isnan(value):
        return "–"
    return ("∞" if value > 0 else "−∞") if math.isinf(value) else f"{value:.2f}".replace("-", "−")


def selection_blocks(material: Material, selections: pd.DataFrame, look: dict[str, Look]) -> tuple[Block, ...]:
    """What choosing a checkpoint changes."""
    pictures = drawing.selection_protocols(material, selections, look)
    if not pictures:
        return (Text(("Nothing was measured.",)),)
    rows = []
    for (label, name), of in selections.groupby(["task", "objective"], sort=False):
        metric = material.task(str(label)).primary
        lines = by(of.assign(best=False), "selection")
        ways = ("final", "best_on_validation", "oracle_best")
        cells = (Cell(f"{label}: {name}"), *(metric_cell(lines[way,], metric) for way in ways))
        rows.append(Row(cells, color=look[str(name)].color))
    titles = ", ".join(dict.fromkeys(f"{t.primary.title} ({t.primary.better} is better)" for t in material.tasks))
    return (
        *pictures,
        Table(
            "Selection protocols",
            f"{titles}: median [smallest–largest] over seeds. Final is the headline. Best on validation is chosen on "
            "other "
            "samples and another real split than it is reported on. Oracle best is chosen on the reported number and "
            "is "
            "shown only to be named as such. A diverged run may have a best checkpoint and no final one. "
            f"{COUNTED}",
            ("", "final", "best on validation", "oracle best"),
            tuple(rows),
            collapsed=len(rows) > 12,
        ),
    )
