"""The laws of optimizers."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from bench.conformance.devices import differs_on_cuda
from bench.conformance.laws import Law, Trial, described_completely, number
from bench.training.optimizers import OptimizerEntry

STEPS = 50


def _weights(seed: int = 0) -> list[nn.Parameter]:
    source = torch.Generator().manual_seed(seed)
    return [nn.Parameter(torch.randn(shape, generator=source)) for shape in ((4, 3), (4,))]


def _descend(optimizer: torch.optim.Optimizer, weights: list[nn.Parameter], steps: int) -> float:
    """Steps down a quadratic whose minimum is at 0.3; returns its value before the last step."""
    loss = torch.zeros(())
    for _ in range(steps):
        optimizer.zero_grad()
        loss = sum(((weight - 0.3).square().sum() for weight in weights), start=torch.zeros(()))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return float(loss)


def _same(one: list[nn.Parameter], other: list[nn.Parameter]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def makes_a_torch_optimizer(trial: Trial[OptimizerEntry]) -> str | None:
    """`build` makes a torch optimizer of all the weights, in one group with a learning rate `lr`."""
    weights = _weights()
    optimizer = trial.create().build(iter(weights))
    if not isinstance(optimizer, torch.optim.Optimizer):
        return f"`build` returns a {type(optimizer).__name__}, not a torch.optim.Optimizer"
    held = [id(weight) for group in optimizer.param_groups for weight in group["params"]]
    if sorted(held) != sorted(map(id, weights)):
        return f"it holds {len(held)} tensors; it was given {len(weights)}"
    if len(optimizer.param_groups) != 1 or "lr" not in optimizer.param_groups[0]:
        groups = len(optimizer.param_groups)
        return f"it has {groups} groups; a learning rate that decays is set as 'lr' of a single one"
    rate = float(optimizer.param_groups[0]["lr"])
    return None if math.isfinite(rate) and rate > 0 else f"its learning rate is {number(rate)}"


def lowers_a_quadratic(trial: Trial[OptimizerEntry]) -> str | None:
    """It lowers a quadratic, and every weight has a part in it."""
    weights = _weights()
    optimizer = trial.create().build(weights)
    start = _descend(optimizer, weights, 1)
    end = _descend(optimizer, weights, STEPS)
    if not end < start:
        return f"after {STEPS} steps a sum of squares is {number(end)}; it was {number(start)}"
    still = sum(torch.equal(before, after) for before, after in zip(_weights(), weights, strict=True))
    return f"{still} of {len(weights)} weights have not moved" if still else None


def goes_on_from_a_checkpoint(trial: Trial[OptimizerEntry]) -> str | None:
    """It goes on from its state_dict bit for bit."""
    weights = _weights()
    optimizer = trial.create().build(weights)
    _descend(optimizer, weights, 7)
    resumed = [nn.Parameter(weight.detach().clone()) for weight in weights]
    state = copy.deepcopy(optimizer.state_dict())
    other = trial.create().build(resumed)
    other.load_state_dict(state)
    _descend(optimizer, weights, 7)
    _descend(other, resumed, 7)
    if not _same(weights, resumed):
        apart = max(float((a - b).detach().abs().max()) for a, b in zip(weights, resumed, strict=True))
        return f"seven steps after the checkpoint the weights are {number(apart)} apart: some of its state is not saved"
    return None


def two_share_nothing(trial: Trial[OptimizerEntry]) -> str | None:
    """Two optimizers share nothing: what one player does is nothing to the other."""
    alone, beside, neighbours = _weights(), _weights(), _weights(1)
    _descend(trial.create().build(alone), alone, 10)
    entry = trial.create()
    first, second = entry.build(beside), entry.build(neighbours)
    for _ in range(10):
        _descend(second, neighbours, 2)
        _descend(first, beside, 1)
    return None if _same(alone, beside) else "it ends elsewhere when another optimizer of the entry steps beside it"


def same_on_cuda(trial: Trial[OptimizerEntry]) -> str | None:
    """CUDA gives the numbers of the CPU."""

    def compute(device: torch.device) -> Iterator[tuple[str, Tensor]]:
        weights = [nn.Parameter(weight.detach().to(device)) for weight in _weights()]
        optimizer = trial.create().build(weights)
        for _ in range(10):
            for weight in weights:
                weight.grad = 2 * (weight.detach() - 0.3)
            optimizer.step()
        yield from (("a weight after ten steps", weight.detach()) for weight in weights)

    return differs_on_cuda(compute, 1e-4, 1e-6)


LAWS: tuple[Law, ...] = (
    makes_a_torch_optimizer,
    described_completely,
    lowers_a_quadratic,
    goes_on_from_a_checkpoint,
    two_share_nothing,
    same_on_cuda,
)
