"""Weights to begin with, by the laws of the papers; imports torch, so architectures import it when they build.

What is drawn is the weight that is trained: under spectral normalisation, the one before it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeVar

from torch import nn

from bench.architectures.layers import Linear, raw_weight

Network = TypeVar("Network", bound=nn.Module)


def weighted_layers(network: nn.Module) -> Iterator[Linear]:
    """The layers of a network that have weights, in the order in which they were put together."""
    return (layer for layer in network.modules() if isinstance(layer, Linear))


def zero_bias(layer: Linear) -> None:
    """Let the layer begin without a bias."""
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def draw_normal(network: Network, std: float = 0.02) -> Network:
    """Every weight from N(0, std²), as Radford et al. 2016 have it with 0.02; biases 0."""
    for layer in weighted_layers(network):
        nn.init.normal_(raw_weight(layer), 0.0, std)
        zero_bias(layer)
    return network


def draw_glorot(layer: Linear, gain: float = 1.0) -> Linear:
    """Glorot & Bengio 2010: uniform with variance 2·gain² / (fan-in + fan-out), both with the kernel; bias 0."""
    nn.init.xavier_uniform_(raw_weight(layer), gain)
    zero_bias(layer)
    return layer


def draw_uniform(layer: Linear, std: float) -> None:
    """Uniform with that standard deviation; bias 0."""
    limit = std * math.sqrt(3)
    nn.init.uniform_(raw_weight(layer), -limit, limit)
    zero_bias(layer)
