"""The architectures: shapes, initialisation, normalisation where it belongs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bench.architectures import Players
from bench.architectures.layers import SpectralNorm, mixes_samples, spectral_norms
from bench.catalog import architectures
from bench.errors import CatalogError

KINDS = ["none", "batch", "layer", "spectral"]


def build(name: str, shape: tuple[int, ...], **settings: object) -> Players:
    torch.manual_seed(0)
    return architectures.create(name, **settings).build(shape)


@pytest.mark.parametrize("size", [8, 16, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_dcgan_fits_every_size(size: int, channels: int, kind: str) -> None:
    shape = (channels, size, size)
    players = build("dcgan", shape, width=4, generator_normalisation=kind, discriminator_normalisation=kind)
    samples = players.generator(torch.randn(3, players.latent_dim))
    assert samples.shape == (3, *shape)
    assert samples.abs().max() <= 1
    assert players.discriminator(samples).shape == (3,)


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8), (5,)])
@pytest.mark.parametrize("kind", KINDS)
def test_mlp_fits_every_shape(shape: tuple[int, ...], kind: str) -> None:
    players = build("mlp", shape, width=8, generator_normalisation=kind, discriminator_normalisation=kind)
    samples = players.generator(torch.randn(3, players.latent_dim))
    assert samples.shape == (3, *shape)
    assert players.discriminator(samples).shape == (3,)


@pytest.mark.parametrize("shape", [(2,), (1, 28, 28), (4, 8, 8), (1, 8, 16), (1, 128, 128)])
def test_dcgan_refuses_what_it_cannot_make(shape: tuple[int, ...]) -> None:
    with pytest.raises(CatalogError, match="8, 16, 32 or 64 pixels"):
        architectures.create("dcgan").check(shape)


def test_dcgan_is_the_papers() -> None:
    """Miyato et al. 2018, table 3a at 32 pixels (4×4×512, 256, 128, 64); Radford et al. 2016, fig. 1 at 64."""
    generator = build("dcgan", (3, 32, 32), width=64, latent_dim=128).generator
    widths = [layer.out_channels for layer in generator.modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert widths == [256, 128, 64]
    linear = next(layer for layer in generator.modules() if isinstance(layer, nn.Linear))
    assert linear.out_features == 4 * 4 * 512
    weights = 128 * 8192 + 16 * (512 * 256 + 256 * 128 + 128 * 64) + 9 * 64 * 3 + 3
    scales_and_shifts = 2 * (512 + 256 + 128 + 64)
    assert sum(weight.numel() for weight in generator.parameters()) == weights + scales_and_shifts

    players = build("dcgan", (3, 64, 64), width=64)
    strided = [layer.out_channels for layer in players.discriminator.modules() if isinstance(layer, nn.Conv2d)]
    assert strided == [64, 128, 256, 512]
    score = next(layer for layer in players.discriminator.modules() if isinstance(layer, nn.Linear))
    assert score.in_features == 4 * 4 * 512


def test_dcgan_initialises_as_the_paper() -> None:
    players = build("dcgan", (3, 32, 32), width=32)
    for layer in players.generator.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert layer.weight.mean().item() == pytest.approx(0.0, abs=0.002)


def test_mlp_initialises_as_he_does() -> None:
    players = build("mlp", (2,), width=512)
    generator, discriminator = (
        [layer for layer in player.modules() if isinstance(layer, nn.Linear)]
        for player in (players.generator, players.discriminator)
    )
    for layer in (*generator[1:-1], *discriminator[1:-1]):
        assert layer.weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.02)
    assert all((layer.bias == 0).all() for layer in generator)
    assert all((layer.bias != 0).any() for layer in discriminator)


def test_batch_normalisation_is_known_to_mix_samples() -> None:
    assert mixes_samples(build("dcgan", (1, 8, 8), discriminator_normalisation="batch").discriminator)
    assert not mixes_samples(build("dcgan", (1, 8, 8), discriminator_normalisation="layer").discriminator)


@pytest.mark.parametrize("kind", ["none", "layer", "spectral"])
def test_scores_depend_on_their_own_sample_alone(kind: str) -> None:
    discriminator = build("dcgan", (1, 16, 16), width=4, discriminator_normalisation=kind).discriminator
    images = torch.rand(6, 1, 16, 16)
    torch.testing.assert_close(discriminator(images)[2:4], discriminator(images[2:4]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "shape"), [("mlp", (2,)), ("dcgan", (3, 32, 32))])
def test_spectrally_normalised_players_have_unit_weights_from_the_start(name: str, shape: tuple[int, ...]) -> None:
    settings = {"generator_normalisation": "spectral", "discriminator_normalisation": "spectral", "width": 16}
    players = build(name, shape, **settings)
    for player in (players.generator, players.discriminator):
        norms = spectral_norms(player)
        layers = [layer for layer in player.modules() if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
        assert len(norms) == len(layers)
        for norm, weight in norms:
            largest = torch.linalg.matrix_norm(norm(weight).movedim(norm.dim, 0).flatten(1), 2)
            assert 0.99 < largest.item() < 1.1


def test_spectral_norm_divides_by_the_largest_singular_value() -> None:
    for layer, dim in ((nn.Linear(7, 5), 0), (nn.Conv2d(3, 6, 4), 0), (nn.ConvTranspose2d(3, 6, 4), 1)):
        norm = SpectralNorm(layer.weight, dim)
        for _ in range(200):
            norm.power_step(layer.weight)
        matrix = norm(layer.weight).movedim(dim, 0).flatten(1)
        assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(1.0, rel=1e-4)
