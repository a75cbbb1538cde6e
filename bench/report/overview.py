"""How sure the order is over all tasks: against the baseline, ranks, profiles."""

from __future__ import annotations

import functools
import math

import pandas as pd

from bench import statistics
from bench.report import across, tables
from bench.report.blocks import Block, Cell, Picture, Row, Table, Text
from bench.report.material import Material
from bench.report.style import Look, plural, share, shares
from bench.report.wording import end


def overview_blocks(
    material: Material, overall: pd.DataFrame, ranks: pd.DataFrame, profiles: pd.DataFrame, look: dict[str, Look]
) -> tuple[Block, ...]:
    """Differences over all tasks.

    Args:
        material: the results.
        overall: of `significance.over_tasks`.
        ranks: of `tables.overall_ranks`.
        profiles: of `significance.profiles`.
        look: of each objective.
    """
    blocks: list[Block] = []
    if not overall.empty:
        blocks += [_against(overall, look), _table(material, overall, look)]
    if len(ranks) > 1:
        blocks += _ranks(material, ranks, look)
    if profiles["objective"].nunique() > 1:
        blocks.append(_profiles(profiles, look))
    return tuple(blocks)


def _against(overall: pd.DataFrame, look: dict[str, Look]) -> Picture:
    baseline = overall["baseline"].iloc[0]
    told = ", ".join(overall.loc[overall["told_apart"], "objective"]) or "none"
    return Picture(
        "over-all-tasks",
        f"Against {baseline}, the baseline, over all tasks",
        f"Left: improvement over {baseline}, paired by seed, pooled over tasks: interquartile mean with its 95 % "
        "interval over seeds (thick: these tasks) and over datasets and seeds (thin: other datasets like these, where "
        "there are several). Right: probability that a run beats one of the baseline, mean over tasks, with its 95 % "
        "interval. Filled marks can be told apart, hollow ones cannot.",
        f"Improvement over {baseline} and its probability over all tasks. Told apart: {told}. The table below holds "
        "the numbers.",
        functools.partial(across.against_baseline, overall, look),
    )


def _table(material: Material, overall: pd.DataFrame, look: dict[str, Look]) -> Table:
    rows = []
    for line in overall.to_dict("records"):
        ratio = line["scale"] == "log-ratio"

        def said(key: str, line: dict[object, float] = line, ratio: bool = ratio) -> str:
            return end(math.exp(line[key]) if ratio else line[key])

        wider = "–" if math.isnan(line["datasets_low"]) else f"{said('datasets_low')}–{said('datasets_high')}"
        lacking = f"{line['without']} {plural('run', line['without'])} without a value" if line["without"] else ""
        rows.append(
            Row(
                (
                    Cell(f"{line['objective']} over {line['baseline']}"),
                    Cell(
                        f"{said('improvement')}{' ×' if ratio else ''}",
                        f"[{said('improvement_low')}–{said('improvement_high')}]",
                        sort=line["improvement"],
                    ),
                    Cell(wider),
                    Cell(
                        share(line["probability"]),
                        shares(line["probability_low"], line["probability_high"]),
                        sort=line["probability"],
                    ),
                    Cell(f"{line['p']:.2g}", f"adjusted {line['p_adjusted']:.2g}", sort=line["p_adjusted"]),
                    Cell("told apart" if line["told_apart"] else "not told apart"),
                    Cell(f"{line['pairs']} pairs", f"{line['tasks']} tasks", counted=lacking),
                ),
                color=look[line["objective"]].color,
            )
        )
    left_out = len(material.tasks) - int(overall["tasks"].max())
    caption = (
        "Interquartile mean of the improvements of all tasks' paired runs, with a 95 % interval of a bootstrap over "
        "the seeds of each task (Agarwal et al. 2021), widened for few of them; above 1 × (or 0) is better than the "
        "baseline. Other datasets: the interval where datasets are drawn anew too; cells that share one are not "
        "independent. Probability: mean over tasks of the chance that a run beats one of the baseline. p: Mann–Whitney "
        "test stratified by task; adjusted: Holm's correction over the objectives. Told apart: adjusted p at most 0.05 "
        "and an interval that excludes no difference."
    )
    if left_out:
        caption += f" {left_out} {plural('task', left_out)} without ratios of the metric that ranks left out."
    columns = ("objective", "improvement", "other datasets", "probability", "p", "verdict", "runs")
    return Table("Over all tasks", caption, columns, tuple(rows), frozenset({0, 5, 6}), collapsed=len(rows) > 40)


def _ranks(material: Material, ranks: pd.DataFrame, look: dict[str, Look]) -> list[Block]:
    table = tables.task_ranks(material)
    said = ", ".join(f"{name} {rank:.1f}" for name, rank in zip(ranks["objective"], ranks["mean_rank"], strict=True))
    cells, fewest = len(table), statistics.FEWEST_CELLS
    blocks: list[Block] = [
        Picture(
            "mean-ranks",
            "Mean rank over tasks",
            f"Mean over {cells} tasks of the rank by the median of the metric that ranks; 1 is best, ties share, an "
            "objective half of whose runs have no value is last. Lines: 95 % interval of a bootstrap over datasets "
            f"({ranks['datasets'].iloc[0]} here).",
            f"Mean ranks: {said}.",
            functools.partial(across.mean_ranks, ranks, look),
        )
    ]
    if cells < fewest:
        blocks.append(
            Text(
                (
                    f"No critical-difference diagram: its approximation needs {fewest} tasks (Demšar 2006), and there "
                    f"are {cells}.",
                )
            )
        )
        return blocks
    distance = statistics.critical_difference(len(table.columns), cells)
    blocks.append(
        Picture(
            "critical-differences",
            "Critical differences of mean ranks",
            f"Bars join objectives whose mean ranks over {cells} tasks differ by less than {distance:.2f}, the "
            "critical difference of Nemenyi's test at 5 % (Demšar 2006). It takes tasks for independent; those that "
            "share a dataset are not.",
            f"Mean ranks: {said}. Critical difference: {distance:.2f}.",
            functools.partial(across.critical_difference, table, distance, look),
        )
    )
    return blocks


def _profiles(profiles: pd.DataFrame, look: dict[str, Look]) -> Picture:
    at_once = profiles[profiles["ratio"] == profiles["ratio"].min()].sort_values("share", ascending=False)
    said = ", ".join(
        f"{name} {share(value)}" for name, value in zip(at_once["objective"], at_once["share"], strict=True)
    )
    return Picture(
        "performance-profiles",
        "Performance profiles",
        "Share of an objective's runs, over all tasks and seeds, whose metric is within so many times the best of the "
        "same task and seed; higher and further left is better. At 1 it is the share of seeds won; a line ends below "
        "100 % by the share of runs without a value (Dolan & Moré 2002).",
        f"Share of seeds won: {said}.",
        functools.partial(across.performance_profiles, profiles, look),
    )
