"""Initial weights, by their laws."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bench.architectures.initialisation import draw_glorot, draw_normal, draw_uniform, weighted_layers
from bench.architectures.layers import raw_weight, weighted


def test_glorot_takes_the_kernel_into_account() -> None:
    torch.manual_seed(0)
    layer = draw_glorot(nn.Conv2d(40, 60, 3), gain=2**0.5)
    variance = 2 * 2 / (9 * 40 + 9 * 60)  # Glorot & Bengio 2010, eq. 16
    assert layer.weight.var().item() == pytest.approx(variance, rel=0.03)
    assert layer.weight.abs().max().item() == pytest.approx((3 * variance) ** 0.5, rel=0.01)  # uniform
    assert not layer.bias.any()


def test_uniform_weights_have_the_standard_deviation_that_is_asked_for() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(300, 200)
    draw_uniform(layer, 0.05)
    assert layer.weight.std().item() == pytest.approx(0.05, rel=0.02)
    assert layer.weight.abs().max().item() <= 0.05 * 3**0.5
    assert not layer.bias.any()


@pytest.mark.parametrize("kind", ["none", "spectral"])
def test_normal_weights_are_those_that_are_trained(kind: str) -> None:
    torch.manual_seed(0)
    network = draw_normal(nn.Sequential(weighted(nn.Linear(300, 200), kind), nn.ReLU(), nn.Linear(200, 3, bias=False)))
    first, last = weighted_layers(network)
    assert raw_weight(first).std().item() == pytest.approx(0.02, rel=0.02)
    assert raw_weight(last).std().item() == pytest.approx(0.02, rel=0.1)
    assert not first.bias.any()
