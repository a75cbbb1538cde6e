"""How sure the order is over all tasks: against the baseline, ranks, profiles."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import pandas as pd

from bench import statistics
from bench.report import across, significance, tables
from bench.report.blocks import Block, Cell, Picture, Row, Table, Text
from bench.report.material import Material
from bench.report.overall import of_part
from bench.report.pair_cells import chance_cells, gain_cell
from bench.report.style import Look, plural, share
from bench.report.wording import gain_text, listed_names

NAMED = 5
"""Tasks that a caption names, at most: of more it says how many they are."""
BEYOND = (
    "Filled marks can be told apart: by their runs, and by more than the perfect sampler's own draws in more than half "
    "of the tasks. Hollow ones cannot."
)


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
        blocks += [_against(material, overall, look), _table(material, overall, look)]
    if len(ranks) > 1:
        blocks += _ranks(material, ranks, look)
    if profiles["objective"].nunique() > 1:
        blocks.append(_profiles(material, profiles, look))
    return tuple(blocks)


def descriptive(datasets: int) -> str:
    """What the intervals over so few datasets are good for, as a sentence; empty from five on, and of one."""
    if not 1 < datasets < statistics.DESCRIPTIVE_BELOW:
        return ""
    covered = share(statistics.attainable_coverage(datasets))
    return f" Over {datasets} datasets intervals are descriptive: they cover at most {covered}, not 95\u00a0%."


def _against(material: Material, overall: pd.DataFrame, look: dict[str, Look]) -> Picture:
    baseline = overall["baseline"].iloc[0]
    told = ", ".join(overall.loc[overall["told_apart"], "objective"]) or "none"
    return Picture(
        "over-all-tasks",
        f"Against {baseline}, the baseline, over all tasks",
        f"Left: improvement over {baseline}, paired by seed, pooled over tasks: interquartile mean with its 95 % "
        "interval over seeds (thick: these tasks) and over datasets and seeds (thin: other datasets like these, where "
        "there are several). Right: probability that a run beats one of the baseline, mean over tasks, with its 95 % "
        f"interval. {BEYOND}{descriptive(int(overall['datasets'].max()))}{_lone_seeds(overall)}"
        f"{_adjusted(material, overall)}",
        f"Improvement over {baseline} and its probability over all tasks. Told apart: {told}. The table below holds "
        "the numbers.",
        functools.partial(across.against_baseline, overall, material.tasks[0].primary, look),
    )


def _table(material: Material, overall: pd.DataFrame, look: dict[str, Look]) -> Table:
    rows = []
    for line in overall.to_dict("records"):
        metric = material.tasks[0].primary  # where differences are pooled it ranks everywhere; ratios have no unit
        ends = (line["datasets_low"], line["datasets_high"])
        said = [gain_text(end, metric, ratio=line["scale"] == "log-ratio") for end in ends]
        wider = "–" if math.isnan(ends[0]) else "–".join(said)
        pooled = f"of {line['estimated']} of {line['tasks']} tasks" if line["estimated"] < line["tasks"] else ""
        lacking = f"{line['without']} {plural('run', line['without'])} without a value" if line["without"] else ""
        rows.append(
            Row(
                (
                    Cell(f"{line['objective']} over {line['baseline']}"),
                    gain_cell(line, metric),
                    Cell(wider),
                    *chance_cells(line),
                    Cell(f"{line['pairs']} pairs", pooled or f"{line['tasks']} tasks", counted=lacking),
                ),
                color=look[line["objective"]].color,
            )
        )
    caption = (
        "Interquartile mean of the improvements of all tasks' paired runs, with a 95 % interval of a bootstrap over "
        "the seeds of each task (Agarwal et al. 2021), widened for few of them (of five each it covers 89 % where "
        "improvements are skewed and few tasks lie many deviations apart); above 1 × (or 0) is better than the "
        "baseline. Other datasets: the interval where datasets are drawn anew too; cells that share one are not "
        "independent. Probability: mean over tasks of the chance that a run beats one of the baseline. p: Mann–Whitney "
        f"test stratified by task; adjusted: Holm's correction over the objectives{of_part(material)}. Told apart: "
        "adjusted p at most 0.05, an interval that excludes no difference, and medians that are apart in that "
        "direction, by more than the perfect sampler's own draws, in more than half of the tasks (“within the floor” "
        f"where they are not).{descriptive(int(overall['datasets'].max()))}{_lone_seeds(overall)}"
        f"{_left_out(significance.uncompared(material))}"
    )
    columns = ("objective", "improvement", "other datasets", "probability", "p", "verdict", "runs")
    return Table("Over all tasks", caption, columns, tuple(rows), frozenset({0, 5, 6}), collapsed=len(rows) > 40)


def _adjusted(material: Material, overall: pd.DataFrame) -> str:
    said = of_part(material)
    return f" p is adjusted for the {len(overall)} {plural('objective', len(overall))}{said}." if said else ""


def _lone_seeds(overall: pd.DataFrame) -> str:
    """That the improvement is of fewer tasks than the test."""
    if (overall["estimated"] == overall["tasks"]).all():
        return ""
    return (
        " Tasks of which the two share fewer than two seeds have no part in an improvement that others have more for; "
        "p and probability are of all."
    )


def _left_out(tasks: Mapping[str, str]) -> str:
    """`` Left out: digits (no ratios of KID).``; of many how many, by why."""
    if not tasks:
        return ""
    if len(tasks) <= NAMED:
        return f" Left out: {', '.join(f'{task} ({why})' for task, why in tasks.items())}."
    reasons = dict.fromkeys(tasks.values())
    numbers = {why: sum(of == why for of in tasks.values()) for why in reasons}
    counts = [f"{count} {plural('task', count)} ({why})" for why, count in numbers.items()]
    return f" Left out: {listed_names(counts)}."


def _ranks(material: Material, ranks: pd.DataFrame, look: dict[str, Look]) -> list[Block]:
    table = tables.dataset_ranks(material)
    said = ", ".join(f"{name} {rank:.1f}" for name, rank in zip(ranks["objective"], ranks["mean_rank"], strict=True))
    datasets, tasks, fewest = len(table), int(ranks["tasks"].iloc[0]), statistics.FEWEST_CELLS
    several = f", averaged over those of its {tasks} tasks that share one" if tasks > datasets else ""
    blocks: list[Block] = [
        Picture(
            "mean-ranks",
            "Mean rank over datasets",
            f"Mean over {datasets} {plural('dataset', datasets)} of the rank by the median of the metric that ranks"
            f"{several}; 1 is best, ties share, an objective half of whose runs have no value is last."
            + (" Lines: 95 % interval of a bootstrap over datasets." if datasets > 1 else "")
            + descriptive(datasets),
            f"Mean ranks: {said}.",
            functools.partial(across.mean_ranks, ranks, look),
        )
    ]
    if datasets < fewest:
        blocks.append(
            Text(
                (
                    f"No critical-difference diagram: its approximation needs {fewest} datasets (Demšar 2006), and "
                    f"there {'is' if datasets == 1 else 'are'} {datasets}.",
                )
            )
        )
        return blocks
    distance = statistics.critical_difference(len(table.columns), datasets)
    blocks.append(
        Picture(
            "critical-differences",
            "Critical differences of mean ranks",
            f"Bars join objectives whose mean ranks over {datasets} datasets differ by less than {distance:.2f}, the "
            "critical difference of Nemenyi's test at 5 % (Demšar 2006) for all pairs of the "
            f"{len(table.columns)} objectives{of_part(material)}.",
            f"Mean ranks: {said}. Critical difference: {distance:.2f}.",
            functools.partial(across.critical_difference, table, distance, look),
        )
    )
    return blocks


def _profiles(material: Material, profiles: pd.DataFrame, look: dict[str, Look]) -> Picture:
    blocks = {task.label: significance.profile_block(material, task) for task in material.tasks}
    absent = {label: block for label, block in blocks.items() if isinstance(block, str)}
    at_once = profiles[profiles["ratio"] == profiles["ratio"].min()].sort_values("share", ascending=False)
    said = ", ".join(
        f"{name} {share(value)}" for name, value in zip(at_once["objective"], at_once["share"], strict=True)
    )
    return Picture(
        "performance-profiles",
        "Performance profiles",
        "Share of an objective's runs, over all tasks and seeds, whose metric is within so many times the best of the "
        "same task and seed, of the seeds that all objectives of a task ran; higher and further left is better. At 1 "
        "it is the share of seeds won; a line ends below 100 % by the share of runs without a value (Dolan & Moré "
        f"2002).{_left_out(absent)}",
        f"Share of seeds won: {said}.",
        functools.partial(across.performance_profiles, profiles, look),
    )
