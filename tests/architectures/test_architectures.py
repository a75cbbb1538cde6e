"""The architectures: shapes, initialisation, normalisation where it belongs."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from bench.architectures.layers import mixes_samples, raw_weight, spectral_norms
from bench.catalog import architectures
from bench.errors import CatalogError
from bench.spec import Normalisation

KINDS = get_args(Normalisation)
INDEPENDENT = [kind for kind in KINDS if kind != "batch"]
PLACES = [("mlp", (2,)), ("mlp", (1, 8, 8)), ("dcgan", (1, 8, 8)), ("dcgan", (3, 16, 16))]
"""Architectures with shapes they can make, small ones."""
ROLES = ["generator", "discriminator"]
WEIGHTED = nn.Linear | nn.Conv2d | nn.ConvTranspose2d


def build(name: str, role: str, shape: tuple[int, ...], **settings: object) -> nn.Module:
    """A player (or the autoencoder) with the initial weights of seed 0."""
    torch.manual_seed(0)
    player = getattr(architectures.create(name, **settings), role)(shape)
    assert isinstance(player, nn.Module)
    return player


def small(name: str, role: str, shape: tuple[int, ...], kind: str) -> nn.Module:
    """A narrow one, ``kind`` normalising it."""
    settings = {"generator_normalisation": kind, "discriminator_normalisation": kind}
    return build(name, role, shape, width=8, latent_dim=5, **settings)


def inputs(role: str, shape: tuple[int, ...], batch: int) -> Tensor:
    """What a player of `small` takes."""
    size = (5,) if role == "generator" else shape
    return torch.randn(batch, *size, generator=torch.Generator().manual_seed(1))


def weighted_layers(player: nn.Module) -> list[WEIGHTED]:
    return [layer for layer in player.modules() if isinstance(layer, WEIGHTED)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "shape"), [*PLACES, ("mlp", (5,)), ("dcgan", (1, 32, 32)), ("dcgan", (3, 64, 64))])
def test_players_fit_the_shape(name: str, shape: tuple[int, ...], kind: str, dtype: torch.dtype) -> None:
    generator, discriminator = (small(name, role, shape, kind).to(dtype) for role in ROLES)
    samples = generator(inputs("generator", shape, 3).to(dtype))
    scores = discriminator(samples)
    assert (samples.shape, samples.dtype) == ((3, *shape), dtype)
    assert (scores.shape, scores.dtype) == ((3,), dtype)
    if len(shape) == 3:
        assert samples.abs().max() <= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_every_weight_gets_a_gradient(name: str, shape: tuple[int, ...], role: str, kind: str) -> None:
    player = small(name, role, shape, kind)
    player(inputs(role, shape, 6)).square().mean().backward()
    for parameter in player.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
    for layer in weighted_layers(player):
        gradient = raw_weight(layer).grad
        assert gradient is not None
        assert gradient.any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_one_sample_is_enough(name: str, shape: tuple[int, ...], role: str, kind: str) -> None:
    player = small(name, role, shape, kind)
    for training in (False, True) if kind != "batch" else (False,):
        assert player.train(training)(inputs(role, shape, 1)).isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_batch_normalisation_alone_mixes_samples(name: str, shape: tuple[int, ...], role: str, kind: str) -> None:
    player = small(name, role, shape, kind).double().train()
    batch = inputs(role, shape, 6).double()
    alone = torch.allclose(player(batch)[2:4], player(batch[2:4]), rtol=1e-9, atol=1e-12)
    assert alone == (kind != "batch")
    assert mixes_samples(player) == (kind == "batch")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "packed"), [("mlp", (4,)), ("mlp", (6, 8, 8)), ("dcgan", (6, 16, 16))])
def test_discriminators_take_packed_samples(name: str, packed: tuple[int, ...], kind: str) -> None:
    """PacGAN, Lin et al. 2018: m samples as one of m times the channels."""
    assert small(name, "discriminator", packed, kind)(inputs("discriminator", packed, 3)).shape == (3,)


@pytest.mark.parametrize("shape", [(2,), (1, 28, 28), (4, 8, 8), (1, 8, 16), (1, 128, 128)])
def test_dcgan_refuses_what_it_cannot_make(shape: tuple[int, ...]) -> None:
    dcgan = architectures.create("dcgan")
    for refuse in (dcgan.check, dcgan.generator):
        with pytest.raises(CatalogError, match="8, 16, 32 or 64 pixels"):
            refuse(shape)


def test_dcgan_is_the_papers() -> None:
    """Miyato et al. 2018, table 3a at 32 pixels (4×4×512, 256, 128, 64); Radford et al. 2016, fig. 1 at 64."""
    generator = build("dcgan", "generator", (3, 32, 32), width=64, latent_dim=128)
    widths = [layer.out_channels for layer in generator.modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert widths == [256, 128, 64]
    linear = next(layer for layer in generator.modules() if isinstance(layer, nn.Linear))
    assert linear.out_features == 4 * 4 * 512
    weights = 128 * 8192 + 16 * (512 * 256 + 256 * 128 + 128 * 64) + 9 * 64 * 3 + 3
    scales_and_shifts = 2 * (512 + 256 + 128 + 64)
    assert sum(weight.numel() for weight in generator.parameters()) == weights + scales_and_shifts

    discriminator = build("dcgan", "discriminator", (3, 64, 64), width=64)
    strided = [layer.out_channels for layer in discriminator.modules() if isinstance(layer, nn.Conv2d)]
    assert strided == [64, 128, 256, 512]
    score = next(layer for layer in discriminator.modules() if isinstance(layer, nn.Linear))
    assert score.in_features == 4 * 4 * 512


@pytest.mark.parametrize("role", [*ROLES, "autoencoder"])
def test_dcgan_initialises_as_the_paper(role: str) -> None:
    for layer in weighted_layers(build("dcgan", role, (3, 32, 32), width=32)):
        if layer.weight.numel() > 10_000:
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert layer.weight.mean().item() == pytest.approx(0.0, abs=0.002)


@pytest.mark.parametrize("role", [*ROLES, "autoencoder"])
def test_mlp_initialises_as_he_does(role: str) -> None:
    layers = weighted_layers(build("mlp", role, (2,), width=512))
    hidden = [layer for layer in layers if layer.weight.shape == (512, 512)]
    assert len(hidden) == (4 if role == "autoencoder" else 2)
    for layer in hidden:
        assert layer.weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.02)
    decodes = {"generator": [True] * 4, "discriminator": [False] * 4, "autoencoder": [False] * 4 + [True] * 4}
    assert [not layer.bias.any() for layer in layers] == decodes[role]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
def test_dcgan_has_no_biases_that_a_norm_takes_away(role: str, kind: str) -> None:
    layers = weighted_layers(small("dcgan", role, (3, 32, 32), kind))
    hidden = layers[:-1] if role == "generator" else layers[1:-1]  # the discriminator's first is not normalised
    assert all((layer.bias is None) == (kind in ("batch", "instance")) for layer in hidden)
    assert all(layer.bias is not None for layer in layers if layer not in hidden)


@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_generators_do_not_know_the_discriminators_settings(name: str, shape: tuple[int, ...]) -> None:
    first, *others = (build(name, "generator", shape, width=8, discriminator_normalisation=kind) for kind in KINDS)
    for other in others:
        torch.testing.assert_close(other.state_dict(), first.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("role", [*ROLES, "autoencoder"])
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_spectral_normalisation_leaves_the_initial_weights(name: str, shape: tuple[int, ...], role: str) -> None:
    plain, normalised = (weighted_layers(small(name, role, shape, kind)) for kind in ("none", "spectral"))
    for layer, other in zip(plain, normalised, strict=True):
        assert torch.equal(raw_weight(layer), raw_weight(other))
        assert torch.equal(layer.bias, other.bias)


@pytest.mark.parametrize("role", [*ROLES, "autoencoder"])
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_spectrally_normalised_players_have_unit_weights_from_the_start(
    name: str, shape: tuple[int, ...], role: str
) -> None:
    player = small(name, role, shape, "spectral")
    norms = spectral_norms(player)
    assert len(norms) == len(weighted_layers(player))
    for norm, weight in norms:
        largest = torch.linalg.matrix_norm(norm(weight).movedim(norm.dim, 0).flatten(1), 2)
        assert 0.99 < largest.item() < 1.1


def test_settings_that_count_say_what() -> None:
    units = {s.name: s.unit for s in architectures.describe("mlp").settings if s.type == "integer"}
    assert units == {"width": "units", "depth": "layers", "latent_dim": "dimensions"}
    units = {s.name: s.unit for s in architectures.describe("dcgan").settings if s.type == "integer"}
    assert units == {"width": "channels", "latent_dim": "dimensions"}


def test_architectures_are_listed_without_torch() -> None:
    code = "import bench.architectures.mlp, bench.architectures.dcgan, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
