"""The pair of PacGAN's mixtures: its layers, maxout, initial weights."""

from __future__ import annotations

import pytest
import torch

from bench.architectures.layers import Largest
from bench.catalog import architectures
from bench.errors import CatalogError
from tests.architectures.players import KINDS, ROLES, build, count, inputs, linear, small, weighted_layers


@pytest.mark.parametrize("packed", [1, 2, 3, 4])
def test_it_is_the_papers(packed: int) -> None:
    """Lin et al. 2018, sec. 4.1 and pacgan_task.py: 2 → 400 × 4 → 2, normalised layers without biases; 2m → three
    maxout layers of 200 units with 5 pieces → 1."""
    generator = 2 * 400 + 3 * 400 * 400 + 4 * 2 * 400 + linear(400, 2)
    assert count(build("pacgan-mlp", "generator", (2,))) == generator
    discriminator = linear(2 * packed, 1000) + 2 * linear(200, 1000) + linear(200, 1)
    assert count(build("pacgan-mlp", "discriminator", (2 * packed,))) == discriminator


@pytest.mark.parametrize("role", ROLES)
def test_weights_are_normal_and_biases_zero(role: str) -> None:
    for layer in weighted_layers(build("pacgan-mlp", role, (2,))):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.15)
        assert layer.bias is None or not layer.bias.any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_sees_more_of_z_than_its_direction(kind: str) -> None:
    generator = small("pacgan-mlp", "generator", (2,), kind).eval()
    random = torch.Generator().manual_seed(2)
    for weight in generator.parameters():  # biases begin with 0
        torch.nn.init.normal_(weight, generator=random)
    z = 100 * inputs("generator", (2,), 20)  # far from the ε of a variance
    assert not torch.allclose(generator(2 * z), generator(z), rtol=1e-3)


def test_maxout_units_are_the_largest_of_their_pieces() -> None:
    x = torch.randn(4, 15, generator=torch.Generator().manual_seed(0))
    made = Largest(5)(x)
    for unit in range(3):
        assert torch.equal(made[:, unit], torch.stack([x[:, piece * 3 + unit] for piece in range(5)]).max(0).values)


def test_it_makes_points_alone() -> None:
    pair = architectures.create("pacgan-mlp")
    pair.check((1200,))
    for refuse in (pair.check, pair.generator):
        with pytest.raises(CatalogError, match=r"makes points.*for images use 'dcgan' or 'mlp'"):
            refuse((1, 8, 8))
