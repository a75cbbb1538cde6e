"""Suite files: what they expand to, what wins, and how their faults are told."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import plugins, statistics
from bench.catalog import CATALOGS
from bench.errors import SuiteError, UsageError
from bench.plan import Plan, _smallest_p
from bench.spec import ObjectiveSpec, RunSpec
from bench.suite import json_schema, load_suite, plan_suite
from bench.toml_lines import locate_keys, nearest_line
from tests.test_plugins import GAP


@pytest.fixture(autouse=True)
def _same_catalogue_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(plugins, "_loaded", {})
    before = [(catalog.names(), dict(catalog._entries)) for catalog in CATALOGS]
    yield
    for catalog, (_, entries) in zip(CATALOGS, before, strict=True):
        catalog._entries = entries


def plan(text: str, path: str = "suite.toml") -> Plan:
    return plan_suite(text, Path(path))


def faults(text: str) -> tuple[str, ...]:
    with pytest.raises(SuiteError) as caught:
        plan(text)
    return caught.value.faults


def objective(text: str) -> ObjectiveSpec:
    """The only objective of a suite on the ring."""
    specs = plan(
        text + ("" if "[[grid]]" in text else "\n[[grid]]\nobjectives=['wgan-gp']") + "\ndatasets=['ring']"
    ).specs
    (found,) = {spec.objective.model_dump_json(): spec.objective for spec in specs}.values()
    return found


# what a suite expands to


def test_a_suite_of_two_lines() -> None:
    made = plan('objectives = ["nsgan", "wgan-gp"]\ndatasets = ["ring", "digits"]')
    assert len(made.specs) == 2 * 2 * 3
    assert {(s.dataset.name, s.architecture.name, s.evaluation.space) for s in made.specs} == {
        ("ring", "mlp", "raw"),
        ("digits", "dcgan", "classifier"),
    }
    spec = made.specs[0]
    assert (spec.training.budget.unit, spec.training.budget.amount, spec.training.batch_size) == ("steps", 2000, 128)
    assert (spec.training.ema_images, spec.training.threads) == (10_000, 1)
    assert (spec.evaluation.samples, spec.evaluation.every) == (2500, 200)
    assert (made.name, made.title, made.seeds) == ("suite", "suite", (0, 1, 2))


def test_a_plugin_that_registers_a_loss_is_an_objective_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "gap.py").write_text(GAP)
    path = tmp_path / "three.toml"
    path.write_text(
        'plugins = ["gap.py"]\n'
        'objectives = ["gap", "nsgan", { loss = "gap", n_critic = 2, label = "gap2" }]\n'
        'datasets = ["ring"]'
    )
    specs = {spec.objective.label: spec for spec in load_suite(path).specs}
    assert set(specs) == {"gap", "nsgan", "gap2"}
    assert specs["gap"].objective.loss.name == "gap"
    assert specs["gap2"].objective.n_critic == 2
    assert [plugin.name for plugin in specs["gap"].plugins] == ["gap"]
    assert specs["nsgan"].plugins == ()


def test_run_ids_of_a_plan_are_those_of_its_specs(tmp_path: Path) -> None:
    (tmp_path / "gap.py").write_text(GAP)
    made = plan_suite(
        'plugins=["gap.py"]\nobjectives=["gap","wgan-gp"]\ndatasets=["ring","digits"]', tmp_path / "a.toml"
    )
    assert made.run_ids == tuple(spec.run_id for spec in made.specs)
    assert {cell.id for cell in made.cells} == {spec.cell_id for spec in made.specs}
    assert sorted(itertools.chain(*(cell.run_ids for cell in made.cells))) == sorted(made.run_ids)
    assert all(RunSpec.model_validate_json(spec.model_dump_json()) == spec for spec in made.specs)


def test_the_same_runs_have_the_same_ids_in_whatever_order_and_file() -> None:
    one = plan('seeds=2\nobjectives=["nsgan","wgan"]\ndatasets=["ring","grid"]', "a.toml")
    other = plan(
        'title="x"\nseeds=[1,0]\n[[grid]]\ndatasets=["grid",{name="ring", modes=8}]\n'
        'objectives=[{name="wgan", n_critic=5},{label="nsgan", name="nsgan"}]\n[execution]\ntimeout_seconds=5',
        "b.toml",
    )
    assert one.run_ids != other.run_ids
    assert set(one.run_ids) == set(other.run_ids)


def test_equal_runs_are_made_once_and_seeds_are_united() -> None:
    made = plan(
        'datasets=["ring"]\n[[grid]]\nobjectives=["nsgan","wgan","wgan"]\nseeds=2\n[[grid]]\nobjectives=["wgan"]\nseeds=[1,7]'
    )
    assert len(made.run_ids) == len(set(made.run_ids)) == 2 + 3
    assert {cell.objective: cell.seeds for cell in made.cells} == {"nsgan": (0, 1), "wgan": (0, 1, 7)}
    assert made.seeds == (0, 1, 7)


def test_runs_are_ordered_by_seed_so_that_half_a_suite_can_be_compared() -> None:
    assert [s.seed for s in plan('objectives=["nsgan","wgan"]\ndatasets=["ring"]').specs] == [0, 0, 1, 1, 2, 2]


def test_an_evaluation_every_tenth_of_the_budget_in_its_unit() -> None:
    base = 'objectives=["nsgan"]\ndatasets=["ring"]\n[training]\n'
    assert plan(base + "steps=5").specs[0].evaluation.every == 1
    assert plan(base + "images=100_000").specs[0].evaluation.every == 10_000
    assert plan(base + "seconds=5").specs[0].evaluation.every == 0.5
    grids = base + "steps=500\n[evaluation]\nevery=100\n[[grid]]\ntraining.seconds=5"
    assert "the budget of this grid is in seconds, but evaluation.every is in steps" in faults(grids)[0]
    assert plan(grids + "\nevaluation.every=2").specs[0].evaluation.every == 2


def test_the_plan_as_json_lists_runs_and_cells() -> None:
    made = plan('title="T"\nseeds=2\nobjectives=["nsgan"]\ndatasets=["ring"]')
    told = json.loads(made.to_json())
    assert (told["title"], told["name"], told["seeds"]) == ("T", "suite", [0, 1])
    assert told["runs"] == list(made.run_ids)
    assert told["cells"][0] == {
        "id": made.cells[0].id,
        "name": "nsgan_mlp_ring",
        "objective": "nsgan",
        "architecture": "mlp",
        "dataset": "ring",
        "seeds": [0, 1],
    }


@pytest.mark.parametrize(("seeds", "p"), [(1, "is 1,"), (2, "is 0.33, so that no"), (3, "is 0.1,"), (4, "is 0.029")])
def test_too_few_seeds_are_warned_of(seeds: int, p: str) -> None:
    (warning,) = plan(f'seeds={seeds}\nobjectives=["nsgan", "wgan"]\ndatasets=["ring"]').warnings
    assert warning.startswith("descriptive: ")
    assert p in warning
    exact = 2 / math.comb(2 * seeds, seeds)  # of all orders of the two samples, the two extreme ones
    assert ("ever be significant: 4 seeds would do" in warning) == (exact > 0.05)


@pytest.mark.parametrize(("seeds", "needed"), [(4, 5), (5, None)])
def test_a_family_against_a_baseline_needs_more_seeds(seeds: int, needed: int | None) -> None:
    """Of 2 others the first has to have p ≤ 0.025: 4 seeds reach 0.029, 5 reach 0.0079."""
    warnings = plan(f'seeds={seeds}\nobjectives=["nsgan", "wgan", "hinge"]\ndatasets=["ring"]').warnings
    told = [warning for warning in warnings if "baseline" in warning]
    assert bool(told) == (needed is not None)
    assert all(f"over 2 other objectives needs {needed} seeds" in warning for warning in told)


@pytest.mark.parametrize(("seeds", "nor_over_all"), [(1, True), (2, True), (3, False)])
def test_several_tasks_together_need_fewer_seeds(seeds: int, nor_over_all: bool) -> None:
    """2 tasks of 2 seeds reach 2 / 6² = 0.056, of 3 seeds 2 / 20² = 0.005."""
    text = f'seeds={seeds}\nobjectives=["nsgan", "wgan", "hinge"]\ndatasets=["ring", "grid"]'
    (told,) = [warning for warning in plan(text).warnings if "baseline" in warning]
    assert ("over all 2 tasks 3" in told) == nor_over_all


def test_each_task_is_warned_of_by_its_own_seeds_and_objectives() -> None:
    """6 seeds of 4 objectives are enough, and 3 of 2 are not: together they are no 3 seeds of 4 objectives."""
    few = '[[grid]]\nseeds=3\nobjectives=["nsgan", "wgan"]\ndatasets=["ring"]\n'
    many = '[[grid]]\nseeds=6\nobjectives=["nsgan", "wgan", "hinge", "lsgan"]\ndatasets=["grid"]\n'
    (warning,) = plan(few + many).warnings
    assert warning.startswith("descriptive: with 3 seeds per cell on ring with mlp the smallest two-sided p")
    (_, told) = plan(few.replace('"wgan"', '"wgan", "hinge"') + many).warnings
    assert told.startswith("with 3 seeds per cell nothing can be told from a baseline on ring with mlp: Holm's")
    assert "over 2 other objectives needs 5 seeds" in told
    assert "over all" not in told


@pytest.mark.parametrize("seeds", [1, 3, 5, 8])
def test_the_smallest_p_of_a_plan_is_the_statistics_own(seeds: int) -> None:
    assert _smallest_p([seeds] * 2) == pytest.approx(statistics.smallest_p([(seeds, seeds)] * 2))


def test_one_objective_has_nothing_to_be_told_apart_from() -> None:
    assert plan('seeds=1\nobjectives=["nsgan"]\ndatasets=["ring"]').warnings == ()


def test_cells_of_one_name_are_refused() -> None:
    """They would stand in one row of the report."""
    base = 'seeds=5\nobjectives=["nsgan"]\ndatasets=["ring"]\n'
    (fault,) = faults(base + "[[grid]]\n[[grid]]\ntraining.steps=3")
    assert "2 cells of different" in fault
    assert "'nsgan_mlp_ring'" in fault


def test_an_objective_may_be_set_differently_for_other_data() -> None:
    own = '[[grid]]\ndatasets=["{}"]\nobjectives=[{{name="wgan", n_critic={}}}]\n'
    specs = plan("seeds=5\n" + own.format("ring", 1) + own.format("grid", 2)).specs
    assert {(spec.dataset.label, spec.objective.n_critic) for spec in specs} == {("ring", 1), ("grid", 2)}


def test_an_unused_objective_is_warned_of() -> None:
    assert plan('seeds=5\nobjectives=["nsgan"]\ndatasets=["ring"]\n').warnings == ()
    unused = 'seeds=5\n[[grid]]\nobjectives=["nsgan"]\ndatasets=["ring"]\n[objectives.mine]\nbase="wgan"'
    assert "'mine'" in plan(unused).warnings[0]


# what wins

PAPER, TRAINING = "", "[training]\nn_critic=2\noptimizer={learning_rate=2.0}\n"
DEFINITION = "[objectives.wgan-gp]\nn_critic=3\noptimizer={learning_rate=3.0}\n"
GRID = "[[grid]]\nobjectives=['wgan-gp']\ntraining.n_critic=4\ntraining.optimizer={learning_rate=4.0}\n"
INLINE = (
    "[[grid]]\nobjectives=[{name='wgan-gp',n_critic=5,optimizer={learning_rate=5.0}}]\n"
    "training.n_critic=4\ntraining.optimizer={learning_rate=4.0}\n"
)


@pytest.mark.parametrize(
    ("text", "n_critic", "learning_rate"),
    [
        (PAPER, 5, 1e-4),
        (TRAINING, 2, 2.0),
        (TRAINING + DEFINITION, 3, 3.0),
        (DEFINITION, 3, 3.0),
        (TRAINING + DEFINITION + GRID, 4, 4.0),
        (TRAINING + DEFINITION + INLINE, 5, 5.0),
    ],
    ids=["paper", "training", "definition over training", "definition", "grid", "inline"],
)
def test_later_layers_win(text: str, n_critic: int, learning_rate: float) -> None:
    found = objective(text)
    assert found.n_critic == n_critic
    for optimizer in (found.generator_optimizer, found.discriminator_optimizer):
        assert optimizer.settings["learning_rate"] == learning_rate
        assert optimizer.settings["beta2"] == 0.9  # of the paper: settings are merged


@pytest.mark.parametrize(
    ("training", "generator", "discriminator"),
    [
        ("optimizer='adam'", ("adam", 1e-4), ("adam", 1e-4)),
        ("optimizer='sgd'", ("sgd", 1e-2), ("sgd", 1e-2)),
        ("optimizer={name='adam', learning_rate=1.0}", ("adam", 1.0), ("adam", 1.0)),
        ("generator_optimizer={learning_rate=1.0}", ("adam", 1.0), ("adam", 1e-4)),
        ("optimizer={learning_rate=2.0}\ndiscriminator_optimizer={learning_rate=1.0}", ("adam", 2.0), ("adam", 1.0)),
        ("optimizer='sgd'\ngenerator_optimizer={momentum=0.5}", ("sgd", 1e-2), ("sgd", 1e-2)),
        ("generator_optimizer='rmsprop'\noptimizer='sgd'", ("rmsprop", 5e-5), ("sgd", 1e-2)),
    ],
)
def test_optimizers_merge_or_replace(
    training: str, generator: tuple[str, float], discriminator: tuple[str, float]
) -> None:
    found = objective(f"[training]\n{training}\n")
    for optimizer, expected in ((found.generator_optimizer, generator), (found.discriminator_optimizer, discriminator)):
        assert (optimizer.name, optimizer.settings["learning_rate"]) == expected


def test_an_objective_is_composed_and_based_on_others() -> None:
    found = objective(
        "[[grid]]\nobjectives=['c']\ndatasets=['grid']\n[objectives.a]\nloss='least-squares'\nn_critic=7\n"
        "penalties=[{name='r1', gamma=0.5}]\n[objectives.b]\nbase='a'\nloss={real_target=0.5}\n"
        "[objectives.c]\nbase='b'\noptimizer={learning_rate=1.0}\n[[grid]]\nobjectives=['c']"
    )
    assert (found.label, found.loss.name, found.n_critic) == ("c", "least-squares", 7)
    assert dict(found.loss.settings) == {"fake_target": 0.0, "real_target": 0.5, "generator_target": 1.0}
    assert [str(penalty) for penalty in found.penalties] == ["r1(gamma=0.5)"]
    assert found.generator_optimizer.settings["learning_rate"] == 1.0


def test_stabilisers_and_normalisation_are_layered_like_penalties() -> None:
    found = objective(
        "[[grid]]\nobjectives=['c']\ndatasets=['grid']\n[objectives.a]\nbase='sngan'\nstabilisers=['packing']\n"
        "[objectives.c]\nbase='a'\nstabilisers=[{name='packing', samples=4}]\n"
        "[[grid]]\nobjectives=['c']"
    )
    assert [str(stabiliser) for stabiliser in found.stabilisers] == ["packing(samples=4)"]
    assert found.discriminator_normalisation == "spectral"
    plain = objective(RING + "objectives=[{name='sngan', discriminator_normalisation='unchanged'}]")
    assert plain.discriminator_normalisation == "unchanged"


# faults

BAD = """\
title = 5
seeds = [1, 1]
colour = "red"

