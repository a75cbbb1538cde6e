"""Which runs of two results belong together, and which of these pairs may be compared."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bench.comparison.sides import Run
from bench.errors import UsageError
from bench.metrics import Metric
from bench.patterns import Names, is_chosen, unmatched


class CellName(NamedTuple):
    """What runs are paired by, but for the seed: labels of the suite."""

    objective: str
    architecture: str
    dataset: str


@dataclasses.dataclass(frozen=True)
class PairedCell:
    """The runs of one cell on either side, by seed: of the seeds that both have."""

    name: CellName
    task: str
    """The dataset; the architecture too where a dataset has several."""
    before: Mapping[int, Run]
    after: Mapping[int, Run]

    def values(self, metric: Metric) -> tuple[dict[int, float | None], dict[int, float | None]]:
        """The metric by seed on either side; None for a run that did not complete, or that it is undefined for."""
        return (
            {seed: run.value(metric) for seed, run in self.before.items()},
            {seed: run.value(metric) for seed, run in self.after.items()},
        )


@dataclasses.dataclass(frozen=True)
class Pairing:
    """The runs of two results, sorted."""

    cells: tuple[PairedCell, ...]
    """In the order of the later results."""
    only_before: tuple[str, ...]
    """Ids of the runs that the other side has none of."""
    only_after: tuple[str, ...]
    ambiguous: tuple[CellName, ...]
    """Cells of which one side holds two records of one seed, with different settings."""


def pair(before: Mapping[str, Run], after: Mapping[str, Run], only: Sequence[str] = ()) -> Pairing:
    """Pair the runs of two results.

    Args:
        before: runs by their ids.
        after: the other side's.
        only: patterns; runs that none of them matches are left out. None: all.

    Raises:
        UsageError: a pattern that no run matches, or no run that both sides have.
    """
    faults = unmatched(only, map(_names, (*before.values(), *after.values())), "the two results")
    if faults:
        raise UsageError(*faults)
    one, other = (_by_cell(run for run in runs.values() if is_chosen(_names(run), only)) for runs in (before, after))
    ambiguous = {
        name for side in (one, other) for name, of in side.items() if any(len(runs) > 1 for runs in of.values())
    }
    shared = [name for name in other if name in one and name not in ambiguous]
    architectures: dict[str, set[str]] = defaultdict(set)
    for name in shared:
        architectures[name.dataset].add(name.architecture)
    cells = []
    for name in shared:
        seeds = sorted(one[name].keys() & other[name].keys())
        alone = len(architectures[name.dataset]) == 1
        if seeds:
            cells.append(
                PairedCell(
                    name,
                    name.dataset if alone else f"{name.dataset}, {name.architecture}",
                    {seed: one[name][seed][0] for seed in seeds},
                    {seed: other[name][seed][0] for seed in seeds},
                )
            )
    return Pairing(tuple(cells), _absent(one, other), _absent(other, one), tuple(sorted(ambiguous)))


def find_refusal(cell: PairedCell, metric: Metric) -> str | None:
    """Why the numbers of a cell cannot be compared: they are of other data, or were measured in another way."""
    sides = (tuple(cell.before.values()), tuple(cell.after.values()))
    named = all(run.record.data_sha256 for side in sides for run in side if run.final)
    told = [
        _differ("the feature space", *({run.record.spec.evaluation.space for run in side} for side in sides)),
        _differ(
            "the weights of the feature space", *({run.record.space_sha256[:12] for run in side} for side in sides)
        ),
        _differ("the data", *({_data(run, named) for run in side} for side in sides)),
        _differ("the budget", *({_budget(run) for run in side} for side in sides)),
        _differ("the hardware that their budgets of seconds were spent on", *_timed_on(cell)),
        _differ("the samples per evaluation", *({_samples(run, metric) for run in side} for side in sides)),
    ]
    return next((reason for reason in told if reason), None)


def _differ(what: str, before: set[str], after: set[str]) -> str | None:
    """A sentence if two sets of what is known differ; nothing known agrees with anything."""
    before, after = before - {""}, after - {""}
    if not before or not after or before == after:
        return None
    return f"they differ in {what}: {', '.join(sorted(before))} in A, {', '.join(sorted(after))} in B"


def _data(run: Run, named: bool) -> str:
    """The content of the dataset; its settings where not every record names the content."""
    return run.record.data_sha256[:12] if named else str(run.record.spec.dataset)


def _budget(run: Run) -> str:
    budget = run.record.spec.training.budget
    return f"{budget.amount:,.12g} {budget.unit}"


def _timed_on(cell: PairedCell) -> tuple[set[str], set[str]]:
    """The hardware of either side's runs that differs from their counterparts', of budgets in seconds."""
    pairs = [(cell.before[seed].record, cell.after[seed].record) for seed in cell.before]
    hardware = [
        (one.environment.hardware, other.environment.hardware)
        for one, other in pairs
        if one.spec.training.budget.unit == other.spec.training.budget.unit == "seconds"
    ]
    unlike = [pair for pair in hardware if len(set(pair)) == 2]
    return {one for one, _ in unlike}, {other for _, other in unlike}


def _samples(run: Run, metric: Metric) -> str:
    """Generated and real samples behind the metric, as measured; nothing of a run that measured nothing."""
    found = run.final.get(metric.name)
    return "" if found is None else found.samples


def _names(run: Run) -> Names:
    spec = run.record.spec
    return spec.objective.label, spec.cell_name, run.record.run_id


_Cells = dict[CellName, dict[int, list[Run]]]


def _by_cell(runs: Iterable[Run]) -> _Cells:
    found: _Cells = {}
    for run in runs:
        spec = run.record.spec
        name = CellName(spec.objective.label, spec.architecture.label, spec.dataset.label)
        found.setdefault(name, {}).setdefault(spec.seed, []).append(run)
    return found


def _absent(side: _Cells, other: _Cells) -> tuple[str, ...]:
    """Ids of the runs whose cell and seed the other side has no record of."""
    return tuple(
        run.record.run_id
        for name, seeds in side.items()
        for seed, runs in seeds.items()
        if seed not in other.get(name, {})
        for run in runs
    )
