"""Mixtures of Gaussians in the plane, whose modes are known: mode collapse can be counted on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bench.catalog import datasets
from bench.datasets.base import Data, Modes
from bench.lazy import torch

if TYPE_CHECKING:
    from torch import Generator, Tensor

TRAIN, HELD_OUT = 100_000, 10_000
DATA_SEED = 20_140_610
"""Of the points themselves: the same for every run, so that seeds differ in training alone."""

Size = Annotated[int, Field(ge=1, le=10_000_000, description="training points")]
Sigma = Annotated[float, Field(gt=0, description="σ of each mode, in the plane's units")]


def load_mixture(modes: Modes, train: int) -> Data:
    """Fixed samples of a mixture, 10,000 each held out for validation and test, and a way to draw more."""

    def draw(n: int, random: Generator) -> Tensor:
        chosen = torch.multinomial(modes.weights, n, replacement=True, generator=random)
        return modes.centers[chosen] + modes.sigma * torch.randn(n, modes.centers.shape[1], generator=random)

    random = torch.Generator().manual_seed(DATA_SEED)
    return Data(
        train=draw(train, random),
        validation=draw(HELD_OUT, random),
        test=draw(HELD_OUT, random),
        modes=modes,
        draw=draw,
    )


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
        angles = torch.arange(self.modes) * (2 * math.pi / self.modes)
        centers = self.radius * torch.stack([angles.cos(), angles.sin()], dim=1)
        return load_mixture(Modes(centers, self.sigma, torch.full((self.modes,), 1 / self.modes)), self.train)


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
        line = self.spacing * (torch.arange(self.side) - (self.side - 1) / 2)
        centers = torch.cartesian_prod(line, line).reshape(-1, 2)
        n = len(centers)
        return load_mixture(Modes(centers, self.sigma, torch.full((n,), 1 / n)), self.train)
