"""The report's sections, in order: what is said, shown and tabled."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable
from typing import Any

import pandas as pd

from bench import statistics
from bench.metrics import METRICS, Metric
from bench.record import Status
from bench.report import drawing, tables
from bench.report.answer import answer
from bench.report.answer import seconds as readable_seconds
from bench.report.blocks import Block, Cell, Kind, Page, Picture, Row, Section, Table, Text
from bench.report.material import Material, Task, protocol_key
from bench.report.protocol import protocol
from bench.report.running import failure_blocks, throughput_blocks
from bench.report.style import Look, looks, plural, share, shares, shown
from bench.report.tables import NOISE, PERFECT

Line = dict[Hashable, Any]
"""A line of a DataFrame."""

COUNTED = "Failed and diverged runs count in N: they are last in ranks and comparisons, and have no part in a median."


def make_page(material: Material, command: str) -> Page:
    """Everything that the report says."""
    look = looks(material.objectives)
    summary, ranks = tables.summary(material), tables.ranks(material)
    comparisons, selections = tables.comparisons(material), tables.selections(material)
    throughput, failures = tables.throughput(material), tables.failures(material)
    sections = [
        Section("answer", "The answer", (*answer(material, comparisons, ranks), *_warnings(material))),
        Section("summary", "Summary", _summary(material, summary, ranks, look)),
        Section(
            "cost",
            "Quality against cost",
            _or_none(drawing.quality_cost(material, look), "No run has a value of the metric that ranks."),
        ),
        Section(
            "metrics", "Each metric", _or_none(drawing.metric_points(material, summary, look), "Nothing was measured.")
        ),
        Section("training", "Training", _or_none(drawing.training(material, look), "No history was kept.")),
        Section("samples", "Samples", _or_none(drawing.samples(material, look), "No samples were kept.")),
        Section("certainty", "How sure", _certainty(material, comparisons, look)),
        Section("selection", "Selection of checkpoints", _selection(material, selections, look)),
        Section("throughput", "Throughput", throughput_blocks(material, throughput, look)),
        Section("failures", "What failed and why", failure_blocks(material, failures)),
        Section("protocol", "Protocol and reproduction", protocol(material, command, look)),
    ]
    csv = {
        "summary": summary,
        "ranks": ranks,
        "comparisons": comparisons,
        "selection": selections,
        "throughput": throughput,
        "statuses": tables.statuses(material),
        "failures": failures,
        "settings": tables.settings(material),
        "runs": tables.runs(material),
    }
    return Page(material.title, _line(material), tuple(sections), csv)


def _line(material: Material) -> str:
    runs = material.runs
    if runs.empty:
        return "No runs yet."
    seeds = runs.groupby(["task", "objective"])["seed"].nunique()
    said = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    tasks, objectives = len(material.tasks), len(material.objectives)
    counts = runs["status"].value_counts()
    return (
        f"{objectives} {plural('objective', objectives)} on {tasks} {plural('task', tasks)}, {said} "
        f"{plural('seed', seeds.max())} each: {len(runs)} {plural('run', len(runs))}, "
        + ", ".join(f"{counts[status]} {status}" for status in map(str, Status) if status in counts)
        + "."
    )


def _warnings(material: Material) -> list[Block]:
    said = []
    if material.missing:
        said.append(
            f"{len(material.missing)} of {material.planned} planned runs without a record yet; every number here is of "
            "the "
            "runs that have one."
        )
    if material.left_out:
        count = material.left_out
        said.append(f"{count} {plural('record', count)} of other plans left out: the suite does not ask for them.")
    spaces: dict[str, list[str]] = defaultdict(list)
    for task in material.tasks:
        spaces[protocol_key(task.spec)].append(task.label)
    said += [
        f"Runs of one task were measured in feature spaces of {len(labels)} different weights: they are not compared, "
        f"and stand as tasks of their own ({'; '.join(labels)})."
        for labels in spaces.values()
        if len(labels) > 1
    ]
    if material.rejected:
        said.append(f"{len(material.rejected)} files were not trusted and are left out (see “What failed and why”).")
    unknown = sorted(set(material.values["metric"]) - METRICS.keys())
    if unknown:
        said.append(f"This version does not know the metrics {', '.join(unknown)}; they are in the records alone.")
    return [Text(tuple(said), "warning")] if said else []


def _or_none(pictures: list[Picture], otherwise: str) -> tuple[Block, ...]:
    return tuple(pictures) or (Text((otherwise,)),)


def _metric_cell(line: Line, metric: Metric) -> Cell:
    """``median`` over ``[low–high]``, with ``k of N`` where runs have no value."""
    if not line["finished"]:
        return Cell("–", f"0 of {line['runs']}")
    detail = f"[{shown(line['low'], metric)}–{shown(line['high'], metric)}]"
    if line["finished"] < line["runs"]:
        detail += f" {line['finished']} of {line['runs']}"
    return Cell(shown(line["median"], metric), detail, bool(line["best"]))


def _summary(
    material: Material, summary: pd.DataFrame, ranks: pd.DataFrame, look: dict[str, Look]
) -> tuple[Block, ...]:
    if summary.empty:
        return (Text(("Nothing was measured.",)),)
    return (
        _overview(material, summary, ranks, look),
        *(_task_table(material, task, summary, ranks, look) for task in material.tasks),
    )


def _overview(material: Material, summary: pd.DataFrame, ranks: pd.DataFrame, look: dict[str, Look]) -> Table:
    """Objectives × tasks, the primary metric."""
    lines = _by(summary, "task", "objective", "metric")
    overall = ranks[ranks["task"] == "all"].set_index("objective")["mean_rank"]
    several = len(overall) > 0
    rows = []
    for name in [*material.objectives, PERFECT, NOISE]:
        cells = [Cell(name)]
        for task in material.tasks:
            line = lines.get((task.label, name, task.primary.name))
            cells.append(Cell("–") if line is None else _metric_cell(line, task.primary))
        if several:
            known = name in overall.index
            best = bool(known and overall[name] == overall.min())
            cells.append(Cell(f"{overall[name]:.2f}" if known else "–", best=best))
        kind = _kind(name)
        if kind == "measured" or any(cell.text != "–" for cell in cells[1:]):
            rows.append(Row(tuple(cells), kind, look[name].color if name in look else None))
    ways = ", ".join(
        dict.fromkeys(f"{task.primary.title} ({task.primary.better} is better)" for task in material.tasks)
    )
    return Table(
        "Objectives × tasks",
        f"Median [smallest–largest] over seeds of the metric that ranks: {ways}. N is {_n(material)}. “k of N”: only k "
        "of "
        f"N runs have a value; the median is theirs. {COUNTED} ★ marks the best median, failures counted as worst. "
        "Perfect sampler and noise: median and range over their draws."
        + (" Mean rank: 1 is best, over tasks and the seeds that all objectives ran." if several else ""),
        ("", *(f"{task.label}: {task.primary.title}" for task in material.tasks), *(["mean rank"] if several else [])),
        tuple(rows),
    )


def _kind(name: str) -> Kind:
    return "reference" if name in (PERFECT, NOISE) else "measured"


def _by(table: pd.DataFrame, *keys: str) -> dict[tuple[str, ...], Line]:
    """The lines of a table by the values of some columns."""
    return {tuple(str(line[key]) for key in keys): line for line in table.to_dict("records")}


def _n(material: Material) -> str:
    counts = material.runs.groupby(["task", "objective"]).size()
    span = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    return f"{span} {plural('run', counts.max())} per cell, a seed each"


def _task_table(
    material: Material, task: Task, summary: pd.DataFrame, ranks: pd.DataFrame, look: dict[str, Look]
) -> Table:
    """Objectives × headline metrics of one task."""
    measured = set(summary.loc[summary["task"] == task.label, "metric"])
    headline = [metric for metric in task.headline if metric.name in measured]
    lines = _by(summary[summary["task"] == task.label], "objective", "metric")
    mine = ranks[ranks["task"] == task.label].set_index("objective")
    every = tables.statuses(material)
    statuses = _by(every[every["task"] == task.label], "objective")
    seconds = tables.training_seconds(material, task)
    rows = []
    for name in [*task.objectives, PERFECT, NOISE]:
        cells = [Cell(name)]
        for metric in headline:
            line = lines.get((name, metric.name))
            cells.append(Cell("–") if line is None else _metric_cell(line, metric))
        if name in task.objectives:
            rank = mine["mean_rank"].get(name, math.nan)
            best = bool(len(task.objectives) > 1 and rank == mine["mean_rank"].min())
            cells.append(Cell("–" if math.isnan(rank) else f"{rank:.2f}", best=best))
            cells.append(_unfinished(statuses[name,]))
            cells.append(Cell(readable_seconds(seconds[name]) if name in seconds else "–"))
        else:
            cells += [Cell("–")] * 3
        if name in task.objectives or any(cell.text != "–" for cell in cells[1:]):
            rows.append(Row(tuple(cells), _kind(name), look[name].color if name in look else None))
    better = "".join(f" {metric.title}: {metric.better} is better." for metric in headline)
    reference = material.references.get(task.label)
    said = f" Perfect sampler: {reference.sampler}; noise: {reference.noise}." if reference else " No references."
    return Table(
        task.label,
        f"{task.full_name}. Median [smallest–largest] over seeds.{better} Mean rank by {task.primary.title} over the "
        f"{int(mine['seeds'].max()) if len(mine) else 0} seeds that all objectives ran. Not completed: runs of N by "
        f"status. Training: median seconds per completed run, beside other runs. {COUNTED}{said}",
        ("", *(f"{m.title}{' (%)' if m.percent else ''}" for m in headline), "mean rank", "not completed", "training"),
        tuple(rows),
    )


def _unfinished(line: Line) -> Cell:
    total = int(line["runs"])
    ended = {status: int(line[status]) for status in map(str, Status) if status != Status.COMPLETED and line[status]}
    return Cell(f"{sum(ended.values())} of {total}", ", ".join(f"{count} {status}" for status, count in ended.items()))


def _certainty(material: Material, comparisons: pd.DataFrame, look: dict[str, Look]) -> tuple[Block, ...]:
    if comparisons.empty:
        return (Text(("There is nothing to compare: no task has two objectives with a value.",)),)
    rows = []
    for _, line in comparisons.iterrows():
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
        f"(“within the floor” where they do not).{_reach(comparisons)}",
        ("comparison", "improvement", "probability", "p", "verdict"),
        tuple(rows),
        frozenset({0, 4}),
        collapsed=len(rows) > 40,
    )
    return (*drawing.comparison_intervals(material, comparisons, look), table)


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


def _selection(material: Material, selections: pd.DataFrame, look: dict[str, Look]) -> tuple[Block, ...]:
    pictures = drawing.selection_protocols(material, selections, look)
    if not pictures:
        return (Text(("Nothing was measured.",)),)
    rows = []
    for (label, name), of in selections.groupby(["task", "objective"], sort=False):
        metric = material.task(str(label)).primary
        by = _by(of.assign(best=False), "selection")
        ways = ("final", "best_on_validation", "oracle_best")
        cells = (Cell(f"{label}: {name}"), *(_metric_cell(by[way,], metric) for way in ways))
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
            "shown only to be named as such. A diverged run may have a best checkpoint and no final one.",
            ("", "final", "best on validation", "oracle best"),
            tuple(rows),
            collapsed=len(rows) > 12,
        ),
    )
