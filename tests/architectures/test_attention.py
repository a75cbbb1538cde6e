"""Self-attention: its formula, pixel by pixel, and how it begins."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.architectures.attention import SelfAttention
from bench.architectures.layers import raw_weight
from tests.architectures.players import count, weighted_layers


def features(channels: int = 16, size: int = 4) -> Tensor:
    return torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def matrix(layer: nn.Module) -> np.ndarray:
    (weighted,) = weighted_layers(layer)
    return raw_weight(weighted).detach().numpy()[:, :, 0, 0]


def pooled(x: np.ndarray) -> np.ndarray:
    """The largest of each square of four pixels: (channels, height, width) to (channels, pixels / 4)."""
    channels, size, _ = x.shape
    return x.reshape(channels, size // 2, 2, size // 2, 2).max((2, 4)).reshape(channels, -1)


def attend(layer: SelfAttention, x: np.ndarray) -> np.ndarray:
    """Zhang et al. 2019, eqs. 1 to 3, for one sample, a loop over its pixels."""
    project = {name: np.einsum("oc,chw->ohw", matrix(getattr(layer, name)), x) for name in ("query", "key", "value")}
    keys, values = pooled(project["key"]), pooled(project["value"])
    out = np.empty_like(x)
    for row, column in np.ndindex(x.shape[1:]):
        meets = np.exp(project["query"][:, row, column] @ keys)
        out[:, row, column] = matrix(layer.output) @ (values @ (meets / meets.sum()))
    return x + layer.gamma.item() * out


def test_it_begins_as_the_identity() -> None:
    x = features()
    assert torch.equal(SelfAttention(16, "none").double()(x), x)


def test_it_is_the_papers_formula() -> None:
    layer = SelfAttention(16, "none").double()
    nn.init.constant_(layer.gamma, 0.7)
    expected = [attend(layer, sample) for sample in features().numpy()]
    np.testing.assert_allclose(layer(features()).detach().numpy(), expected, rtol=1e-10)


def test_projections_are_as_narrow_as_the_papers() -> None:
    """Sec. 3 and its code: keys and queries of an eighth of the channels, values of half of them; no biases."""
    assert count(SelfAttention(64, "none")) == 64 * (8 + 8 + 32) + 32 * 64 + 1


@pytest.mark.parametrize("kind", ["none", "spectral"])
def test_it_can_be_differentiated_twice(kind: str) -> None:
    layer = SelfAttention(8, kind).double()
    nn.init.constant_(layer.gamma, 0.5)
    assert torch.autograd.gradgradcheck(layer, (features(8, 2)[:1].requires_grad_(),))
