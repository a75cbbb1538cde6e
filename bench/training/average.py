"""The generator's exponential moving average."""

from __future__ import annotations

import copy

import torch
from torch import nn

from bench.architectures.layers import advance, spectral_norms

RAMP = 0.05
"""Early on the half-life is this share of the images seen, so that the initial weights are forgotten (EDM's rule)."""


class Average:
    """An exponential moving average of a network's parameters **and buffers** (batch statistics included).

    Args:
        network: what is averaged.
        half_life: images after which a weight's share has halved (Karras et al. 2020, app. B).
    """

    def __init__(self, network: nn.Module, half_life: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.half_life = half_life
        # estimates of the average's own singular values: averaged ones would be of nothing
        self._norms = spectral_norms(self.network)
        self._share: float | torch.Tensor = 0.0
        estimates = {id(tensor) for norm, _ in self._norms for tensor in norm.buffers()}
        tensors = zip(_tensors(self.network), _tensors(network), strict=True)
        pairs = [(averaged.detach(), live.detach()) for averaged, live in tensors if id(averaged) not in estimates]
        self._averaged = [a for a, _ in pairs if a.is_floating_point()]
        self._live = [b for a, b in pairs if a.is_floating_point()]
        self._copied = [(a, b) for a, b in pairs if not a.is_floating_point()]

    def decay(self, images: int, new: int) -> float:
        """The share of the average that is kept in an update ``new`` images after the last, ``images`` in all."""
        return float(0.5 ** (new / min(self.half_life, RAMP * images)))

    def prepare(self, images: int, new: int) -> None:
        """Set what the next `update` takes of the live network."""
        share = 1 - self.decay(images, new)
        if isinstance(self._share, torch.Tensor):
            self._share.fill_(share)
        else:
            self._share = share

    def keep_on_device(self, device: torch.device) -> None:
        """Hold what `prepare` sets on the device, where a recorded step reads it; the numbers are the same."""
        self._share = torch.tensor(float(self._share), device=device)

    @torch.no_grad()
    def update(self) -> None:
        """Move towards the live network, by as much as `prepare` said."""
        if isinstance(self._share, torch.Tensor):
            torch._foreach_lerp_(self._averaged, self._live, [self._share] * len(self._averaged))
        else:
            torch._foreach_lerp_(self._averaged, self._live, self._share)
        for averaged, live in self._copied:  # counters: an average of integers means nothing
            averaged.copy_(live)
        advance(self._norms)


def _tensors(network: nn.Module) -> list[torch.Tensor]:
    return [*network.parameters(), *network.buffers()]
