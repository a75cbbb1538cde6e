"""Two multilayer perceptrons: for points, and for images small enough to be flattened."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bench.architectures.base import Latent
from bench.architectures.pair import Pair
from bench.catalog import Unit, architectures
from bench.lazy import torch
from bench.spec import Normalisation

if TYPE_CHECKING:
    from torch.nn import Module, Sequential


@architectures.register(
    "mlp",
    formula="G: z → [linear, norm, ReLU] × depth → linear (tanh for images);  "
    "D: x → [linear, norm, LeakyReLU 0.2] × depth → linear → score",
    source="Goodfellow et al. 2014; hidden weights N(0, 2/fan-in) of He et al. 2015, generator's biases 0, "
    "the rest as torch has it",
)
@dataclass(frozen=True)
class Mlp(Pair):
    """Fully connected players of the same width and depth.

    With torch's default initialisation, which shrinks activations layer by layer, the generator would start as a point.
    """

    width: Annotated[int, Field(ge=1, le=16384, description="width of a hidden layer"), Unit("units")] = 128
    depth: Annotated[int, Field(ge=1, le=64, description="hidden layers of a player"), Unit("layers")] = 3
    latent_dim: Annotated[int, Field(ge=1, le=16384, description="length of z"), Unit("dimensions")] = 2
    latent: Annotated[Latent, Field(description="z ~ N(0, I), or U[−1, 1] in each dimension")] = "normal"
    generator_normalisation: Annotated[Normalisation, Field(description="of the generator's hidden layers")] = "none"
    discriminator_normalisation: Annotated[Normalisation, Field(description="of the discriminator's")] = "none"

    def check(self, shape: tuple[int, ...]) -> None:
        """Every shape can be flattened."""

    def _to_samples(self, shape: tuple[int, ...], kind: Normalisation) -> Sequential:
        from bench.architectures.layers import weighted

        to_image: list[Module] = [torch.nn.Tanh()] if len(shape) == 3 else []
        network = torch.nn.Sequential(
            *self._hidden(self.latent_dim, kind, torch.nn.ReLU()),
            weighted(torch.nn.Linear(self.width, math.prod(shape)), kind),
            *to_image,
            torch.nn.Unflatten(1, shape),
        )
        return _initialised(network, zero_biases=True)

    def _from_samples(self, shape: tuple[int, ...], outputs: int) -> Sequential:
        from bench.architectures.layers import weighted

        kind = self.discriminator_normalisation
        network = torch.nn.Sequential(
            torch.nn.Flatten(1),
            *self._hidden(math.prod(shape), kind, torch.nn.LeakyReLU(0.2)),
            weighted(torch.nn.Linear(self.width, outputs), kind),
        )
        return _initialised(network, zero_biases=False)  # planes through the origin alone would tell little

    def _hidden(self, inputs: int, kind: Normalisation, activation: Module) -> list[Module]:
        from bench.architectures.layers import normalisation, weighted

        widths = [inputs, *[self.width] * self.depth]
        return [
            module
            for before, after in pairwise(widths)
            for module in (
                weighted(torch.nn.Linear(before, after), kind),
                *normalisation(kind, after, flat=True),
                activation,
            )
        ]


def _initialised(network: Sequential, *, zero_biases: bool) -> Sequential:
    from bench.architectures.layers import raw_weight

    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)]
    for layer in layers[:-1]:
        torch.nn.init.kaiming_normal_(raw_weight(layer), nonlinearity="relu")
    for layer in layers:
        if zero_biases:
            torch.nn.init.zeros_(layer.bias)
    return network
