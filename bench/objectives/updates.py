"""The stabilisers that say who is updated, when, and how far it looks ahead."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from bench.catalog import Unit, stabilisers
from bench.lazy import torch
from bench.objectives.hooks import Remembering

if TYPE_CHECKING:
    from torch import Tensor


@stabilisers.register(
    "update-order",
    formula="simultaneous: (φ, θ) ← (φ − η ∇_φ L_D(φ, θ), θ − η ∇_θ L_G(φ, θ));  alternating: φ first, then θ at "
    "the new φ",
    latex=r"(\varphi, \theta) \leftarrow (\varphi - \eta\nabla_\varphi L_D(\varphi, \theta), "
    r"\theta - \eta\nabla_\theta L_G(\varphi, \theta))",
    optimum="the same equilibria; near them simultaneous steps spiral outwards where alternating ones can circle",
    source="Mescheder et al. 2017, sec. 2; Mescheder et al. 2018, app. C",
)
@dataclass(frozen=True)
class UpdateOrder:
    """Whether the generator answers the discriminator as it was or as it has become.

    With several discriminator updates per step, the generator's is simultaneous with the last of them.
    """

    order: Annotated[
        Literal["simultaneous", "alternating"], Field(description="alternating is what is done without it")
    ] = "simultaneous"
    once: ClassVar[bool] = True

    @property
    def simultaneous(self) -> bool:
        """Whether both move from where both stood."""
        return self.order == "simultaneous"


@stabilisers.register(
    "generator-steps",
    formula="of each step, one (or n_critic) discriminator updates are followed by n generator updates",
    latex=r"\theta \leftarrow \theta - \eta\nabla_\theta L_G \quad (n \text{ times})",
    optimum="the same equilibria",
    source="the counterpart of the k of Goodfellow et al. 2014, algorithm 1",
)
@dataclass(frozen=True)
class GeneratorSteps:
    """More than one generator update per step, each with latents of its own: for discriminators that are ahead."""

    updates: Annotated[
        int, Unit("updates"), Field(ge=1, le=100, description="n, generator updates per step; 1 switches it off")
    ] = 2
    once: ClassVar[bool] = True

    @property
    def generator_updates(self) -> int:
        """n."""
        return self.updates


@stabilisers.register(
    "lazy-penalties",
    formula="the discriminator's penalties are computed in every k-th of its updates alone, and count k times there",
    latex=r"L_D + k\,\mathbb{1}[u \bmod k = 0]\,P",
    optimum="that of the penalties: their mean over k updates is the same",
    source="Karras et al. 2020 (StyleGAN2), sec. 3.1 (k = 16), without their change of the optimizer's settings",
)
@dataclass(frozen=True)
class LazyPenalties:
    """Penalties change slowly; computed less often, they cost less. Projections and joint terms are as ever."""

    every: Annotated[
        int, Unit("updates"), Field(ge=1, le=10_000, description="k, updates from one to the next; 1 switches it off")
    ] = 4
    needs_penalty: ClassVar[bool] = True
    once: ClassVar[bool] = True

    def penalty_factor(self, update: int) -> int:
        """k in every k-th update, the first included, and 0 in the others."""
        return self.every if update % self.every == 0 else 0


@stabilisers.register(
    "adaptive-balance",
    formula="A ← β A + (1 − β) a;  D is updated where A ≤ ε + m, G where A ≥ ε − m;  a the discriminator's accuracy "
    "on the "
    "batch (area under its ROC curve)",
    latex=r"A \leftarrow \beta A + (1-\beta)\,a, \quad D: A \le \varepsilon + m, \quad G: A \ge \varepsilon - m",
    optimum="players whose accuracy stays within m of ε are updated in turn as without it",
    source="the rule of Larsen et al. 2016, in their code (equilibrium 0.68, margin 0.35 of losses), on a signal "
    "that means "
    "the same for every loss",
)
@dataclass(frozen=True)
class AdaptiveBalance(Remembering):
    """Whoever is too far ahead waits: the discriminator where it tells real from fake too well, else the generator.

    Decided on the device: the update of a player that waits is computed and left out, weights and optimizer state as
    they were. So it costs what updates cost, and nothing waits for a number. One of the two is always updated.
    """

    equilibrium: Annotated[
        float, Unit("accuracy"), Field(ge=0.5, le=1, description="ε, accuracy that is aimed at; 0.5 tells nothing")
    ] = 0.7
    margin: Annotated[
        float, Unit("accuracy"), Field(ge=0, le=1, description="m, how far from it nobody waits; 1 switches it off")
    ] = 0.15
    decay: Annotated[float, Field(ge=0, lt=1, description="β, share of A that is kept per update")] = 0.9
    initial: ClassVar[Mapping[str, float]] = {"seen": 0.0, "sum": 0.0}
    once: ClassVar[bool] = True

    def observe_accuracy(self, accuracy: Tensor) -> None:
        """Take the accuracy of a discriminator's batch, a scalar, into the mean."""
        for name, new in (("sum", accuracy.detach()), ("seen", torch.ones_like(accuracy))):
            held = self.held[name]
            self.held[name] = self.decay * held.to(new.device) + (1 - self.decay) * new

    def movers(self) -> tuple[Tensor, Tensor]:
        """Whether the discriminator and the generator are updated; both before anything was seen."""
        mean = torch.where(self.held["seen"] > 0, self.held["sum"] / self.held["seen"], self.equilibrium)
        return mean <= self.equilibrium + self.margin, mean >= self.equilibrium - self.margin


