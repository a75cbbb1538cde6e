"""What differs between two results besides their numbers, in the words of the suite."""

from __future__ import annotations

import dataclasses

import pytest

from bench.comparison.differences import setting_changes
from bench.comparison.pairing import CellName, PairedCell, find_refusal, pair
from bench.comparison.sides import Run
from bench.comparison.speed import compare_speed, why_untimed
from bench.errors import UsageError
from bench.metrics import METRICS
from bench.spec import Budget, PluginSpec, RunSpec
from tests.comparison.made import made_run
from tests.report.synthetic import choice


def changed(run: Run, **update: object) -> Run:
    spec = run.record.spec.model_copy(update=update)
    return dataclasses.replace(run, record=run.record.model_copy(update={"spec": spec, "run_id": spec.run_id}))


def moved(run: Run) -> Run:
    """The same run on another machine."""
    environment = run.record.environment.model_copy(update={"processor": "Another"})
    return dataclasses.replace(run, record=run.record.model_copy(update={"environment": environment}))


def differences(**update: object) -> list[tuple[str, str, str]]:
    run = made_run("wgan-gp", "ring", 0, 1.0)
    return _between(run, changed(run, **update))


def _between(one: Run, other: Run) -> list[tuple[str, str, str]]:
    cell = PairedCell(CellName("wgan-gp", "mlp", "ring"), "ring", {0: one}, {0: other})
    return [(change.field, change.before, change.after) for change in setting_changes([cell])]


SPEC: RunSpec = made_run("wgan-gp", "ring", 0, 1.0).record.spec


@pytest.mark.parametrize(
    ("update", "told"),
    [
        ({}, []),
        (
            {"training": SPEC.training.model_copy(update={"batch_size": 64, "threads": 2})},
            [("batch_size", "128", "64"), ("threads", "1", "2")],
        ),
        (
            {"architecture": SPEC.architecture.model_copy(update={"settings": {"width": 64, "latent": 64}})},
            [("architecture.width", "128", "64")],
        ),
        (
            {"objective": SPEC.objective.model_copy(update={"penalties": ()})},
            [("penalties", "gradient-penalty(center=1.0, weight=10.0)", "none")],
        ),
        (
            {
                "objective": SPEC.objective.model_copy(
                    update={
                        "penalties": (SPEC.objective.penalties[0].model_copy(update={"settings": {"weight": 1.0}}),)
                    }
                )
            },
            [("penalties.gradient-penalty.center", "1", "–"), ("penalties.gradient-penalty.weight", "10", "1")],
        ),
        (
            {"objective": SPEC.objective.model_copy(update={"loss": choice("hinge")})},
            [("loss", "wasserstein", "hinge")],
        ),
        ({"plugins": (PluginSpec(name="mine", sha256="f" * 64),)}, [("plugins.mine", "–", "ffffffffffff")]),
        ({"evaluation": SPEC.evaluation.model_copy(update={"every": 100})}, [("evaluation.every", "500", "100")]),
    ],
)
def test_every_setting_that_differs_is_told(update: dict[str, object], told: list[tuple[str, str, str]]) -> None:
    assert differences(**update) == told


def test_cells_that_share_a_change_are_told_together() -> None:
    cells = []
    for objective in ("nsgan", "hinge"):
        run = made_run(objective, "ring", 0, 1.0)
        training = run.record.spec.training.model_copy(update={"batch_size": 64})
        other = changed(run, training=training)
        cells.append(PairedCell(CellName(objective, "mlp", "ring"), "ring", {0: run}, {0: other}))
    (change,) = setting_changes(cells)
    assert [cell.objective for cell in change.cells] == ["nsgan", "hinge"]


def by_id(*runs: Run) -> dict[str, Run]:
    return {run.record.run_id: run for run in runs}


def test_runs_are_paired_by_labels_and_seed_and_not_by_their_ids() -> None:
    run = made_run("hinge", "ring", 3, 1.0)
    other = changed(run, training=run.record.spec.training.model_copy(update={"batch_size": 64}))
    assert run.record.run_id != other.record.run_id
    pairing = pair(by_id(run), by_id(other))
    (cell,) = pairing.cells
    assert (cell.before, cell.after) == ({3: run}, {3: other})
    assert pairing.only_before == pairing.only_after == ()


def test_seeds_of_one_side_alone_are_left_out() -> None:
    one = [made_run("hinge", "ring", seed, 1.0) for seed in (0, 1)]
    other = [made_run("hinge", "ring", seed, 1.0) for seed in (1, 2)]
    pairing = pair(by_id(*one), by_id(*other))
    assert list(pairing.cells[0].before) == list(pairing.cells[0].after) == [1]
    assert pairing.only_before == (one[0].record.run_id,)
    assert pairing.only_after == (other[1].record.run_id,)


def test_two_records_of_one_seed_are_paired_with_nothing() -> None:
    run = made_run("hinge", "ring", 0, 1.0)
    other = changed(run, training=run.record.spec.training.model_copy(update={"batch_size": 64}))
    pairing = pair(by_id(run, other), by_id(run))
    assert pairing.cells == ()
    assert pairing.ambiguous == (CellName("hinge", "mlp", "ring"),)


def test_a_pattern_that_matches_on_neither_side_is_told() -> None:
    run = made_run("hinge", "ring", 0, 1.0)
    with pytest.raises(UsageError, match="did you mean 'hinge'"):
        pair(by_id(run), by_id(run), ["hnige"])


def test_seconds_of_several_kinds_of_hardware_are_not_compared() -> None:
    runs = {seed: made_run("hinge", "ring", seed, 1.0) for seed in (0, 1)}
    cell = PairedCell(CellName("hinge", "mlp", "ring"), "ring", runs, runs)
    (speed,) = compare_speed([cell], (), ())
    assert speed.seconds == (1.5, 1.5)
    assert compare_speed([dataclasses.replace(cell, after={0: runs[0], 1: moved(runs[1])})], (), ()) == ()


def test_why_there_is_no_speed_is_told_as_it_is() -> None:
    completed, failed = ({seed: made_run("hinge", "ring", seed, value) for seed in (0, 1)} for value in (1.0, None))
    name = CellName("hinge", "mlp", "ring")
    elsewhere = {seed: moved(run) for seed, run in completed.items()}
    assert (
        why_untimed([PairedCell(name, "ring", completed, elsewhere)]) == "the two were not trained on the same hardware"
    )
    assert compare_speed([PairedCell(name, "ring", failed, failed)], (), ()) == ()
    assert why_untimed([PairedCell(name, "ring", failed, failed)]) == "no pair of runs completed on both sides"


def of_seconds(run: Run) -> Run:
    training = run.record.spec.training.model_copy(update={"budget": Budget(unit="seconds", amount=60)})
    return changed(run, training=training)


def test_budgets_of_seconds_are_compared_on_the_same_hardware_alone() -> None:
    run = made_run("hinge", "ring", 0, 1.0)

    def refusal(before: Run, after: Run) -> str | None:
        return find_refusal(
            PairedCell(CellName("hinge", "mlp", "ring"), "ring", {0: before}, {0: after}), METRICS["fid"]
        )

    assert refusal(of_seconds(run), of_seconds(run)) is None
    assert refusal(run, moved(run)) is None  # as many steps are as many steps on any machine
    said = refusal(of_seconds(run), moved(of_seconds(run)))
    assert said is not None
    assert said.startswith("they differ in the hardware that their budgets of seconds were spent on: cpu · AMD EPYC")
    assert said.endswith("cpu · Another · 2 cores in B")
