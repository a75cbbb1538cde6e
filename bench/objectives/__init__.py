"""Losses, penalties and named objectives; each can be used alone in a training loop of your own.

from bench.objectives import DiscriminatorBatch, GradientPenalty, Wasserstein

loss, penalty = Wasserstein(), GradientPenalty(weight=10.0)
batch = DiscriminatorBatch.score(discriminator, real, fake, torch.Generator())
(loss.discriminator(batch.real_scores, batch.fake_scores) + penalty.term(batch)).backward()
"""

from bench.objectives.base import DiscriminatorBatch, Loss, Objective, Penalty
from bench.objectives.losses import Hinge, LeastSquares, Minimax, NonSaturating, RelativisticPairing, Wasserstein
from bench.objectives.penalties import R1, R2, GradientPenalty, WeightClip

__all__ = [
    "R1",
    "R2",
    "DiscriminatorBatch",
    "GradientPenalty",
    "Hinge",
    "LeastSquares",
    "Loss",
    "Minimax",
    "NonSaturating",
    "Objective",
    "Penalty",
    "RelativisticPairing",
    "Wasserstein",
    "WeightClip",
]
