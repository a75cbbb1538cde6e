"""How sure differences are, as DataFrames: the best against each, each against the baseline, and over all tasks.

Beside each number stands which runs it is of: ``finished`` of them have a value, ``planned`` were asked for;
``without`` says what became of the planned ones that have no value.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from bench import statistics
from bench.metrics import Metric
from bench.report.material import Material
from bench.report.tables import floor_spread, standing
from bench.report.tasks import Task
from bench.statistics import Comparison, Interval, Pair, Scale, Values

SIDES = ("one", "other")
LIKELY = (
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
"""What is said of chance, wherever two are compared."""
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
    *LIKELY,
)
OVERALL = (
    "objective",
    "baseline",
    "scale",
    "tasks",
    "estimated",
    "datasets",
    "pairs",
    "seeds",
    "without",
    "improvement",
    "improvement_low",
    "improvement_high",
    "datasets_low",
    "datasets_high",
    *LIKELY,
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

    p is Holm-corrected over the objectives of the task. Where no run of the baseline has a record nothing is compared;
    runs of it that failed are worse than any value.
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

    Of ``tasks`` are p and probability; of ``estimated`` of them, on ``datasets``, the improvement, see
    `bench.statistics.estimable`: ``pairs`` are all of theirs, ``seeds`` those of the task with the fewest. ``without``
    counts runs of the objective that have no value. Told apart are those that
    `bench.statistics.Comparison.told_apart` tells so and whose median is beyond the baseline's in the direction told,
    by more than the perfect sampler's own draws differ, in more than half of the tasks; else, where any task has such
    draws, they are ``within_floor``.
    """
    found, scale = _every_pair(material)
    family: dict[str, dict[str, Pair]] = {}
    for label, pairs in found.items():
        for name, pair in pairs.items():
            if pair.scale == scale:
                family.setdefault(name, {})[label] = pair
    family = {name: pairs for name, pairs in family.items() if len(pairs) > 1}
    compared = statistics.compare_each({name: tuple(pairs.values()) for name, pairs in family.items()})
    rows = []
    for name, pairs in family.items():
        whole, estimated = compared[name], statistics.estimable(tuple(pairs.values()))
        by_dataset = _by_dataset(material, {label: pair for label, pair in pairs.items() if pair in estimated})
        gain = whole.improvement
        wider = statistics.improvement_over_datasets(by_dataset) if len(by_dataset) > 1 else NOTHING
        without = sum(_valueless(pair.values) for pair in pairs.values())
        counts = (len(pairs), len(estimated), len(by_dataset), gain.n, whole.seeds, without)
        ends = (gain.estimate, gain.low, gain.high, wider.low, wider.high)
        beyond, floored = _beyond_floors(material, pairs, name, 1 if whole.probability.estimate > 0.5 else -1)
        verdict = (floored and not beyond, whole.told_apart and beyond)
        rows.append((name, material.baseline, scale, *counts, *ends, *_likely(whole), *verdict))
    return pd.DataFrame(rows, columns=list(OVERALL))


def uncompared(material: Material) -> dict[str, str]:
    """The tasks that `over_tasks` has no pair of, and why."""
    found, scale = _every_pair(material)
    said = {}
    for task in material.tasks:
        pairs = found[task.label]
        if not pairs:
            begun = bool(material.cell(task.label, str(material.baseline), task.primary.name))
            said[task.label] = f"no record of {'any other objective' if begun else material.baseline}"
        elif all(pair.scale != scale for pair in pairs.values()):
            said[task.label] = f"no ratios of {task.primary.title}"
    return said


