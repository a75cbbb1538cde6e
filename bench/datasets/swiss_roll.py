"""A spiral in the plane: one curved band of data, without modes to count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bench.catalog import datasets
from bench.datasets.base import Data
from bench.datasets.mixtures import DATA_SEED, HELD_OUT, TRAIN, Size
from bench.lazy import torch

if TYPE_CHECKING:
    from torch import Generator, Tensor

SCALE = 7.5
"""What WGAN-GP's code divides the points by: "stdev plus a little"."""


@datasets.register(
    "swiss-roll",
    formula="x = (t cos t + ε₁, t sin t + ε₂) / 7.5,  t ~ U[3π/2, 9π/2],  ε ~ N(0, σ²I)",
    source="Gulrajani et al. 2017, fig. 1, and their code (gan_toy.py): first and third coordinate of scikit-learn's "
    "make_swiss_roll, there drawn afresh for every batch",
)
@dataclass(frozen=True)
class SwissRoll:
    """One and a half turns of a spiral, evenly drawn by the angle: the farther out, the thinner."""

    noise: Annotated[float, Field(ge=0, description="σ around the spiral, before it is divided by 7.5")] = 0.25
    train: Size = TRAIN
    space: ClassVar[str] = "raw"

    @property
    def shape(self) -> tuple[int, ...]:
        """Points in the plane."""
        return (2,)

    def load(self, root: Path) -> Data:
        """Drawn afresh, the same each time; ``root`` is not used."""
        random = torch.Generator().manual_seed(DATA_SEED)
        return Data(
            train=self._draw(self.train, random),
            validation=self._draw(HELD_OUT, random),
            test=self._draw(HELD_OUT, random),
            draw=self._draw,
        )

    def _draw(self, n: int, random: Generator) -> Tensor:
        angle = 1.5 * math.pi * (1 + 2 * torch.rand(n, 1, generator=random))
        points = angle * torch.cat([angle.cos(), angle.sin()], dim=1)
        return (points + self.noise * torch.randn(n, 2, generator=random)) / SCALE
