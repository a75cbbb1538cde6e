"""Mixtures of Gaussians exactly as papers have them: "8 Gaussians" alone are three different data sets.

An entry names its protocol and has no settings: with others it would be another's. `ring`, `grid` and `mixture` have.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.catalog import datasets
from bench.datasets.base import Data, Modes
from bench.datasets.mixtures import TRAIN, grid_modes, load_mixture, ring_modes
from bench.lazy import torch

RING_SCALE, GRID_SCALE = 1.414, 2.828
"""What WGAN-GP's code divides its points by, "stdev" in its words: rounded like this."""


class _InThePlane:
    """What all mixtures of the plane share."""

    space: ClassVar[str] = "raw"

    @property
    def shape(self) -> tuple[int, ...]:
        """Points in the plane."""
        return (2,)


@datasets.register(
    "ring-pacgan",
    formula="x ~ ⅛ Σₖ N((cos 2πk/8, sin 2πk/8), 0.01² I); 100,000 training points",
    source="Lin et al. 2018, sec. 4.1, and their code; after Srivastava et al. 2017",
)
@dataclass(frozen=True)
class RingPacgan(_InThePlane):
    """PacGAN's ring: half the radius and half the σ of `ring`, so the same ring at half the scale."""

    def load(self, root: Path) -> Data:
        """Drawn afresh, the same each time; ``root`` is not used."""
        return load_mixture(ring_modes(8, radius=1.0, sigma=0.01), TRAIN)


@datasets.register(
    "grid-pacgan",
    formula="x ~ 1/25 Σ N(μ, 0.05² I) over μ of {−4, −2, 0, 2, 4}²; 100,000 training points",
    source="Lin et al. 2018, sec. 4.1, and their code; after Srivastava et al. 2017",
)
@dataclass(frozen=True)
class GridPacgan(_InThePlane):
    """PacGAN's grid: the same points as `grid` at its defaults, under a name that stays theirs."""

    def load(self, root: Path) -> Data:
        """Drawn afresh, the same each time; ``root`` is not used."""
        return load_mixture(grid_modes(5, spacing=2.0, sigma=0.05), TRAIN)


@datasets.register(
    "ring-wgangp",
    formula="x ~ ⅛ Σₖ N(2 (cos 2πk/8, sin 2πk/8), 0.02² I) / 1.414; 100,000 training points",
    source="Gulrajani et al. 2017, fig. 1, and their code (gan_toy.py), which draws every batch afresh",
)
@dataclass(frozen=True)
class RingWgangp(_InThePlane):
    """WGAN-GP's ring: `ring`, divided by 1.414."""

    def load(self, root: Path) -> Data:
        """Drawn afresh, the same each time; ``root`` is not used."""
        return load_mixture(_divided(ring_modes(8, radius=2.0, sigma=0.02), RING_SCALE), TRAIN)


@datasets.register(
    "grid-wgangp",
    formula="x ~ 1/25 Σ N(μ, 0.05² I) / 2.828 over μ of {−4, −2, 0, 2, 4}²; 100,000 training points",
    source="Gulrajani et al. 2017, fig. 1, and their code (gan_toy.py), which has 4,000 points of each mode",
)
@dataclass(frozen=True)
class GridWgangp(_InThePlane):
    """WGAN-GP's grid: `grid`, divided by 2.828."""

    def load(self, root: Path) -> Data:
        """Drawn afresh, the same each time; ``root`` is not used."""
        return load_mixture(_divided(grid_modes(5, spacing=2.0, sigma=0.05), GRID_SCALE), TRAIN)


VEEGAN_OFFSETS = (-1.0, -0.5, 0.0, 0.5, -2.0, -2.5, 10.0, 0.25, -13.0, -5.5)
"""Every coordinate of a mean, in the code of Lin et al. 2018."""
VEEGAN_DIMENSIONS, VEEGAN_SPANNED = 1200, 700
VEEGAN_TRAIN, VEEGAN_HELD_OUT = 20_000, 5_000


@datasets.register(
    "mixture-veegan",
    formula="x ~ 1/10 Σₖ N(cₖ (1, …, 1), diag(1 × 700, 0 × 500)), c of {−13, −5.5, −2.5, −2, −1, −½, 0, ¼, ½, 10}; "
    "20,000 training points",
    source="Srivastava et al. 2017, sec. 4.1 (ten isotropic Gaussians of 700 dimensions in 1,200; means, σ, embedding "
    "and number of points are not told there: those but the last are of the code of Lin et al. 2018)",
)
@dataclass(frozen=True)
class MixtureVeegan:
    """VEEGAN's ten flat Gaussians in 1,200 dimensions, as a stand-in for manifolds of images.

    Srivastava et al. call a sample good within 10σ of a mean, where no sample of theirs lies: that of 700 dimensions
    is around 26σ away. Here it is the radius that holds 98.89 % of them, as in the plane.
    """

    space: ClassVar[str] = "raw"

    @property
    def shape(self) -> tuple[int, ...]:
        """Points of 1,200 dimensions."""
        return (VEEGAN_DIMENSIONS,)

    def load(self, root: Path) -> Data:
        """Drawn afresh, the same each time; ``root`` is not used."""
        centers = torch.tensor(VEEGAN_OFFSETS).unsqueeze(1).repeat(1, VEEGAN_DIMENSIONS)
        n = len(centers)
        modes = Modes(centers, 1.0, torch.full((n,), 1 / n), spanned=VEEGAN_SPANNED)
        return load_mixture(modes, VEEGAN_TRAIN, VEEGAN_HELD_OUT)


def _divided(modes: Modes, scale: float) -> Modes:
    return Modes(modes.centers / scale, modes.sigma / scale, modes.weights)
