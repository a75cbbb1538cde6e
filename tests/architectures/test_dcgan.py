"""DCGAN: the layers of its papers, their biases and initial weights."""

from __future__ import annotations

import pytest
from torch import nn

from bench.catalog import architectures
from bench.errors import CatalogError
from tests.architectures.players import KINDS, ROLES, build, convolution, count, linear, small, weighted_layers


def test_it_is_the_papers() -> None:
    """Miyato et al. 2018, table 3a at 32 pixels (4×4×512, 256, 128, 64); Radford et al. 2016, fig. 1 at 64."""
    generator = build("dcgan", "generator", (3, 32, 32), width=64, latent_dim=128)
    widths = [layer.out_channels for layer in generator.modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert widths == [256, 128, 64]
    first = next(layer for layer in generator.modules() if isinstance(layer, nn.Linear))
    assert first.out_features == 4 * 4 * 512
    weights = 128 * 8192 + 16 * (512 * 256 + 256 * 128 + 128 * 64) + 9 * 64 * 3 + 3
    scales_and_shifts = 2 * (512 + 256 + 128 + 64)
    assert count(generator) == weights + scales_and_shifts

    discriminator = build("dcgan", "discriminator", (3, 64, 64), width=64)
    strided = [layer.out_channels for layer in discriminator.modules() if isinstance(layer, nn.Conv2d)]
    assert strided == [64, 128, 256, 512]
    score = next(layer for layer in discriminator.modules() if isinstance(layer, nn.Linear))
    assert score.in_features == 4 * 4 * 512


def test_28_pixels_begin_with_7() -> None:
    """7×7×4w → 14×14×2w → 28×28×w, and as far back; counted by hand."""
    w = 64
    generator = 64 * 4 * w * 7 * 7 + 16 * (4 * w * 2 * w + 2 * w * w) + 2 * (4 * w + 2 * w + w) + convolution(w, 1, 3)
    assert count(build("dcgan", "generator", (1, 28, 28), width=w)) == generator
    discriminator = convolution(1, w, 4) + convolution(w, 2 * w, 4) + 2 * 2 * w + linear(2 * w * 7 * 7, 1)
    assert count(build("dcgan", "discriminator", (1, 28, 28), width=w)) == discriminator


@pytest.mark.parametrize("shape", [(2,), (1, 24, 24), (4, 8, 8), (1, 8, 16), (1, 128, 128)])
def test_it_refuses_what_it_cannot_make(shape: tuple[int, ...]) -> None:
    dcgan = architectures.create("dcgan")
    for refuse in (dcgan.check, dcgan.generator):
        with pytest.raises(CatalogError, match="8, 16, 28, 32 or 64 pixels"):
            refuse(shape)


@pytest.mark.parametrize("role", [*ROLES, "autoencoder"])
def test_it_is_initialised_as_in_the_paper(role: str) -> None:
    for layer in weighted_layers(build("dcgan", role, (3, 32, 32), width=32)):
        if layer.weight.numel() > 10_000:
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert layer.weight.mean().item() == pytest.approx(0.0, abs=0.002)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
def test_it_has_no_biases_that_a_norm_takes_away(role: str, kind: str) -> None:
    layers = weighted_layers(small("dcgan", role, (3, 32, 32), kind))
    hidden = layers[:-1] if role == "generator" else layers[1:-1]  # the discriminator's first is not normalised
    assert all((layer.bias is None) == (kind in ("batch", "instance")) for layer in hidden)
    assert all(layer.bias is not None for layer in layers if layer not in hidden)
