"""The pair of PacGAN's experiments with mixtures of Gaussians, for points."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bench.architectures.base import Latent
from bench.architectures.pair import Pair
from bench.catalog import Unit, architectures
from bench.errors import CatalogError
from bench.lazy import torch
from bench.spec import Normalisation

if TYPE_CHECKING:
    from torch.nn import Module, Sequential


@architectures.register(
    "pacgan-mlp",
    formula="G: z → [linear, norm, ReLU] × depth → linear;  D: x → [maxout, norm] × depth → linear → score;  "
    "maxout: the largest of several linear units",
    source="Lin et al. 2018, sec. 4.1, and their code (after Dumoulin et al. 2017); weights N(0, 0.02²), biases 0",
)
@dataclass(frozen=True)
class PacGanMlp(Pair):
    """A batch-normalised generator and a discriminator of maxout units, of the paper's widths and depths.

    Layers whose biases a normalisation takes away have none, as in their code.
    """

    generator_width: Annotated[int, Field(ge=1, le=16384, description="of its hidden layers"), Unit("units")] = 400
    generator_depth: Annotated[int, Field(ge=1, le=64, description="its hidden layers"), Unit("layers")] = 4
    discriminator_width: Annotated[int, Field(ge=1, le=16384, description="of its hidden layers"), Unit("units")] = 200
    discriminator_depth: Annotated[int, Field(ge=1, le=64, description="its hidden layers"), Unit("layers")] = 3
    pieces: Annotated[int, Field(ge=1, le=64, description="linear units of each maxout unit"), Unit("units")] = 5
    latent_dim: Annotated[int, Field(ge=1, le=16384, description="length of z"), Unit("dimensions")] = 2
    latent: Annotated[Latent, Field(description="z ~ N(0, I) as in the paper, or U[−1, 1]")] = "normal"
    generator_normalisation: Annotated[Normalisation, Field(description="of the generator's hidden layers")] = "batch"
    discriminator_normalisation: Annotated[Normalisation, Field(description="of the discriminator's")] = "none"

    def check(self, shape: tuple[int, ...]) -> None:
        """Points of any dimension."""
        if len(shape) != 1:
            raise CatalogError(
                f"architecture 'pacgan-mlp' makes points, not samples of shape {'×'.join(map(str, shape))}; "
                "for images use 'dcgan' or 'mlp'"
            )

    def _to_samples(self, shape: tuple[int, ...], kind: Normalisation) -> Sequential:
        from bench.architectures.initialisation import draw_normal
        from bench.architectures.layers import has_bias, normalisation, weighted

        nn = torch.nn
        layers: list[Module] = []
        for before, after in pairwise([self.latent_dim, *[self.generator_width] * self.generator_depth]):
            linear = weighted(nn.Linear(before, after, bias=has_bias(kind, flat=True)), kind)
            layers += [linear, *normalisation(kind, after, flat=True), nn.ReLU()]
        return draw_normal(nn.Sequential(*layers, weighted(nn.Linear(self.generator_width, shape[0]), kind)))

    def _from_samples(self, shape: tuple[int, ...], outputs: int) -> Sequential:
        from bench.architectures.initialisation import draw_normal
        from bench.architectures.layers import Largest, normalisation, weighted

        nn, kind = torch.nn, self.discriminator_normalisation
        layers: list[Module] = []
        for before, after in pairwise([shape[0], *[self.discriminator_width] * self.discriminator_depth]):
            pieces = weighted(nn.Linear(before, self.pieces * after), kind)
            layers += [pieces, Largest(self.pieces), *normalisation(kind, after, flat=True)]
        return draw_normal(nn.Sequential(*layers, weighted(nn.Linear(self.discriminator_width, outputs), kind)))
