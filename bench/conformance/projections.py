"""The laws of penalties that change the discriminator's weights after its update."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from bench.conformance.arena import IMAGES, POINTS, Arena
from bench.conformance.laws import Law, Trial, UntriedError, number
from bench.conformance.watching import GlobalRandomState
from bench.objectives.base import Penalty

FAR = 100
"""Times the weights a critic starts with: no projection leaves such weights alone."""


def _cases(trial: Trial[Penalty]) -> Iterator[tuple[Any, nn.Module]]:
    penalty: Any = trial.create()
    if not hasattr(penalty, "project"):
        raise UntriedError("it projects no weights")
    for shape in (POINTS, IMAGES):
        yield penalty, Arena.build(shape, 1).critic


@torch.no_grad()
def _scale(critic: nn.Module) -> None:
    for weight in critic.parameters():
        weight.mul_(FAR)


def projects_in_place(trial: Trial[Penalty]) -> str | None:
    """`project` changes weights in place: the same parameters, of the same shapes, still to be trained."""
    for penalty, critic in _cases(trial):
        _scale(critic)
        before = {name: (weight, weight.shape, weight.data_ptr()) for name, weight in critic.named_parameters()}
        kept = {name: weight.detach().clone() for name, weight in critic.named_parameters()}
        penalty.project(critic)
        after = dict(critic.named_parameters())
        if set(after) != set(before):
            return f"parameters before: {', '.join(before)}; after: {', '.join(after)}"
        for name, (weight, shape, place) in before.items():
            if after[name].shape != shape:
                return f"the shape of '{name}' was {tuple(shape)} and is {tuple(after[name].shape)}"
            if after[name] is not weight or after[name].data_ptr() != place:
                return f"'{name}' lies elsewhere than before: the optimizer holds the old one, a captured step as well"
            if not weight.requires_grad or weight.grad is not None:
                return f"'{name}' carries a gradient or is no longer trained afterwards: project inside torch.no_grad()"
            if not torch.isfinite(weight).all():
                return f"'{name}' is not finite afterwards"
        if all(torch.equal(kept[name], weight) for name, weight in after.items()):
            return f"weights {FAR} times as large as at the start are left as they are"
    return None


def projects_once_and_for_all(trial: Trial[Penalty]) -> str | None:
    """`project` is idempotent: weights that were projected stay where they are."""
    for penalty, critic in _cases(trial):
        _scale(critic)
        penalty.project(critic)
        once = [weight.detach().clone() for weight in critic.parameters()]
        penalty.project(critic)
        for before, weight in zip(once, critic.parameters(), strict=True):
            moved = float((weight - before).abs().max())
            if moved > 1e-3 * float(before.abs().max()) + 1e-9:
                return f"a second projection moves a weight by {number(moved)}"
    return None


def projects_without_chance(trial: Trial[Penalty]) -> str | None:
    """`project` draws nothing: the global random state is left alone."""
    for penalty, critic in _cases(trial):
        state = GlobalRandomState()
        penalty.project(critic)
        if moved := state.changed():
            return f"it draws from {moved}, or sets it"
    return None


LAWS: tuple[Law, ...] = (projects_in_place, projects_once_and_for_all, projects_without_chance)