[training]
steps = "many"
batchsize = 3
n_critic = 0

[[grid]]
objectives = [
    "nsgan",
    "wgn-gp",
    { name = "hinge", penalties = [{ name = "r1", gama = 1 }] },
    5,
]
architectures = ["dcgan", { name = "mlp", width = "x" }]
datasets = ["ring"]

[[grid]]
objectives = []
datasets = "ring"
training.steps = 5
training.images = 5

[objectives.mine]
penalties = ["r1"]
"""


@pytest.mark.parametrize(
    "entry",
    [
        '{ name = "nsgan", penalties = ["pulling-away"] }',
        '{ name = "r3gan", discriminator_normalisation = "batch" }',
        '"pacgan3"',
    ],
)
def test_what_an_objective_contradicts_itself_in_is_told_at_its_own_line(entry: str) -> None:
    (fault,) = faults(f'datasets = ["ring"]\narchitectures = ["mlp"]\nobjectives = [\n  "nsgan",\n  {entry},\n]')
    assert fault.startswith("suite.toml:5: objectives[1]: ")


def test_all_faults_are_told_at_once_each_with_its_line_and_key() -> None:
    told = faults(BAD)
    expected = [
        "suite.toml:1: title: expected text, got integer 5",
        "suite.toml:2: seeds: seed 1 is given twice",
        "suite.toml:3: colour: unknown key 'colour'; valid: ",
        'suite.toml:6: training.steps: expected an integer, got text "many"',
        "suite.toml:7: training.batchsize: unknown key 'batchsize'; did you mean 'batch_size'? valid: ",
        "suite.toml:8: training.n_critic: expected a value ≥ 1, got integer 0",
        "suite.toml:13: grid[0].objectives[1]: unknown objective 'wgn-gp'; did you mean 'wgan-gp'? valid: began, ",
        "suite.toml:14: grid[0].objectives[2].penalties[0].gama: penalty 'r1' has no setting 'gama'; did you",
        "suite.toml:15: grid[0].objectives[3]: expected a name or a table { name = … }, got integer 5",
        "suite.toml:17: grid[0].architectures[1].width: architecture 'mlp', setting 'width': expected an integer",
        "suite.toml:17: grid[0].architectures[0]: architecture 'dcgan' makes square images",
        "suite.toml:21: grid[1].objectives: the list is empty",
        'suite.toml:22: grid[1].datasets: expected a list, got text "ring"',
        "suite.toml:23: grid[1].training: 'steps' and 'images' are both given",
        "suite.toml:26: objectives.mine: needs 'loss', or 'base'",
    ]
    assert len(told) == len(expected)
    for fault, start in zip(told, expected, strict=True):
        assert fault.startswith(start)
        assert "\n" not in fault


RING = 'datasets=["ring"]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "suite.toml: 'objectives' is missing: name at least one"),
        ("x = = 1", "suite.toml:1:5: not valid TOML: invalid value"),
        ("a = 1\nx = [", "suite.toml:2: not valid TOML: "),
        ("a = 1\na = 2", "suite.toml:2:"),
        ("x = 0x" + "f" * 5000, "unknown key 'x'"),
        ("x = " + "9" * 5000, "not valid TOML"),
        ("x = " + "[" * 10_000, "nested too deeply"),
        ("objectives = ['a']\n[objectives.a]\nbase='wgan'", "the list of objectives has its place in a [[grid]]"),
        ("seeds = 0\n", "suite.toml:1: seeds: a number of seeds lies between 1 and"),
        ("seeds = [-1]", "seeds: a seed is at least 0"),
        ("seeds = []", "seeds: the list of seeds is empty"),
        ("seeds = true", "seeds: expected a number of seeds or a list of seeds, got true"),
        ("seeds = [99999999999999999999]", "seeds[0]: an integer has at most 64 bits"),
        ("[training]\nsteps = -5", "training.steps: expected a value ≥ 1, got integer -5"),
        ("[training]\nseconds = nan", "training.seconds: expected a finite number, got number nan"),
        ("[training]\nseconds = 2020-01-01", "training.seconds: expected a number, got a date"),
        ("[training]\nsteps = 5\nseconds = 1", "'steps' and 'seconds' are both given"),
        ("training = 5", "training: expected a table, got integer 5"),
        ("tune = 5", "tune: expected a table, got integer 5"),
        ("grid = []", "grid: the list is empty"),
        ("[execution]\ntimeout_seconds = 0", "execution.timeout_seconds: expected a value > 0"),
        ("[evaluation]\nspace = 'rav'\n[[grid]]\ndatasets=['ring']\nobjectives=['wgan']", "unknown feature space"),
        (RING + 'objectives = ["mlp"]', "objectives[0]: unknown objective 'mlp'"),
        (RING + "objectives = [{}]", "objectives[0]: 'name' or 'loss' is missing"),
        (RING + 'objectives = [{name="wgan", label="a b"}]', "label: a label is made of letters"),
        (RING + 'objectives = [{name="wgan", nn=1}]', "objectives[0].nn: unknown key 'nn'"),
        (RING + 'objectives = [{name="wgan", penalties=[{}]}]', "penalties[0]: 'name' is missing: which penalty?"),
        (RING + 'objectives = [{name="wgan", loss={x=1}}]', "loss.x: loss 'wasserstein' has no setting 'x'"),
        (RING + 'objectives = ["wgan", {name="wgan", n_critic=1}]', "objective 'wgan' is also at objectives[0]"),
        ('objectives=["wgan"]\ndatasets=["ring", {name="ring", modes=4}]', "modes = 8 there and 4 here"),
        ('objectives=["wgan"]\ndatasets=[{modes=4}]', "datasets[0]: 'name' is missing: which dataset?"),
        (RING + 'objectives=["wgan"]\n[training]\noptimizer={beta1=0.1}', "no setting 'beta1'; "),
        (RING + 'objectives=["wgan"]\n[training]\noptimizer="adm"', "unknown optimizer 'adm'; did you mean 'adam'?"),
        ("[objectives.a]\nbase='b'\n[objectives.b]\nbase='a'\n[[grid]]\nobjectives=['a']", "in a circle: a → b → a"),
        ("[objectives.a]\nbas='b'", "objectives.a.bas: unknown key 'bas'; did you mean 'base'?"),
        ("[objectives.loss]\nx=1", "valid: n_critic, "),
        ("[objectives.'a b']\nbase='wgan'", "a label is made of letters"),
        (RING + 'objectives=[{name="nsgan", stabilisers=["pack"]}]', "unknown stabiliser 'pack'; did you mean "),
        (RING + 'objectives=[{name="nsgan", stabilisers=[{}]}]', "'name' is missing: which stabiliser?"),
        (
            RING + 'objectives=[{name="r3gan", stabilisers=["minibatch-stddev"]}]',
            "suite.toml:2: objectives[0]: objective 'r3gan' has the stabiliser 'minibatch-stddev', under",
        ),
        (
            RING + 'objectives=[{name="nsgan", stabilisers=[{name="unrolling", steps=11}]}]',
            "stabiliser 'unrolling', setting 'steps': expected a value ≤ 10, got integer 11",
        ),
        (
            RING + 'objectives=[{name="nsgan", stabilisers=[{name="several-generators", count=3}]}]',
            "a batch of 128 samples cannot be shared out among 3 generators",
        ),
        (RING + 'objectives=["pacgan3"]', "batch of 128 samples cannot be packed by 3: set batch_size to a multiple, "),
        (RING + 'objectives=[{name="nsgan", penalties=["pulling-away"]}]', "the losses boundary-equilibrium, energy"),
        (RING + 'objectives=[{name="r3gan", discriminator_normalisation="batch"}]', "batch normalisation mixes "),
        (RING + 'objectives=[{name="r3gan", discriminator_normalisation="bach"}]', "'unchanged', 'none', 'batch', "),
        ("plugins = ['none.py']", "plugins[0]: plugin '"),
        ("plugins = ['a\\u0000b']".replace("'", '"'), "cannot be read"),
        ('seeds = 1_000_000\n' + RING + 'objectives=["wgan", "nsgan"]', "2,000,000 runs; at most 1,000,000"),
    ],
)  # fmt: skip
def test_faults_say_what_is_wrong(text: str, message: str) -> None:
    assert any(message in fault for fault in faults(text)), faults(text)


def test_files_that_are_no_suites(tmp_path: Path) -> None:
    def fault(path: Path) -> str:
        with pytest.raises(SuiteError) as caught:
            load_suite(path)
        return str(caught.value)

    (tmp_path / "losses.toml").write_text("")
    assert "there is no such file; did you mean 'losses.toml'?" in fault(tmp_path / "loses.toml")
    assert "is a folder" in fault(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"title = '\xff\xfe'")
    assert "is not text in UTF-8 (byte 10)" in fault(tmp_path / "binary.toml")
    assert "cannot be read" in fault(Path("a\0b"))
    assert "cannot be read" in fault(tmp_path / ("x" * 5000))
    for name in ("...toml", "a b.toml", "-.toml"):
        (tmp_path / name).write_text('objectives=["nsgan"]\ndatasets=["ring"]')
        assert "rename the file" in fault(tmp_path / name)
    (tmp_path / "bom.toml").write_bytes(b'\xef\xbb\xbfobjectives=["nsgan"]\r\ndatasets=["ring"]\r\n')
    assert len(load_suite(tmp_path / "bom.toml").specs) == 3


def test_a_plugin_that_fails_is_told_at_its_line_without_faults_that_follow_from_it(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("x = 1 / 0")
    path = tmp_path / "suite.toml"
    path.write_text('plugins = [\n  "bad.py",\n]\nobjectives = ["gap"]\ndatasets = ["ring"]')
    with pytest.raises(SuiteError) as caught:
        load_suite(path)
    (fault,) = caught.value.faults
    assert fault.startswith(f"{path}:2: plugins[0]: plugin {tmp_path / 'bad.py'}:1: ZeroDivisionError")


ODD = """
from bench.catalog import architectures, datasets, losses, objectives
from bench.objectives.base import Objective, Pick, pick
from dataclasses import dataclass

