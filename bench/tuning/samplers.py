"""Optuna's samplers and pruners as a suite names them."""

from __future__ import annotations

import hashlib
from typing import Any

from optuna import Trial, pruners, samplers

from bench.search_space import Parameter
from bench.settings import Scalar
from bench.suite_tune import Pruner, Sampler


def make_sampler(named: Sampler, seed: int, slot: int) -> samplers.BaseSampler:
    """The sampler of one trial.

    Each trial has one of its own, seeded by its place in the study: what it proposes depends on the trials before it
    and on nothing else, however often the study was interrupted. Objectives share the seeds: trial 3 of each draws its
    learning rate from the same place of its range.

    Args:
        named: as the suite has it.
        seed: the suite's.
        slot: the trial's place in its study, from 0.
    """
    own = int.from_bytes(hashlib.sha256(f"{seed}/{slot}".encode()).digest()[:4], "big")
    settings: dict[str, Any] = dict(named.settings)
    match named.name:
        case "TPESampler":
            return samplers.TPESampler(seed=own, **settings)
        case "GPSampler":
            return samplers.GPSampler(seed=own, **settings)
        case "NSGAIISampler":
            return samplers.NSGAIISampler(seed=own, **settings)
        case "QMCSampler":  # one sequence for the whole study; only what it cannot place is drawn
            return samplers.QMCSampler(seed=seed, independent_sampler=samplers.RandomSampler(seed=own))
        case _:
            return samplers.RandomSampler(seed=own)


def make_pruner(named: Pruner) -> pruners.BasePruner:
    """The pruner of a study."""
    settings: dict[str, Any] = dict(named.settings)
    kind: type[pruners.BasePruner] = getattr(pruners, named.name)
    return kind(**settings)


def suggest(trial: Trial, parameters: tuple[Parameter, ...]) -> dict[str, Scalar]:
    """A value for each parameter, by its path; of a trial that has them already, those."""
    values: dict[str, Scalar] = {}
    for parameter in parameters:
        search = parameter.search
        if search.choices:
            chosen = trial.suggest_categorical(parameter.path, search.choices)
            assert chosen is not None
            values[parameter.path] = chosen
            continue
        assert search.low is not None
        assert search.high is not None
        if search.is_integer:
            low, high, step = int(search.low), int(search.high), int(search.step or 1)
            values[parameter.path] = trial.suggest_int(parameter.path, low, high, step=step, log=search.log)
        else:
            values[parameter.path] = trial.suggest_float(
                parameter.path, search.low, search.high, step=search.step, log=search.log
            )
    return values
