"""The order of a step's updates: in turn, at once, or both from a point ahead; and updates that are left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.optim import Optimizer

from bench.training.dynamics import Update
from bench.training.extrapolation import Extragradient

if TYPE_CHECKING:
    from bench.training.game import Game

Order = Callable[["Game", bool], tuple[Update, Update]]
"""Plays one step, and tells what the last update of the discriminator and of the generator came to."""


def alternate(game: Game, watched: bool) -> tuple[Update, Update]:
    """The discriminator's updates, then the generator's, which answers what the discriminator has become."""
    for turn in range(game.spec.objective.n_critic):
        real = game.draw_real()
        critic = game.update_discriminator(real, watched=watched and turn + 1 == game.spec.objective.n_critic)
    for turn in range(game.parts.generator_updates):
        artist = game.update_generator(real, watched=watched and turn + 1 == game.parts.generator_updates)
    return critic, artist


def move_at_once(game: Game, watched: bool) -> tuple[Update, Update]:
    """The generator answers the discriminator as it was before its last update."""
    for _ in range(game.spec.objective.n_critic - 1):
        game.update_discriminator(game.draw_real())
    real = game.draw_real()
    artist = game.differentiate_generator(real, game.draw_generator_latents(), watched=watched)
    critic = game.update_discriminator(real, watched=watched)
    game.move_generator()
    return critic, artist


def look_ahead(game: Game, watched: bool) -> tuple[Update, Update]:
    """Extragradient: both players move along their gradients at the point that plain steps would lead to.

    Gradients are taken twice, of the same batch. A player whose optimizer does not extrapolate waits there.
    """
    real = game.draw_real()
    latents = game.draw_discriminator_latents(), game.draw_generator_latents()
    critic, batch = game.differentiate_discriminator(real, latents[0], watched=watched)
    artist = game.differentiate_generator(real, latents[1], watched=watched)
    for optimizer in (game.discriminator_optimizer, game.generator_optimizer):
        if isinstance(optimizer, Extragradient):
            optimizer.extrapolate()
    game.differentiate_discriminator(real, latents[0])
    game.differentiate_generator(real, latents[1])
    game.move_discriminator(batch)
    game.move_generator()
    return critic, artist


def choose_order(game: Game) -> Order:
    """What the objective's stabilisers and optimizers ask for."""
    if any(isinstance(o, Extragradient) for o in (game.discriminator_optimizer, game.generator_optimizer)):
        return look_ahead
    return move_at_once if game.parts.simultaneous else alternate


@torch.no_grad()
def step_where(optimizer: Optimizer, moves: Tensor) -> None:
    """The optimizer's step where ``moves`` is true; else weights and state are as before. Waits for nothing.

    State that a first step would begin is zero where it is left out, which is what optimizers begin with. Counters that
    an optimizer keeps on the host go on.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    before = [weight.detach().clone() for weight in weights]
    state_before = {
        weight: {name: held.clone() for name, held in optimizer.state.get(weight, {}).items() if torch.is_tensor(held)}
        for weight in weights
    }
    optimizer.step()
    for weight, old in zip(weights, before, strict=True):
        weight.copy_(torch.where(moves, weight, old))
        for name, held in optimizer.state.get(weight, {}).items():
            if torch.is_tensor(held) and held.device == moves.device:
                old_held = state_before[weight].get(name)
                held.copy_(torch.where(moves, held, torch.zeros_like(held) if old_held is None else old_held))
