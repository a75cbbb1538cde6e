"""The tuned suite: it loads, and its runs are exactly those that won, at seeds that no trial had."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bench.plan import Plan
from bench.settings import Scalar
from bench.suite import load_suite, plan_suite
from bench.tune_plan import StudyPlan, TuningPlan
from bench.tuned import ParameterOutcome, StudyOutcome, TrialOutcome, Tuning
from bench.tuning.outcome import tuned_labels
from bench.tuning.suite_writer import MARK, write_suite

SUITE = """
title = 'A "quoted" title'
[report]
baseline = "nsgan"
metric = "recall"
[execution]
timeout_seconds = 60.0
[tune]
seeds = [0, 2]
space.architecture.width = [16, 32]
space.training.batch_size = [16, 32]
[objectives.mine]
loss = "relativistic-pairing"
penalties = [{ name = "r1", gamma = 0.5 }, "r2"]
stabilisers = ["packing"]
discriminator_normalisation = "spectral"
generator_optimizer = { name = "rmsprop", learning_rate = 1e-3 }
[[grid]]
objectives = ["nsgan", "mine", { name = "wgan-gp", n_critic = 2, label = "wgan-gp-2" }]
datasets = [{ name = "ring", sigma = 0.1, label = "wide" }]
training.steps = 30
training.threads = 2
[[grid]]
objectives = ["nsgan", "wgan"]
architectures = [{ name = "dcgan", width = 8, discriminator_normalisation = "none" }]
datasets = ["digits"]
training.images = 9_600
evaluation.samples = 100
"""


def outcome_of(plan: Plan, tuning: TuningPlan, chosen: dict[str, dict[str, Scalar] | None]) -> Tuning:
    """As if the trial with the chosen values had won in each cell; none completed where there are none."""
    labels = tuned_labels([study.spec.objective.label for study in tuning.studies])

    def study_of(study: StudyPlan) -> StudyOutcome:
        values, own = chosen[study.cell], {p.path: p.value for p in study.parameters}
        trial = TrialOutcome(
            slot=4,
            state="pruned" if values is None else "completed",
            status="diverged" if values is None else "completed",
            reason=None,
            value=None if values is None else 0.25,
            settings=own | (values or {}),
            images=1,
            seconds=1.0,
            evaluations=(),
        )
        return StudyOutcome(
            cell=study.cell,
            objective=study.spec.objective.label,
            tuned=labels[study.spec.objective.label],
            architecture=study.spec.architecture.label,
            dataset=study.spec.dataset.label,
            metric=study.metric.name,
            space=study.spec.evaluation.space,
            parameters=tuple(
                ParameterOutcome(
                    path=p.path,
                    low=p.search.low,
                    high=p.search.high,
                    log=p.search.log,
                    step=p.search.step,
                    choices=p.search.choices,
                    origin=p.origin,
                    default=p.value,
                    importance=None,
                )
                for p in study.parameters
            ),
            trials=(trial,),
            best=None if values is None else 4,
        )

    return Tuning(
        suite=plan.name,
        trials=tuning.trials,
        seconds=tuning.seconds,
        sampler=str(tuning.sampler),
        pruner=str(tuning.pruner),
        seeds=tuning.seeds,
        fresh_seeds=tuning.fresh_seeds,
        storage="somewhere",
        studies=tuple(map(study_of, tuning.studies)),
    )


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "small.toml"
    path.write_text(SUITE)
    return load_suite(path)


def test_it_holds_exactly_the_runs_that_won_beside_the_default_ones(plan: Plan, tmp_path: Path) -> None:
    tuning = plan.tuning
    assert tuning is not None
    chosen: dict[str, dict[str, Scalar] | None] = {study.cell: {"n_critic": 5} for study in tuning.studies}
    chosen["mine_mlp_wide"] = {"penalties.r1.gamma": 0.123456789, "generator_optimizer.learning_rate": 3.3e-5}
    chosen["wgan_dcgan_digits"] = None
    text = write_suite(plan, tuning, outcome_of(plan, tuning, chosen), "ganbench tune small.toml")
    assert text.startswith(MARK)
    tuned = plan_suite(text, tmp_path / "small.tuned.toml")
    assert tuned.title == 'A "quoted" title: tuned against default'
    assert tuned.seeds == tuning.fresh_seeds == (1, 3, 4, 5, 6, 7)
    assert {spec.execution.timeout_seconds for spec in tuned.specs} == {60.0}
    assert tomllib.loads(text)["report"] == {"baseline": "nsgan", "metric": "recall"}
    expected = set()
    for study in tuning.studies:
        values = chosen[study.cell]
        for seed in tuning.fresh_seeds:
            expected.add(study.spec.with_seed(seed).run_id)
            if values is not None:
                spec = study.make(values, seed)
                label = f"{spec.objective.label}-tuned"
                relabelled = spec.objective.model_copy(update={"label": label})
                expected.add(spec.model_copy(update={"objective": relabelled}).run_id)
    assert set(tuned.run_ids) == expected
    assert "# penalties.r1.gamma = 0.123456789: of 0.001 … 100, log (penalty 'r1'); 0.5 before" in text
    assert "# wgan-tuned is not here: no trial of wgan on this task completed" in text


def test_another_architecture_or_training_makes_a_grid_of_its_own(plan: Plan, tmp_path: Path) -> None:
    tuning = plan.tuning
    assert tuning is not None
    chosen: dict[str, dict[str, Scalar] | None] = {study.cell: {} for study in tuning.studies}
    chosen["nsgan_mlp_wide"] = {"architecture.width": 16}
    chosen["mine_mlp_wide"] = {"training.batch_size": 16}
    text = write_suite(plan, tuning, outcome_of(plan, tuning, chosen), "ganbench tune small.toml")
    tuned = plan_suite(text, tmp_path / "small.tuned.toml")
    cells = {(cell.objective, cell.architecture, cell.dataset) for cell in tuned.cells}
    assert ("nsgan-tuned", "mlp-nsgan-tuned", "wide") in cells
    assert ("mine-tuned", "mlp", "wide") in cells
    assert len(tuned.cells) == 10
    of = {cell.objective: tuned.specs[tuned.run_ids.index(cell.run_ids[0])] for cell in tuned.cells[:6]}
    assert of["nsgan-tuned"].architecture.settings["width"] == 16
    assert of["mine-tuned"].training.batch_size == 16


def test_a_name_that_is_taken_is_not_given_again() -> None:
    long = "x" * 40
    names = tuned_labels(["nsgan", "nsgan-tuned", long, long[:-1] + "y", "nsgan"])
    assert len(set(names.values()) | set(names)) == 8
    assert all(len(name) <= 40 for name in names.values())
    assert names["nsgan"] == "nsgan-tuned-2"
