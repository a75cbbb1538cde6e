"""The laws of stabilisers that a game shows, whatever they change: its players, what it shows, minimises or updates."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import torch

from bench.catalog import Catalog, architectures, datasets, losses, objectives, optimizers, penalties, stabilisers
from bench.compatibility import find_batch_conflicts, find_conflicts, find_contradictions
from bench.conformance.devices import noticing_waits
from bench.conformance.laws import Law, Trial, UntriedError, number
from bench.conformance.watching import GlobalRandomState
from bench.datasets.base import Data
from bench.objectives.base import Pick
from bench.spec import Budget, Choice, EvaluationSpec, ObjectiveSpec, RunSpec, TrainingSpec
from bench.training.game import Game

STEPS = 4
BATCH_SIZES = (24, 60, 64)
(HOOKS,) = stabilisers.needed
PARTNERS = ("nsgan", "nsgan-r1", "hinge", "wgan-gp", "began")
"""Objectives that a stabiliser is tried with, the first that it goes with."""


@functools.cache
def _data() -> Data:
    return datasets.create("ring", train=500).load(Path())


def _choice(catalog: Catalog[Any], pick: Pick) -> Choice:
    return Choice(name=pick.name, label=pick.name, settings=catalog.settings(pick.name, pick.settings))


def _objective(name: str, trial: Trial[Any]) -> ObjectiveSpec:
    preset = objectives.create(name)
    return ObjectiveSpec(
        label=trial.entry.name,
        loss=_choice(losses, preset.loss),
        penalties=tuple(_choice(penalties, pick) for pick in preset.penalties),
        stabilisers=(_choice(stabilisers, Pick(trial.entry.name, trial.settings)),),
        discriminator_normalisation=preset.discriminator_normalisation,
        n_critic=1,
        generator_optimizer=_choice(optimizers, preset.generator_optimizer),
        discriminator_optimizer=_choice(optimizers, preset.discriminator_optimizer),
    )


def _spec(trial: Trial[Any]) -> RunSpec:
    """A run of a few steps on points.

    Raises:
        UntriedError: it goes with none of the partners, or other laws say it all.
    """
    hooks = [hook for hook in HOOKS if hasattr(trial.entry.factory, hook)]
    if hooks == ["present"]:
        raise UntriedError("it presents samples and does nothing else, which is tried by itself")
    if "spec" in trial.memo:
        spec: RunSpec = trial.memo["spec"]
        return spec
    architecture = _choice(architectures, Pick("mlp", {"width": 8, "depth": 2, "generator_normalisation": "batch"}))
    for name in PARTNERS:
        objective = _objective(name, trial)
        fitting = [size for size in BATCH_SIZES if not find_batch_conflicts(objective, size)]
        if not fitting or find_contradictions(objective) or find_conflicts(objective, architecture):
            continue
        spec = RunSpec(
            objective=objective,
            architecture=architecture,
            dataset=_choice(datasets, Pick("ring", {"train": 500})),
            seed=0,
            training=TrainingSpec(
                budget=Budget(unit="steps", amount=STEPS),
                batch_size=fitting[0],
                ema_images=100,
                learning_rate_decay="none",
                threads=1,
            ),
            evaluation=EvaluationSpec(samples=100, every=STEPS, space="raw"),
        )
        trial.memo["spec"] = spec
        return spec
    raise UntriedError(f"it goes with none of the objectives {', '.join(PARTNERS)} on points")


def _start(trial: Trial[Any]) -> Game:
    return Game(_spec(trial), _data(), torch.device("cpu"))


def _tensors(game: Game) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for player in ("generator", "discriminator"):
        found |= {f"{player}.{name}": held for name, held in getattr(game, player).state_dict().items()}
    return found


def can_be_played(trial: Trial[Any]) -> str | None:
    """In a game both players move, unless it is for the one to wait for the other, and stay finite."""
    game = _start(trial)
    before = [
        weight.detach().clone() for player in (game.generator, game.discriminator) for weight in player.parameters()
    ]
    if not game.advance(STEPS):
        return f"after {game.finite_steps} steps a loss or a weight is not finite"
    after = [weight for player in (game.generator, game.discriminator) for weight in player.parameters()]
    still = sum(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    fault = still == len(after) if hasattr(trial.entry.factory, "movers") else still > 0
    return f"{still} of {len(after)} tensors of weights have not moved in {STEPS} steps" if fault else None


def game_goes_on_from_a_checkpoint(trial: Trial[Any]) -> str | None:
    """A game goes on from a checkpoint bit for bit, whatever is remembered or drawn."""
    straight, first, second = (_start(trial) for _ in range(3))
    if not straight.advance(STEPS):
        raise UntriedError("it does not stay finite")
    first.advance(STEPS // 2)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.advance(STEPS - STEPS // 2)
    resumed = _tensors(second)
    for name, expected in _tensors(straight).items():
        if not torch.equal(expected, resumed[name]):
            apart = number(float((expected - resumed[name]).abs().max()))
            return (
                f"after the checkpoint {name} is {apart} apart: something is neither in `Remembering.held` nor "
                "drawn from "
                "the stream that is given"
            )
    return None


def a_game_draws_and_waits_for_nothing_else(trial: Trial[Any]) -> str | None:
    """A step of a game draws from the given stream alone, and waits for no device."""
    game = _start(trial)
    game.advance(1)
    state = GlobalRandomState()
    with noticing_waits(trial.file) as found:
        game.play()
    if moved := state.changed():
        return f"it draws from {moved}, or sets it"
    return f"{found[0]}: on a GPU every step would wait for that" if found else None


LAWS: tuple[Law, ...] = (can_be_played, game_goes_on_from_a_checkpoint, a_game_draws_and_waits_for_nothing_else)
