"""What became better, worse, or stayed as it was: of each objective over its tasks, and of each cell.

The test of ranks takes the two sides of a cell as runs of their own: that they are paired by seed only the interval of
the improvement uses.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from bench import statistics
from bench.comparison.pairing import PairedCell
from bench.metrics import Metric
from bench.report.significance import scale_of
from bench.statistics import Pair, Scale, Summary, Values

K = TypeVar("K", int, str)
Scales = Mapping[tuple[str, Metric], Scale]
"""By task and metric: one for all cells of a task, which stand on one axis."""


class Outcome(StrEnum):
    """Of the later results against the earlier ones."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "no difference"
    FLOOR = "within the floor"
    """Told apart by the test, by no more than the perfect sampler's own draws lie apart."""
    TOO_FEW = "too few runs"
    """So few that no difference could be told, however large: not even the smallest p would do, or one seed each."""
    UNLIKE = "not judged"
    """An objective whose tasks have metrics of different units: only its cells are."""
    FAILED = "failed in both"
    """No run of either side has a number."""
    IDENTICAL = "identical"
    """Every pair of runs has the same number, bit for bit, or failed in the same way: nothing is left to chance."""


@dataclasses.dataclass(frozen=True)
class JudgedCell:
    """A cell with the numbers that it is judged by."""

    cell: PairedCell
    metric: Metric
    before: Values
    after: Values
    floor: Summary | None = None
    """Of the perfect sampler's draws, where it was measured."""

    @property
    def valued(self) -> bool:
        """Whether any run has a number."""
        return any(value is not None for side in (self.before, self.after) for value in side.values())

    @property
    def identical(self) -> bool:
        """Whether each run came out as its counterpart did, to the last bit of the metric."""
        statuses = [
            {seed: run.record.status for seed, run in side.items()} for side in (self.cell.before, self.cell.after)
        ]
        return self.before == self.after and statuses[0] == statuses[1]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is told of one objective, or of one cell."""

    objective: str
    task: str
    """Empty for an objective over all of its tasks."""
    outcome: Outcome
    metrics: tuple[Metric, ...]
    scale: Scale
    comparison: statistics.Comparison | None
    """Of the later results against the earlier ones; None where nothing is left to chance, or is not judged."""
    tasks: int
    """That have a pair of runs."""
    differing: int
    """Those of them that are not identical: the verdict rests on them."""
    pairs: int
    before: Summary | None
    """Of a cell."""
    after: Summary | None
    floor: Summary | None
    """Of a cell: of the perfect sampler's draws."""
    failures: tuple[int, int]
    """Runs without a value on either side."""


def judge_cells(cells: Sequence[JudgedCell]) -> tuple[Verdict, ...]:
    """A verdict per cell; the cells that are neither identical nor without any value are one family."""
    judged = _judge({index: [cell] for index, cell in enumerate(cells)}, scales_of(cells))
    return tuple(
        dataclasses.replace(
            verdict,
            task=cell.cell.task,
            before=statistics.summarise(cell.before.values(), cell.metric.better),
            after=statistics.summarise(cell.after.values(), cell.metric.better),
            floor=cell.floor,
        )
        for verdict, cell in zip(judged, cells, strict=True)
    )


def judge_objectives(cells: Sequence[JudgedCell]) -> tuple[Verdict, ...]:
    """A verdict per objective over its tasks; the objectives that are not identical throughout are one family.

    Only the tasks that differ count: on the others nothing was left to chance.
    """
    by_objective: dict[str, list[JudgedCell]] = {}
    for cell in cells:
        by_objective.setdefault(cell.cell.name.objective, []).append(cell)
    return _judge(by_objective, scales_of(cells))


def scales_of(cells: Iterable[JudgedCell]) -> Scales:
    """Ratios where a metric spans orders of magnitude and all values of a task are positive; differences otherwise."""
    values: dict[tuple[str, Metric], list[Values]] = {}
    for cell in cells:
        values.setdefault((cell.cell.task, cell.metric), []).extend((cell.before, cell.after))
    return {(task, metric): scale_of(metric, of) for (task, metric), of in values.items()}


