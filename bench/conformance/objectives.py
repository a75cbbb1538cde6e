"""The laws of objectives."""

from __future__ import annotations

import copy
import functools
import json
import re
from pathlib import Path
from typing import Any

import torch

from bench.catalog import Catalog, datasets, losses, optimizers, penalties, stabilisers
from bench.conformance.laws import Law, Trial, UntriedError, described_completely, number
from bench.datasets.base import Data
from bench.errors import CatalogError, SuiteError
from bench.objectives.base import Objective, Pick
from bench.suite import plan_suite
from bench.training.game import Game

STEPS = 2
SUITE = """
objectives    = [{name}]
architectures = [{{ name = "mlp", width = 16, depth = 2 }}]
datasets      = [{{ name = "ring", train = 500 }}]
training      = {{ steps = 100, batch_size = 24 }}
"""
"""24: a batch that can be packed by 2, 3, 4, 6, 8 and 12."""
PLACE = re.compile(r"^check\.toml:(\d+:)? (\w+\[\d+\]: )?")
"""Of a fault in that suite, which the reader has not written."""


@functools.cache
def _data() -> Data:
    return datasets.create("ring", train=500).load(Path())


def _start(trial: Trial[Objective]) -> Game:
    """A game on points.

    Raises:
        UntriedError: it cannot be set up, as `can_be_played` tells.
    """
    if can_be_played(trial) is not None:
        raise UntriedError("it cannot be played")
    return Game(trial.memo["spec"], _data(), torch.device("cpu"))


def _weights(game: Game) -> list[torch.Tensor]:
    return [weight.detach() for player in (game.generator, game.discriminator) for weight in player.parameters()]


def parts_exist(trial: Trial[Objective]) -> str | None:
    """Loss, penalties, stabilisers and optimizers are in the catalogue, with these settings."""
    objective = trial.create()
    parts: tuple[tuple[Catalog[Any], tuple[Pick, ...]], ...] = (
        (losses, (objective.loss,)),
        (penalties, objective.penalties),
        (stabilisers, objective.stabilisers),
        (optimizers, (objective.generator_optimizer, objective.discriminator_optimizer)),
    )
    faults: list[str] = []
    for catalog, picks in parts:
        for pick in picks:
            try:
                catalog.settings(pick.name, pick.settings)
            except CatalogError as error:
                faults += error.faults
    return "; ".join(dict.fromkeys(faults)) or None


def can_be_played(trial: Trial[Objective]) -> str | None:
    """A suite can ask for it: its parts go together, and with a multilayer perceptron on points."""
    if parts_exist(trial) is not None:
        raise UntriedError("not all of its parts exist")
    if "spec" not in trial.memo:
        try:
            plan = plan_suite(SUITE.format(name=json.dumps(trial.entry.name)), Path("check.toml"))
        except SuiteError as error:
            return "; ".join(PLACE.sub("", fault) for fault in error.faults)
        trial.memo["spec"] = plan.specs[0]
    return None


def trains(trial: Trial[Objective]) -> str | None:
    """A few steps change both players' weights, and are finite or openly diverged."""
    game = _start(trial)
    before = [weight.clone() for weight in _weights(game)]
    finite = game.advance(STEPS)
    after = _weights(game)
    if finite and not all(torch.isfinite(weight).all() for weight in after):
        return f"after {STEPS} steps weights are not finite, but no loss told"
    moved = [not torch.equal(one, other) for one, other in zip(before, after, strict=True)]
    of_generator = len(list(game.generator.parameters()))
    for player, weights in (("generator", moved[:of_generator]), ("discriminator", moved[of_generator:])):
        if not any(weights):
            return f"the {player}'s weights have not moved in {STEPS} steps"
    return None


def can_be_repeated(trial: Trial[Objective]) -> str | None:
    """Two trainings of one seed give the same weights bit for bit, whether or not a checkpoint lies between."""
    first, second, third = (_start(trial) for _ in range(3))
    first.advance(2 * STEPS)
    second.advance(STEPS)
    third.load_state_dict(copy.deepcopy(second.state_dict()))
    for game, what in ((second, "a second training"), (third, "a training resumed from a checkpoint")):
        game.advance(STEPS)
        pairs = list(zip(_weights(first), _weights(game), strict=True))
        if not all(torch.equal(one.nan_to_num(), other.nan_to_num()) for one, other in pairs):
            apart = max(float((one - other).abs().max()) for one, other in pairs)
            return f"after {2 * STEPS} steps the weights of {what} are {number(apart)} apart"
    return None


LAWS: tuple[Law, ...] = (parts_exist, described_completely, can_be_played, trains, can_be_repeated)
