"""The interface of an architecture: a pair of players built for a data shape."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch.nn import Module

EnergyKind = Literal["euclidean", "absolute", "squared"]
"""How an autoencoder's error becomes a score; see `bench.architectures.autoencoder.EnergyDiscriminator`."""
Latent = Literal["normal", "uniform"]
"""What a generator's input is drawn from: N(0, I), or U[−1, 1] in each dimension."""


@dataclasses.dataclass(frozen=True)
class Players:
    """Two networks that fit each other.

    ``generator`` maps latents ``(batch, latent_dim)`` to samples ``(batch, *shape)``;
    ``discriminator`` maps samples to raw scores ``(batch,)``.
    """

    generator: Module
    discriminator: Module
    latent_dim: int
    latent: Latent = "normal"


class Architecture(Protocol):
    """Builds the players for data of a shape.

    A shape is that of one sample, without the batch: ``(2,)``, ``(channels, height, width)``. Weights are
    drawn from torch's global random state, on the CPU. An architecture that also has a method
    ``autoencoder(shape) -> Autoencoder`` can play losses whose scores are energies. A setting
    ``discriminator_normalisation`` lets objectives choose the discriminator's normalisation. A module whose output for
    one sample depends on the others of its batch says so with an attribute ``mixes_samples = True``. Latents are normal
    unless a setting (or class attribute) ``latent: Latent`` says otherwise. One whose discriminators are
    `torch.nn.Sequential` that end in a ``Linear`` of one unit and a ``Flatten`` says so with a class attribute
    ``has_features = True``: stabilisers that look at features need it.
    """

    @property
    def latent_dim(self) -> int:
        """Dimension of the generator's input."""
        ...

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise CatalogError, saying what is allowed, if the architecture cannot make samples of this shape."""
        ...

    def generator(self, shape: tuple[int, ...]) -> Module:
        """A fresh network from latents ``(batch, latent_dim)`` to samples ``(batch, *shape)``."""
        ...

    def discriminator(self, shape: tuple[int, ...]) -> Module:
        """A fresh network from samples to raw scores ``(batch,)``.

        Packed samples have the channels (of points, the coordinates) of several samples: the first number of
        ``shape`` may be a multiple of that of the data.
        """
        ...
