"""Optuna's samplers and pruners as suites name them: seeded by a trial's place alone, within the space."""

from __future__ import annotations

import inspect
from typing import Any

import optuna
import pytest
from optuna.trial import Trial, TrialState, create_trial

from bench.search_space import Parameter
from bench.settings import Search
from bench.suite_tune import PRUNERS, SAMPLERS, Pruner, Sampler
from bench.tuning.samplers import make_pruner, make_sampler, suggest
from bench.tuning.storage import quieten

SPACE = tuple(
    Parameter(path, search, "[tune.space]", 1)
    for path, search in {
        "rate": Search(1e-5, 1e-2, log=True),
        "share": Search(0.0, 1.0, step=0.25),
        "width": Search(16, 64, step=16),
        "count": Search(1, 100, log=True),
        "kind": Search(choices=("a", "b", True, 3)),
    }.items()
)


def play(name: str, seed: int, trials: int = 11) -> list[dict[str, Any]]:
    """A study in memory, every trial with a sampler of its own, as `bench.tuning.board` has them."""
    quieten()
    storage = optuna.storages.InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name="s")
    found = []
    for slot in range(trials):
        study.sampler = make_sampler(Sampler(name=name), seed, slot)
        trial = Trial(study, storage.create_new_trial(0, create_trial(state=TrialState.RUNNING)))
        values = suggest(trial, SPACE)
        found.append(values)
        study.tell(trial, float(values["rate"]) + float(values["width"]))
    return found


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_seed_gives_the_same_trials_within_the_space(name: str) -> None:
    one = play(name, 0)
    assert one == play(name, 0)
    if name != "QMCSampler":  # whose sequence is one for all seeds
        assert one != play(name, 1)
    for values in one:
        assert 1e-5 <= values["rate"] <= 1e-2
        assert values["share"] in (0.0, 0.25, 0.5, 0.75, 1.0)
        assert values["width"] in (16, 32, 48, 64)
        assert isinstance(values["count"], int)
        assert 1 <= values["count"] <= 100
        assert values["kind"] in ("a", "b", True, 3)
    assert len({values["rate"] for values in one}) > 8


def test_random_trials_do_not_depend_on_those_before() -> None:
    assert play("RandomSampler", 0, 3) == play("RandomSampler", 0, 8)[:3]


@pytest.mark.parametrize("name", PRUNERS)
def test_every_pruner_can_be_made(name: str) -> None:
    needed: dict[str, Any] = {"PercentilePruner": {"percentile": 25.0}, "ThresholdPruner": {"upper": 1.0}}
    made = make_pruner(Pruner(name=name, **needed.get(name, {})))
    assert type(made).__name__ == name


@pytest.mark.parametrize(("kind", "known"), [(Sampler, SAMPLERS), (Pruner, PRUNERS)])
def test_every_setting_that_is_named_exists(
    kind: type[Sampler] | type[Pruner], known: dict[str, tuple[str, ...]]
) -> None:
    module = optuna.samplers if kind is Sampler else optuna.pruners
    for name, settings in known.items():
        assert set(settings) <= set(inspect.signature(getattr(module, name)).parameters)
        assert set(settings) <= set(kind.model_fields)
