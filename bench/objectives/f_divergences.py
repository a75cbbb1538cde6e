"""The f-GAN losses: variational lower bounds of f-divergences.

Formulas: r = d(x), f = d(G(z)), E the batch mean; T = g_f(score) maps a raw score into the domain of the conjugate f*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from bench.catalog import losses
from bench.lazy import functional

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal[
    "total-variation",
    "kl",
    "reverse-kl",
    "pearson",
    "neyman",
    "squared-hellinger",
    "jensen-shannon",
    "gan",
]

LOG_2 = math.log(2)


def activate(kind: Kind, v: Tensor) -> Tensor:
    """g_f(v): the raw score in the domain of f* (Nowozin et al. 2016, table 2 and appendix)."""
    match kind:
        case "total-variation":
            return 0.5 * v.tanh()
        case "kl" | "pearson":
            return v
        case "reverse-kl":
            return -(-v).exp()
        case "neyman" | "squared-hellinger":
            return -(-v).expm1()
        case "jensen-shannon":
            return LOG_2 - functional.softplus(-v)
        case "gan":
            return -functional.softplus(-v)


def conjugate(kind: Kind, v: Tensor) -> Tensor:
    """f*(g_f(v)), composed on paper: the composition overflows later than its parts and loses no digits.

    Comments give f*(t) before g_f is put in.
    """
    match kind:
        case "total-variation":  # t
            return 0.5 * v.tanh()
        case "kl":  # e^(t − 1)
            return (v - 1).exp()
        case "reverse-kl":  # −1 − log(−t)
            return v - 1
        case "pearson":  # ¼t² + t
            return 0.25 * v.square() + v
        case "neyman":  # 2 − 2√(1 − t)
            return -2 * (-0.5 * v).expm1()
        case "squared-hellinger":  # t/(1 − t)
            return v.expm1()
        case "jensen-shannon":  # −log(2 − eᵗ)
            return functional.softplus(v) - LOG_2
        case "gan":  # −log(1 − eᵗ)
            return functional.softplus(v)


@losses.register(
    "f-divergence",
    formula="L_D = −E T(r) + E f*(T(f)),  L_G = −E f*(T(f)), with the trick: L_G = −E T(f)",
    latex=r"L_D = -\mathbb{E}\,T(r) + \mathbb{E}\,f^*(T(f)), \quad L_G = -\mathbb{E}\,f^*(T(f)), "
    r"\quad T = g_f \circ d",
    optimum="−L_D* = D_f(p‖q): TV, KL(p‖q), KL(q‖p), Σ(p − q)²/q (Pearson), Σ(p − q)²/p (Neyman), Σ(√p − √q)² "
    "(squared Hellinger), 2·JS (Jensen–Shannon), 2·JS − log 4 (GAN)",
    source="Nowozin et al. 2016, eqs. 4 to 7, tables 1 and 2 and appendix; trick: sec. 3.2",
)
@dataclass(frozen=True)
class FDivergence:
    """A lower bound of the f-divergence of the data from the generator's distribution, tight at the best score.

    The conjugate of ``pearson`` falls again below a score of −2, where no optimal discriminator scores: a sample that
    an untrained one puts there is pushed away, unless ``trick`` is set.
    """

    kind: Annotated[Kind, Field(description="which divergence")] = "kl"
    trick: Annotated[
        bool, Field(description="the generator raises E T(f) in place of E f*(T(f)): its gradient does not vanish")
    ] = False
    generator_uses_real: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The bound, negated."""
        return conjugate(self.kind, fake).mean() - activate(self.kind, real).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The part of the bound that the generator can lower, or with the trick −E T(f)."""
        return -(activate(self.kind, fake) if self.trick else conjugate(self.kind, fake)).mean()
