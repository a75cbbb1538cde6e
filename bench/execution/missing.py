"""What of a suite is not in its results folder yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from bench.errors import StoreError
from bench.narrowing import Wanted
from bench.plan import Plan
from bench.record import Status, reference_key
from bench.spec import RunSpec
from bench.store import Store


@dataclasses.dataclass(frozen=True)
class Missing:
    """What is to be done."""

    runs: tuple[RunSpec, ...]
    """Without a record, or with one of a status that is to be tried again."""
    references: tuple[RunSpec, ...]
    """One run of each dataset, space and sample number."""
    throughputs: tuple[RunSpec, ...]
    """One run of each cell that has a run which did not fail."""
    postponed: int
    """Further runs that are left for another call."""

    @property
    def nothing(self) -> bool:
        """Whether everything is there."""
        return not (self.runs or self.references or self.throughputs)


def find_missing(wanted: Wanted, store: Store, statuses: Mapping[str, Status]) -> Missing:
    """What has to be done.

    Args:
        wanted: of the suite.
        store: what is there.
        statuses: of the recorded runs, by run id.
    """
    plan = wanted.plan
    references = {
        reference_key(spec.dataset, spec.evaluation.space, spec.evaluation.samples): spec for spec in plan.specs
    }
    runs = tuple(
        spec
        for spec, run_id in zip(plan.specs, plan.run_ids, strict=True)
        if run_id not in statuses or statuses[run_id] in wanted.retry
    )
    return Missing(
        runs=runs[: wanted.limit],
        references=tuple(spec for key, spec in references.items() if store.reference(key) is None),
        throughputs=find_missing_throughputs(plan, store, statuses),
        postponed=len(runs) - len(runs[: wanted.limit]),
    )


def find_missing_throughputs(plan: Plan, store: Store, statuses: Mapping[str, Status]) -> tuple[RunSpec, ...]:
    """One run of each cell whose speed is to be measured: what cannot be trained has none."""
    specs = dict(zip(plan.run_ids, plan.specs, strict=True))
    return tuple(
        specs[cell.run_ids[0]]
        for cell in plan.cells
        if any(run_id in statuses and not statuses[run_id].is_failure for run_id in cell.run_ids)
        and store.throughput(cell.id) is None
    )


def read_statuses(store: Store) -> tuple[dict[str, Status], tuple[str, ...]]:
    """The status of each recorded run, and a sentence for each file that cannot be trusted and will be made anew.

    Raises:
        StoreError: a newer ganbench wrote some of them: they are results, and not to be overwritten.
    """
    runs = store.frame()
    parts = (runs, store.references(), store.throughputs())
    newer = [sentence for part in parts for sentence in part.newer]
    if newer:
        raise StoreError(*newer, f"results folder '{store.folder}' is left as it is: choose another with --results")
    statuses = {str(run_id): Status(str(status)) for run_id, status in runs.rows("run_id", "status")}
    return statuses, tuple(sentence for part in parts for sentence in part.rejected)
