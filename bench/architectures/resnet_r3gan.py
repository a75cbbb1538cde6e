"""The residual pair of R3GAN, which needs no normalisation, for square images of 8 to 64 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bench.architectures.base import Latent
from bench.architectures.pair import Pair
from bench.architectures.shapes import check_images, count_doublings, first_size
from bench.catalog import Unit, architectures
from bench.lazy import torch
from bench.spec import Normalisation

if TYPE_CHECKING:
    from torch.nn import Module, Sequential

SIZES = (8, 16, 28, 32, 64)


@architectures.register(
    "resnet-r3gan",
    formula="G: z → weights of a 4×4 basis (7×7 for 28) → [blocks, bilinear up] … → blocks → 1×1 convolution → tanh;  "
    "D: the same backwards;  block: x + 1×1 (3×3 in groups of 16 (1×1 x)), twice the channels and LeakyReLU 0.2 within",
    source="Huang et al. 2024, sec. 4, and their code (width 768 for CIFAR-10); weights N(0, 1/fan-in), in blocks as "
    "Fixup has them (Zhang et al. 2019), biases 0",
)
@dataclass(frozen=True)
class ResNetR3Gan(Pair):
    """Normalisation-free residual blocks with grouped convolutions and inverted bottlenecks.

    The paper's nets, narrower: a sixth of the width for CIFAR-10, whatever the data. Their images are not bounded, here
    by a tanh; 64 pixels have half the channels, as in their nets for FFHQ. Their mixed precision and conditioning are
    left out.
    """

    width: Annotated[int, Field(ge=1, le=4096, description="of the blocks up to 32 pixels"), Unit("channels")] = 128
    blocks: Annotated[int, Field(ge=1, le=64, description="residual blocks at each size"), Unit("blocks")] = 2
    latent_dim: Annotated[int, Field(ge=1, le=16384, description="length of z"), Unit("dimensions")] = 64
    latent: Annotated[Latent, Field(description="z ~ N(0, I) as in the paper, or U[−1, 1]")] = "normal"
    generator_normalisation: Annotated[Normalisation, Field(description="of the generator, before each activation")] = (
        "none"
    )
    discriminator_normalisation: Annotated[
        Normalisation, Field(description="of the discriminator, before each activation")
    ] = "none"

    def check(self, shape: tuple[int, ...]) -> None:
        """Square images of 8, 16, 28, 32 or 64 pixels, grey or RGB."""
        check_images("resnet-r3gan", shape, SIZES)

    def _to_samples(self, shape: tuple[int, ...], kind: Normalisation) -> Sequential:
        from bench.architectures.modern import Basis, scaled, transition

        nn, (channels, size, _) = torch.nn, shape
        widths = self._widths(size)
        layers: list[Module] = [
            Basis(self.latent_dim, widths[0], first_size(size), kind),
            *self._stage(widths[0], kind, len(widths)),
        ]
        for before, after in pairwise(widths):
            layers += [transition(before, after, kind, up=True), *self._stage(after, kind, len(widths))]
        return nn.Sequential(*layers, scaled(nn.Conv2d(widths[-1], channels, 1, bias=False), kind), nn.Tanh())

    def _from_samples(self, shape: tuple[int, ...], outputs: int) -> Sequential:
        from bench.architectures.modern import scaled, transition

        nn, (channels, size, _), kind = torch.nn, shape, self.discriminator_normalisation
        widths = self._widths(size)[::-1]
        layers: list[Module] = [
            scaled(nn.Conv2d(channels, widths[0], 1, bias=False), kind),
            *self._stage(widths[0], kind, len(widths)),
        ]
        for before, after in pairwise(widths):
            layers += [transition(before, after, kind, up=False), *self._stage(after, kind, len(widths))]
        last = widths[-1]
        basis = nn.Conv2d(last, last, first_size(size), groups=last, bias=False)
        to_outputs = scaled(nn.Linear(last, outputs, bias=False), kind)
        return nn.Sequential(*layers, scaled(basis, kind), nn.Flatten(1), to_outputs)

    def _stage(self, channels: int, kind: Normalisation, stages: int) -> list[Module]:
        from bench.architectures.modern import Bottleneck

        return [Bottleneck(channels, kind, stages * self.blocks) for _ in range(self.blocks)]

    def _widths(self, size: int) -> list[int]:
        """Channels at the first pixels and after each doubling."""
        doublings = count_doublings(size)
        if size <= 32:
            return [self.width] * (doublings + 1)
        return [self.width] * doublings + [max(1, self.width // 2)]
