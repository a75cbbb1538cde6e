"""What architectures share that are two networks: one from latents to samples, one from samples to any outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from bench.lazy import torch
from bench.spec import Normalisation

if TYPE_CHECKING:
    from torch.nn import Module, Sequential

    from bench.architectures.autoencoder import Autoencoder


class Pair:
    """The players, and the autoencoder, of an architecture that defines `check`, `_to_samples` and `_from_samples`.

    As an autoencoder, the discriminator ends in a code of ``latent_dim`` units, and the generator's network with the
    discriminator's normalisation decodes it, as in Berthelot et al. 2017.
    """

    has_features: ClassVar[bool] = True
    latent_dim: int
    generator_normalisation: Normalisation
    discriminator_normalisation: Normalisation

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise CatalogError, saying what is allowed, if it cannot make samples of this shape."""
        raise NotImplementedError

    def generator(self, shape: tuple[int, ...]) -> Module:
        """From latents ``(batch, latent_dim)`` to samples ``(batch, *shape)``; images in [−1, 1]."""
        self.check(shape)
        return settled(self._to_samples(shape, self.generator_normalisation))

    def discriminator(self, shape: tuple[int, ...]) -> Module:
        """From samples, packed or not, to raw scores ``(batch,)``."""
        return torch.nn.Sequential(*settled(self._from_samples(shape, outputs=1)), torch.nn.Flatten(0))

    def autoencoder(self, shape: tuple[int, ...]) -> Autoencoder:
        """The discriminator's layers down to a code ``(batch, latent_dim)``, the generator's from there."""
        from bench.architectures.autoencoder import Autoencoder

        encoder = settled(self._from_samples(shape, outputs=self.latent_dim))
        return Autoencoder(encoder, settled(self._to_samples(shape, self.discriminator_normalisation)))

    def _to_samples(self, shape: tuple[int, ...], kind: Normalisation) -> Sequential:
        """Initialised layers from latents to samples, ``kind`` normalising them."""
        raise NotImplementedError

    def _from_samples(self, shape: tuple[int, ...], outputs: int) -> Sequential:
        """Initialised layers from samples to ``(batch, outputs)``, with the discriminator's normalisation."""
        raise NotImplementedError


def settled(network: Sequential) -> Sequential:
    """The network, its spectral norms at the singular values of its initial weights."""
    from bench.architectures.layers import settle_spectral_norms

    settle_spectral_norms(network)
    return network
