"""Results that were measured on other data, or in another feature space, than lie at the data root now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bench.execution.tasks import DatasetAnswer, dataset_key
from bench.plan import Plan
from bench.record import reference_key
from bench.spec import RunSpec
from bench.store import Store


def find_stale_references(plan: Plan, store: Store, opened: Mapping[str, DatasetAnswer]) -> tuple[RunSpec, ...]:
    """One run of each perfect sampler that was measured on what is no longer there.

    Args:
        plan: what the suite asks for.
        store: what is there.
        opened: what the datasets are now, by `dataset_key`.
    """
    specs = {reference_key(spec.dataset, spec.evaluation.space, spec.evaluation.samples): spec for spec in plan.specs}
    return tuple(
        spec
        for key, spec in specs.items()
        if (reference := store.reference(key)) is not None
        and not _agrees(reference.data_sha256, reference.space_sha256, spec, opened)
    )


def find_other_data(plan: Plan, store: Store, opened: Mapping[str, DatasetAnswer]) -> list[str]:
    """A sentence for each dataset of which runs are recorded that saw other data, or were measured otherwise."""
    specs = dict(zip(plan.run_ids, plan.specs, strict=True))
    counts = Counter(
        spec.dataset.label
        for run_id, data, space in store.frame().rows("run_id", "data_sha256", "space_sha256")
        if (spec := specs.get(str(run_id))) is not None and not _agrees(str(data or ""), str(space or ""), spec, opened)
    )
    return [
        f"{count} recorded runs on '{label}' are of other data or of another feature space than lie at the data root "
        "now; the report keeps them apart from new ones. To have them all anew, choose another --results"
        for label, count in counts.items()
    ]


def _agrees(data_sha256: str, space_sha256: str, spec: RunSpec, opened: Mapping[str, DatasetAnswer]) -> bool:
    """Whether a result is of what is there now, as far as either side tells."""
    answer = opened.get(dataset_key(spec.dataset))
    if answer is None:
        return True
    told = ((data_sha256, answer.data_sha256), (space_sha256, answer.space_sha256.get(spec.evaluation.space, "")))
    return all(one == other for one, other in told if one and other)
