"""Architectures: a generator and a discriminator built for a data shape."""

from bench.architectures.base import Architecture, Players

__all__ = ["Architecture", "Players"]
