"""Discriminators that reconstruct: their score is an energy, the error of an autoencoder.

Imports torch, so architectures import it when they build.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.architectures.base import EnergyKind


class Autoencoder(nn.Module):
    """Two networks that pass samples through a narrow code.

    Args:
        encoder: from samples ``(batch, *shape)`` to codes ``(batch, code)``.
        decoder: from codes back to samples.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def encode(self, x: Tensor) -> Tensor:
        """The codes of samples, shape ``(batch, code)``."""
        codes: Tensor = self.encoder(x)
        return codes

    def forward(self, x: Tensor) -> Tensor:
        """The reconstructions, of the shape of ``x``."""
        reconstructions: Tensor = self.decoder(self.encode(x))
        return reconstructions


class EnergyDiscriminator(nn.Module):
    """The error of reconstruction of each sample: low where the autoencoder has learnt what samples look like.

    Args:
        autoencoder: what reconstructs.
        kind: over all elements of x − autoencoder(x), ``euclidean``: ‖·‖₂ (EBGAN, Zhao et al. 2016); ``absolute``: the
            mean of |·| (BEGAN, Berthelot et al. 2017, η = 1); ``squared``: the mean of squares (the same, η = 2).
    """

    def __init__(self, autoencoder: Autoencoder, kind: EnergyKind) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.kind = kind

    def encode(self, x: Tensor) -> Tensor:
        """The autoencoder's codes, shape ``(batch, code)``."""
        return self.autoencoder.encode(x)

    def forward(self, x: Tensor) -> Tensor:
        """The energies of samples, ≥ 0, shape ``(batch,)``."""
        error: Tensor = (x - self.autoencoder(x)).flatten(1)
        if self.kind == "absolute":
            return error.abs().mean(1)
        if self.kind == "squared":
            return error.square().mean(1)
        # √0 has no finite gradient; the smallest normal number shifts no norm that float32 can tell from it
        return error.square().sum(1).clamp_min(torch.finfo(error.dtype).tiny).sqrt()
