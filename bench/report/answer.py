"""The answer in a few sentences: best objective per task, by how much, how sure, at what cost."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import pandas as pd

from bench import statistics
from bench.metrics import Metric
from bench.report import listings, tables
from bench.report.blocks import Finding, Text
from bench.report.material import Material
from bench.report.outcomes import Outcomes, partial
from bench.report.overall import over_all_tasks
from bench.report.style import plural, short, shown
from bench.report.tasks import Task
from bench.report.wording import gain_text, how_sure, listed_names, readable_seconds

NAMED = 5
"""Objectives that one sentence names, at most: of more it says how many they are."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What sentences need of one line of `significance.best_comparisons`."""

    one: str
    other: str
    scale: str
    improvement: float
    improvement_low: float
    improvement_high: float
    seeds: int
    probability: float
    probability_low: float
    probability_high: float
    p_adjusted: float
    within_floor: bool
    told_apart: bool


def answer(
    material: Material, comparisons: pd.DataFrame, overall: pd.DataFrame, ranks: pd.DataFrame
) -> tuple[Finding | Text, ...]:
    """What a reader who stops here should have read: a finding per task, and one over all of them.

    Args:
        material: the results.
        comparisons: of `significance.best_comparisons`.
        overall: of `significance.over_tasks`.
        ranks: of `tables.overall_ranks`.
    """
    if not material.outcomes:
        return (Text(("No run has a result yet.",)),)
    findings = [_of_task(material, task, comparisons) for task in material.tasks]
    findings += [_unbegun(material, label) for label in material.unbegun]
    return (*findings, *over_all_tasks(material, overall, ranks))


def _unbegun(material: Material, label: str) -> Finding:
    """Of a task without any record."""
    planned = sum(cell.planned for cell in material.outcomes_of(label).values())
    return Finding(label, f"None of {planned} planned {plural('run', planned)} has a record yet.", ())


def _of_task(material: Material, task: Task, comparisons: pd.DataFrame) -> Finding:
    """Who is best on a task, by how much, how sure, at what cost."""
    metric = task.primary
    order = tables.standing(material, task)
    runs = material.runs[material.runs["task"] == task.label]
    cells = material.outcomes_of(task.label)
    if not order:
        planned = sum(cell.planned for cell in cells.values())
        lead = f"None of {planned} {plural('run', planned)} has a value of {metric.title}."
        return Finding(task.label, lead, (*_not_whole(cells), "See “What failed and why”."))
    best = order[0]
    values = material.cell(task.label, best, metric.name)
    cell = statistics.summarise(values.values(), metric.better)
    value = (
        f"{metric.title} {shown(cell.median, metric)} [{shown(cell.low, metric)}–{shown(cell.high, metric)}] over "
        f"{_runs(cell.finished, cells[best], cells[best].without(values))}{_floor(material, task)}"
    )
    of = comparisons[comparisons["task"] == task.label][[field.name for field in dataclasses.fields(Comparison)]]
    pairs = [Comparison(**{str(key): entry for key, entry in line.items()}) for line in of.to_dict("records")]
    tied = [name for name in order[1:] if _ranking(material, task, name) == cell.ranking]
    descriptive = int(runs.groupby("objective")["seed"].nunique().min()) < statistics.DESCRIPTIVE_BELOW
    planned, missing = sum(cell.planned for cell in cells.values()), sum(len(cell.missing) for cell in cells.values())
    return Finding(
        task.label,
        _verdict(best, pairs, metric, tied, everyone=len(order) == len(task.objectives)),
        (f"{best}: median {value}.", *_certainty(pairs, metric), *_cost(material, task, best), *_not_whole(cells)),
        (
            *([f"descriptive: under {statistics.DESCRIPTIVE_BELOW} seeds"] if descriptive else []),
            *([f"preliminary: {missing:,} of {planned:,} runs missing"] if missing else []),
        ),
    )


def _ranking(material: Material, task: Task, name: str) -> float:
    values = material.cell(task.label, name, task.primary.name).values()
    return statistics.summarise(values, task.primary.better).ranking


def _runs(finished: int, cell: Outcomes, without: str) -> str:
    if finished < cell.planned:
        return f"the {finished} of {cell.planned} runs that have one ({without})"
    return f"{finished} {plural('run', finished)}"


def _not_whole(cells: Mapping[str, Outcomes]) -> list[str]:
    """Which objectives' numbers are not of all their planned runs, and why."""
    said = partial(cells)
    whole = "; of all others every run" if any(cell.completed == cell.planned for cell in cells.values()) else ""
    return [f"Completed, of the planned runs: {said}{whole}."] if said else []


