"""The pair of InfoGAN's MNIST experiments, on which Lucic et al. 2018 compare objectives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bench.architectures.base import Latent
from bench.architectures.pair import Pair, settled
from bench.architectures.shapes import check_images
from bench.catalog import Unit, architectures
from bench.lazy import torch
from bench.spec import Normalisation

if TYPE_CHECKING:
    from torch.nn import Sequential

    from bench.architectures.autoencoder import Autoencoder

SIZES = (8, 16, 28, 32, 64)


@architectures.register(
    "infogan",
    formula="G: z → linear 1024 → linear 128·(s/4)² → 4×4 transposed convolution 64, stride 2 → the same to the image "
    "→ tanh, norm and ReLU between;  D: 4×4 convolution 64, stride 2 → the same 128 → linear 1024 → score, "
    "LeakyReLU 0.2 and (but after the first) norm between;  s pixels",
    source="Chen et al. 2016, table 1, as Lucic et al. 2018 have it; weights N(0, 0.02²), biases 0, as their code",
)
@dataclass(frozen=True)
class InfoGan(Pair):
    """Two convolutions and two wide fully connected layers a player.

    Chen et al. have a leak of 0.1, the code of Lucic et al. 0.2. Both end in a sigmoid where here it is a tanh: images
    lie in [−1, 1]. All layers have biases, as theirs do, so that the numbers of parameters are equal.

    Lucic et al. try the discriminator with batch normalisation and with none; layer normalisation is the default here,
    since gradient penalties have no meaning where samples are mixed. The autoencoder is the one that they play BEGAN
    with: both convolutions, a code, and the generator's last three layers.
    """

    width: Annotated[int, Field(ge=1, le=4096, description="width of the layer at the image"), Unit("channels")] = 64
    hidden_width: Annotated[
        int, Field(ge=1, le=65536, description="width of the fully connected layers"), Unit("units")
    ] = 1024
    latent_dim: Annotated[int, Field(ge=1, le=16384, description="length of z"), Unit("dimensions")] = 64
    latent: Annotated[Latent, Field(description="z ~ N(0, I), or U[−1, 1] as in the paper")] = "uniform"
    generator_normalisation: Annotated[Normalisation, Field(description="of the generator's layers")] = "batch"
    discriminator_normalisation: Annotated[Normalisation, Field(description="of the discriminator's layers")] = "layer"

    def check(self, shape: tuple[int, ...]) -> None:
        """Square images of 8, 16, 28, 32 or 64 pixels, grey or RGB."""
        check_images("infogan", shape, SIZES)

    def autoencoder(self, shape: tuple[int, ...]) -> Autoencoder:
        """The discriminator's convolutions down to a code ``(batch, latent_dim)``, the generator's from there."""
        from bench.architectures.autoencoder import Autoencoder
        from bench.architectures.initialisation import draw_normal
        from bench.architectures.layers import weighted

        nn, kind = torch.nn, self.discriminator_normalisation
        to_code = weighted(nn.Linear(2 * self.width * (shape[1] // 4) ** 2, self.latent_dim), kind)
        encoder = draw_normal(nn.Sequential(*self._convolutions(shape), to_code))
        return Autoencoder(settled(encoder), settled(draw_normal(self._decoder(self.latent_dim, shape, kind))))

    def _to_samples(self, shape: tuple[int, ...], kind: Normalisation) -> Sequential:
        from bench.architectures.initialisation import draw_normal
        from bench.architectures.layers import normalisation, weighted

        nn = torch.nn
        return draw_normal(
            nn.Sequential(
                weighted(nn.Linear(self.latent_dim, self.hidden_width), kind),
                *normalisation(kind, self.hidden_width, flat=True),
                nn.ReLU(),
                *self._decoder(self.hidden_width, shape, kind),
            )
        )

    def _decoder(self, inputs: int, shape: tuple[int, ...], kind: Normalisation) -> Sequential:
        from bench.architectures.layers import normalisation, weighted

        nn, (channels, size, _) = torch.nn, shape
        units = 2 * self.width * (size // 4) ** 2
        return nn.Sequential(
            weighted(nn.Linear(inputs, units), kind),
            *normalisation(kind, units, flat=True),
            nn.ReLU(),
            nn.Unflatten(1, (2 * self.width, size // 4, size // 4)),
            weighted(nn.ConvTranspose2d(2 * self.width, self.width, 4, 2, 1), kind),
            *normalisation(kind, self.width, flat=False),
            nn.ReLU(),
            weighted(nn.ConvTranspose2d(self.width, channels, 4, 2, 1), kind),
            nn.Tanh(),
        )

    def _from_samples(self, shape: tuple[int, ...], outputs: int) -> Sequential:
        from bench.architectures.initialisation import draw_normal
        from bench.architectures.layers import normalisation, weighted

        nn, kind = torch.nn, self.discriminator_normalisation
        return draw_normal(
            nn.Sequential(
                *self._convolutions(shape),
                weighted(nn.Linear(2 * self.width * (shape[1] // 4) ** 2, self.hidden_width), kind),
                *normalisation(kind, self.hidden_width, flat=True),
                nn.LeakyReLU(0.2),
                weighted(nn.Linear(self.hidden_width, outputs), kind),
            )
        )

    def _convolutions(self, shape: tuple[int, ...]) -> Sequential:
        from bench.architectures.layers import normalisation, weighted

        nn, kind = torch.nn, self.discriminator_normalisation
        return nn.Sequential(
            weighted(nn.Conv2d(shape[0], self.width, 4, 2, 1), kind),
            nn.LeakyReLU(0.2),
            weighted(nn.Conv2d(self.width, 2 * self.width, 4, 2, 1), kind),
            *normalisation(kind, 2 * self.width, flat=False),
            nn.LeakyReLU(0.2),
            nn.Flatten(1),
        )
