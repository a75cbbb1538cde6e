"""`ganbench verify`: finds that runs are the same, and finds it when they are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.execution.verify import WAYS, choose_sample, shorten, verify
from bench.plan import Plan
from bench.suite import load_suite, plan_suite
from tests.execution.carrying import Silent
from tests.test_cli import ganbench, usage_error

SUITE = """
seeds = 2
objectives = ["nsgan-r1", "wgan"]
datasets = ["ring"]
[training]
steps = 60
batch_size = 16
[evaluation]
samples = 100
every = 20
"""

UNSTEADY = '''
import time
import torch
from bench.catalog import losses

@losses.register("unsteady", formula="–", source="test")
class Unsteady:
    """Depends on the clock."""

    def discriminator(self, real, fake):
        return (fake - real).mean() * (1 + time.time_ns() % 1000 / 1000)

    def generator(self, real, fake):
        return -fake.mean()
'''


@pytest.fixture
def plan() -> Plan:
    return plan_suite(SUITE, Path("suite.toml"))


def test_a_run_is_the_same_in_every_way(plan: Plan, data_root: Path) -> None:
    sample, skipped = choose_sample(plan, 2)
    assert skipped == ()
    assert {spec.objective.label for spec in sample} == {"nsgan-r1", "wgan"}
    verdicts = verify([shorten(spec, 40) for spec in sample], data_root, "cpu", Silent())
    assert {verdict.way for verdict in verdicts} == set(WAYS)
    assert [verdict.differences for verdict in verdicts] == [()] * 2 * len(WAYS)
    interrupted = [verdict.note for verdict in verdicts if verdict.way == "interrupted"]
    assert all("gone on" in note and "gone on 0" not in note for note in interrupted)


def test_a_loss_that_depends_on_the_clock_is_found_out(tmp_path: Path, data_root: Path) -> None:
    (tmp_path / "unsteady.py").write_text(UNSTEADY)
    (tmp_path / "suite.toml").write_text(
        'plugins = ["unsteady.py"]\n' + SUITE.replace('["nsgan-r1", "wgan"]', '["unsteady"]')
    )
    result = ganbench("verify", "suite.toml", "--runs", "1", "--json", "-q", cwd=tmp_path)
    assert result.returncode == 1, result.stderr
    verdicts = json.loads(result.stdout)
    assert all(any("history" in words for words in verdict["differences"]) for verdict in verdicts)


def test_a_sample_is_of_as_many_kinds_as_it_can_be() -> None:
    suite = (
        'seeds = 9\nobjectives = ["nsgan", "wgan", "hinge"]\ndatasets = ["ring", "grid", "digits"]\n'
        "training.steps = 9\n"
    )
    plan = plan_suite(suite, Path("suite.toml"))
    sample, _ = choose_sample(plan, 3)
    assert len({spec.objective.label for spec in sample}) == len({spec.dataset.label for spec in sample}) == 3
    assert choose_sample(plan, 3) == choose_sample(plan, 3)
    assert len(choose_sample(plan, 1000)[0]) == len(plan.specs)


def test_budgets_in_seconds_cannot_be_verified(tmp_path: Path) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(SUITE.replace("steps = 60", "seconds = 1.0").replace("every = 20", "every = 0.5"))
    sample, skipped = choose_sample(load_suite(path), 2)
    assert sample == ()
    assert "budget in seconds" in skipped[0]
    assert "no run that can be verified" in usage_error("verify", "suite.toml", cwd=tmp_path)
