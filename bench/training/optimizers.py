"""The optimizers by name. A new one is one dataclass with a ``build`` method."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol

from pydantic import Field

from bench.catalog import optimizers
from bench.lazy import torch

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer

LearningRate = Annotated[float, Field(gt=0, description="step size per update")]


class OptimizerEntry(Protocol):
    """Makes a torch optimizer for one player's parameters.

    Its class attribute ``capturable`` is True where a step asks the host for nothing that changes, so that it can be
    recorded as a CUDA graph with a learning rate that is a tensor; see `bench.training.capture`.
    """

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """The optimizer, its state empty."""
        ...


@optimizers.register("adam", formula="w ← w − η m̂/(√v̂ + 10⁻⁸)", source="Kingma & Ba 2015, algorithm 1")
@dataclass(frozen=True)
class Adam:
    """Adaptive moments."""

    capturable: ClassVar[bool] = True
    learning_rate: LearningRate = 2e-4
    beta1: Annotated[float, Field(ge=0, lt=1, description="β₁, decay of the mean of gradients")] = 0.5
    beta2: Annotated[float, Field(ge=0, lt=1, description="β₂, decay of the mean of squared gradients")] = 0.999

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """torch's Adam, fused: one kernel per update instead of a dozen per parameter."""
        return torch.optim.Adam(parameters, lr=self.learning_rate, betas=(self.beta1, self.beta2), fused=True)


@optimizers.register("sgd", formula="u ← μu + ∇,  w ← w − ηu", source="Robbins & Monro 1951; Polyak 1964")
@dataclass(frozen=True)
class Sgd:
    """Gradient descent, with momentum if asked for."""

    capturable: ClassVar[bool] = True
    learning_rate: LearningRate = 1e-2
    momentum: Annotated[float, Field(ge=0, lt=1, description="μ, share of the last step that is kept")] = 0.0

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """torch's SGD, fused."""
        return torch.optim.SGD(parameters, lr=self.learning_rate, momentum=self.momentum, fused=True)


@optimizers.register(
    "rmsprop", formula="v ← αv + (1 − α)∇²,  w ← w − η∇/(√v + 10⁻⁸)", source="Tieleman & Hinton 2012, lecture 6.5"
)
@dataclass(frozen=True)
class RmsProp:
    """Gradients divided by the root of their mean square."""

    capturable: ClassVar[bool] = True
    learning_rate: LearningRate = 5e-5
    alpha: Annotated[float, Field(ge=0, lt=1, description="α, decay of the mean of squared gradients")] = 0.99

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """torch's RMSprop over all parameters at once."""
        return torch.optim.RMSprop(parameters, lr=self.learning_rate, alpha=self.alpha, foreach=True)