def _floor(material: Material, task: Task) -> str:
    floor = tables.floor_spread(material, task, task.primary)
    if floor is None:
        return ""
    low, high = (shown(value, task.primary) for value in floor)
    return f"; a perfect sampler has {low}–{high}"


def _verdict(best: str, pairs: Sequence[Comparison], metric: Metric, tied: Sequence[str], *, everyone: bool) -> str:
    """One sentence: who is best, or that it cannot be told; ``everyone``: no objective is without a value."""
    title = metric.title
    if not pairs:
        others = "there is nothing to hold it against" if everyone else "no run of any other objective has one"
        return f"{best} alone has a value of {title}: {others}."
    if pairs[0].told_apart:
        ahead = _ahead(pairs[0], metric)
        return f"{best} is best by {title}: {ahead}, the next."
    equal = [pair.other for pair in pairs if not pair.told_apart]
    if len(equal) <= NAMED:
        said = listed_names(equal)
    else:
        said = f"any of the {len(pairs)} others" if len(equal) == len(pairs) else f"{len(equal)} of {len(pairs)} others"
        said += "" if everyone else " that have a value"
    if tied:
        return (
            f"{listed_names([best, *tied])} share the best median {title}; no difference can be told between {best} "
            f"and {said}."
        )
    return f"{best} has the best median {title}, but no difference can be told between it and {said}."


def _certainty(pairs: Sequence[Comparison], metric: Metric) -> list[str]:
    if not pairs:
        return []
    within = "; the medians differ by no more than a perfect sampler's own draws do" if pairs[0].within_floor else ""
    said = [f"Against the next, {pairs[0].other}: {_sure(pairs[0], metric)}{within}."]
    told = [pair for pair in pairs if pair.told_apart]
    equal = [pair.other for pair in pairs if not pair.told_apart]
    if not pairs[0].told_apart and told:
        ahead, sure = _ahead(told[0], metric), _sure(told[0], metric)
        said.append(f"It is {ahead}, the nearest that it can be told from ({sure}).")
    if told and equal and (pairs[0].told_apart or len(equal) > NAMED):
        said.append(_apart([pair.other for pair in told], equal))
    return said


def _apart(told: Sequence[str], equal: Sequence[str]) -> str:
    """Whom the best cannot be told from; where they are many, whom it can if those are fewer."""
    if len(equal) <= max(NAMED, len(told) - 1):
        return f"No difference can be told from {listed_names(equal)}."
    return f"It can be told from {listed_names(told)}{' alone' if len(told) == 1 else ''}."


def _ahead(pair: Comparison, metric: Metric) -> str:
    """``1.32 times as good as X``, ``better by 0.2 than X``, ``better than X``: of the first against the other."""
    if math.isinf(pair.improvement):
        return f"better than {pair.other}"
    gain = gain_text(pair.improvement, metric, ratio=pair.scale == "log-ratio")
    return (
        f"{gain} times as good as {pair.other}" if pair.scale == "log-ratio" else f"better than {pair.other} by {gain}"
    )


def _sure(pair: Comparison, metric: Metric) -> str:
    """How sure it is that one is better than the other."""
    return how_sure(
        (pair.improvement_low, pair.improvement_high),
        (pair.probability, pair.probability_low, pair.probability_high),
        pair.p_adjusted,
        pair.seeds,
        metric,
        ratio=pair.scale == "log-ratio",
    )


def _cost(material: Material, task: Task, best: str) -> list[str]:
    costs, cells = listings.training_seconds(material, task), material.outcomes_of(task.label)
    if best not in costs:
        return []
    cheapest = min(costs, key=lambda name: costs[name])
    said = f"Training {best} took {readable_seconds(costs[best])} per run{_completed(cells[best])}"
    if cheapest != best and costs[cheapest] > 0:
        said += f", {costs[best] / costs[cheapest]:.1f} times {cheapest}{_completed(cells[cheapest])}, the cheapest"
    hardware, spec = material.hardware_of(task.label), material.specs[best].get(task.label)
    alone = [item for item in material.throughputs if spec is not None and item.cell_id == spec.cell_id]
    for speed in (item for item in alone if item.environment.hardware in hardware):
        said += f"; measured alone it does {short(speed.images_per_second)} images/s on {speed.environment.device}"
    return [said + "."]


def _completed(cell: Outcomes) -> str:
    """Which runs a median of the completed ones is of, where it is not of all."""
    return f" ({cell.completed} of {cell.planned} completed)" if cell.completed < cell.planned else ""
