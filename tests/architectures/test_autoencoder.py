"""Autoencoders as discriminators: their shapes, and their energies by independent formulas."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from bench.architectures.autoencoder import Autoencoder, EnergyDiscriminator
from bench.architectures.base import EnergyKind
from bench.architectures.layers import mixes_samples, raw_weight
from bench.catalog import architectures
from tests.architectures.players import KINDS, PLACES, awake, inputs, narrow, small, weighted_layers

ENERGIES = get_args(EnergyKind)
FORMULAS = {
    "euclidean": lambda error: np.sqrt((error**2).sum(1)),
    "absolute": lambda error: np.abs(error).mean(1),
    "squared": lambda error: (error**2).mean(1),
}
"""Of errors ``(batch, elements)``."""


def build(name: str, shape: tuple[int, ...], kind: str) -> Autoencoder:
    autoencoder = awake(small(name, "autoencoder", shape, kind))
    assert isinstance(autoencoder, Autoencoder)
    return autoencoder


def perfect(size: int) -> Autoencoder:
    """One whose error is exactly 0, though its weights can change that."""
    decoder = nn.Linear(size, size, bias=False)
    nn.init.eye_(decoder.weight)
    return Autoencoder(nn.Flatten(1), decoder)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        *PLACES,
        ("dcgan", (3, 32, 32)),
        ("dcgan", (1, 64, 64)),
        ("mlp", (4,)),
        ("mlp", (6, 8, 8)),
        ("dcgan", (6, 16, 16)),
    ],
)  # the last three are packed
def test_codes_are_narrow_and_reconstructions_fit(
    name: str, shape: tuple[int, ...], kind: str, dtype: torch.dtype
) -> None:
    autoencoder = build(name, shape, kind).to(dtype)
    samples = inputs("autoencoder", shape, 3).to(dtype)
    energy = EnergyDiscriminator(autoencoder, "absolute")
    reconstructions, scores = autoencoder(samples), energy(samples)
    assert autoencoder.encode(samples).shape == energy.encode(samples).shape == (3, 5)
    assert (reconstructions.shape, reconstructions.dtype) == (samples.shape, dtype)
    assert (scores.shape, scores.dtype) == ((3,), dtype)
    if len(shape) == 3:
        assert reconstructions.abs().max() <= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "shape"), [place for place in PLACES if place[0] != "infogan"])
def test_the_decoder_is_a_generator(name: str, shape: tuple[int, ...], kind: str) -> None:
    """Berthelot et al. 2017; here with the discriminator's normalisation."""
    settings = narrow(name) | {"generator_normalisation": "none", "discriminator_normalisation": kind}
    autoencoder = architectures.create(name, **settings).autoencoder(shape)
    assert str(autoencoder.decoder) == str(small(name, "generator", shape, kind))


@pytest.mark.parametrize("energy", ENERGIES)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_energies_are_their_formulas(name: str, shape: tuple[int, ...], energy: str) -> None:
    autoencoder = build(name, shape, "none").double()
    samples = inputs("autoencoder", shape, 4).double()
    error = (samples - autoencoder(samples)).detach().numpy().reshape(4, -1)
    energies = EnergyDiscriminator(autoencoder, energy)(samples).detach()
    np.testing.assert_allclose(energies, FORMULAS[energy](error), rtol=1e-12)


@pytest.mark.parametrize("energy", ENERGIES)
def test_perfect_reconstructions_have_no_energy_and_a_finite_gradient(energy: str) -> None:
    autoencoder = perfect(3)
    samples = torch.randn(5, 3).requires_grad_()
    energies = EnergyDiscriminator(autoencoder, energy)(samples)
    energies.sum().backward()
    assert (energies >= 0).all()
    assert (energies < 1e-18).all()
    assert samples.grad is not None
    assert samples.grad.isfinite().all()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in autoencoder.parameters())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_energies_are_of_each_sample_but_under_batch_normalisation(
    name: str, shape: tuple[int, ...], kind: str
) -> None:
    energy = EnergyDiscriminator(build(name, shape, kind), "euclidean").double().train()
    batch = inputs("autoencoder", shape, 6).double()
    alone = torch.allclose(energy(batch)[2:4], energy(batch[2:4]), rtol=1e-9, atol=1e-12)
    assert alone == (kind != "batch")
    assert mixes_samples(energy) == (kind == "batch")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_one_sample_is_enough(name: str, shape: tuple[int, ...], kind: str) -> None:
    energy = EnergyDiscriminator(build(name, shape, kind), "squared")
    for training in (False, True) if kind != "batch" else (False,):
        assert energy.train(training)(inputs("autoencoder", shape, 1)).isfinite().all()


@pytest.mark.parametrize("energy", ENERGIES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "shape"), PLACES)
def test_a_step_down_the_gradient_lowers_the_energy(name: str, shape: tuple[int, ...], kind: str, energy: str) -> None:
    score = EnergyDiscriminator(build(name, shape, kind), energy).double().train()
    samples = inputs("autoencoder", shape, 6).double()
    before = score(samples).mean()
    before.backward()
    for layer in weighted_layers(score):
        gradient = raw_weight(layer).grad
        assert gradient is not None
        assert gradient.any()
    torch.optim.SGD(score.parameters(), lr=1e-6).step()  # fails where a parameter's gradient is not a number
    assert score(samples).mean() < before
