"""The named objectives, with the settings of their papers as defaults. Every one can be overridden in a suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from bench.catalog import objectives
from bench.objectives.base import Objective, Pick, pick

Loss = Annotated[Pick, Field(description="the pair of functions both players minimise")]
Penalties = Annotated[tuple[Pick, ...], Field(description="regularisers of the discriminator")]
Updates = Annotated[int, Field(ge=1, description="discriminator updates per generator update")]
GeneratorOptimizer = Annotated[Pick, Field(description="optimizer of the generator")]
DiscriminatorOptimizer = Annotated[Pick, Field(description="optimizer of the discriminator")]

DCGAN_ADAM = pick("adam", learning_rate=2e-4, beta1=0.5, beta2=0.999)
"""Radford et al. 2016: what most papers after it took over."""

WGAN_GP_ADAM = pick("adam", learning_rate=1e-4, beta1=0.0, beta2=0.9)
"""Gulrajani et al. 2017, algorithm 1."""


@objectives.register(
    "minimax", formula="L_D = E ζ(−r) + E ζ(f),  L_G = −E ζ(f)", source="Goodfellow et al. 2014, algorithm 1"
)
@dataclass(frozen=True)
class MinimaxGan(Objective):
    """The saturating game of the first paper."""

    loss: Loss = pick("minimax")
    generator_optimizer: GeneratorOptimizer = DCGAN_ADAM
    discriminator_optimizer: DiscriminatorOptimizer = DCGAN_ADAM


@objectives.register("nsgan", formula="L_D = E ζ(−r) + E ζ(f),  L_G = E ζ(−f)", source="Goodfellow et al. 2014, sec. 3")
@dataclass(frozen=True)
class NonSaturatingGan(Objective):
    """The non-saturating game: what "GAN" means in most papers."""

    loss: Loss = pick("non-saturating")
    generator_optimizer: GeneratorOptimizer = DCGAN_ADAM
    discriminator_optimizer: DiscriminatorOptimizer = DCGAN_ADAM


@objectives.register("lsgan", formula="L_D = ½E(r − 1)² + ½E f²,  L_G = ½E(f − 1)²", source="Mao et al. 2017, eq. 9")
@dataclass(frozen=True)
class LeastSquaresGan(Objective):
    """Least squares with targets 0, 1, 1."""

    loss: Loss = pick("least-squares", fake_target=0.0, real_target=1.0, generator_target=1.0)
    generator_optimizer: GeneratorOptimizer = DCGAN_ADAM
    discriminator_optimizer: DiscriminatorOptimizer = DCGAN_ADAM


@objectives.register(
    "wgan",
    formula="L_D = −E r + E f,  L_G = −E f,  after each update w ← clip(w, −c, c)",
    source="Arjovsky et al. 2017, algorithm 1",
)
@dataclass(frozen=True)
class WassersteinGan(Objective):
    """The Wasserstein critic, made Lipschitz by clipping its weights."""

    loss: Loss = pick("wasserstein")
    penalties: Penalties = (pick("weight-clip", limit=0.01),)
    n_critic: Updates = 5
    generator_optimizer: GeneratorOptimizer = pick("rmsprop", learning_rate=5e-5)
    discriminator_optimizer: DiscriminatorOptimizer = pick("rmsprop", learning_rate=5e-5)


@objectives.register(
    "wgan-gp",
    formula="L_D = −E r + E f + λ E(‖∇d(x̂)‖₂ − 1)²,  L_G = −E f",
    source="Gulrajani et al. 2017, algorithm 1",
)
@dataclass(frozen=True)
class WassersteinGanGradientPenalty(Objective):
    """The Wasserstein critic, made Lipschitz by a penalty on its gradient between real and fake samples."""

    loss: Loss = pick("wasserstein")
    penalties: Penalties = (pick("gradient-penalty", weight=10.0, center=1.0),)
    n_critic: Updates = 5
    generator_optimizer: GeneratorOptimizer = WGAN_GP_ADAM
    discriminator_optimizer: DiscriminatorOptimizer = WGAN_GP_ADAM


@objectives.register(
    "hinge",
    formula="L_D = E max(0, 1 − r) + E max(0, 1 + f),  L_G = −E f",
    source="Lim & Ye 2017; Miyato et al. 2018, sec. 4",
)
@dataclass(frozen=True)
class HingeGan(Objective):
    """The hinge game, without spectral normalisation (which belongs to the architecture)."""

    loss: Loss = pick("hinge")
    generator_optimizer: GeneratorOptimizer = DCGAN_ADAM
    discriminator_optimizer: DiscriminatorOptimizer = DCGAN_ADAM


@objectives.register(
    "nsgan-r1",
    formula="L_D = E ζ(−r) + E ζ(f) + ½γ E‖∇d(x)‖²,  L_G = E ζ(−f)",
    source="Mescheder et al. 2018, eq. 9; optimizer as in their code",
)
@dataclass(frozen=True)
class NonSaturatingGanR1(Objective):
    """The non-saturating game, made locally convergent by R1."""

    loss: Loss = pick("non-saturating")
    penalties: Penalties = (pick("r1", gamma=10.0),)
    generator_optimizer: GeneratorOptimizer = pick("adam", learning_rate=1e-4, beta1=0.0, beta2=0.99)
    discriminator_optimizer: DiscriminatorOptimizer = pick("adam", learning_rate=1e-4, beta1=0.0, beta2=0.99)


@objectives.register(
    "r3gan",
    formula="L_D = E ζ(−(r − f)) + ½γ E‖∇d(x)‖² + ½γ E‖∇d(G(z))‖²,  L_G = E ζ(−(f − r))",
    source="Huang et al. 2024, sec. 3",
)
@dataclass(frozen=True)
class R3Gan(Objective):
    """Relativistic pairing with R1 and R2."""

    loss: Loss = pick("relativistic-pairing")
    penalties: Penalties = (pick("r1", gamma=1.0), pick("r2", gamma=1.0))
    generator_optimizer: GeneratorOptimizer = pick("adam", learning_rate=2e-4, beta1=0.0, beta2=0.9)
    discriminator_optimizer: DiscriminatorOptimizer = pick("adam", learning_rate=2e-4, beta1=0.0, beta2=0.9)
