"""How sure differences are, as DataFrames: the best against each, each against the baseline, and over all tasks.

Beside each number stands which runs it is of: ``finished`` of them have a value, ``planned`` were asked for;
``without`` says what became of the planned ones that have no value.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping

import pandas as pd

from bench import statistics
from bench.metrics import Metric
from bench.report.material import Material
from bench.report.tables import floor_spread, standing
from bench.report.tasks import Task
from bench.statistics import Comparison, Interval, Pair, Scale, Values

SIDES = ("one", "other")
COMPARISONS = (
    "task",
    "metric",
    *SIDES,
    "scale",
    "improvement",
    "improvement_low",
    "improvement_high",
    "seeds",
    *(f"{side}_{count}" for side in SIDES for count in ("runs", "finished", "planned", "without")),
    "probability",
    "probability_low",
    "probability_high",
    "p",
    "exact",
    "p_adjusted",
    "smallest_p",
    "within_floor",
    "told_apart",
)
OVERALL = (
    "objective",
    "baseline",
    "scale",
    "tasks",
    "datasets",
    "pairs",
    "seeds",
    "without",
    "improvement",
    "improvement_low",
    "improvement_high",
    "datasets_low",
    "datasets_high",
    "probability",
    "probability_low",
    "probability_high",
    "p",
    "exact",
    "p_adjusted",
    "smallest_p",
    "told_apart",
)
RATIOS = tuple(float(10 ** (power / 40)) for power in range(0, 81))
"""From 1 to 100 times the best, where performance profiles are evaluated."""


def best_comparisons(material: Material) -> pd.DataFrame:
    """The best of each task (``one``) against every other, by the metric that ranks, in the order of standing.

    The best is chosen by the same runs: p is adjusted for that by a step-down test over the task. Two are
    ``told_apart`` where `bench.statistics.Comparison.told_apart` says so and the medians differ by more than the
    perfect sampler's own draws do.
    """
    rows: list[tuple[object, ...]] = []
    for task in material.tasks:
        order = standing(material, task)
        cells = {name: material.cell(task.label, name, task.primary.name) for name in order}
        if len(order) < 2:
            continue
        scale = scale_of(task.primary, cells.values())
        compared = statistics.compare_best(cells, better=task.primary.better, scale=scale)
        rows += [_row(material, task, order[0], name, scale, compared[name]) for name in order[1:]]
    return pd.DataFrame(rows, columns=list(COMPARISONS))


def baseline_comparisons(material: Material) -> pd.DataFrame:
    """Every objective (``one``) against the baseline, per task, by the metric that ranks, in the order of the plan.

    p is Holm-corrected over the objectives of the task. Where no run of the baseline has a value nothing is compared.
    """
    rows: list[tuple[object, ...]] = []
    for task in material.tasks:
        pairs = _against_baseline(material, task)
        for name, compared in statistics.compare_each({name: [pair] for name, pair in pairs.items()}).items():
            rows.append(_row(material, task, name, str(material.baseline), pairs[name].scale, compared))
    return pd.DataFrame(rows, columns=list(COMPARISONS))


def over_tasks(material: Material) -> pd.DataFrame:
    """Every objective against the baseline over all tasks that both have runs in; empty with fewer than two tasks.

    Improvements are log-ratios, pooled over the tasks in which the metric that ranks has them; where none has, and one
    metric ranks in all, differences of it. ``datasets_low`` and ``datasets_high`` are the interval where datasets are
    drawn anew as well, which says what to expect of others like them. p is Holm-corrected over the objectives.
    ``seeds`` counts those of the task with the fewest, ``without`` runs of the objective that have no value.
    """
    found = {task.label: _against_baseline(material, task) for task in material.tasks}
    metrics = {task.primary.name for task in material.tasks}
    scales = {pair.scale for pairs in found.values() for pair in pairs.values()}
    scale: Scale = "log-ratio" if "log-ratio" in scales or len(metrics) > 1 else "difference"
    family: dict[str, dict[str, Pair]] = {}
    for label, pairs in found.items():
        for name, pair in pairs.items():
            if pair.scale == scale:
                family.setdefault(name, {})[label] = pair
    family = {name: pairs for name, pairs in family.items() if len(pairs) > 1}
    compared = statistics.compare_each({name: tuple(pairs.values()) for name, pairs in family.items()})
    rows = []
    for name, pairs in family.items():
        whole, by_dataset = compared[name], _by_dataset(material, pairs)
        gain = whole.improvement
        wider = statistics.improvement_over_datasets(by_dataset) if len(by_dataset) > 1 else NOTHING
        without = sum(_valueless(pair.values) for pair in pairs.values())
        head = (name, material.baseline, scale, len(pairs), len(by_dataset), gain.n, whole.seeds, without)
        ends = (gain.estimate, gain.low, gain.high, wider.low, wider.high)
        rows.append((*head, *ends, *_likely(whole), whole.told_apart))
    return pd.DataFrame(rows, columns=list(OVERALL))


def profiles(material: Material) -> pd.DataFrame:
    """Performance profiles: the share of an objective's runs that come within ``ratio`` times the best of their seed.

    Columns ``objective, ratio, share, runs``. Of tasks in which the metric that ranks has ratios; a run without a value
    is never within any; runs that were never made are left out.

    Source: Dolan & Moré 2002, "Benchmarking optimization software with performance profiles".
    """
    blocks, directions = [], []
    for task in material.tasks:
        cells = {name: material.cell(task.label, name, task.primary.name) for name in task.objectives}
        if scale_of(task.primary, cells.values()) == "log-ratio":
            block = pd.DataFrame(cells, dtype=float)
            made = pd.DataFrame({name: [seed in cell for seed in block.index] for name, cell in cells.items()})
            blocks.append((block, made.set_axis(block.index)))
            directions += [task.primary.better] * len(block)
    if not blocks:
        return pd.DataFrame(columns=["objective", "ratio", "share", "runs"])
    values = pd.concat([block for block, _ in blocks], ignore_index=True)
    made = pd.concat([made for _, made in blocks], ignore_index=True).reindex(columns=values.columns)
    ratios = statistics.performance_ratios(values, directions, made=made.eq(True))
    shares = statistics.performance_profiles(ratios, RATIOS)
    long = shares.rename_axis("ratio").reset_index().melt("ratio", var_name="objective", value_name="share")
    return long.assign(runs=long["objective"].map(ratios.notna().sum()))[["objective", "ratio", "share", "runs"]]


def scale_of(metric: Metric, cells: Iterable[Values]) -> Scale:
    """Ratios of positive values of a metric that is told on a logarithmic scale; differences otherwise."""
    values = itertools.chain.from_iterable(cell.values() for cell in cells)
    positive = all(value > 0 for value in values if value is not None and not math.isnan(value))
    return "log-ratio" if metric.log_scale and positive else "difference"


NOTHING = Interval(math.nan, math.nan, math.nan, 0)


def _against_baseline(material: Material, task: Task) -> dict[str, Pair]:
    """What each other objective of a task is compared by; empty where the baseline has nothing to compare with."""
    name, metric = material.baseline, task.primary
    cells = {name: material.cell(task.label, name, metric.name) for name in task.objectives}
    cells = {name: cell for name, cell in cells.items() if cell}
    if name is None or len(cells) < 2 or _valueless(cells.get(name, {})) == len(cells.get(name, {})):
        return {}
    scale, baseline = scale_of(metric, cells.values()), cells.pop(name)
    return {other: Pair(cell, baseline, metric.better, scale) for other, cell in cells.items()}


def _row(
    material: Material, task: Task, one: str, other: str, scale: Scale, compared: Comparison
) -> tuple[object, ...]:
    gain = compared.improvement
    within = _within_floor(material, task, one, other)
    counts = [entry for name in (one, other) for entry in _counts(material, task, name)]
    head = (task.label, task.primary.name, one, other, scale, gain.estimate, gain.low, gain.high, compared.seeds)
    return (*head, *counts, *_likely(compared), within, compared.told_apart and not within)


def _likely(compared: Comparison) -> tuple[object, ...]:
    chance = compared.probability
    return (
        *(chance.estimate, chance.low, chance.high),
        *(compared.p, compared.exact, compared.p_adjusted, compared.smallest_p),
    )


def _counts(material: Material, task: Task, name: str) -> tuple[int, int, int, str]:
    """Runs of an objective with a record, those with a value, planned ones, and what became of those without."""
    values, of = material.cell(task.label, name, task.primary.name), material.outcomes[task.label, name]
    return len(values), len(values) - _valueless(values), of.planned, of.without(values)


def _valueless(values: Values) -> int:
    return sum(value is None or math.isnan(value) for value in values.values())


def _by_dataset(material: Material, pairs: Mapping[str, Pair]) -> list[list[Pair]]:
    """The pairs of tasks that share a dataset together: they are not independent."""
    found: dict[str, list[Pair]] = {}
    for label, pair in pairs.items():
        found.setdefault(material.task(label).spec.dataset.label, []).append(pair)
    return list(found.values())


def _within_floor(material: Material, task: Task, one: str, other: str) -> bool:
    """Whether two medians differ by no more than the perfect sampler's draws do among themselves."""
    floor = floor_spread(material, task, task.primary)
    if floor is None:
        return False
    medians = [
        statistics.summarise(material.cell(task.label, name, task.primary.name).values(), task.primary.better).ranking
        for name in (one, other)
    ]
    return all(map(math.isfinite, medians)) and abs(medians[0] - medians[1]) <= floor[1] - floor[0]
