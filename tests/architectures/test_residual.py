"""SNGAN's residual blocks: their sums, and what was exchanged to save work."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.architectures import residual
from tests.architectures.players import weighted_layers


def images(channels: int = 4, size: int = 8) -> Tensor:
    return torch.randn(3, channels, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def kernels(block: residual.Residual, size: int) -> list[nn.Conv2d]:
    return [layer for layer in weighted_layers(block) if layer.kernel_size == (size, size)]  # type: ignore[misc, union-attr]


def test_a_generators_block_is_the_papers() -> None:
    """Miyato et al. 2018, fig. 8 and its code: norm, ReLU, doubled, 3×3, norm, ReLU, 3×3; shortcut: doubled, 1×1."""
    block = residual.upwards(4, 6, "none").double()
    first, second = kernels(block, 3)
    (shortcut,) = kernels(block, 1)
    x, double = images(), lambda x: functional.interpolate(x, scale_factor=2, mode="nearest")
    expected = second(first(double(x.relu())).relu()) + shortcut(double(x))
    torch.testing.assert_close(block(x), expected)


def test_a_discriminators_block_is_the_papers() -> None:
    block = residual.downwards(4, 6, "none").double()
    first, second = kernels(block, 3)
    (shortcut,) = kernels(block, 1)
    x, halve = images(), lambda x: functional.avg_pool2d(x, 2)
    torch.testing.assert_close(block(x), halve(second(first(x.relu()).relu())) + halve(shortcut(x)))


def test_a_discriminators_first_block_does_not_activate_images() -> None:
    block = residual.first_downwards(4, 6, "none").double()
    first, second = kernels(block, 3)
    (shortcut,) = kernels(block, 1)
    x = images()
    expected = functional.avg_pool2d(second(first(x).relu()), 2) + shortcut(functional.avg_pool2d(x, 2))
    torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize(("after", "shortcuts"), [(4, 0), (6, 1)])
def test_a_level_block_has_a_shortcut_of_its_own_where_channels_change(after: int, shortcuts: int) -> None:
    block = residual.level(4, after, "none").double()
    assert len(kernels(block, 1)) == shortcuts
    assert block(images()).shape == (3, after, 8, 8)


def test_residuals_begin_larger_than_shortcuts_by_the_root_of_two() -> None:
    torch.manual_seed(0)
    block = residual.upwards(64, 64, "none")
    for layer in kernels(block, 3):
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2) * math.sqrt(2 / (2 * 9 * 64)), rel=0.03)
    for layer in kernels(block, 1):
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / (2 * 64)), rel=0.03)
    assert not any(layer.bias.any() for layer in weighted_layers(block))


def test_pixels_are_summed() -> None:
    x = images()
    torch.testing.assert_close(residual.SumOfPixels()(x), x.flatten(2).sum(2))
