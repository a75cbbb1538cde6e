"""Two multilayer perceptrons: for points, and for images small enough to be flattened."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bench.architectures.base import Normalisation, Players
from bench.catalog import architectures
from bench.lazy import torch

if TYPE_CHECKING:
    from torch.nn import Module


@architectures.register(
    "mlp",
    formula="G: z → [linear, norm, ReLU] × depth → linear (tanh for images);  "
    "D: x → [linear, norm, LeakyReLU 0.2] × depth → linear → score",
    source="Goodfellow et al. 2014; widths as in Gulrajani et al. 2017's toy; torch's default initialisation",
)
@dataclass(frozen=True)
class Mlp:
    """Fully connected players of the same width and depth."""

    width: Annotated[int, Field(ge=1, le=16384, description="units of a hidden layer")] = 128
    depth: Annotated[int, Field(ge=1, le=64, description="hidden layers")] = 3
    latent_dim: Annotated[int, Field(ge=1, le=16384, description="dimension of z ~ N(0, I)")] = 2
    generator_normalisation: Annotated[Normalisation, Field(description="of the generator's hidden layers")] = "none"
    discriminator_normalisation: Annotated[Normalisation, Field(description="of the discriminator's")] = "none"

    def check(self, shape: tuple[int, ...]) -> None:
        """Every shape can be flattened."""

    def build(self, shape: tuple[int, ...]) -> Players:
        """Players with torch's default initialisation."""
        size = math.prod(shape)
        to_sample: list[Module] = [torch.nn.Tanh()] if len(shape) == 3 else []
        generator = [
            *self._hidden(self.latent_dim, self.generator_normalisation, torch.nn.ReLU()),
            torch.nn.Linear(self.width, size),
            *to_sample,
            torch.nn.Unflatten(1, shape),
        ]
        discriminator = [
            torch.nn.Flatten(1),
            *self._hidden(size, self.discriminator_normalisation, torch.nn.LeakyReLU(0.2)),
            torch.nn.Linear(self.width, 1),
            torch.nn.Flatten(0),
        ]
        return Players(torch.nn.Sequential(*generator), torch.nn.Sequential(*discriminator), self.latent_dim)

    def _hidden(self, inputs: int, normalisation: Normalisation, activation: Module) -> list[Module]:
        from bench.architectures.layers import normalised

        widths = [inputs, *[self.width] * self.depth]
        return [
            module
            for before, after in zip(widths, widths[1:], strict=False)
            for module in (*normalised(torch.nn.Linear(before, after), normalisation, after), activation)
        ]
