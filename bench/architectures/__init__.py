"""Architectures: a generator, a discriminator and, for energies, an autoencoder, built for a data shape."""

from bench.architectures.base import Architecture, EnergyKind, Latent, Players

__all__ = ["Architecture", "EnergyKind", "Latent", "Players"]
