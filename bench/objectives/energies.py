"""The losses of energies: the discriminator is an autoencoder, its score the error of a sample, low where it is real.

Formulas: e(x) ≥ 0 is the error of a real sample, e(G) that of a generated one, E the batch mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bench.architectures.base import EnergyKind
from bench.catalog import Unit, losses
from bench.objectives.base import Memory

if TYPE_CHECKING:
    from torch import Tensor

Error = Annotated[
    EnergyKind, Field(description="error of the autoencoder: ‖·‖₂, mean |·| or mean square over a sample's elements")
]


@losses.register(
    "energy",
    formula="L_D = E e(x) + E max(0, m − e(G)),  L_G = E e(G)",
    latex=r"L_D = \mathbb{E}\,e(x) + \mathbb{E}\max(0, m - e(G)), \quad L_G = \mathbb{E}\,e(G)",
    optimum="e* = 0 where p > q, m where p < q;  L_D* = m Σ min(p, q) = m(1 − TV(p, q))",
    source="Zhao et al. 2016 (EBGAN), sec. 2.1 to 2.3",
)
@dataclass(frozen=True)
class Energy:
    """Real samples get a low energy, generated ones an energy of at least the margin."""

    margin: Annotated[
        float, Unit("energy"), Field(gt=0, description="m, energy up to which generated samples are pushed away")
    ] = 10.0
    energy: Error = "euclidean"
    generator_uses_real: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Energy of real samples, and what generated ones lack of the margin."""
        return real.mean() + (self.margin - fake).relu().mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Energy of generated samples."""
        return fake.mean()


@losses.register(
    "boundary-equilibrium",
    formula="L_D = E e(x) − k E e(G),  L_G = E e(G),  after each update k ← clip(k + λ_k(γ E e(x) − E e(G)), 0, 1)",
    latex=r"L_D = \mathbb{E}\,e(x) - k\,\mathbb{E}\,e(G), \quad L_G = \mathbb{E}\,e(G), "
    r"\quad k \leftarrow \mathrm{clip}(k + \lambda_k(\gamma\,\mathbb{E}\,e(x) - \mathbb{E}\,e(G)), 0, 1)",
    optimum="at equilibrium E e(G) = γ E e(x); at k = 1, −L_D bounds from below the W₁ distance of the two "
    "distributions of errors",
    source="Berthelot et al. 2017 (BEGAN), sec. 3.4; k moves by the scores of the discriminator's update",
)
@dataclass(frozen=True)
class BoundaryEquilibrium(Memory):
    """A proportional control k holds the errors of generated samples at a share γ of those of real ones.

    In a training loop of your own, hand it an autoencoder's errors as scores, and after each discriminator update call
    ``observe(real_scores, fake_scores)``, which moves k. The paper takes E e(G) of the samples of the generator's
    update; here, as for everything that remembers, k moves by the discriminator's, of the same generator.
    """

    gamma: Annotated[float, Field(ge=0, le=1, description="γ, the diversity ratio E e(G) / E e(x) aimed at")] = 0.5
    gain: Annotated[float, Unit("1/energy"), Field(ge=0, description="λ_k, how fast k moves per update")] = 0.001
    energy: Error = "absolute"
    generator_uses_real: ClassVar[bool] = False
    initial: ClassVar[Mapping[str, float]] = {"k": 0.0}

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Errors of real samples less k times those of generated ones."""
        return real.mean() - self.recall("k", fake) * fake.mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Errors of generated samples."""
        return fake.mean()

    def observe(self, real: Tensor, fake: Tensor) -> None:
        """k ← clip(k + λ_k(γ E e(x) − E e(G)), 0, 1)."""
        step = self.gain * (self.gamma * real.double().mean() - fake.double().mean())
        self.remember("k", (self.recall("k", step) + step).clamp(0, 1))
