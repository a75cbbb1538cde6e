"""What became better, worse, or stayed as it was: of each objective over its tasks, and of each cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from bench import statistics
from bench.comparison.pairing import PairedCell
from bench.metrics import Metric
from bench.statistics import Pair, Scale, Values

K = TypeVar("K", int, str)

LEVEL = 0.05
"""Of the tests: `bench.statistics.Comparison.told_apart` has it too."""


class Outcome(StrEnum):
    """Of the later results against the earlier ones."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "no difference"
    TOO_FEW = "too few runs"
    """So few that no difference could be told, however large: not even the smallest p would do."""
    UNLIKE = "not judged"
    """An objective whose tasks have metrics of different units: only its cells are."""
    IDENTICAL = "identical"
    """Every pair of runs has the same number, bit for bit: nothing is left to chance."""


@dataclasses.dataclass(frozen=True)
class JudgedCell:
    """A cell with the numbers that it is judged by."""

    cell: PairedCell
    metric: Metric
    before: Values
    after: Values

    @property
    def scale(self) -> Scale:
        """Ratios of a metric that spans orders of magnitude, differences of any other."""
        known = [value for side in (self.before, self.after) for value in side.values() if value is not None]
        return "log-ratio" if self.metric.log_scale and all(value > 0 for value in known) else "difference"

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
    before: statistics.Summary | None
    """Of a cell."""
    after: statistics.Summary | None
    failures: tuple[int, int]
    """Runs without a value on either side."""


def judge_cells(cells: Sequence[JudgedCell]) -> tuple[Verdict, ...]:
    """A verdict per cell; the cells that are not identical are one family."""
    judged = _judge({index: [cell] for index, cell in enumerate(cells)})
    return tuple(
        dataclasses.replace(
            verdict,
            task=cell.cell.task,
            before=statistics.summarise(cell.before.values(), cell.metric.better),
            after=statistics.summarise(cell.after.values(), cell.metric.better),
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
    return _judge(by_objective)


def _judge(groups: Mapping[K, Sequence[JudgedCell]]) -> tuple[Verdict, ...]:
    """A verdict per group of cells; the groups that are not identical are one family of comparisons."""
    differing = {key: [cell for cell in cells if not cell.identical] for key, cells in groups.items()}
    family = {str(key): [_pair(cell) for cell in of] for key, of in differing.items() if of and _of_one_kind(of)}
    compared = statistics.compare_each(family) if family else {}
    least = statistics.holm([comparison.smallest_p for comparison in compared.values()])
    reach = dict(zip(compared, least, strict=True))
    return tuple(
        Verdict(
            objective=cells[0].cell.name.objective,
            task="",
            outcome=_outcome(differing[key], compared.get(str(key)), reach.get(str(key), 0.0)),
            metrics=tuple(dict.fromkeys(cell.metric for cell in cells)),
            scale=(differing[key] or cells)[0].scale,
            comparison=compared.get(str(key)),
            tasks=len(cells),
            differing=len(differing[key]),
            pairs=sum(len(cell.before) for cell in cells),
            before=None,
            after=None,
            failures=(_failures(cell.before for cell in cells), _failures(cell.after for cell in cells)),
        )
        for key, cells in groups.items()
    )


def _outcome(differing: Sequence[JudgedCell], comparison: statistics.Comparison | None, least: float) -> Outcome:
    """What a comparison says.

    Args:
        differing: its cells that are not identical.
        comparison: None where there is none.
        least: the smallest adjusted p that the family's numbers of runs can reach.
    """
    if not differing:
        return Outcome.IDENTICAL
    if comparison is None:
        return Outcome.UNLIKE
    if comparison.told_apart:
        return Outcome.BETTER if comparison.improvement.low > 0 else Outcome.WORSE
    return Outcome.TOO_FEW if least > LEVEL else Outcome.SAME


def _of_one_kind(cells: Sequence[JudgedCell]) -> bool:
    """Whether gains on these tasks may be pooled: they are all ratios, or all in one unit."""
    scales = {cell.scale for cell in cells}
    return scales == {"log-ratio"} or (len(scales) == 1 and len({cell.metric for cell in cells}) == 1)


def _pair(cell: JudgedCell) -> Pair:
    return Pair(values=cell.after, baseline=cell.before, better=cell.metric.better, scale=cell.scale)


def _failures(sides: Iterable[Mapping[int, float | None]]) -> int:
    return sum(value is None for side in sides for value in side.values())
