"""Two multilayer perceptrons: for points, and for images small enough to be flattened."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
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
    source="Goodfellow et al. 2014; hidden weights N(0, 2/fan-in) of He et al. 2015, generator's biases 0, "
    "the rest as torch has it",
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
        """Players with He's initialisation.

        With torch's default, which shrinks activations layer by layer, the generator starts as a point.
        """
        from bench.architectures.layers import settle_spectral_norms, weighted

        size = math.prod(shape)
        to_sample: list[Module] = [torch.nn.Tanh()] if len(shape) == 3 else []
        generator = [
            *self._hidden(self.latent_dim, self.generator_normalisation, torch.nn.ReLU()),
            weighted(torch.nn.Linear(self.width, size), self.generator_normalisation),
            *to_sample,
            torch.nn.Unflatten(1, shape),
        ]
        discriminator = [
            torch.nn.Flatten(1),
            *self._hidden(size, self.discriminator_normalisation, torch.nn.LeakyReLU(0.2)),
            weighted(torch.nn.Linear(self.width, 1), self.discriminator_normalisation),
            torch.nn.Flatten(0),
        ]
        players = Players(torch.nn.Sequential(*generator), torch.nn.Sequential(*discriminator), self.latent_dim)
        _initialise(players.generator, zero_biases=True)
        _initialise(players.discriminator, zero_biases=False)  # planes through the origin alone would tell little
        for player in (players.generator, players.discriminator):
            settle_spectral_norms(player)
        return players

    def _hidden(self, inputs: int, normalisation: Normalisation, activation: Module) -> list[Module]:
        from bench.architectures.layers import normalisation as norm
        from bench.architectures.layers import weighted

        widths = [inputs, *[self.width] * self.depth]
        return [
            module
            for before, after in pairwise(widths)
            for module in (
                weighted(torch.nn.Linear(before, after), normalisation),
                *norm(normalisation, after, flat=True),
                activation,
            )
        ]


def _initialise(player: Module, *, zero_biases: bool) -> None:
    from bench.architectures.layers import raw_weight

    layers = [layer for layer in player.modules() if isinstance(layer, torch.nn.Linear)]
    for layer in layers[:-1]:
        torch.nn.init.kaiming_normal_(raw_weight(layer), nonlinearity="relu")
    for layer in layers:
        if zero_biases:
            torch.nn.init.zeros_(layer.bias)
