"""Architectures in training: with energies, packing, penalties on gradients, and another normalisation."""

from __future__ import annotations

import pytest
import torch

from bench.catalog import architectures
from bench.compatibility import find_conflicts
from bench.datasets.base import Data
from bench.training.game import Game
from tests.architectures.players import PLACES, narrow
from tests.specs import choice, run_spec

OBJECTIVES = ["began", "ebgan", "pacgan2", "sngan", "wgan-gp"]


def some_data(shape: tuple[int, ...]) -> Data:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(256, (40, *shape), generator=random).byte()
    samples = images if len(shape) == 3 else torch.randn(40, *shape, generator=random)
    return Data(train=samples, validation=samples, test=samples)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_every_kind_of_objective_can_be_played(name: str, shape: tuple[int, ...], objective: str) -> None:
    architecture = choice(architectures, name, **narrow(name))
    spec = run_spec(objective, architecture=architecture, batch_size=8)
    assert not find_conflicts(spec.objective, architecture)
    game = Game(spec, some_data(shape), torch.device("cpu"))
    before = [weight.clone() for weight in game.generator.parameters()]
    assert game.advance(2)
    assert any(not torch.equal(*pair) for pair in zip(before, game.generator.parameters(), strict=True))
    assert game.generate(3, "samples").shape == (3, *shape)
