"""BEGAN's pair: an autoencoder, and its decoder as a generator."""

from __future__ import annotations

import pytest
from torch import nn

from bench.architectures.autoencoder import Autoencoder
from tests.architectures.players import build, convolution, count, linear, weighted_layers


def test_it_is_the_papers() -> None:
    """Fig. 1 at 32 pixels: 3×3 convolutions, widths n, 2n, 3n on the way down, n on the way up, a code of 64."""
    n = 64
    encoder = [
        convolution(3, n, 3),
        convolution(n, n, 3) + convolution(n, n, 3),
        convolution(n, n, 3),  # stride 2
        convolution(n, 2 * n, 3) + convolution(2 * n, 2 * n, 3),
        convolution(2 * n, 2 * n, 3),  # stride 2
        convolution(2 * n, 3 * n, 3) + convolution(3 * n, 3 * n, 3),
        linear(8 * 8 * 3 * n, 64),
    ]
    decoder = linear(64, 8 * 8 * n) + 6 * convolution(n, n, 3) + convolution(n, 3, 3)
    autoencoder = build("autoencoder", "autoencoder", (3, 32, 32))
    assert isinstance(autoencoder, Autoencoder)
    assert count(autoencoder.encoder) == sum(encoder)
    assert count(autoencoder.decoder) == count(build("autoencoder", "generator", (3, 32, 32))) == decoder


@pytest.mark.parametrize(("size", "first"), [(8, 8), (16, 8), (28, 7), (32, 8), (64, 8)])
def test_the_code_is_of_8_by_8_pixels(size: int, first: int) -> None:
    discriminator = build("autoencoder", "discriminator", (1, size, size), width=4)
    score = next(layer for layer in discriminator.modules() if isinstance(layer, nn.Linear))
    stages = (size // first).bit_length()
    assert score.in_features == first * first * 4 * stages


def test_units_are_exponential_linear() -> None:
    autoencoder = build("autoencoder", "autoencoder", (1, 16, 16), width=4)
    kinds = {type(layer) for layer in autoencoder.modules() if type(layer).__module__.endswith("activation")}
    assert kinds == {nn.ELU, nn.Tanh}  # the tanh bounds the image


def test_weights_begin_as_glorot_has_it() -> None:
    for layer in weighted_layers(build("autoencoder", "autoencoder", (3, 32, 32))):
        taps = layer.weight[0, 0].numel()
        fans = taps * (layer.weight.shape[0] + layer.weight.shape[1])
        assert layer.weight.std().item() == pytest.approx((2 / fans) ** 0.5, rel=0.05)
        assert not layer.bias.any()
