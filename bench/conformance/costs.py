"""The two functions of a loss, as the laws call them, and the scores that they are tried on."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from bench.conformance.laws import UntriedError
from bench.conformance.memory import scores
from bench.objectives.base import Loss

BATCH = 64
Cost = Callable[[Tensor, Tensor], Tensor]


def costs(loss: Loss) -> list[tuple[str, Cost]]:
    """Both players' functions by the names that messages give them; they return scalars or raise `UntriedError`.

    Raises:
        UntriedError: one of them is not finite at ordinary scores, so that no other law can say anything of it.
    """
    real, fake = scores_for(loss)
    for name, cost in watched_costs(loss):
        if not cost(real, fake).isfinite():
            raise UntriedError(f"{name} is not finite at ordinary scores")
    return watched_costs(loss)


def watched_costs(loss: Loss) -> list[tuple[str, Cost]]:
    """The same without a look at their values, for laws that watch what is called."""
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


def levels(loss: Loss) -> list[float]:
    """Scores from −20 to 20 (energies: from 0), the nearest to 0 first."""
    return sorted(map(float, range(0 if scores_energies(loss) else -20, 21)), key=abs)


def even_scores(loss: Loss, real: float, fake: float | None = None) -> tuple[Tensor, Tensor]:
    """A few real scores that are all the same, and fake ones; without a second number, as the real ones."""
    pair = torch.tensor([real, real if fake is None else fake], dtype=torch.float64)
    if scores_energies(loss):
        pair = pair.clamp_min(0)
    return pair[0].repeat(8), pair[1].repeat(8)


def undecided_level(loss: Loss) -> float:
    """The score at which L_D pulls real and fake scores apart with the same force."""

    (_, discriminator), _ = costs(loss)

    def imbalance(level: float) -> float:
        _, to_real, to_fake = slopes(discriminator, *even_scores(loss, level))
        up, down = -float(to_real.sum()), float(to_fake.sum())
        gain = up + down  # by setting real and fake scores apart
        return round(abs(up - down) / gain, 6) if gain > 0 else math.inf

    return min(levels(loss), key=imbalance)


def slopes(cost: Cost, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
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
