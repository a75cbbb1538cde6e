"""The losses: what the two players minimise, of discriminator scores alone.

``real`` = d(x) and ``fake`` = d(G(z)) are raw scores (no sigmoid at the discriminator's end), shape ``(batch,)``.
Formulas: r = d(x), f = d(G(z)), E the batch mean, ζ(t) = log(1 + eᵗ).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bench.catalog import losses
from bench.lazy import functional

if TYPE_CHECKING:
    from torch import Tensor


def softplus(t: Tensor) -> Tensor:
    """ζ(t) = log(1 + eᵗ) = −log σ(−t), exact for scores of any size."""
    return functional.softplus(t)


@losses.register(
    "minimax",
    formula="L_D = E ζ(−r) + E ζ(f),  L_G = −E ζ(f)",
    source="Goodfellow et al. 2014, eq. 1",
)
class Minimax:
    """The zero-sum game of the first paper; its generator's gradient vanishes where the discriminator is sure."""

    generator_uses_real: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Cross-entropy of telling real from fake; at its optimum log 4 − 2·JS(p‖q)."""
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """E log(1 − σ(f))."""
        return -softplus(fake).mean()


@losses.register(
    "non-saturating",
    formula="L_D = E ζ(−r) + E ζ(f),  L_G = E ζ(−f)",
    source="Goodfellow et al. 2014, sec. 3",
)
class NonSaturating:
    """The minimax discriminator; the generator raises log σ(f), whose gradient survives a sure discriminator."""

    generator_uses_real: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Cross-entropy of telling real from fake."""
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """−E log σ(f)."""
        return softplus(-fake).mean()


@losses.register(
    "least-squares",
    formula="L_D = ½E(r − b)² + ½E(f − a)²,  L_G = ½E(f − c)²",
    source="Mao et al. 2017, eq. 2",
)
@dataclass(frozen=True)
class LeastSquares:
    """Regression of the scores onto targets: a for fake, b for real, c for what the generator wants."""

    fake_target: Annotated[float, Field(description="a, the discriminator's target for fake scores")] = 0.0
    real_target: Annotated[float, Field(description="b, the discriminator's target for real scores")] = 1.0
    generator_target: Annotated[float, Field(description="c, the generator's target for fake scores")] = 1.0
    generator_uses_real: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Squared error of both scores; at its optimum d* = (bp + aq)/(p + q)."""
        return 0.5 * (real - self.real_target).square().mean() + 0.5 * (fake - self.fake_target).square().mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Squared error of the fake score from c."""
        return 0.5 * (fake - self.generator_target).square().mean()


@losses.register(
    "wasserstein",
    formula="L_D = −E r + E f,  L_G = −E f",
    source="Arjovsky et al. 2017, eq. 2",
)
class Wasserstein:
    """Kantorovich–Rubinstein duality: over 1-Lipschitz critics, −L_D at the optimum is W₁(p, q)."""

    generator_uses_real: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Fake score less real score."""
        return fake.mean() - real.mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The fake score, negated."""
        return -fake.mean()


@losses.register(
    "hinge",
    formula="L_D = E max(0, 1 − r) + E max(0, 1 + f),  L_G = −E f",
    source="Lim & Ye 2017; Miyato et al. 2018, eqs. 16 and 17",
)
class Hinge:
    """Scores past the margin of ±1 are left alone; at its optimum L_D = 2(1 − TV(p, q))."""

    generator_uses_real: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """How far scores fall short of the margin."""
        return (1 - real).relu().mean() + (1 + fake).relu().mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The fake score, negated."""
        return -fake.mean()


@losses.register(
    "relativistic-pairing",
    formula="L_D = E ζ(−(r − f)),  L_G = E ζ(−(f − r)), pairs in order",
    source="Jolicoeur-Martineau 2018; Huang et al. 2024 (R3GAN), sec. 2",
)
class RelativisticPairing:
    """Each real score is held against one fake score; at p = q the optimum is log 2."""

    generator_uses_real: ClassVar[bool] = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The real sample is to score above its fake partner."""
        return softplus(fake - real).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The fake sample is to score above its real partner."""
        return softplus(real - fake).mean()