@architectures.register("odd", formula="f", source="s")
class Odd:
    def check(self, shape): raise KeyError("odd")
    latent_dim = 2
    def generator(self, shape): pass
    def discriminator(self, shape): pass

@datasets.register("shapeless", formula="f", source="s")
class Shapeless:
    space = "raw"
    shape = None
    def load(self, root): pass

@datasets.register("spaceless", formula="f", source="s")
class Spaceless:
    space = "mine"
    shape = (2,)
    def load(self, root): pass

@losses.register("angry", formula="f", source="s")
class Angry:
    def __post_init__(self): raise KeyError("angry")
    def discriminator(self, real, fake): pass
    def generator(self, real, fake): pass

@objectives.register("lost", formula="f", source="s")
@dataclass(frozen=True)
class Lost(Objective):
    loss: Pick = pick("nowhere")
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'objectives=["wgan"]\narchitectures=["odd"]\ndatasets=["ring"]',
            "architecture 'odd' cannot be checked: KeyError",
        ),
        ('objectives=["wgan"]\ndatasets=["shapeless"]', "datasets[0]: dataset 'shapeless' has no shape: TypeError"),
        ('objectives=["wgan"]\ndatasets=["spaceless"]', "datasets[0]: unknown feature space 'mine'"),
        ('objectives=["angry"]\ndatasets=["ring"]', "objectives[0]: loss 'angry' cannot be made: KeyError"),
        ('objectives=["lost"]\ndatasets=["ring"]', "objectives[0]: unknown loss 'nowhere'"),
    ],
)
def test_whatever_a_plugins_classes_do_is_a_fault(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    with pytest.raises(SuiteError) as caught:
        plan_suite('plugins=["odd.py"]\n' + text, tmp_path / "suite.toml")
    (fault,) = caught.value.faults
    assert message in fault


# lines


def test_lines_of_keys_tables_and_elements() -> None:
    text = (
        '# x\na.b = """\n[no]\n"""\n"c.d" = [ # [\n  1,\n  { e = [\n"]"], f = \'#\' },\n]\n[[t]]\nx = 1\n'
        "[t.s]\ny = 2\n[[t]]\n[[t.u]]\n z = '''\n'''\nw = 1979-05-27T07:32:00Z # end\n"
    )
    lines = locate_keys(text)
    expected: dict[tuple[Any, ...], int] = {
        ("a", "b"): 2, ("c.d",): 5, ("c.d", 0): 6, ("c.d", 1): 7, ("c.d", 1, "e"): 7, ("c.d", 1, "e", 0): 8,
        ("c.d", 1, "f"): 8, ("t", 0, "x"): 11, ("t", 0, "s"): 12, ("t", 0, "s", "y"): 13, ("t", 1): 14,
        ("t", 1, "u", 0, "z"): 16, ("t", 1, "u", 0, "w"): 18,
    }  # fmt: skip
    assert {path: lines.get(path) for path in expected} == expected
    assert nearest_line(lines, ("t", 0, "x", "deeper")) == 11
    assert nearest_line(lines, ("nowhere",)) is None


# whatever the bytes

PIECES = st.sampled_from([
    "[", "]", "{", "}", "=", ",", ".", "\n", '"', "'", "#", "[[grid]]", "[training]", "[objectives.x]", "objectives",
    "datasets", "steps", "images", "seeds", "name", "label", "loss", "penalties", "base", "optimizer", "true", "nan",
    "inf", "1979-05-27", "0", "-1", "5", "1e400", "0xffffffffffffffffffff", '"ring"', '"wgan-gp"', '"\\u0000"', "self",
    '"mlp"', "''", "é", "[tune]", "[evaluation]", "plugins", '"../x.py"', "n_critic", "every", "'objectives.*'",
])  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10)
    | st.floats()
    | st.sampled_from(["ring", "mlp", "wgan", "r1", "", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "label", "loss", "steps", "gamma", "self", "width"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def toml(value: Any) -> str:
    if value is None:
        return "1979-05-27T07:32:00Z"
    if isinstance(value, float):
        return repr(value) if "." in repr(value) or "n" in repr(value) else f"{value!r}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def only_usage_errors(text: str) -> None:
    try:
        made = plan(text)
    except UsageError as error:
        told = error.faults
    else:
        assert made.specs
        return
    assert told
    assert not [fault for fault in told if "\n" in fault]


@settings(max_examples=150, deadline=None)
@given(st.text() | st.lists(PIECES, max_size=30).map(" ".join))
def test_any_text_is_a_plan_or_a_usage_error(text: str) -> None:
    only_usage_errors(text)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(BAD)), st.integers(0, 20), PIECES)
