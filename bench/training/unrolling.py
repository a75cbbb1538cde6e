"""The discriminator a few updates ahead, as a differentiable function of the generator (Metz et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bench.objectives.base import Loss

Scores = Callable[[Tensor], Tensor]
Weights = dict[str, Tensor]


def look_ahead(
    discriminator: nn.Module, optimizer: torch.optim.Optimizer, loss: Loss, real: Tensor, fake: Tensor, steps: int
) -> Scores:
    """What scores samples after ``steps`` more updates on one batch, differentiable by what ``fake`` leads back to.

    The discriminator, its weights' gradients and its optimizer stay as they are.

    Args:
        discriminator: whose weights the updates start from.
        optimizer: its own, whose rule and state they follow.
        loss: what they descend.
        real: shown samples of the data.
        fake: shown samples that lead back to the generator.
        steps: how many updates; 0: the discriminator as it is.
    """
    if not steps:
        return discriminator
    # cut from the discriminator's own, which the generator's gradient is not to reach
    weights = {name: weight.detach().requires_grad_() for name, weight in discriminator.named_parameters()}
    rule = Rule(optimizer, dict(discriminator.named_parameters()))
    for _ in range(steps):
        real_scores, fake_scores = (functional_call(discriminator, weights, (shown,)) for shown in (real, fake))
        gradients = torch.autograd.grad(
            loss.discriminator(real_scores, fake_scores),
            tuple(weights.values()),
            create_graph=True,
            materialize_grads=True,
        )
        weights = rule.step(weights, gradients)
    return lambda samples: functional_call(discriminator, weights, (samples,))


class Rule:
    """An optimizer's update as a function: nothing changes in place.

    Args:
        optimizer: SGD, Adam or RMSprop of torch, in the state that the first update starts from.
        parameters: the weights that it holds, by name.

    Raises:
        TypeError: another optimizer.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, parameters: dict[str, nn.Parameter]) -> None:
        kinds: list[tuple[type, Callable[[Tensor, dict[str, Any]], Tensor]]] = [
            (torch.optim.SGD, self._sgd),
            (torch.optim.Adam, self._adam),
            (torch.optim.RMSprop, self._rmsprop),
        ]
        found = next((direction for kind, direction in kinds if isinstance(optimizer, kind)), None)
        if found is None:
            raise TypeError(f"updates of {type(optimizer).__name__} cannot be differentiated here")
        self._direction = found
        (self._group,) = optimizer.param_groups
        self._state = {name: dict(optimizer.state.get(parameter, {})) for name, parameter in parameters.items()}

    def step(self, weights: Weights, gradients: tuple[Tensor, ...]) -> Weights:
        """The weights after one update."""
        rate = self._group["lr"]
        return {
            name: weight - rate * self._direction(gradient, self._state[name])
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
        }

    def _sgd(self, gradient: Tensor, state: dict[str, Any]) -> Tensor:
        momentum: float = self._group["momentum"]
        if not momentum:
            return gradient
        before: Tensor | None = state.get("momentum_buffer")
        kept = gradient if before is None else momentum * before + gradient
        state["momentum_buffer"] = kept
        return gradient + momentum * kept if self._group["nesterov"] else kept

    def _adam(self, gradient: Tensor, state: dict[str, Any]) -> Tensor:
        beta1: float
        beta2: float
        beta1, beta2 = self._group["betas"]
        # torch counts in float32, whatever the weights are
        updates: Tensor = state.get("step", gradient.new_zeros(())).to(gradient.dtype) + 1
        mean: Tensor = beta1 * state.get("exp_avg", 0.0) + (1 - beta1) * gradient
        square: Tensor = beta2 * state.get("exp_avg_sq", 0.0) + (1 - beta2) * gradient.square()
        state |= {"step": updates, "exp_avg": mean, "exp_avg_sq": square}
        return mean / (1 - beta1**updates) / self._raised(square / (1 - beta2**updates))

    def _rmsprop(self, gradient: Tensor, state: dict[str, Any]) -> Tensor:
        alpha: float = self._group["alpha"]
        square: Tensor = alpha * state.get("square_avg", 0.0) + (1 - alpha) * gradient.square()
        state["square_avg"] = square
        return gradient / self._raised(square)

    def _raised(self, square: Tensor) -> Tensor:
        """√v + ε; where v is zero, the root's gradient is too, which would not be finite."""
        epsilon: float = self._group["eps"]
        return square.clamp_min(torch.finfo(square.dtype).tiny).sqrt() + epsilon