def profiles(material: Material) -> pd.DataFrame:
    """Performance profiles: the share of an objective's runs that come within ``ratio`` times the best of their seed.

    Columns ``objective, ratio, share, runs``. Of the tasks that `profile_block` has runs of; a run without a value is
    never within any.

    Source: Dolan & Moré 2002, "Benchmarking optimization software with performance profiles".
    """
    blocks, directions = [], []
    for task in material.tasks:
        block = profile_block(material, task)
        if not isinstance(block, str):
            blocks.append(block)
            directions += [task.primary.better] * len(block)
    if not blocks:
        return pd.DataFrame(columns=["objective", "ratio", "share", "runs"])
    values = pd.concat(blocks, ignore_index=True)
    made = pd.concat([pd.DataFrame(True, block.index, block.columns) for block in blocks], ignore_index=True)
    ratios = statistics.performance_ratios(values, directions, made=made.reindex(columns=values.columns).eq(True))
    shares = statistics.performance_profiles(ratios, RATIOS)
    long = shares.rename_axis("ratio").reset_index().melt("ratio", var_name="objective", value_name="share")
    return long.assign(runs=long["objective"].map(ratios.notna().sum()))[["objective", "ratio", "share", "runs"]]


def profile_block(material: Material, task: Task) -> pd.DataFrame | str:
    """What a task gives to `profiles`: a row per seed that all of its objectives ran, or why there is none.

    A seed that only some ran says nothing of who wins it. An objective without a record takes none from the others.
    """
    cells = {name: material.cell(task.label, name, task.primary.name) for name in task.objectives}
    cells = {name: cell for name, cell in cells.items() if cell}
    if len(cells) < 2:
        return "runs of one objective alone"
    if scale_of(task.primary, cells.values()) == "difference":
        return f"no ratios of {task.primary.title}"
    shared = sorted(set.intersection(*(set(cell) for cell in cells.values())))
    if not shared:
        return "no seed that all objectives ran"
    return pd.DataFrame({name: [cell[seed] for seed in shared] for name, cell in cells.items()}, dtype=float)


def scale_of(metric: Metric, cells: Iterable[Values]) -> Scale:
    """Ratios of positive values of a metric that is told on a logarithmic scale; differences otherwise."""
    values = itertools.chain.from_iterable(cell.values() for cell in cells)
    positive = all(value > 0 for value in values if value is not None and not math.isnan(value))
    return "log-ratio" if metric.log_scale and positive else "difference"


def _every_pair(material: Material) -> tuple[dict[str, dict[str, Pair]], Scale]:
    """What the objectives of each task are compared by, and the scale that is pooled over tasks."""
    found = {task.label: _against_baseline(material, task) for task in material.tasks}
    metrics = {task.primary.name for task in material.tasks}
    scales = {pair.scale for pairs in found.values() for pair in pairs.values()}
    return found, "log-ratio" if "log-ratio" in scales or len(metrics) > 1 else "difference"


NOTHING = Interval(math.nan, math.nan, math.nan, 0)


def _against_baseline(material: Material, task: Task) -> dict[str, Pair]:
    """What each other objective of a task is compared by; empty where no run of the baseline has a record."""
    name, metric = material.baseline, task.primary
    cells = {name: material.cell(task.label, name, metric.name) for name in task.objectives}
    cells = {name: cell for name, cell in cells.items() if cell}
    if name not in cells:
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
    return floor is not None and abs(_lead(material, task, one, other)) <= floor[1] - floor[0]


def _beyond_floors(material: Material, labels: Collection[str], one: str, sign: int) -> tuple[bool, bool]:
    """Whether an objective's medians are beyond the baseline's in most tasks, and whether any has a floor to tell by.

    Args:
        material: the results.
        labels: of the tasks.
        one: the objective.
        sign: 1 where it is to be better than the baseline, −1 where worse.
    """
    tasks = [material.task(label) for label in labels]
    floors = [floor_spread(material, task, task.primary) for task in tasks]
    beyond = [
        sign * _lead(material, task, one, str(material.baseline)) > (0.0 if floor is None else floor[1] - floor[0])
        for task, floor in zip(tasks, floors, strict=True)
    ]
    return 2 * sum(beyond) > len(tasks), any(floor is not None for floor in floors)


def _lead(material: Material, task: Task, one: str, other: str) -> float:
    """By how much the first's median is better; half of whose runs have no value is infinitely worse, NaN if both."""
    first, second = (
        statistics.summarise(material.cell(task.label, name, task.primary.name).values(), task.primary.better).ranking
        for name in (one, other)
    )
    return second - first if task.primary.better == "lower" else first - second