def _judge(groups: Mapping[K, Sequence[JudgedCell]], scales: Scales) -> tuple[Verdict, ...]:
    """A verdict per group of cells; the groups in which anything differs are one family of comparisons."""
    differing = {key: [cell for cell in cells if cell.valued and not cell.identical] for key, cells in groups.items()}
    family = {
        str(key): [_pair(cell, scales) for cell in of]
        for key, of in differing.items()
        if of and _of_one_kind(of, scales)
    }
    compared = statistics.compare_each(family) if family else {}
    least = statistics.holm([comparison.smallest_p for comparison in compared.values()])
    reach = dict(zip(compared, least, strict=True))
    return tuple(
        Verdict(
            objective=cells[0].cell.name.objective,
            task="",
            outcome=_outcome(cells, differing[key], compared.get(str(key)), reach.get(str(key), 0.0)),
            metrics=tuple(dict.fromkeys(cell.metric for cell in cells)),
            scale=_scale((differing[key] or cells)[0], scales),
            comparison=compared.get(str(key)),
            tasks=len(cells),
            differing=len(differing[key]),
            pairs=sum(len(cell.before) for cell in cells),
            before=None,
            after=None,
            floor=None,
            failures=(_failures(cell.before for cell in cells), _failures(cell.after for cell in cells)),
        )
        for key, cells in groups.items()
    )


def _outcome(
    cells: Sequence[JudgedCell],
    differing: Sequence[JudgedCell],
    comparison: statistics.Comparison | None,
    least: float,
) -> Outcome:
    """What a comparison says.

    Args:
        cells: all that it is of.
        differing: those of them that are not identical and have a value.
        comparison: None where there is none.
        least: the smallest adjusted p that the family's numbers of runs can reach.
    """
    if not any(cell.valued for cell in cells):
        return Outcome.FAILED
    if not differing:
        return Outcome.IDENTICAL
    if comparison is None:
        return Outcome.UNLIKE
    if comparison.told_apart:
        told = Outcome.BETTER if comparison.improvement.low > 0 else Outcome.WORSE
        return told if _is_beyond_floor(differing, told) else Outcome.FLOOR
    of_one_seed = math.isnan(comparison.improvement.low)
    return Outcome.TOO_FEW if of_one_seed or least > statistics.LEVEL else Outcome.SAME


def _is_beyond_floor(cells: Sequence[JudgedCell], told: Outcome) -> bool:
    """Whether the medians differ by more than the perfect sampler's draws among themselves, in the direction told.

    In more than half of the tasks where that is known; a median in which failures are worst may be infinite.
    """
    known = []
    for cell in cells:
        one, other = (statistics.summarise(of.values(), cell.metric.better).ranking for of in (cell.before, cell.after))
        if cell.floor is not None and not (math.isinf(one) and math.isinf(other)):
            gain = one - other if (cell.metric.better == "lower") is (told is Outcome.BETTER) else other - one
            known.append(gain > cell.floor.high - cell.floor.low)
    return not known or sum(known) > len(known) / 2


def _scale(cell: JudgedCell, scales: Scales) -> Scale:
    return scales[cell.cell.task, cell.metric]


def _of_one_kind(cells: Sequence[JudgedCell], scales: Scales) -> bool:
    """Whether gains on these tasks may be pooled: they are all ratios, or all in one unit."""
    found = {_scale(cell, scales) for cell in cells}
    return found == {"log-ratio"} or (len(found) == 1 and len({cell.metric for cell in cells}) == 1)


def _pair(cell: JudgedCell, scales: Scales) -> Pair:
    return Pair(values=cell.after, baseline=cell.before, better=cell.metric.better, scale=_scale(cell, scales))


def _failures(sides: Iterable[Mapping[int, float | None]]) -> int:
    return sum(value is None for side in sides for value in side.values())
