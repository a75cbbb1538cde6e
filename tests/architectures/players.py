"""Small players of every architecture, for its tests."""

from __future__ import annotations

from typing import get_args

import torch
from torch import Tensor, nn

from bench.architectures.layers import raw_weight
from bench.catalog import architectures
from bench.spec import Normalisation

KINDS = get_args(Normalisation)
INDEPENDENT = [kind for kind in KINDS if kind != "batch"]
ROLES = ["generator", "discriminator"]
PLACES = [
    ("mlp", (2,)),
    ("mlp", (1, 8, 8)),
    ("dcgan", (1, 8, 8)),
    ("dcgan", (3, 16, 16)),
    ("infogan", (1, 8, 8)),
    ("wgan-gp-cnn", (1, 28, 28)),
    ("resnet", (1, 8, 8)),
    ("resnet-r3gan", (3, 8, 8)),
    ("autoencoder", (1, 16, 16)),
    ("pacgan-mlp", (2,)),
]
"""Architectures with shapes they can make, small ones."""
LARGER = [
    ("mlp", (5,)),
    ("pacgan-mlp", (7,)),
    ("dcgan", (1, 28, 28)),
    ("dcgan", (1, 32, 32)),
    ("dcgan", (3, 64, 64)),
    ("infogan", (1, 28, 28)),
    ("infogan", (3, 64, 64)),
    ("wgan-gp-cnn", (3, 32, 32)),
    ("resnet", (1, 16, 16)),
    ("resnet", (1, 28, 28)),
    ("resnet", (3, 32, 32)),
    ("resnet", (3, 48, 48)),
    ("resnet", (3, 64, 64)),
    ("resnet-r3gan", (1, 16, 16)),
    ("resnet-r3gan", (1, 28, 28)),
    ("resnet-r3gan", (3, 64, 64)),
    ("autoencoder", (1, 8, 8)),
    ("autoencoder", (1, 28, 28)),
    ("autoencoder", (3, 64, 64)),
]
NARROW: dict[str, dict[str, int]] = {
    "resnet": {"generator_width": 8, "discriminator_width": 8},
    "pacgan-mlp": {"generator_width": 8, "discriminator_width": 8},
    "infogan": {"width": 8, "hidden_width": 16},
}
"""Settings that make players narrow, where there is more than one width."""
WEIGHTED = nn.Linear | nn.Conv2d | nn.ConvTranspose2d


def build(name: str, role: str, shape: tuple[int, ...], **settings: object) -> nn.Module:
    """A player (or the autoencoder) with the initial weights of seed 0."""
    torch.manual_seed(0)
    player = getattr(architectures.create(name, **settings), role)(shape)
    assert isinstance(player, nn.Module)
    return player


def narrow(name: str) -> dict[str, int]:
    """What makes its players narrow."""
    return {**NARROW.get(name, {"width": 8}), "latent_dim": 5}


def small(name: str, role: str, shape: tuple[int, ...], kind: str) -> nn.Module:
    """A narrow one, ``kind`` normalising it."""
    kinds = {"generator_normalisation": kind, "discriminator_normalisation": kind}
    return build(name, role, shape, **narrow(name), **kinds)


def awake(player: nn.Module) -> nn.Module:
    """The player with random weights where it begins with zeros, as residuals do that are to begin silent."""
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for layer in weighted_layers(player):
            if not raw_weight(layer).any():
                raw_weight(layer).copy_(0.2 * torch.randn(layer.weight.shape, generator=random))
    return player


def inputs(role: str, shape: tuple[int, ...], batch: int) -> Tensor:
    """What a player of `small` takes."""
    size = (5,) if role == "generator" else shape
    return torch.randn(batch, *size, generator=torch.Generator().manual_seed(1))


def weighted_layers(player: nn.Module) -> list[WEIGHTED]:
    return [layer for layer in player.modules() if isinstance(layer, WEIGHTED)]


def count(player: nn.Module) -> int:
    """Its trained numbers."""
    return sum(weight.numel() for weight in player.parameters())


def convolution(before: int, after: int, kernel: int) -> int:
    """Weights and biases of a convolution, transposed or not."""
    return before * after * kernel**2 + after


def linear(before: int, after: int) -> int:
    """Weights and biases of a linear layer."""
    return (before + 1) * after
