"""The interface of an architecture: a pair of players built for a data shape."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch.nn import Module

Normalisation = Literal["none", "batch", "layer", "spectral"]


@dataclasses.dataclass(frozen=True)
class Players:
    """Two networks that fit each other.

    ``generator`` maps latents ``(batch, latent_dim)`` ~ N(0, I) to samples ``(batch, *shape)``;
    ``discriminator`` maps samples to raw scores ``(batch,)``.
    """

    generator: Module
    discriminator: Module
    latent_dim: int


class Architecture(Protocol):
    """Builds the players for data of a shape."""

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise CatalogError, saying what is allowed, if the architecture cannot make samples of this shape."""
        ...

    def build(self, shape: tuple[int, ...]) -> Players:
        """Fresh players, their weights drawn from torch's global random state, on the CPU.

        Args:
            shape: of one sample, without the batch: ``(2,)``, ``(channels, height, width)``.
        """
        ...
