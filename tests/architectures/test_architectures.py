"""All architectures: shapes, gradients, normalisation where it belongs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from bench.architectures.layers import mixes_samples, raw_weight, spectral_norms
from bench.catalog import architectures
from bench.errors import CatalogError
from tests.architectures.players import (
    INDEPENDENT,
    KINDS,
    LARGER,
    PLACES,
    ROLES,
    awake,
    build,
    inputs,
    narrow,
    small,
    weighted_layers,
)

OF_IMAGES = ["autoencoder", "dcgan", "infogan", "resnet", "resnet-r3gan", "wgan-gp-cnn"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_players_fit_the_shape(name: str, shape: tuple[int, ...], kind: str, dtype: torch.dtype) -> None:
    generator, discriminator = (awake(small(name, role, shape, kind)).to(dtype) for role in ROLES)
    samples = generator(inputs("generator", shape, 3).to(dtype))
    scores = discriminator(samples)
    assert (samples.shape, samples.dtype) == ((3, *shape), dtype)
    assert (scores.shape, scores.dtype) == ((3,), dtype)
    if len(shape) == 3:
        assert samples.abs().max() <= 1


@pytest.mark.parametrize("kind", ["batch", "instance", "spectral"])
@pytest.mark.parametrize(("name", "shape"), LARGER)
def test_larger_players_fit_the_shape(name: str, shape: tuple[int, ...], kind: str) -> None:
    generator, discriminator = (small(name, role, shape, kind) for role in ROLES)
    samples = generator(inputs("generator", shape, 2))
    assert samples.shape == (2, *shape)
    assert discriminator(samples).shape == (2,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_every_weight_gets_a_gradient(name: str, shape: tuple[int, ...], role: str, kind: str) -> None:
    player = awake(small(name, role, shape, kind))
    player(inputs(role, shape, 6)).square().mean().backward()
    for parameter in player.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
    for layer in weighted_layers(player):
        gradient = raw_weight(layer).grad
        assert gradient is not None
        assert gradient.any()


@pytest.mark.parametrize("kind", INDEPENDENT)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_gradient_penalties_have_gradients(name: str, shape: tuple[int, ...], kind: str) -> None:
    """Of the norm of ∂d/∂x, as in Gulrajani et al. 2017: all layers can be differentiated twice."""
    discriminator = awake(small(name, "discriminator", shape, kind))
    samples = inputs("discriminator", shape, 4).requires_grad_()
    (slopes,) = torch.autograd.grad(discriminator(samples).sum(), samples, create_graph=True)
    slopes.flatten(1).norm(dim=1).sub(1).square().mean().backward()
    gradients = [raw_weight(layer).grad for layer in weighted_layers(discriminator)]
    for gradient in gradients:
        assert gradient is not None
        assert gradient.isfinite().all()
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
    player = awake(small(name, role, shape, kind)).double().train()
    batch = inputs(role, shape, 6).double()
    alone = torch.allclose(player(batch)[2:4], player(batch[2:4]), rtol=1e-9, atol=1e-12)
    assert alone == (kind != "batch")
    assert mixes_samples(player) == (kind == "batch")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_discriminators_take_packed_samples(name: str, shape: tuple[int, ...], kind: str) -> None:
    """PacGAN, Lin et al. 2018: m samples as one of m times the channels."""
    packed = (3 * shape[0], *shape[1:])
    assert small(name, "discriminator", packed, kind)(inputs("discriminator", packed, 3)).shape == (3,)


@pytest.mark.parametrize("shape", [(2,), (1, 20, 20), (4, 8, 8), (1, 8, 16), (1, 128, 128)])
@pytest.mark.parametrize("name", OF_IMAGES)
def test_architectures_of_images_refuse_what_they_cannot_make(name: str, shape: tuple[int, ...]) -> None:
    architecture = architectures.create(name)
    for refuse in (architecture.check, architecture.generator):
        with pytest.raises(CatalogError, match=rf"'{name}' makes square images of .*28.* pixels .*'mlp'"):
            refuse(shape)


@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_generators_do_not_know_the_discriminators_settings(name: str, shape: tuple[int, ...]) -> None:
    first, *others = (
        build(name, "generator", shape, **narrow(name), discriminator_normalisation=kind) for kind in KINDS
    )
    for other in others:
        torch.testing.assert_close(other.state_dict(), first.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("role", [*ROLES, "autoencoder"])
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_spectral_normalisation_leaves_the_initial_weights(name: str, shape: tuple[int, ...], role: str) -> None:
    plain, normalised = (weighted_layers(small(name, role, shape, kind)) for kind in ("none", "spectral"))
    for layer, other in zip(plain, normalised, strict=True):
        if raw_weight(layer).any():  # zeros cannot be divided by their norm
            assert torch.equal(raw_weight(layer), raw_weight(other))
        assert (layer.bias is None) == (other.bias is None)
        assert layer.bias is None or torch.equal(layer.bias, other.bias)


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


@pytest.mark.parametrize("name", architectures.names())
def test_settings_that_count_say_what(name: str) -> None:
    units = {s.name: s.unit for s in architectures.describe(name).settings if s.type == "integer"}
    assert units.pop("latent_dim") == "dimensions"
    assert units
    for setting, unit in units.items():
        words = ("channels", "units") if "width" in setting else ("layers", "blocks", "units")
        assert unit in words, setting


@pytest.mark.parametrize("name", architectures.names())
def test_latents_are_as_the_paper_draws_them_or_as_is_asked(name: str) -> None:
    uniform = {"infogan", "autoencoder"}  # Lucic et al. 2018, table 1; Berthelot et al. 2017, sec. 3.5
    assert architectures.create(name).latent == ("uniform" if name in uniform else "normal")  # type: ignore[attr-defined]
    assert architectures.create(name, latent="uniform").latent == "uniform"  # type: ignore[attr-defined]


def test_architectures_are_listed_without_torch() -> None:
    code = (
        "from bench.catalog import architectures; architectures.names(); import sys; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
