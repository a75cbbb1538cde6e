"""InfoGAN's pair: the layers of its paper, the numbers of Lucic et al. 2018."""

from __future__ import annotations

import pytest
from torch import nn

from tests.architectures.players import ROLES, build, convolution, count, linear, weighted_layers


def test_it_is_the_papers() -> None:
    """Chen et al. 2016, table 1, for MNIST; both nets with batch normalisation, as there."""
    generator = [
        linear(64, 1024) + 2 * 1024,
        linear(1024, 7 * 7 * 128) + 2 * 7 * 7 * 128,
        convolution(128, 64, 4) + 2 * 64,
        convolution(64, 1, 4),
    ]
    assert count(build("infogan", "generator", (1, 28, 28))) == sum(generator)
    discriminator = [
        convolution(1, 64, 4),
        convolution(64, 128, 4) + 2 * 128,
        linear(7 * 7 * 128, 1024) + 2 * 1024,
        linear(1024, 1),
    ]
    built = build("infogan", "discriminator", (1, 28, 28), discriminator_normalisation="batch")
    assert count(built) == sum(discriminator)


def test_parameters_are_as_many_as_lucic_et_al_count() -> None:
    """Their code, BEGAN.py, of the autoencoder for 32×32 RGB: "less parameters (1.3M vs 8.5M) because of the huge
    linear layer in the standard discriminator"."""
    standard = build("infogan", "discriminator", (3, 32, 32), discriminator_normalisation="none")
    autoencoder = build("infogan", "autoencoder", (3, 32, 32), discriminator_normalisation="none")
    assert round(count(standard) / 1e6, 1) == 8.5
    assert round(count(autoencoder) / 1e6, 1) == 1.3


@pytest.mark.parametrize("role", [*ROLES, "autoencoder"])
def test_weights_are_normal_and_biases_zero(role: str) -> None:
    """Their code, ops.py: stddev 0.02 in linear, conv2d and deconv2d."""
    layers = weighted_layers(build("infogan", role, (1, 28, 28)))
    for layer in layers:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
        assert not layer.bias.any()


def test_the_leak_is_that_of_lucic_et_al() -> None:
    leaks = {
        layer.negative_slope
        for layer in build("infogan", "discriminator", (1, 28, 28)).modules()
        if isinstance(layer, nn.LeakyReLU)
    }
    assert leaks == {0.2}
