"""R3GAN's pair, of the width of the paper and narrower."""

from __future__ import annotations

from tests.architectures.players import build, count, weighted_layers


def block(width: int) -> int:
    return width * 2 * width + 2 * width + 2 * width * 16 * 9 + 2 * width + 2 * width * width


def test_it_is_the_papers_for_cifar() -> None:
    """train.py, preset CIFAR10: four stages of width 768 with two blocks each, 96 groups, z of 64; no biases outside of
    blocks."""
    generator = 768 * 4 * 4 + 64 * 768 + 4 * 2 * block(768) + 768 * 3
    assert count(build("resnet-r3gan", "generator", (3, 32, 32), width=768)) == generator
    discriminator = 3 * 768 + 4 * 2 * block(768) + 768 * 4 * 4 + 768
    built = build("resnet-r3gan", "discriminator", (3, 32, 32), width=768)
    assert count(built) == discriminator
    assert {layer.groups for layer in weighted_layers(built) if getattr(layer, "kernel_size", None) == (3, 3)} == {96}  # type: ignore[union-attr]


def test_64_pixels_have_half_the_channels() -> None:
    """Preset FFHQ-64: widths 768 × 4, then 384; channels change where the pixels are fewer."""
    generator = 96 * 4 * 4 + 64 * 96 + 4 * 2 * block(96) + 96 * 48 + 2 * block(48) + 48 * 3
    assert count(build("resnet-r3gan", "generator", (3, 64, 64), width=96)) == generator
    discriminator = 3 * 48 + 2 * block(48) + 48 * 96 + 4 * 2 * block(96) + 96 * 4 * 4 + 96
    assert count(build("resnet-r3gan", "discriminator", (3, 64, 64), width=96)) == discriminator


def test_28_pixels_begin_with_7() -> None:
    generator = 32 * 7 * 7 + 64 * 32 + 3 * block(32) + 32
    assert count(build("resnet-r3gan", "generator", (1, 28, 28), width=32, blocks=1)) == generator
