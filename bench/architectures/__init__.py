"""Architectures: a generator and a discriminator built for a data shape."""

from bench.architectures.base import Architecture, Players
from bench.catalog import architectures

__all__ = ["Architecture", "Players", "architectures"]
