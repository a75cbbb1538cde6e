"""What carries numbers from update to update, and the scores that it takes in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bench.conformance.laws import Trial, UntriedError, number
from bench.objectives.base import Memory

Values = Callable[[Any], list[Tensor]]
"""What an instance computes from fixed inputs: the numbers that a memory may change."""


def scores(
    n: int, dtype: torch.dtype = torch.float64, *, energies: bool = False, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Real and fake scores as a discriminator gives them in training; energies are not negative."""
    source = torch.Generator().manual_seed(seed)
    real = 0.5 + 1.5 * torch.randn(n, generator=source, dtype=torch.float64)
    fake = -0.5 + 1.5 * torch.randn(n, generator=source, dtype=torch.float64)
    if energies:
        real, fake = real.abs(), fake.abs()
    return real.to(dtype), fake.to(dtype)


def observes(instance: Any) -> bool:
    """Whether it takes in the scores of updates."""
    return isinstance(instance, Memory) and type(instance).observe is not Memory.observe


def with_experience(instance: Any) -> Any:
    """The instance after a few updates, if it remembers any."""
    if observes(instance):
        for seed in range(4):
            # far apart in both directions, so that whatever is remembered has moved
            real, fake = scores(8, energies=True, seed=seed)
            instance.observe(50 * real + 20, fake)
    return instance


def instances(trial: Trial[Any]) -> list[Any]:
    """A fresh instance and, if it remembers updates, one that has seen some."""
    fresh = trial.create()
    return [fresh, with_experience(trial.create())] if isinstance(fresh, Memory) else [fresh]


def remembers_in_observe_alone(trial: Trial[Any], values: Values) -> str | None:
    """What `bench.objectives.Memory` holds changes in `observe`, and nowhere else."""
    instance = trial.create()
    if not isinstance(instance, Memory):
        if hasattr(instance, "observe"):
            return "it has a method `observe` but does not derive from bench.objectives.Memory: nobody will call it"
        raise UntriedError("it remembers nothing")
    if not observes(instance):
        return "it derives from bench.objectives.Memory, but has no method `observe` that takes in the scores"
    for experienced in (False, True):
        before = with_experience(instance).state_dict() if experienced else instance.state_dict()
        values(instance)
        for name, after in instance.state_dict().items():
            if not torch.equal(before[name], after):
                moved = f"from {number(float(before[name]))} to {number(float(after))}"
                return f"'{name}' moved {moved} although `observe` was not called"
    first = trial.create()
    if all(torch.equal(held, instance.state_dict()[name]) for name, held in first.state_dict().items()):
        return "none of its numbers moved in four calls of `observe`"
    return None


def memory_goes_on_from_a_checkpoint(trial: Trial[Any], values: Values) -> str | None:
    """What it remembers is all there is: loaded into a fresh instance, it gives the same numbers from then on."""
    first, second = with_experience(trial.create()), trial.create()
    if not observes(first):
        raise UntriedError("it remembers nothing")
    second.load_state_dict(first.state_dict())
    for moment in ("at once", "after one more update"):
        for one, other in zip(values(first), values(second), strict=True):
            if not torch.equal(one, other):
                return f"{moment}: {number(float(one))} before the checkpoint and {number(float(other))} after it"
        real, fake = scores(8, energies=True, seed=9)
        first.observe(real, fake)
        second.observe(real, fake)
    return None