def test_any_mutated_suite_is_a_plan_or_a_usage_error(at: int, length: int, piece: str) -> None:
    only_usage_errors(BAD[:at] + piece + BAD[at + length :])


KEYS = [
    "title", "seeds", "training", "training.optimizer", "evaluation", "objectives", "architectures", "datasets", "grid",
    "execution", "tune", "plugins", "training.steps", "evaluation.every", "objectives.wgan", "objectives.mine.loss",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4), st.booleans())
def test_any_value_anywhere_is_a_plan_or_a_usage_error(values: dict[str, Any], rest: bool) -> None:
    text = "".join(f"{key} = {toml(value)}\n" for key, value in values.items())
    base = {"objectives": '["nsgan"]', "datasets": '["ring"]'} if rest else {}
    taken = {key.split(".")[0] for key in values}
    only_usage_errors("".join(f"{k} = {v}\n" for k, v in base.items() if k not in taken) + text)


@settings(max_examples=50, deadline=None)
@given(content=st.binary())
def test_any_bytes_are_a_usage_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        load_suite(path)


# the schema, and the weight of it all


def test_the_schema_offers_the_catalogues_names_and_describes_every_key() -> None:
    schema = json_schema()
    text = json.dumps(schema)
    for name in ("wgan-gp", "relativistic-pairing", "r1", "dcgan", "ring", "rmsprop", "batch_size", "gamma"):
        assert f'"{name}"' in text
    assert '"null"' not in text
    assert {"type", "anyOf"} & set(schema["properties"]["objectives"]) == {"anyOf"}
    for table in ("Training", "Evaluation", "Grid", "ObjectiveTable"):
        assert all("description" in key for key in schema["$defs"][table]["properties"].values()), table


def test_planning_needs_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from bench.suite import json_schema, plan_suite; json_schema(); "
        'plan_suite(\'objectives=["wgan-gp","r3gan"]\\ndatasets=["ring","digits"]\', Path(\'a.toml\')).to_json(); '
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
