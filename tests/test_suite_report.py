"""``[report]`` of a suite: who is held against whom, and by what; no part of what the runs are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.errors import SuiteError
from bench.evaluation.evaluator import Target
from bench.evaluation.spaces import Features
from bench.metrics import METRICS, measurable, primary
from bench.suite import json_schema, plan_suite

SUITE = """
seeds = 2
objectives = ["nsgan", "wgan-gp"]
datasets = ["ring"]
"""


def faults(report: str, suite: str = SUITE) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        plan_suite(suite + "[report]\n" + report, Path("s.toml"))
    return list(caught.value.faults)


def test_the_report_is_no_part_of_what_the_runs_are() -> None:
    plain = plan_suite(SUITE, Path("s.toml"))
    chosen = plan_suite(SUITE + '[report]\nbaseline = "wgan-gp"\nmetric = "recall"\n', Path("s.toml"))
    assert chosen.run_ids == plain.run_ids
    assert chosen.cells == plain.cells


def test_a_baseline_is_an_objective_of_the_suite() -> None:
    (fault,) = faults('baseline = "wgan-pg"\n')
    assert fault == (
        "s.toml:6: report.baseline: unknown objective of this suite 'wgan-pg'; did you mean 'wgan-gp'? "
        "valid: nsgan, wgan-gp"
    )
    assert "valid: nsgan, wgan-gp" in faults('baseline = "lsgan"\n')[0]  # in the catalogue, and not in the suite


def test_a_baseline_is_named_by_its_label() -> None:
    suite = 'objectives = ["nsgan", { name = "wgan-gp", label = "mine" }]\ndatasets = ["ring"]\nseeds = 2\n'
    assert plan_suite(suite + '[report]\nbaseline = "mine"\n', Path("s.toml")).specs
    assert "valid: nsgan, mine" in faults('baseline = "wgan-gp"\n', suite)[0]


def test_a_baseline_with_a_fault_of_its_own_is_not_unknown_too() -> None:
    (fault,) = faults('baseline = "wgan-gp"\n', SUITE.replace('"wgan-gp"', '{ name = "wgan-gp", n_critics = 3 }'))
    assert "n_critics" in fault


def test_a_metric_is_one_that_a_space_of_the_suite_measures() -> None:
    assert "did you mean 'sliced_wasserstein'?" in faults('metric = "sliced_wasserstien"\n')[0]
    assert "'kid' is not measured in the raw space" in faults('metric = "kid"\n')[0]
    both = SUITE.replace('["ring"]', '["ring", "digits"]')
    assert plan_suite(both + '[report]\nmetric = "kid"\n', Path("s.toml")).specs


def test_faults_of_the_report_are_told_with_all_others() -> None:
    told = faults('baseline = "x"\nmetric = "y"\ncolour = "red"\n', SUITE.replace("wgan-gp", "wgn-gp"))
    assert len(told) == 4
    assert any("unknown key 'colour'" in fault for fault in told)


def test_the_schema_tells_of_it() -> None:
    schema = json_schema()
    properties = schema["$defs"]["Report"]["properties"]
    assert properties.keys() == {"baseline", "metric"}
    assert properties["metric"]["examples"] == list(METRICS)


@pytest.mark.parametrize("space", ["raw", "classifier", "inception", "mine"])
def test_what_can_be_measured_is_what_is_measured(space: str) -> None:
    features = Features(torch.randn(64, 2), None if space == "raw" else torch.randn(64, 3))
    target = Target(space, features, classes=torch.tensor([20, 20, 24]))
    assert set(target.names()) <= {metric.name for metric in measurable(space)}
    assert primary(space) in measurable(space)
