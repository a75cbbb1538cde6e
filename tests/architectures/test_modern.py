"""R3GAN's layers: silent residuals, bilinear filters, bases."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.architectures.modern import Basis, Bottleneck, Resample
from tests.architectures.players import count, weighted_layers


def images(channels: int = 2, size: int = 8) -> Tensor:
    return torch.randn(3, channels, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_blocks_begin_as_the_identity() -> None:
    x = images(16)
    assert torch.equal(Bottleneck(16, "none", blocks=8).double()(x), x)


def test_blocks_are_inverted_and_grouped() -> None:
    """ResidualBlock in the code of the paper: 1×1 to twice the channels, 3×3 in groups of 16, 1×1 back."""
    block = Bottleneck(48, "none", blocks=8)
    assert count(block) == 48 * 96 + 96 + 96 * 16 * 9 + 96 + 96 * 48
    assert [layer.groups for layer in weighted_layers(block)] == [1, 6, 1]  # type: ignore[union-attr]


def test_blocks_begin_smaller_in_deeper_players() -> None:
    """√(2 / (1 + 0.2²) / fan-in) · L^(−1/(2m − 2)) of L blocks with m = 3 layers each (Zhang et al. 2019)."""
    torch.manual_seed(0)
    first, grouped, last = weighted_layers(Bottleneck(64, "none", blocks=16))
    assert first.weight.std().item() == pytest.approx((2 / 1.04 / 64) ** 0.5 / 2, rel=0.03)
    assert grouped.weight.std().item() == pytest.approx((2 / 1.04 / (9 * 16)) ** 0.5 / 2, rel=0.03)
    assert not last.weight.any()


def test_spectrally_normalised_blocks_do_not_begin_silent() -> None:
    block = Bottleneck(16, "spectral", blocks=2).double()
    assert block(images(16)).isfinite().all()
    assert weighted_layers(block)[-1].weight.any()


def test_resampling_up_is_bilinear_but_at_the_border() -> None:
    x = images()
    expected = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(Resample(up=True).double()(x)[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])


def test_resampling_down_is_the_transpose_of_up() -> None:
    """⟨up(x), y⟩ = 4⟨x, down(y)⟩: the same filter, read the other way."""
    x, y = images(size=4), images(size=8)
    up, down = Resample(up=True).double(), Resample(up=False).double()
    torch.testing.assert_close((up(x) * y).sum(), 4 * (x * down(y)).sum())


def test_resampling_keeps_flat_images_flat_but_at_the_border() -> None:
    flat = torch.ones(1, 1, 8, 8)
    assert Resample(up=True)(flat)[..., 1:-1, 1:-1].eq(1).all()
    assert Resample(up=False)(flat)[..., 1:-1, 1:-1].eq(1).all()


def test_a_basis_is_weighted_by_the_latent() -> None:
    torch.manual_seed(0)
    layer = Basis(5, 3, 4, "none")
    z = torch.randn(2, 5)
    (weights,) = weighted_layers(layer)
    assert isinstance(weights, nn.Linear)
    torch.testing.assert_close(layer(z), torch.einsum("bz,cz,chw->bchw", z, weights.weight, layer.basis))


def test_a_basis_begins_normal() -> None:
    torch.manual_seed(0)
    layer = Basis(64, 1000, 4, "none")
    assert layer.basis.std().item() == pytest.approx(1, rel=0.02)
    assert weighted_layers(layer)[0].weight.std().item() == pytest.approx(1 / 8, rel=0.02)
