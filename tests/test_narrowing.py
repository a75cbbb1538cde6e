"""`ganbench run --only --seed --retry --limit`: some runs of a plan, and words for what no run has."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.narrowing import RETRIED, Wanted, narrow
from bench.plan import Plan
from bench.record import Status
from bench.suite import plan_suite

SUITE = """
seeds = [0, 1, 7]
objectives = ["nsgan", "wgan", "wgan-gp"]
datasets = ["ring", "grid"]
training.steps = 10
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_suite(SUITE, Path("small.toml"))


def chosen(wanted: Wanted) -> set[tuple[str, str, int]]:
    return {(spec.objective.label, spec.dataset.label, spec.seed) for spec in wanted.plan.specs}


def test_without_choice_all_is_wanted(plan: Plan) -> None:
    assert narrow(plan, (), (), (), None) == Wanted(plan)


@pytest.mark.parametrize(
    ("only", "seeds", "count"),
    [
        (["wgan*"], [], 12),
        (["wgan"], [], 6),
        (["wgan", "nsgan"], [7], 4),
        (["*_grid"], [], 9),
        (["wgan-gp_mlp_ring_s7_*"], [], 1),
        ([], [0, 1], 12),
        (["?sgan"], [], 6),
    ],
)
def test_patterns_match_objectives_cells_and_ids(plan: Plan, only: list[str], seeds: list[int], count: int) -> None:
    wanted = narrow(plan, only, seeds, (), None)
    assert len(wanted.plan.specs) == count
    assert [spec.run_id for spec in wanted.plan.specs] == list(wanted.plan.run_ids)
    assert {run_id for cell in wanted.plan.cells for run_id in cell.run_ids} == set(wanted.plan.run_ids)
    assert (wanted.plan.name, wanted.plan.suite_text) == (plan.name, plan.suite_text)
    if seeds:
        assert {seed for _, _, seed in chosen(wanted)} == set(seeds)


def test_the_order_stays_that_of_the_plan(plan: Plan) -> None:
    kept = narrow(plan, ["wgan*"], (), (), None).plan.run_ids
    assert list(kept) == [run_id for run_id in plan.run_ids if run_id in set(kept)]


def test_failed_stands_for_every_failure(plan: Plan) -> None:
    wanted = narrow(plan, (), (), ["failed"], None)
    assert wanted.retry == {status for status in Status if status.is_failure}
    assert narrow(plan, (), (), ["crashed", "diverged"], None).retry == {Status.CRASHED, Status.DIVERGED}
    assert "completed" not in RETRIED


@pytest.mark.parametrize(
    ("only", "seeds", "retry", "says"),
    [
        (["wgn-gp"], [], [], "did you mean 'wgan-gp'?"),
        (["wgna*"], [], [], "did you mean 'wgan'?"),
        ([], [2], [], "--seed 2: small has the seeds 0, 1, 7"),
        ([], [], ["crash"], "did you mean 'crashed'?"),
        (["*_s7_*"], [0], [], "no run of small has both"),
    ],
)
def test_what_no_run_has_is_told(plan: Plan, only: list[str], seeds: list[int], retry: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says.replace("?", r"\?").replace("*", r"\*")):
        narrow(plan, only, seeds, retry, None)


def test_all_that_is_wrong_is_told_at_once(plan: Plan) -> None:
    with pytest.raises(UsageError) as error:
        narrow(plan, ["none"], [99], ["never"], None)
    assert len(error.value.faults) == 3
