"""The two functions of a loss, as the laws call them, and the scores that they are tried on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bench.conformance.common import scores
from bench.conformance.laws import UntriedError
from bench.objectives.base import Loss

BATCH = 64
Cost = Callable[[Tensor, Tensor], Tensor]


def costs(loss: Loss) -> list[tuple[str, Cost]]:
    """Both players' functions by the names that messages give them; they return scalars or raise `UntriedError`."""
    return [("L_D", _scalar("L_D", loss.discriminator)), ("L_G", _scalar("L_G", loss.generator))]


def _scalar(name: str, cost: Cost) -> Cost:
    def checked(real: Tensor, fake: Tensor) -> Tensor:
        value = cost(real, fake)
        if not isinstance(value, Tensor) or value.shape:
            raise UntriedError(f"{name} is no scalar tensor")
        return value

    return checked


def scores_energies(loss: Loss) -> bool:
    """Whether its scores are errors of an autoencoder: not negative, low where samples are real."""
    return getattr(loss, "energy", None) is not None


def scores_for(loss: Loss, n: int = BATCH, dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Real and fake scores of its kind."""
    return scores(n, dtype, energies=scores_energies(loss), seed=seed)


def differentiate(cost: Cost, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Its value and the gradients by real and by fake scores, zero where they have no part in it."""
    real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
    value = cost(real, fake)
    if not value.requires_grad:
        return value, torch.zeros_like(real), torch.zeros_like(fake)
    to_real, to_fake = torch.autograd.grad(value, (real, fake), allow_unused=True, materialize_grads=True)
    return value.detach(), to_real, to_fake


def values(loss: Loss) -> list[Tensor]:
    """What both functions give for fixed scores."""
    real, fake = scores_for(loss)
    return [cost(real, fake) for _, cost in costs(loss)]
