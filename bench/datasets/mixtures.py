"""Mixtures of Gaussians, whose modes are known: mode collapse can be counted on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bench.catalog import datasets
from bench.datasets.base import Data, Modes
from bench.errors import CatalogError
from bench.lazy import torch

if TYPE_CHECKING:
    from torch import Generator, Tensor

TRAIN, HELD_OUT = 100_000, 10_000
DATA_SEED = 20_140_610
"""Of the points themselves: the same for every run, so that seeds differ in training alone."""

Size = Annotated[int, Field(ge=1, le=10_000_000, description="training points")]
Sigma = Annotated[float, Field(gt=0, description="σ of each mode, in the plane's units")]


def load_mixture(modes: Modes, train: int, held_out: int = HELD_OUT) -> Data:
    """Fixed samples of a mixture, ``held_out`` each for validation and test, and a way to draw more."""

    def draw(n: int, random: Generator) -> Tensor:
        chosen = torch.multinomial(modes.weights, n, replacement=True, generator=random)
        points = modes.centers[chosen]
        points[:, : modes.dimensions] += modes.sigma * torch.randn(n, modes.dimensions, generator=random)
        return points

    random = torch.Generator().manual_seed(DATA_SEED)
    return Data(
        train=draw(train, random),
        validation=draw(held_out, random),
        test=draw(held_out, random),
        modes=modes,
        draw=draw,
    )


def ring_modes(modes: int, radius: float, sigma: float) -> Modes:
    """Equal Gaussians, evenly spaced on a circle around the origin."""
    angles = torch.arange(modes) * (2 * math.pi / modes)
    centers = radius * torch.stack([angles.cos(), angles.sin()], dim=1)
    return Modes(centers, sigma, torch.full((modes,), 1 / modes))


def grid_modes(side: int, spacing: float, sigma: float) -> Modes:
    """Equal Gaussians on a square grid around the origin."""
    line = spacing * (torch.arange(side) - (side - 1) / 2)
    centers = torch.cartesian_prod(line, line).reshape(-1, 2)
    n = len(centers)
    return Modes(centers, sigma, torch.full((n,), 1 / n))


@datasets.register(
    "ring",
    formula="x ~ (1/n) Σₖ N(ρ(cos 2πk/n, sin 2πk/n), σ²I)",
    source="Metz et al. 2017, sec. 3.1 (8 Gaussians of σ 0.02 on a circle of radius 2)",
)
@dataclass(frozen=True)
class Ring:
    """Gaussians on a circle: few, far apart, easy to count."""

    modes: Annotated[int, Field(ge=1, le=1000, description="n, number of Gaussians")] = 8
    radius: Annotated[float, Field(gt=0, description="ρ, of the circle, in the plane's units")] = 2.0
    sigma: Sigma = 0.02
    train: Size = TRAIN
    space: ClassVar[str] = "raw"

    @property
    def shape(self) -> tuple[int, ...]:
        """Points in the plane."""
        return (2,)

    def load(self, root: Path) -> Data:
        """Drawn afresh, the same each time; ``root`` is not used."""
        return load_mixture(ring_modes(self.modes, self.radius, self.sigma), self.train)


@datasets.register(
    "grid",
    formula="x ~ (1/n²) Σᵢⱼ N(s(i − (n−1)/2, j − (n−1)/2), σ²I)",
    source="Srivastava et al. 2017; Lin et al. 2018, sec. 4.1 (25 Gaussians of σ 0.05, spacing 2)",
)
@dataclass(frozen=True)
class Grid:
    """Gaussians on a square grid: many modes, some of them far from the origin."""

    side: Annotated[int, Field(ge=1, le=100, description="n, Gaussians along a side")] = 5
    spacing: Annotated[float, Field(gt=0, description="s, between neighbours, in the plane's units")] = 2.0
    sigma: Sigma = 0.05
    train: Size = TRAIN
    space: ClassVar[str] = "raw"

    @property
    def shape(self) -> tuple[int, ...]:
        """Points in the plane."""
        return (2,)

    def load(self, root: Path) -> Data:
        """Drawn afresh, the same each time; ``root`` is not used."""
        return load_mixture(grid_modes(self.side, self.spacing, self.sigma), self.train)


@datasets.register(
    "mixture",
    formula="x ~ Σₖ wₖ N(μₖ, σ²I) / Σₖ wₖ",
    source="means, σ and weights of one's own; by default four Gaussians at the corners of a square",
)
@dataclass(frozen=True)
class Mixture:
    """Gaussians wherever they are wanted, in any number of dimensions, and as rare as they are wanted."""

    means: Annotated[
        tuple[tuple[float, ...], ...],
        Field(description="μₖ, a point for each Gaussian, all of as many coordinates"),
    ] = ((-1.0, 1.0), (1.0, 1.0), (-1.0, -1.0), (1.0, -1.0))
    sigma: Annotated[float, Field(gt=0, description="σ of each Gaussian, in units of the points")] = 0.05
    weights: Annotated[
        tuple[float, ...], Field(description="wₖ > 0, one for each point, of any sum; none: equal ones")
    ] = ()
    train: Size = TRAIN
    space: ClassVar[str] = "raw"

    def __post_init__(self) -> None:
        faults = []
        lengths = [len(mean) for mean in self.means] or [0]
        if min(lengths) < 1 or min(lengths) < max(lengths):
            told = ", ".join(map(str, lengths[:10])) + (", …" if len(lengths) > 10 else "")
            faults.append(
                f"dataset 'mixture', setting 'means': points of equally many coordinates, at least 1; got {told}"
            )
        if self.weights and len(self.weights) != len(self.means):
            faults.append(
                f"dataset 'mixture', setting 'weights': one for each of the {len(self.means)} points of 'means', or "
                f"none for equal ones; got {len(self.weights)}"
            )
        if not all(weight > 0 for weight in self.weights):
            faults.append(f"dataset 'mixture', setting 'weights': all are > 0; got {min(self.weights)}")
        if faults:
            raise CatalogError(*faults)

    @property
    def shape(self) -> tuple[int, ...]:
        """Points of as many coordinates as the means."""
        return (len(self.means[0]),)

    def load(self, root: Path) -> Data:
        """Drawn afresh, the same each time; ``root`` is not used."""
        weights = torch.tensor(self.weights or [1.0] * len(self.means), dtype=torch.float64)
        weights = (weights / weights.sum()).float()
        return load_mixture(Modes(torch.tensor(self.means), self.sigma, weights), self.train)
