"""The optimizers by name. A new one is one dataclass with a ``build`` method."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol

from pydantic import Field

from bench.catalog import Search, optimizers
from bench.lazy import torch

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer

LearningRate = Annotated[float, Field(gt=0, description="step size per update"), Search(1e-5, 1e-2, log=True)]
PlainRate = Annotated[float, Field(gt=0, description="step size per update"), Search(1e-4, 1.0, log=True)]
"""Of steps that are as long as the gradient is."""
Beta1 = Annotated[float, Field(ge=0, lt=1, description="β₁, decay of the mean of gradients"), Search(0.0, 0.9)]
Beta2 = Annotated[
    float,
    Field(ge=0, lt=1, description="β₂, decay of the mean of squared gradients"),
    Search(choices=(0.9, 0.99, 0.999)),
]
Inertia = Annotated[float, Field(ge=0, lt=1, description="μ, share of the last step that is kept")]


class OptimizerEntry(Protocol):
    """Makes a torch optimizer for one player's parameters.

    Where the class attribute ``extrapolates`` is true, it has a method ``extrapolate`` as that of
    `bench.training.extrapolation.Extragradient`.

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
    beta1: Beta1 = 0.5
    beta2: Beta2 = 0.999

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """torch's Adam, fused: one kernel per update instead of a dozen per parameter."""
        return torch.optim.Adam(parameters, lr=self.learning_rate, betas=(self.beta1, self.beta2), fused=True)


@optimizers.register("sgd", formula="u ← μu + ∇,  w ← w − ηu", source="Robbins & Monro 1951; Polyak 1964")
@dataclass(frozen=True)
class Sgd:
    """Gradient descent, with momentum if asked for."""

    capturable: ClassVar[bool] = True
    learning_rate: PlainRate = 1e-2
    momentum: Inertia = 0.0

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


@optimizers.register(
    "momentum",
    formula="u ← μu + ∇,  w ← w − ηu;  Nesterov: w ← w − η(∇ + μu)",
    source="Polyak 1964; Sutskever et al. 2013 (Nesterov's), as torch has it",
)
@dataclass(frozen=True)
class Momentum:
    """Gradient descent that keeps going: `sgd` with the heavy ball of most textbooks as its default."""

    learning_rate: PlainRate = 1e-2
    momentum: Inertia = 0.9
    nesterov: Annotated[bool, Field(description="whether the gradient counts as if it were taken one step ahead")] = (
        False
    )

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """torch's SGD, fused."""
        nesterov = self.nesterov and self.momentum > 0  # torch refuses it without momentum, where it is nothing
        return torch.optim.SGD(parameters, lr=self.learning_rate, momentum=self.momentum, nesterov=nesterov, fused=True)


@optimizers.register(
    "optimistic-sgd",
    formula="w ← w − 2η∇_t + η∇_{t−1}",
    source="Popov 1980; Daskalakis et al. 2018, sec. 2",
)
@dataclass(frozen=True)
class OptimisticSgd:
    """Gradient descent that expects the next gradient to differ from this one as this one from the last.

    On bilinear games it converges at a linear rate, where gradient descent leaves the equilibrium.
    """

    learning_rate: PlainRate = 1e-2

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """See `bench.training.extrapolation`."""
        from bench.training.extrapolation import Optimistic

        return Optimistic(parameters, self.learning_rate)


@optimizers.register(
    "optimistic-adam",
    formula="w ← w − 2ηu_t + ηu_{t−1},  u = m̂/(√v̂ + 10⁻⁸)",
    source="Daskalakis et al. 2018, algorithm 1",
)
@dataclass(frozen=True)
class OptimisticAdam:
    """Adam's direction, extrapolated from the one before."""

    learning_rate: LearningRate = 2e-4
    beta1: Beta1 = 0.5
    beta2: Beta2 = 0.999

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """See `bench.training.extrapolation`."""
        from bench.training.extrapolation import Optimistic

        return Optimistic(parameters, self.learning_rate, (self.beta1, self.beta2))


@optimizers.register(
    "extragradient-sgd",
    formula="w′ = w − η∇(w),  w ← w − η∇(w′)",
    source="Korpelevich 1976; of one batch both times: Mishchenko et al. 2020",
)
@dataclass(frozen=True)
class ExtragradientSgd:
    """A step along the gradient at the point that a plain step would lead to; both players look ahead together.

    Each step computes its gradients twice, on the same batch: twice the cost, and no more images. ``n_critic`` is 1.
    """

    learning_rate: PlainRate = 1e-2
    extrapolates: ClassVar[bool] = True

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """See `bench.training.extrapolation`."""
        from bench.training.extrapolation import Extragradient

        return Extragradient(parameters, self.learning_rate)


@optimizers.register(
    "extragradient-adam",
    formula="w′ = w − ηu(w),  w ← w − ηu(w′),  u = m̂/(√v̂ + 10⁻⁸), whose means move twice",
    source="Gidel et al. 2019, algorithm 4 (ExtraAdam); of one batch both times: Mishchenko et al. 2020",
)
@dataclass(frozen=True)
class ExtragradientAdam:
    """A step along Adam's direction at the point that it would lead to; both players look ahead together.

    Each step computes its gradients twice, on the same batch: twice the cost, and no more images. ``n_critic`` is 1.
    """

    learning_rate: LearningRate = 2e-4
    beta1: Beta1 = 0.5
    beta2: Beta2 = 0.999
    extrapolates: ClassVar[bool] = True

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """See `bench.training.extrapolation`."""
        from bench.training.extrapolation import Extragradient

        return Extragradient(parameters, self.learning_rate, (self.beta1, self.beta2))
