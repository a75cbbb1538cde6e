"""The convolutional pair of WGAN-GP's code: its layers, its initial weights."""

from __future__ import annotations

import pytest
from torch import nn

from tests.architectures.players import ROLES, build, convolution, count, inputs, linear, small, weighted_layers


def test_it_is_that_of_mnist() -> None:
    """gan_mnist.py in the mode wgan-gp, where nothing is normalised, with DIM = 64."""
    generator = linear(128, 4 * 4 * 256) + convolution(256, 128, 5) + convolution(128, 64, 5) + convolution(64, 1, 5)
    assert count(build("wgan-gp-cnn", "generator", (1, 28, 28), generator_normalisation="none")) == generator
    discriminator = convolution(1, 64, 5) + convolution(64, 128, 5) + convolution(128, 256, 5) + linear(4 * 4 * 256, 1)
    assert count(build("wgan-gp-cnn", "discriminator", (1, 28, 28))) == discriminator


def test_it_is_that_of_cifar() -> None:
    """gan_cifar.py in the mode wgan-gp, where the generator alone is normalised, with DIM = 128."""
    widths = (4 * 4 * 512, 256, 128)
    generator = linear(128, 4 * 4 * 512) + convolution(512, 256, 5) + convolution(256, 128, 5) + convolution(128, 3, 5)
    assert count(build("wgan-gp-cnn", "generator", (3, 32, 32), width=128)) == generator + 2 * sum(widths)
    discriminator = (
        convolution(3, 128, 5) + convolution(128, 256, 5) + convolution(256, 512, 5) + linear(4 * 4 * 512, 1)
    )
    assert count(build("wgan-gp-cnn", "discriminator", (3, 32, 32), width=128)) == discriminator


@pytest.mark.parametrize(("size", "sizes"), [(28, [7, 14, 28]), (32, [8, 16, 32])])
def test_pixels_are_those_of_the_code(size: int, sizes: list[int]) -> None:
    generator = small("wgan-gp-cnn", "generator", (1, size, size), "none")
    seen = []
    for layer in generator.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            layer.register_forward_hook(lambda layer, given, made: seen.append(made.shape[-1]))
    generator(inputs("generator", (), 2))
    assert seen == sizes


@pytest.mark.parametrize("role", ROLES)
def test_weights_are_uniform_with_the_fans_of_the_code(role: str) -> None:
    """tflib: √(2 / (fan-in + fan-out)) of linear layers; √(4 / …) of convolutions, whose fan-out (transposed:
    fan-in) is divided by the strides."""
    layers = weighted_layers(build("wgan-gp-cnn", role, (3, 32, 32)))
    fans = {
        "generator": [128 + 4096, 25 * 256 / 4 + 25 * 128, 25 * 128 / 4 + 25 * 64, 25 * 64 / 4 + 25 * 3],
        "discriminator": [25 * 3 + 25 * 64 / 4, 25 * 64 + 25 * 128 / 4, 25 * 128 + 25 * 256 / 4, 4096 + 1],
    }
    for layer, both in zip(layers, fans[role], strict=True):
        std = ((2 if isinstance(layer, nn.Linear) else 4) / both) ** 0.5
        assert layer.weight.std().item() == pytest.approx(std, rel=0.05)
        assert layer.weight.abs().max().item() <= std * 3**0.5
        assert not layer.bias.any()
