"""Losses, penalties and named objectives; each can be used alone in a training loop of your own.

    from bench.objectives import losses, penalties
    loss = losses.create("hinge")
    loss.discriminator(real_scores, fake_scores).backward()
"""

from bench.catalog import losses, objectives, penalties
from bench.objectives.base import DiscriminatorBatch, Loss, Objective, Penalty

__all__ = ["DiscriminatorBatch", "Loss", "Objective", "Penalty", "losses", "objectives", "penalties"]
