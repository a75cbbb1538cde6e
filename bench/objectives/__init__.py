"""Losses, penalties, stabilisers and named objectives; each can be used alone in a training loop of your own.

from bench.objectives import Batch, GradientPenalty, Wasserstein

loss, penalty = Wasserstein(), GradientPenalty(weight=10.0)
batch = Batch.score(discriminator, real, fake, torch.Generator())
(loss.discriminator(batch.real_scores, batch.fake_scores) + penalty.term(batch)).backward()
"""

from bench.objectives.base import Batch, Joint, Loss, Memory, Objective, Penalty
from bench.objectives.energies import BoundaryEquilibrium, Energy
from bench.objectives.f_divergences import FDivergence
from bench.objectives.gradient_penalties import R1, R2, Dragan, GradientPenalty
from bench.objectives.hooks import Remembering, Stabiliser, Turn
from bench.objectives.losses import Hinge, LeastSquares, Minimax, NonSaturating, Wasserstein
from bench.objectives.minimised import (
    Diversity,
    FeatureMatching,
    HistoricalAveraging,
    LabelSmoothing,
    ModeSeeking,
    TopK,
)
from bench.objectives.penalties import L2, Consensus, Consistency, LeCam, Orthogonal, PullingAway, WeightClip
from bench.objectives.players import GeneratorEma, MinibatchDiscrimination, MinibatchStddev, SeveralGenerators
from bench.objectives.relativistic import RelativisticAverage, RelativisticPairing
from bench.objectives.stabilisers import ExperienceReplay, InstanceNoise, Packing
from bench.objectives.updates import (
    AdaptiveBalance,
    GeneratorSteps,
    LazyPenalties,
    LearningRateSchedule,
    Unrolling,
    UpdateOrder,
)

__all__ = [
    "L2",
    "R1",
    "R2",
    "AdaptiveBalance",
    "Batch",
    "BoundaryEquilibrium",
    "Consensus",
    "Consistency",
    "Diversity",
    "Dragan",
    "Energy",
    "ExperienceReplay",
    "FDivergence",
    "FeatureMatching",
    "GeneratorEma",
    "GeneratorSteps",
    "GradientPenalty",
    "Hinge",
    "HistoricalAveraging",
    "InstanceNoise",
    "Joint",
    "LabelSmoothing",
    "LazyPenalties",
    "LeCam",
    "LearningRateSchedule",
    "LeastSquares",
    "Loss",
    "Memory",
    "MinibatchDiscrimination",
    "MinibatchStddev",
    "Minimax",
    "ModeSeeking",
    "NonSaturating",
    "Objective",
    "Orthogonal",
    "Packing",
    "Penalty",
    "PullingAway",
    "RelativisticAverage",
    "RelativisticPairing",
    "Remembering",
    "SeveralGenerators",
    "Stabiliser",
    "TopK",
    "Turn",
    "Unrolling",
    "UpdateOrder",
    "Wasserstein",
    "WeightClip",
]