@stabilisers.register(
    "unrolling",
    formula="θ ← θ − η ∇_θ L_G(θ, φ_k),  φ_{i+1} = φ_i − U(∇_φ L_D(θ, φ_i)),  φ_0 = φ;  the gradient passes through "
    "all "
    "φ_i",
    latex=r"\nabla_\theta L_G(\theta, \varphi_k(\theta)), "
    r"\quad \varphi_{i+1} = \varphi_i - U(\nabla_\varphi L_D(\theta, \varphi_i)), \; \varphi_0 = \varphi",
    optimum="k → ∞: the generator descends L_G at the discriminator's best answer to it",
    source="Metz et al. 2017 (unrolled GAN), eqs. 8 to 11",
)
@dataclass(frozen=True)
class Unrolling:
    """The generator looks ahead to the discriminator's next k updates, and so does not run into where they catch it.

    U is the update of the discriminator's own optimizer, from the state that it is in; it descends the loss without
    penalties, on the batch of the generator's update. The discriminator itself is left as it was.
    """

    steps: Annotated[
        int, Unit("updates"), Field(ge=0, le=10, description="k, discriminator updates ahead; 0 switches it off")
    ] = 5
    once: ClassVar[bool] = True

    @property
    def unrolled_steps(self) -> int:
        """k."""
        return self.steps


@stabilisers.register(
    "learning-rate-schedule",
    formula="η_t = η s(t),  t the share of the budget that is spent;  linear: s = 1 − t;  second-half: s = min(1, "
    "2(1 − t));  "
    "cosine: s = ½(1 + cos πt);  exponential: s = 0.01ᵗ",
    latex=r"\eta_t = \eta\,s(t), \quad s = 1 - t, \quad s = \min(1, 2(1-t)), "
    r"\quad s = \tfrac{1}{2}(1 + \cos \pi t), \quad s = 0.01^t",
    optimum="players that circle at a constant rate come to rest as the rate does",
    source="linear: Heusel et al. 2017, code; second-half: Zhu et al. 2017, sec. 4; cosine: Loshchilov & Hutter "
    "2017, without "
    "restarts",
)
@dataclass(frozen=True)
class LearningRateSchedule:
    """Both players' learning rates fall as the budget is spent, each from its own: two time scales stay as far apart.

    It multiplies what ``training.learning_rate_decay`` makes of them, so that a suite can put schedules on an axis.
    """

    decay: Annotated[
        Literal["constant", "linear", "second-half", "cosine", "exponential"],
        Field(description="how they fall; constant switches it off"),
    ] = "cosine"
    once: ClassVar[bool] = True

    def rate_factor(self, progress: float) -> float:
        """s(t), of the budget's share before a step: the last step's is the smallest, and not zero."""
        left = 1 - progress
        if self.decay == "linear":
            return left
        if self.decay == "second-half":
            return min(1.0, 2 * left)
        if self.decay == "cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        if self.decay == "exponential":
            return float(0.01**progress)
        return 1.0
