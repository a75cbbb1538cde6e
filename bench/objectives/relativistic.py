"""The relativistic losses: real scores are held against generated ones, by both players.

Formulas: r = d(x), f = d(G(z)), E the batch mean; h is what a difference that ought to be positive costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from bench.catalog import losses
from bench.lazy import functional

if TYPE_CHECKING:
    from torch import Tensor

Base = Annotated[
    Literal["logistic", "least-squares", "hinge"],
    Field(description="h(t): log(1 + e⁻ᵗ), (t − 1)² or max(0, 1 − t)"),
]


def cost(base: str, difference: Tensor) -> Tensor:
    """h of each difference: what it costs that it is not (enough) above zero."""
    if base == "logistic":
        return functional.softplus(-difference)
    if base == "least-squares":
        return (difference - 1).square()
    return (1 - difference).relu()


@losses.register(
    "relativistic-average",
    formula="L_D = E h(r − E f) + E h(E r − f),  L_G = E h(f − E r) + E h(E f − r)",
    latex=r"L_D = \mathbb{E}\,h(r - \mathbb{E}f) + \mathbb{E}\,h(\mathbb{E}r - f), "
    r"\quad L_G = \mathbb{E}\,h(f - \mathbb{E}r) + \mathbb{E}\,h(\mathbb{E}f - r)",
    optimum="at p = q: a constant d is best (logistic, least squares: nothing else); "
    "L_D* = 2 log 2 (logistic), 2 (least squares, hinge)",
    source="Jolicoeur-Martineau 2018, sec. 4.3 and appendix (RaSGAN, RaLSGAN, RaHingeGAN)",
)
@dataclass(frozen=True)
class RelativisticAverage:
    """Each score is held against the mean of the other side's; the generator's loss keeps both terms."""

    base: Base = "logistic"
    generator_uses_real: ClassVar[bool] = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Real samples are to score above the average fake one, fake samples below the average real one."""
        return cost(self.base, real - fake.mean()).mean() + cost(self.base, real.mean() - fake).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The same with the roles exchanged."""
        return cost(self.base, fake - real.mean()).mean() + cost(self.base, fake.mean() - real).mean()


@losses.register(
    "relativistic-pairing",
    formula="L_D = E h(r − f),  L_G = E h(f − r), pairs in order",
    latex=r"L_D = \mathbb{E}\,h(r - f), \quad L_G = \mathbb{E}\,h(f - r)",
    optimum="at p = q: a constant d is best (logistic, least squares: nothing else); "
    "L_D* = log 2 (logistic), 1 (least squares, hinge)",
    source="Jolicoeur-Martineau 2018, sec. 4.1 (there RSGAN); Huang et al. 2024 (R3GAN), sec. 2",
)
@dataclass(frozen=True)
class RelativisticPairing:
    """Each real score is held against one fake score."""

    base: Base = "logistic"
    generator_uses_real: ClassVar[bool] = True
    compares_pairs: ClassVar[bool] = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The real sample is to score above its fake partner."""
        return cost(self.base, real - fake).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The fake sample is to score above its real partner."""
        return cost(self.base, fake - real).mean()
