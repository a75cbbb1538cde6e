"""The terms of a penalty, as functions that the laws can call, and what they are tried on."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.overrides import TorchFunctionMode

from bench.conformance.arena import IMAGES, POINTS, Arena
from bench.conformance.laws import Trial, UntriedError
from bench.conformance.memory import instances
from bench.errors import CatalogError
from bench.objectives.base import Penalty

SMALL_BATCH = 6
SHAPES = (POINTS, IMAGES)
Term = Callable[[Any, Arena, Generator], Tensor]
TERMS: dict[str, Term] = {
    "term": lambda penalty, arena, random: penalty.term(arena.critic_batch(random)),
    "generator_term": lambda penalty, arena, random: penalty.generator_term(arena.generator_batch(random)),
    "joint_term": lambda penalty, arena, random: penalty.joint_term(arena.joint()),
}


def seeded(seed: int = 0, device: torch.device | None = None) -> Generator:
    """A stream as a game gives it."""
    return Generator(device or torch.device("cpu")).manual_seed(seed)


def terms(penalty: Any) -> list[tuple[str, Term]]:
    """The penalty's terms by name, as functions that return scalars or raise `UntriedError`.

    Raises:
        UntriedError: it has none.
    """
    found: list[tuple[str, Term]] = [
        (name, functools.partial(_scalar, name)) for name in TERMS if hasattr(penalty, name)
    ]
    if not found:
        raise UntriedError("it adds no term to a loss")
    return found


def _scalar(name: str, penalty: Any, arena: Arena, random: Generator) -> Tensor:
    value = TERMS[name](penalty, arena, random)
    if not isinstance(value, Tensor) or value.shape:
        raise UntriedError(f"{name} is no scalar tensor")
    return value


def cases(trial: Trial[Penalty], n: int = SMALL_BATCH) -> Iterator[tuple[Any, Arena, str, Term]]:
    """Every instance and every one of its terms, on points and on images."""
    for penalty, shape in itertools.product(instances(trial), shapes_taken(trial)):
        arena = Arena.build(shape, n)
        for name, term in terms(penalty):
            yield penalty, arena, name, term


def shapes_taken(trial: Trial[Penalty]) -> list[tuple[int, ...]]:
    """Points and images, less what the penalty refuses with a CatalogError."""
    if "shapes" not in trial.memo:
        trial.memo["shapes"] = [shape for shape in SHAPES if _takes(trial.create(), shape)]
    taken: list[tuple[int, ...]] = trial.memo["shapes"]
    if not taken:
        raise UntriedError("it refuses points as well as images of 8×8 pixels")
    return taken


def _takes(penalty: Penalty, shape: tuple[int, ...]) -> bool:
    try:
        for name, term in TERMS.items():
            if hasattr(penalty, name):
                term(penalty, Arena.build(shape, SMALL_BATCH), seeded())
    except CatalogError:
        return False
    except Exception:  # whatever foreign code brings about; the laws tell
        return True
    return True


def players_of(name: str, arena: Arena) -> dict[str, list[nn.Parameter]]:
    """The weights that a term of this name is there for."""
    both = {"discriminator": list(arena.critic.parameters()), "generator": list(arena.generator.parameters())}
    return {
        player: weights
        for player, weights in both.items()
        if name == "joint_term" or player == ("discriminator" if name == "term" else "generator")
    }


def weight_gradients(value: Tensor, weights: list[nn.Parameter]) -> list[Tensor]:
    """The gradients by the weights, zero where it has none."""
    if not value.requires_grad:
        return [torch.zeros_like(weight) for weight in weights]
    return list(torch.autograd.grad(value, weights, allow_unused=True, materialize_grads=True, retain_graph=True))


def is_finite(name: str, value: Tensor, arena: Arena) -> bool:
    """Whether the term and its gradients are."""
    parts = [value, *(g for weights in players_of(name, arena).values() for g in weight_gradients(value, weights))]
    return all(bool(torch.isfinite(part).all()) for part in parts)


class SampleGradients(TorchFunctionMode):
    """Notices gradients with respect to samples."""

    def __init__(self, arena: Arena) -> None:
        super().__init__()
        self.taken = False
        self._weights = {id(weight) for player in (arena.critic, arena.generator) for weight in player.parameters()}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.autograd.grad:
            inputs = args[1] if len(args) > 1 else (kwargs or {}).get("inputs", ())
            inputs = (inputs,) if isinstance(inputs, Tensor) else inputs
            self.taken |= any(id(tensor) not in self._weights for tensor in inputs)
        return func(*args, **(kwargs or {}))
