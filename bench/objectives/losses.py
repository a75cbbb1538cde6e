"""The losses of real and generated scores apart: what the two players minimise, of discriminator scores alone.

``real`` = d(x) and ``fake`` = d(G(z)) are raw scores (no sigmoid at the discriminator's end), shape ``(batch,)``.
Formulas: r = d(x), f = d(G(z)), E the batch mean, ζ(t) = log(1 + eᵗ), p the data's distribution, q the generator's.
Losses that compare the two scores are in `relativistic`, variational bounds in `f_divergences`, those of an
autoencoder's errors in `energies`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bench.catalog import Unit, losses
from bench.lazy import functional

if TYPE_CHECKING:
    from torch import Tensor

SCORE = Unit("score")


def softplus(t: Tensor) -> Tensor:
    """ζ(t) = log(1 + eᵗ) = −log σ(−t), exact for scores of any size."""
    return functional.softplus(t)


@losses.register(
    "minimax",
    formula="L_D = E ζ(−r) + E ζ(f),  L_G = −E ζ(f)",
    latex=r"L_D = \mathbb{E}\,\zeta(-r) + \mathbb{E}\,\zeta(f), \quad L_G = -\mathbb{E}\,\zeta(f)",
    optimum="d* = log(p/q);  L_D* = log 4 − 2·JS(p‖q)",
    source="Goodfellow et al. 2014, eq. 1 and theorem 1",
)
class Minimax:
    """The zero-sum game of the first paper; its generator's gradient vanishes where the discriminator is sure."""

    generator_uses_real: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Cross-entropy of telling real from fake; at its optimum log 4 − 2·JS(p‖q)."""
        return self.as_real(real) + self.as_fake(fake)

    def as_real(self, scores: Tensor) -> Tensor:
        """E ζ(−s)."""
        return softplus(-scores).mean()

    def as_fake(self, scores: Tensor) -> Tensor:
        """E ζ(s)."""
        return softplus(scores).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """E log(1 − σ(f))."""
        return -softplus(fake).mean()


@losses.register(
    "non-saturating",
    formula="L_D = E[t ζ(−r) + (1 − t) ζ(r)] + E ζ(f),  L_G = E ζ(−f)",
    latex=r"L_D = \mathbb{E}\,[t\,\zeta(-r) + (1-t)\,\zeta(r)] + \mathbb{E}\,\zeta(f), "
    r"\quad L_G = \mathbb{E}\,\zeta(-f)",
    optimum="t = 1: d* = log(p/q), L_D* = log 4 − 2·JS(p‖q), and the generator descends KL(q‖p) − 2·JS(p‖q);  "
    "t < 1: σ(d*) = t p/(p + q)",
    source="Goodfellow et al. 2014, sec. 3; Arjovsky & Bottou 2017, theorem 2.5; t: Salimans et al. 2016, sec. 3.4",
)
@dataclass(frozen=True)
class NonSaturating:
    """The minimax discriminator; the generator raises log σ(f), whose gradient survives a sure discriminator."""

    real_label: Annotated[
        float, Field(gt=0, le=1, description="t, label of real samples; below 1 smooths it (one-sided)")
    ] = 1.0
    generator_uses_real: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Cross-entropy of telling real, with the label t, from fake, with the label 0."""
        return self.as_real(real) + self.as_fake(fake)

    def as_real(self, scores: Tensor) -> Tensor:
        """E[t ζ(−s) + (1 − t) ζ(s)]."""
        told = softplus(-scores)
        if self.real_label < 1:
            # t ζ(−r) + (1 − t) ζ(r), since ζ(r) = r + ζ(−r)
            told = told + (1 - self.real_label) * scores
        return told.mean()

    def as_fake(self, scores: Tensor) -> Tensor:
        """E ζ(s)."""
        return softplus(scores).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """−E log σ(f)."""
        return softplus(-fake).mean()


@losses.register(
    "least-squares",
    formula="L_D = ½E(r − b)² + ½E(f − a)²,  L_G = ½E(f − c)²",
    latex=r"L_D = \tfrac{1}{2}\mathbb{E}\,(r-b)^2 + \tfrac{1}{2}\mathbb{E}\,(f-a)^2, "
    r"\quad L_G = \tfrac{1}{2}\mathbb{E}\,(f-c)^2",
    optimum="d* = (b p + a q)/(p + q);  L_D* = ½(b − a)² Σ pq/(p + q);  "
    "for (−1, 1, 0): ½E_p(d* − c)² + ½E_q(d* − c)² = ½χ²(p + q ‖ 2q), Pearson's",
    source="Mao et al. 2017, eqs. 2, 5 and 7",
)
@dataclass(frozen=True)
class LeastSquares:
    """Regression of the scores onto targets: a for fake, b for real, c for what the generator wants."""

    fake_target: Annotated[float, SCORE, Field(description="a, the discriminator's target for fake scores")] = 0.0
    real_target: Annotated[float, SCORE, Field(description="b, the discriminator's target for real scores")] = 1.0
    generator_target: Annotated[float, SCORE, Field(description="c, the generator's target for fake scores")] = 1.0
    generator_uses_real: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Squared error of both scores; at its optimum d* = (bp + aq)/(p + q)."""
        return self.as_real(real) + self.as_fake(fake)

    def as_real(self, scores: Tensor) -> Tensor:
        """½E(s − b)²."""
        return 0.5 * (scores - self.real_target).square().mean()

    def as_fake(self, scores: Tensor) -> Tensor:
        """½E(s − a)²."""
        return 0.5 * (scores - self.fake_target).square().mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Squared error of the fake score from c."""
        return 0.5 * (fake - self.generator_target).square().mean()


@losses.register(
    "wasserstein",
    formula="L_D = −E r + E f,  L_G = −E f",
    latex=r"L_D = -\mathbb{E}\,r + \mathbb{E}\,f, \quad L_G = -\mathbb{E}\,f",
    optimum="over 1-Lipschitz d: −L_D* = W₁(p, q)",
    source="Arjovsky et al. 2017, eqs. 2 and 3",
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
    latex=r"L_D = \mathbb{E}\max(0, 1-r) + \mathbb{E}\max(0, 1+f), \quad L_G = -\mathbb{E}\,f",
    optimum="d* = sign(p − q);  L_D* = 2 Σ min(p, q) = 2(1 − TV(p, q));  L_G = −Σ q sign(p − q)",
    source="Lim & Ye 2017; Miyato et al. 2018, eqs. 16 and 17",
)
class Hinge:
    """Scores past the margin of ±1 are left alone; at its optimum L_D = 2(1 − TV(p, q))."""

    generator_uses_real: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """How far scores fall short of the margin."""
        return self.as_real(real) + self.as_fake(fake)

    def as_real(self, scores: Tensor) -> Tensor:
        """E max(0, 1 − s)."""
        return (1 - scores).relu().mean()

    def as_fake(self, scores: Tensor) -> Tensor:
        """E max(0, 1 + s)."""
        return (1 + scores).relu().mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The fake score, negated."""
        return -fake.mean()
