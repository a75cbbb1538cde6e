"""Optimizers for games: optimistic ones extrapolate from the gradient before, extragradient ones from one more.

Where both players descend, plain steps circle an equilibrium or leave it; a step along the gradient at a point ahead
turns inwards. `extrapolate` moves the weights there; the next `step` is taken from where they were before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

EPSILON = 1e-8


class Directions(Optimizer):
    """Descends along directions that a rule makes of gradients; the state of a weight that never moved is all zeros.

    Args:
        parameters: the weights.
        rate: learning rate.
        betas: decay of the means of gradients and of squared gradients, of Adam's rule; None: the gradient itself.
    """

    def __init__(self, parameters: Iterable[Parameter], rate: float, betas: tuple[float, float] | None = None) -> None:
        super().__init__(parameters, {"lr": rate, "betas": betas})

    def directions(self, group: dict[str, Any], weights: list[Tensor]) -> list[Tensor]:
        """Where the loss falls, before the learning rate."""
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        if group["betas"] is None:
            return gradients
        beta1, beta2 = group["betas"]
        updates = [self.held(weight, "updates", like=weight.new_zeros(())) for weight in weights]
        means = [self.held(weight, "mean") for weight in weights]
        squares = [self.held(weight, "square") for weight in weights]
        torch._foreach_add_(updates, 1)
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        # m̂/(√v̂ + ε), each mean divided by the share of it that is no longer the zero of its start
        return [
            mean / (1 - beta1**n) / ((square / (1 - beta2**n)).sqrt() + EPSILON)
            for mean, square, n in zip(means, squares, updates, strict=True)
        ]

    def held(self, weight: Tensor, name: str, like: Tensor | None = None) -> Tensor:
        """A tensor of the weight's state, zeros at first."""
        state = self.state[weight]
        if name not in state:
            state[name] = torch.zeros_like(weight if like is None else like)
        tensor: Tensor = state[name]
        return tensor

    def moving(self) -> Iterator[tuple[dict[str, Any], list[Tensor]]]:
        """Each group and those of its weights that have gradients."""
        for group in self.param_groups:
            yield group, [weight for weight in group["params"] if weight.grad is not None]


class Optimistic(Directions):
    """w ← w − 2η u_t + η u_{t−1}, u the directions (Daskalakis et al. 2018, algorithm 1)."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update; a closure is not evaluated."""
        for group, weights in self.moving():
            directions = self.directions(group, weights)
            before = [self.held(weight, "before") for weight in weights]
            torch._foreach_add_(weights, directions, alpha=-2 * group["lr"])
            torch._foreach_add_(weights, before, alpha=group["lr"])
            torch._foreach_copy_(before, directions)


class Extragradient(Directions):
    """w ← w − η u(w − η u(w)), u the directions (Korpelevich 1976; with Adam's: Gidel et al. 2019, algorithm 4).

    Call `extrapolate` with the gradients at w, and `step` with those at the point that it moves to. By itself, `step`
    is a plain one.
    """

    ANCHOR = "anchor"

    @torch.no_grad()
    def extrapolate(self) -> None:
        """Move ahead, and remember from where."""
        for group, weights in self.moving():
            for weight in weights:
                self.state[weight][self.ANCHOR] = weight.detach().clone()
            torch._foreach_add_(weights, self.directions(group, weights), alpha=-group["lr"])

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update, from where the last `extrapolate` started; a closure is not evaluated."""
        for group, weights in self.moving():
            for weight in weights:
                anchor = self.state[weight].pop(self.ANCHOR, None)
                if anchor is not None:
                    weight.copy_(anchor)
            torch._foreach_add_(weights, self.directions(group, weights), alpha=-group["lr"])
