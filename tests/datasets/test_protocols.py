"""Mixtures of papers: their numbers, and how the three "8 Gaussians" differ."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from bench.catalog import datasets
from bench.datasets.base import Data


def load(name: str) -> Data:
    data = datasets.create(name).load(Path())
    assert data.modes is not None
    return data


@pytest.mark.parametrize(
    ("name", "radius", "sigma"),
    [
        ("ring", 2, 0.02),
        ("ring-pacgan", 1, 0.01),
        ("ring-wgangp", 2 / 1.414, 0.02 / 1.414),
    ],
)
def test_rings_have_their_papers_radius_and_sigma(name: str, radius: float, sigma: float) -> None:
    data = load(name)
    assert data.modes is not None
    assert len(data.train) == 100_000
    assert data.modes.sigma == pytest.approx(sigma)
    torch.testing.assert_close(data.modes.centers.norm(dim=1), torch.full((8,), float(radius)))
    nearest = torch.cdist(data.train, data.modes.centers).min(1)
    assert nearest.values.square().mean().sqrt().item() == pytest.approx(sigma * math.sqrt(2), rel=0.01)


@pytest.mark.parametrize(("name", "scale"), [("grid", 1), ("grid-pacgan", 1), ("grid-wgangp", 2.828)])
def test_grids_have_their_papers_spacing_and_sigma(name: str, scale: float) -> None:
    data = load(name)
    assert data.modes is not None
    assert len(data.train) == 100_000
    assert data.modes.sigma == pytest.approx(0.05 / scale)
    due = torch.cartesian_prod(*[torch.tensor([-4.0, -2, 0, 2, 4]) / scale] * 2)
    torch.testing.assert_close(data.modes.centers, due)


@pytest.mark.parametrize("name", ["ring-wgangp", "grid-wgangp"])
def test_what_wgan_gp_divides_by_is_the_standard_deviation(name: str) -> None:
    # that is what their code calls it: each coordinate then has σ 1
    torch.testing.assert_close(load(name).train.std(0), torch.ones(2), atol=0.01, rtol=0)


@pytest.mark.parametrize("name", ["ring-pacgan", "grid-pacgan", "ring-wgangp", "grid-wgangp", "mixture-veegan"])
def test_a_protocol_has_no_settings(name: str) -> None:
    assert datasets.settings(name, {}) == {}


def test_veegans_modes_are_flat_and_apart() -> None:
    data = load("mixture-veegan")
    modes = data.modes
    assert modes is not None
    assert modes.centers.shape == (10, 1200)
    assert modes.dimensions == 700
    nearest = torch.cdist(data.test, modes.centers).min(1)
    off = data.test - modes.centers[nearest.indices]
    assert (off[:, 700:] == 0).all()
    assert off[:, :700].std().item() == pytest.approx(1, rel=0.01)
    # every sample is around √700 σ away from its mean, so that within 10σ, the paper's bound, there is none
    assert nearest.values.min() > 20
    assert nearest.values.square().mean().item() == pytest.approx(700, rel=0.01)
    shares = nearest.indices.bincount(minlength=10) / len(data.test)
    assert (shares - 0.1).abs().max() < 0.03
