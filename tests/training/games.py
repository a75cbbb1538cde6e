"""Games for tests, and what tells two of them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bench.catalog import datasets
from bench.datasets.base import Data
from bench.spec import RunSpec
from bench.training.game import Game

CPU = torch.device("cpu")
torch.set_num_threads(1)


def load(spec: RunSpec) -> Data:
    return datasets.create(spec.dataset.name, **spec.dataset.settings).load(Path())


def make(spec: RunSpec, data: Data | None = None) -> Game:
    return Game(spec, data if data is not None else load(spec), CPU)


def change(spec: RunSpec, **changes: Any) -> RunSpec:
    """The run with other parts of its objective."""
    return spec.model_copy(update={"objective": spec.objective.model_copy(update=changes)})


def bits(game: Game) -> dict[str, Any]:
    buffer: dict[str, Any] = {}
    state = game.state_dict()
    for part in ("generator", "discriminator", "average"):
        buffer |= {f"{part}.{key}": value for key, value in (state[part] or {}).items()}
    return buffer


def same_bits(a: Game, b: Game) -> bool:
    first, second = bits(a), bits(b)
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
