"""SNGAN's residual pair: the layers of its tables, attention where it is asked for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bench.architectures.attention import SelfAttention
from bench.catalog import architectures
from bench.errors import CatalogError
from tests.architectures.players import build, convolution, count, linear, narrow, weighted_layers


def up(before: int, after: int) -> int:
    """A generator's block, with its two batch normalisations."""
    convolutions = convolution(before, after, 3) + convolution(after, after, 3) + convolution(before, after, 1)
    return convolutions + 2 * before + 2 * after


def down(before: int, after: int, *, hidden: int | None = None, shortcut: bool = True) -> int:
    """A discriminator's block; as many hidden channels as before, but in the first."""
    hidden = hidden or before
    convolutions = convolution(before, hidden, 3) + convolution(hidden, after, 3)
    return convolutions + shortcut * convolution(before, after, 1)


def end(width: int) -> int:
    """A generator's last layers: normalisation and the convolution to an image."""
    return 2 * width + convolution(width, 3, 3)


def test_32_pixels_are_the_papers() -> None:
    """Table 4, with the biases of the code: snresnet_32.py, resnet_32.py."""
    generator = linear(128, 4 * 4 * 256) + 3 * up(256, 256) + end(256)
    assert count(build("resnet", "generator", (3, 32, 32))) == generator == 4_276_739
    level = down(128, 128, shortcut=False)
    discriminator = down(3, 128, hidden=128) + down(128, 128) + 2 * level + 128
    assert count(build("resnet", "discriminator", (3, 32, 32))) == discriminator == 1_053_824


def test_48_pixels_are_the_papers() -> None:
    """Table 5: 6×6×512 → 256 → 128 → 64, and 64 → 128 → 256 → 512 → 1024, whose last keeps the pixels."""
    generator = linear(128, 6 * 6 * 512) + up(512, 256) + up(256, 128) + up(128, 64) + end(64)
    assert count(build("resnet", "generator", (3, 48, 48))) == generator
    blocks = down(3, 64, hidden=64) + down(64, 128) + down(128, 256) + down(256, 512) + down(512, 1024)
    discriminator = build("resnet", "discriminator", (3, 48, 48))
    assert count(discriminator) == blocks + 1024
    assert sum(isinstance(layer, nn.AvgPool2d) for layer in discriminator.modules()) == 2 * 4


def test_64_pixels_are_those_of_the_papers_code() -> None:
    """resnet_64.py: 4×4×1024 → 512 → … → 64; snresnet_64.py: 64 → … → 1024, all of which halve the pixels."""
    blocks = up(1024, 512) + up(512, 256) + up(256, 128) + up(128, 64)
    assert count(build("resnet", "generator", (3, 64, 64))) == linear(128, 4 * 4 * 1024) + blocks + end(64)
    discriminator = build("resnet", "discriminator", (3, 64, 64))
    halved = down(3, 64, hidden=64) + down(64, 128) + down(128, 256) + down(256, 512) + down(512, 1024)
    assert count(discriminator) == halved + 1024
    assert sum(isinstance(layer, nn.AvgPool2d) for layer in discriminator.modules()) == 2 * 5


def test_layers_outside_of_blocks_begin_as_glorot_has_it() -> None:
    layers = weighted_layers(build("resnet", "generator", (3, 32, 32)))
    assert layers[0].weight.std().item() == pytest.approx((2 / (128 + 4096)) ** 0.5, rel=0.02)
    assert layers[-1].weight.std().item() == pytest.approx((2 / (9 * 256 + 9 * 3)) ** 0.5, rel=0.05)


@pytest.mark.parametrize("size", [16, 28, 32, 48, 64])
@pytest.mark.parametrize(("attention", "part"), [("half", 2), ("quarter", 4)])
@pytest.mark.parametrize("role", ["generator", "discriminator"])
def test_attention_is_where_it_is_asked_for(role: str, attention: str, part: int, size: int) -> None:
    player = build("resnet", role, (1, size, size), **narrow("resnet"), attention=attention)
    seen = []
    for layer in player.modules():
        if isinstance(layer, SelfAttention):
            layer.register_forward_hook(lambda layer, given, made: seen.append(made.shape[-1]))
    player(torch.randn(2, *((5,) if role == "generator" else (1, size, size))))
    assert seen == [size // part]


def test_attention_at_a_quarter_needs_more_than_8_pixels() -> None:
    resnet = architectures.create("resnet", attention="quarter")
    resnet.check((1, 16, 16))
    with pytest.raises(CatalogError, match='attention = "half" or "none"'):
        resnet.check((1, 8, 8))
