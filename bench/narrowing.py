"""Some runs of a plan: what ``ganbench run --only --seed --retry --limit`` asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from bench.errors import UsageError, unknown
from bench.patterns import Names, is_chosen, unmatched
from bench.plan import Cell, Plan
from bench.record import Status

FAILURES = tuple(status for status in Status if status.is_failure)
RETRIED = {"failed": FAILURES} | {str(s): (s,) for s in Status if s not in (Status.COMPLETED, Status.FAILED)}
"""What ``--retry`` takes, and the statuses that it stands for: ``failed`` is all failures."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is to be done of a suite."""

    plan: Plan
    """The runs that count, of the whole plan; its text and name are the whole's."""
    retry: frozenset[Status] = frozenset()
    """Recorded runs that ended so are run again."""
    limit: int | None = None
    """Runs to train, at most."""


def narrow(plan: Plan, only: Sequence[str], seeds: Sequence[int], retry: Sequence[str], limit: int | None) -> Wanted:
    """Choose runs of a plan.

    Args:
        plan: all of them.
        only: patterns such as ``wgan*``; a run is chosen if one of them matches its objective, its cell's name or its
            id. None: all.
        seeds: those to choose. None: all.
        retry: keys of `RETRIED`.
        limit: runs to train, at most.

    Raises:
        UsageError: a pattern, a seed or a status that no run has, or runs that no two of them have in common.
    """
    runs = (_names(cell, run_id) for cell in plan.cells for run_id in cell.run_ids)
    faults = [*unmatched(only, runs, plan.name), *_absent(plan, seeds)]
    faults += [unknown("status to retry", name, tuple(RETRIED)) for name in retry if name not in RETRIED]
    if faults:
        raise UsageError(*faults)
    cells = [_narrow_cell(cell, only, seeds) for cell in plan.cells]
    kept = {run_id for cell in cells for run_id in cell.run_ids}
    if not kept:
        raise UsageError(f"no run of {plan.name} has both: --only {' '.join(only)}, --seed {' '.join(map(str, seeds))}")
    places = [index for index, run_id in enumerate(plan.run_ids) if run_id in kept]
    narrowed = dataclasses.replace(
        plan,
        specs=tuple(plan.specs[index] for index in places),
        run_ids=tuple(plan.run_ids[index] for index in places),
        cells=tuple(cell for cell in cells if cell.run_ids),
    )
    return Wanted(narrowed, frozenset(status for name in retry for status in RETRIED[name]), limit)


def _narrow_cell(cell: Cell, only: Sequence[str], seeds: Sequence[int]) -> Cell:
    kept = [
        (seed, run_id)
        for seed, run_id in zip(cell.seeds, cell.run_ids, strict=True)
        if (not seeds or seed in seeds) and is_chosen(_names(cell, run_id), only)
    ]
    return dataclasses.replace(cell, seeds=tuple(seed for seed, _ in kept), run_ids=tuple(run for _, run in kept))


def _names(cell: Cell, run_id: str) -> Names:
    return cell.objective, cell.name, run_id


def _absent(plan: Plan, seeds: Sequence[int]) -> list[str]:
    return [
        f"--seed {seed}: {plan.name} has the seeds {_listed(plan.seeds)}" for seed in seeds if seed not in plan.seeds
    ]


def _listed(seeds: Sequence[int]) -> str:
    shown = ", ".join(map(str, seeds[:20]))
    return f"{shown}, … ({len(seeds)})" if len(seeds) > 20 else shown
