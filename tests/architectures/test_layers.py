"""The layers that architectures share: what each normalisation does to activations and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from bench.architectures.layers import (
    SpectralNorm,
    advance,
    group_size,
    has_bias,
    normalisation,
    spectral_norms,
    weighted,
)
from bench.spec import Normalisation
from tests.architectures.players import KINDS


def activations(*shape: int) -> Tensor:
    return 3 + 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def assert_standardised(groups: Tensor) -> None:
    """Mean 0 and variance 1 along the last axis."""
    torch.testing.assert_close(groups.mean(-1), torch.zeros(groups.shape[:-1]), rtol=0, atol=1e-5)
    torch.testing.assert_close(groups.var(-1, correction=0), torch.ones(groups.shape[:-1]), rtol=1e-3, atol=0)


@pytest.mark.parametrize(("kind", "groups"), [("layer", 1), ("group", 2), ("instance", 32)])
def test_images_are_standardised_by_groups_of_channels(kind: str, groups: int) -> None:
    (norm,) = normalisation(kind, 32, flat=False)
    assert_standardised(norm(activations(4, 32, 5, 5)).reshape(4, groups, -1))
    assert sum(weight.numel() for weight in norm.parameters()) == 2 * 32


@pytest.mark.parametrize(("kind", "groups", "weights"), [("layer", 1, 64), ("group", 2, 64), ("instance", 1, 0)])
def test_units_are_standardised_by_groups(kind: str, groups: int, weights: int) -> None:
    (norm,) = normalisation(kind, 32, flat=True)
    assert_standardised(norm(activations(4, 32)).reshape(4, groups, -1))
    assert sum(weight.numel() for weight in norm.parameters()) == weights


@pytest.mark.parametrize("flat", [True, False])
def test_batch_normalisation_standardises_each_channel_over_the_batch(flat: bool) -> None:
    (norm,) = normalisation("batch", 6, flat=flat)
    assert_standardised(norm(activations(50, 6) if flat else activations(50, 6, 3, 3)).transpose(0, 1).flatten(1))


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_has_a_bias_where_the_normalisation_does_not_take_it_away(kind: Normalisation, flat: bool) -> None:
    norm = nn.Sequential(*normalisation(kind, 32, flat=flat))
    x = activations(6, 32) if flat else activations(6, 32, 5, 5)
    biased = x + torch.linspace(-1, 1, 32).view(32, *[1] * (x.dim() - 2))
    assert has_bias(kind, flat=flat) != torch.allclose(norm(biased), norm(x), atol=1e-4)


@given(st.integers(1, 512))
def test_groups_are_of_sixteen_channels_or_as_near_as_divides(channels: int) -> None:
    size = group_size(channels)
    (norm,) = normalisation("group", channels, flat=True)
    assert isinstance(norm, nn.GroupNorm)
    assert norm.num_groups * size == channels
    assert size > 1 or channels == 1
    if channels % 16 == 0:
        assert size == 16
    divisors = [divisor for divisor in range(2, 17) if channels % divisor == 0]
    assert size == (divisors[-1] if divisors else channels)


def a_row_per_output(layer: nn.Module, weight: np.ndarray) -> np.ndarray:
    """The weights that lead to each unit or channel; those of a transposed convolution are held inputs first."""
    if isinstance(layer, nn.ConvTranspose2d):
        return np.stack([weight[:, output].ravel() for output in range(layer.out_channels)])
    return np.stack([of_output.ravel() for of_output in weight])


@pytest.mark.parametrize(
    "layer", [nn.Linear(7, 5), nn.Conv2d(3, 6, 4), nn.ConvTranspose2d(3, 6, 4), nn.ConvTranspose2d(6, 3, 4)], ids=str
)
def test_spectral_norm_divides_by_the_largest_singular_value_of_a_row_per_output(layer: Any) -> None:
    nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(1))
    weight = layer.weight.detach().numpy().copy()
    largest = np.linalg.svd(a_row_per_output(layer, weight.astype(np.float64)), compute_uv=False)[0]
    weighted(layer, "spectral")
    for _ in range(300):
        advance(spectral_norms(layer))
    np.testing.assert_allclose(layer.weight.detach().numpy(), weight / largest, rtol=1e-4)


def test_spectral_norm_leaves_the_random_state_alone() -> None:
    weight = torch.ones(3, 4)
    before = torch.get_rng_state()
    SpectralNorm(weight, 0)
    assert torch.equal(torch.get_rng_state(), before)
