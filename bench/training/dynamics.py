"""What an update tells of the game: whether the discriminator separates, and whether scores still move the players."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FLAT = 0.01
"""A score of which the loss grows by less than this per unit hardly moves it; the Wasserstein loss grows by 1."""


@dataclass(frozen=True)
class Update:
    """What one update of a player came to: scalars on the device."""

    loss: Tensor
    """Without penalties."""
    penalty: Tensor | None
    """None where nothing is added to the loss."""
    seen: tuple[Tensor, ...] = ()
    """Of an update that was watched: the discriminator's accuracy and saturation, the generator's saturation."""


def accuracy(real: Tensor, fake: Tensor, *, low_is_real: bool = False) -> Tensor:
    """The share of pairs in which the real sample has the better score, ties half; waits for nothing.

    The area under the ROC curve: it needs no threshold, so that it means the same for every loss. 0.5: the
    discriminator cannot tell; 1: it separates, the perfect discriminator of Arjovsky & Bottou 2017, sec. 2.

    Args:
        real: scores of real samples, ``(n,)``.
        fake: scores of generated ones, ``(m,)``.
        low_is_real: whether low scores are real, as energies are.
    """
    better, worse = (fake, real) if low_is_real else (real, fake)
    ordered = worse.detach().sort().values
    beaten = torch.searchsorted(ordered, better.detach())
    beaten_or_equal = torch.searchsorted(ordered, better.detach(), right=True)
    return (beaten + beaten_or_equal).to(real.dtype).mean() / (2 * len(worse))


def saturation(loss: Tensor, *scores: Tensor) -> Tensor:
    """The share of scores that hardly move a player's loss: those with |n ∂L/∂score| below `FLAT`.

    Where it is 1, no sample teaches the player anything: the minimax generator under a sure discriminator (Goodfellow
    et al. 2014, sec. 3; Arjovsky & Bottou 2017, theorem 2.4).

    Args:
        loss: without penalties, a scalar that leads back to the scores. Its graph is kept; nothing is added to it, and
            no gradient is left anywhere.
        scores: ``(n,)`` each, n being the number that the loss takes the mean of.
    """
    slopes = torch.autograd.grad(loss, scores, retain_graph=True, materialize_grads=True)
    return torch.cat([(len(slope) * slope).abs() < FLAT for slope in slopes]).to(loss.dtype).mean()
