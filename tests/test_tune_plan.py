"""``[tune]`` of a suite: what is searched of which objective, and what is told of a table that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import SuiteError
from bench.search_space import settings_of, with_values
from bench.settings import Search
from bench.suite import json_schema, load_suite
from bench.suite_tune import PRUNERS, SAMPLERS
from bench.tune_plan import TuningPlan

SUITE = """objectives = ["nsgan", "wgan-gp"]
datasets = ["ring"]
"""


def tuning(folder: Path, text: str) -> TuningPlan:
    path = folder / "small.toml"
    path.write_text(SUITE + text)
    plan = load_suite(path)
    assert plan.tuning is not None
    return plan.tuning


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(SuiteError) as refused:
        tuning(folder, text)
    return [fault.split("small.toml:")[1] for fault in refused.value.faults]


def searched(plan: TuningPlan) -> dict[str, dict[str, str]]:
    return {s.spec.objective.label: {p.path: str(p.search) for p in s.parameters} for s in plan.studies}


def test_every_part_says_where_it_is_looked_for(tmp_path: Path) -> None:
    plan = tuning(tmp_path, "[tune]\n")
    adam = {
        "optimizer.learning_rate": "1e-05 … 0.01, log",
        "optimizer.beta1": "0 … 0.9",
        "optimizer.beta2": "0.9 | 0.99 | 0.999",
        "n_critic": "1 | 2 | 5",
    }
    assert searched(plan) == {
        "nsgan": adam,
        "wgan-gp": adam | {"penalties.gradient-penalty.weight": "0.001 … 100, log"},
    }
    assert (plan.trials, plan.seconds, plan.sampler.name, plan.pruner.name) == (20, None, "RandomSampler", "NopPruner")
    assert plan.seeds == (0,)
    assert plan.fresh_seeds == (1, 2, 3, 4, 5, 6)
    assert [study.metric.name for study in plan.studies] == ["sliced_wasserstein"] * 2


def test_a_suite_says_otherwise_for_all_or_for_one(tmp_path: Path) -> None:
    text = """
    [tune]
    fixed = ["optimizer.beta1", "optimizer.beta2"]
    [tune.space]
    optimizer.learning_rate = { low = 1e-4, high = 1e-3, log = true }
    "architecture.width" = { low = 16, high = 64, step = 16 }
    penalties.gradient-penalty.weight = [1.0, 10.0]
    [tune.objectives.wgan-gp]
    fixed = ["n_critic"]
    space.generator_optimizer.learning_rate = { low = 1e-4, high = 1e-2 }
    """
    both = {"architecture.width": "16 … 64, in steps of 16"}
    assert searched(tuning(tmp_path, text)) == {
        "nsgan": {"optimizer.learning_rate": "0.0001 … 0.001, log", "n_critic": "1 | 2 | 5", **both},
        # learning rates of both players are not searched beside that of one
        "wgan-gp": {
            "generator_optimizer.learning_rate": "0.0001 … 0.01",
            "penalties.gradient-penalty.weight": "1.0 | 10.0",
            **both,
        },
    }


def test_a_plugins_parts_are_searched_too(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from typing import Annotated\nfrom pydantic import Field\nfrom bench.catalog import Search, losses\n"
        "@losses.register('gap', formula='-', source='mine')\nclass Gap:\n    '''Mine.'''\n"
        "    margin: Annotated[float, Field(gt=0), Search(0.1, 10.0, log=True)] = 1.0\n"
        "    def discriminator(self, real, fake):\n        return (self.margin - real + fake).relu().mean()\n"
        "    def generator(self, real, fake):\n        return (real - fake).mean()\n"
    )
    path = tmp_path / "plugged.toml"
    path.write_text('plugins = ["mine.py"]\nobjectives = ["gap"]\ndatasets = ["ring"]\n[tune]\n')
    plan = load_suite(path).tuning
    assert plan is not None
    assert searched(plan)["gap"]["loss.margin"] == "0.1 … 10, log"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tune]\nspace.optimizer.learning_rat = [1, 2]", "unknown setting 'optimizer.learning_rat'; did you mean"),
        ("[tune]\nspace.n_critic = { low = 5, high = 1 }", "'low' = 5 is above 'high' = 1"),
        ("[tune]\nspace.n_critic = { low = 0, high = 2, log = true }", "logarithmic range needs 'low' above 0, got 0"),
        ("[tune]\nspace.n_critic = { low = 1.5, high = 2 }", "'n_critic' is an integer"),
        ("[tune]\nspace.n_critic = { low = 1 }", "needs 'low' and 'high', or 'choices'"),
        ("[tune]\nspace.n_critic = [1]", "at least two different values"),
        ("[tune]\nspace.n_critic = [0, 1]", "expected a value ≥ 1, got integer 0"),
        ("[tune]\nspace.n_critic = { low = 1, high = 9, log = true, step = 2 }", "no 'step'"),
        ("[tune]\nspace.n_critic = { low = true, high = 9 }", "expected a number, got true"),
        ("[tune]\nspace.n_critic = 5", "expected a table, got integer 5"),
        ("[tune]\nspace.n_critic = { lo = 1, high = 5 }", "unknown key 'lo'; did you mean 'low'?"),
        ("[tune]\nspace.optimizer.beta1 = { low = 0.0, high = 1.0 }", "expected a value < 1, got number 1.0"),
        ("[tune]\nspace.training.learning_rate_decay = { low = 0, high = 1 }", "is no number: give it 'choices'"),
        ('[tune]\nsampler = "RandomSample"', "unknown sampler 'RandomSample'; did you mean 'RandomSampler'?"),
        ('[tune]\nsampler = { name = "RandomSampler", n_startup_trials = 3 }', "RandomSampler has no setting"),
        ('[tune]\npruner = "MedianPrunr"', "did you mean 'MedianPruner'?"),
        ('[tune]\npruner = "PercentilePruner"', "needs 'percentile'"),
        ('[tune]\nmetric = "fidd"', "unknown metric 'fidd'; did you mean 'fid'?"),
        ('[tune]\nmetric = "kid"', "'kid' is not measured in the raw space of 'ring'"),
        ("[tune]\ntrials = 0", "expected a value ≥ 1, got integer 0"),
        ("[tune]\ntrials = 5\nseconds = 5", "a budget is exactly one of them"),
        ("[tune]\ntrial = 5", "unknown key 'trial'; did you mean 'trials'?"),
        ('[tune]\nfixed = ["n_critc"]', "did you mean 'n_critic'?"),
        ("[tune.objectives.wgan]\n", "unknown objective of this suite 'wgan'; did you mean 'wgan-gp'?"),
        ("[tune]\ndefault_space = false", "nothing is searched for objective 'nsgan'"),
    ],
)
def test_what_cannot_be_searched_is_told_with_its_line(text: str, told: str, tmp_path: Path) -> None:
    found = faults(tmp_path, text)
    assert any(told in fault for fault in found), found
    assert all(int(fault.split(":")[0]) >= 3 for fault in found)


def test_all_faults_at_once(tmp_path: Path) -> None:
    text = '[tune]\nsampler = "x"\nmetric = "y"\nspace.a = [1, 2]\nspace.n_critic = { low = 2, high = 1 }\n'
    found = faults(tmp_path, text + "[tune.objectives.z]\n")
    assert [fault.split(":")[0] for fault in found] == ["4", "5", "6", "7", "8"]


def test_values_make_an_ordinary_run(tmp_path: Path) -> None:
    _, study = tuning(tmp_path, "[tune]\n").studies
    spec = study.spec
    assert with_values(spec, {}) == spec
    own = {path: setting.value for path, setting in settings_of(spec).items()}
    assert with_values(spec, own).run_id == spec.run_id
    changed = with_values(spec, {"penalties.gradient-penalty.weight": 3.0, "optimizer.beta1": 0.25, "n_critic": 2})
    assert changed.run_id != spec.run_id
    assert changed.objective.penalties[0].settings["weight"] == 3.0
    assert changed.objective.generator_optimizer.settings["beta1"] == 0.25
    assert changed.objective.discriminator_optimizer.settings["beta1"] == 0.25
    assert changed.objective.n_critic == 2
    assert changed.cell_name == spec.cell_name
    wider = with_values(spec, {"architecture.width": 32, "training.batch_size": 64})
    assert (wider.architecture.settings["width"], wider.training.batch_size) == (32, 64)


def test_the_schema_knows_samplers_pruners_and_ranges() -> None:
    definitions = json_schema()["$defs"]
    assert {"Tune", "Range", "Sampler", "Pruner", "ObjectiveTune"} <= set(definitions)
    assert {setting for settings in SAMPLERS.values() for setting in settings} < set(
        definitions["Sampler"]["properties"]
    )
    assert {setting for settings in PRUNERS.values() for setting in settings} < set(definitions["Pruner"]["properties"])


def test_a_search_tells_itself() -> None:
    assert str(Search(1, 4)) == "1 … 4"
    assert Search(1, 4).is_integer
    assert not Search(1.0, 4).is_integer
    assert str(Search(choices=(True, False))) == "true | false"
