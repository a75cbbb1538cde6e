"""The Dirac-GAN (Mescheder et al. 2018): real samples all 0, fake ones all θ, and the critic d(x) = ψx.

The smallest game that shows which objectives converge. Near its equilibrium ψ = θ = 0 the players follow the
Jacobian of their joint field (−∂L_D/∂ψ, −∂L_G/∂θ). Where the losses are L_D = … + a(f) and L_G = b(f), it has the
eigenvalues ±√(a′(0)·b′(0)): imaginary, so that the players circle, with the frequency f′(0) if a = −b = f.
A penalty ½γψ² adds −γψ to the critic's part, and the eigenvalues are −γ/2 ± √(γ²/4 − f′(0)²).

``python -m tests.objectives.dirac`` prints the table; `test_dirac` asserts each row of it.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.catalog import losses, penalties, stabilisers
from bench.objectives import Batch, Joint, Loss
from bench.objectives.base import Pick, pick
from tests.objectives.cases import CASES, Case
from tests.objectives.tables import aligned, shown

torch.set_num_threads(1)

Eigenvalues = tuple[complex, complex]


class Game:
    """The two players at a point (ψ, θ)."""

    def __init__(
        self, loss: Loss, regularisers: Sequence[Any], psi: float, theta: float, noise: Any = None, samples: int = 1
    ) -> None:
        self.loss, self.regularisers, self.noise, self.samples = loss, regularisers, noise, samples
        linear = nn.Linear(1, 1, bias=False, dtype=torch.float64)
        self.critic = nn.Sequential(linear, nn.Flatten(0))
        nn.init.constant_(linear.weight, psi)
        self.psi = linear.weight
        self.theta = torch.full((1, 1), theta, dtype=torch.float64, requires_grad=True)

    def field(self) -> Tensor:
        """(−∂L_D/∂ψ, −∂L_G/∂θ), itself differentiable."""
        random = torch.Generator().manual_seed(0)
        real, fake = torch.zeros((self.samples, 1), dtype=torch.float64, requires_grad=True), self.theta
        if self.noise is not None:
            fake = self.noise.perturb(fake.expand(self.samples, 1), random, 0.0)
            real = self.noise.perturb(real, random, 0.0)
        batch = Batch(self.critic, real, fake, self.critic(real), self.critic(fake), random)
        discriminator_loss = self.loss.discriminator(batch.real_scores, batch.fake_scores)
        generator_loss = self.loss.generator(batch.real_scores, batch.fake_scores)
        joint = Joint(discriminator_loss, generator_loss, (self.psi,), (self.theta,))
        for regulariser in self.regularisers:
            if hasattr(regulariser, "term"):
                discriminator_loss = discriminator_loss + regulariser.term(batch)
            if hasattr(regulariser, "joint_term"):
                both = regulariser.joint_term(joint)
                discriminator_loss, generator_loss = discriminator_loss + both, generator_loss + both
        (down_psi,) = torch.autograd.grad(discriminator_loss, self.psi, create_graph=True)
        (down_theta,) = torch.autograd.grad(generator_loss, self.theta, create_graph=True)
        return -torch.cat((down_psi, down_theta)).flatten()

    def jacobian(self) -> np.ndarray:
        """The derivatives of the field by ψ and θ."""
        players = (self.psi, self.theta)
        rows = [
            torch.autograd.grad(entry, players, retain_graph=True, allow_unused=True, materialize_grads=True)
            for entry in self.field()
        ]
        return np.array([[derivative.item() for derivative in row] for row in rows])

    def play(self, steps: int, rate: float) -> np.ndarray:
        """Simultaneous gradient descent; the points passed, shape ``(steps + 1, 2)``."""
        points = [(self.psi.item(), self.theta.item())]
        for _ in range(steps):
            move = rate * self.field().detach()
            with torch.no_grad():
                self.psi += move[0]
                self.theta += move[1]
            for regulariser in self.regularisers:
                if hasattr(regulariser, "project"):
                    regulariser.project(self.critic)
            points.append((self.psi.item(), self.theta.item()))
        return np.array(points)


@dataclass(frozen=True)
class Row:
    """A loss with penalties, and the eigenvalues that theory gives."""

    case: Case
    penalties: tuple[Pick, ...]
    theory: Eigenvalues

    def game(self, psi: float = 0.0, theta: float = 0.0) -> Game:
        return Game(self.case.build(), build(self.penalties), psi, theta)

    def eigenvalues(self) -> np.ndarray:
        """Ours, at equilibrium."""
        return ordered(np.linalg.eigvals(self.game().jacobian()))

    def __str__(self) -> str:
        return " + ".join(map(str, (self.case, *self.penalties)))


def build(regularisers: Sequence[Pick]) -> list[Any]:
    return [penalties.create(choice.name, **choice.settings) for choice in regularisers]


def ordered(pair: Sequence[complex] | np.ndarray) -> np.ndarray:
    return np.array(sorted((complex(value) for value in pair), key=lambda value: (value.real, value.imag)))


def circling(frequency: float) -> Eigenvalues:
    return -1j * frequency, 1j * frequency


def damped(gamma: float, frequency: float) -> Eigenvalues:
    """−γ/2 ± √(γ²/4 − f′(0)²)."""
    root = cmath.sqrt(gamma**2 / 4 - frequency**2)
    return -gamma / 2 - root, -gamma / 2 + root


def consensual(gamma: float, frequency: float) -> Eigenvalues:
    """−γf′(0)² ± if′(0): ½γ‖v‖² is ½γf′(0)²(ψ² + θ²) near the equilibrium, in both losses."""
    return -gamma * frequency**2 - 1j * frequency, -gamma * frequency**2 + 1j * frequency


def blurred(sigma: float, frequency: float, curvature: float) -> Eigenvalues:
    """−cσ² ± √(c²σ⁴ − f′(0)²) under instance noise, c being the curvature of what either score costs at 0."""
    return damped(2 * curvature * sigma**2, frequency)


NOISY_SAMPLES = 2**19
"""Of which the mean square is σ² to 0.2 %, and with it the damping."""


@dataclass(frozen=True)
class NoisyRow:
    """A loss under instance noise, and the eigenvalues that theory gives (Mescheder et al. 2018, lemma 3.2)."""

    name: str
    sigma: float
    theory: Eigenvalues

    def eigenvalues(self) -> np.ndarray:
        """Ours, at equilibrium, with as many samples as the noise needs."""
        noise = stabilisers.create("instance-noise", sigma=self.sigma)
        game = Game(losses.create(self.name), [], 0.0, 0.0, noise, NOISY_SAMPLES)
        return ordered(np.linalg.eigvals(game.jacobian()))

    def __str__(self) -> str:
        return f"{self.name} + instance-noise(sigma={self.sigma})"


NOISY_ROWS = [
    # logistic: −f″(0) = ¼, f′(0) = ½; the critic of Wasserstein's is linear, and noise changes nothing
    *(NoisyRow("non-saturating", sigma, blurred(sigma, 1 / 2, 1 / 4)) for sigma in (0.0, 0.5, 1.0, 2.0)),
    NoisyRow("wasserstein", 1.0, circling(1.0)),
]

FREQUENCIES: dict[str, float] = {
    "minimax": 1 / 2,
    "non-saturating": 1 / 2,
    "non-saturating(real_label=0.9)": 1 / 2,  # real scores are 0 whatever ψ is
    # the target c of the generator, or that of the discriminator, is what the critic says at 0
    "least-squares(fake_target=0.0, real_target=1.0, generator_target=1.0)": 0,
    "least-squares(fake_target=-1.0, real_target=1.0, generator_target=0.0)": 0,
    "wasserstein": 1,
    "hinge": 1,
    # h(r − f) = h(−ψθ): −h′(0) is ½, 2 and 1; the average has two such terms
    "relativistic-average(base=logistic)": 1,
    "relativistic-average(base=least-squares)": 4,
    "relativistic-average(base=hinge)": 2,
    "relativistic-pairing(base=logistic)": 1 / 2,
    "relativistic-pairing(base=least-squares)": 2,
    "relativistic-pairing(base=hinge)": 1,
    # (f*∘g)′(0), and with the trick √((f*∘g)′(0)·g′(0))
    "f-divergence(kind=total-variation, trick=False)": 1 / 2,
    "f-divergence(kind=kl, trick=False)": 1 / math.e,
    "f-divergence(kind=reverse-kl, trick=False)": 1,
    "f-divergence(kind=pearson, trick=False)": 1,
    "f-divergence(kind=neyman, trick=False)": 1,
    "f-divergence(kind=squared-hellinger, trick=False)": 1,
    "f-divergence(kind=jensen-shannon, trick=False)": 1 / 2,
    "f-divergence(kind=gan, trick=False)": 1 / 2,
    "f-divergence(kind=total-variation, trick=True)": 1 / 2,
    "f-divergence(kind=kl, trick=True)": 1 / math.sqrt(math.e),
    "f-divergence(kind=reverse-kl, trick=True)": 1,
    "f-divergence(kind=pearson, trick=True)": 1,
    "f-divergence(kind=neyman, trick=True)": 1,
    "f-divergence(kind=squared-hellinger, trick=True)": 1,
    "f-divergence(kind=jensen-shannon, trick=True)": 1 / 2,
    "f-divergence(kind=gan, trick=True)": 1 / 2,
    # energies turn the other way round
    "energy(margin=10.0)": 1,
    "boundary-equilibrium(gamma=0.5, gain=0.1, k=0.0)": 0,
    "boundary-equilibrium(gamma=0.5, gain=0.1, k=0.4)": math.sqrt(0.4),
}
"""f′(0) of each case, √(−a′(0)·b′(0)) where the players' losses are not each other's negative."""


def rows() -> Iterator[Row]:
    """The whole table."""
    for case in CASES:
        yield Row(case, (), circling(FREQUENCIES[str(case)]))
    for name in ("non-saturating", "wasserstein", "relativistic-pairing(base=logistic)"):
        (loss,), frequency = (case for case in CASES if str(case) == name), FREQUENCIES[name]
        for gamma in (0.3, 1.0, 3.0):  # below, at (but for Wasserstein) and above critical damping
            r1, r2 = pick("r1", gamma=gamma), pick("r2", gamma=gamma)
            once, twice = damped(gamma, frequency), damped(2 * gamma, frequency)
            yield Row(loss, (r1,), once)
            yield Row(loss, (r2,), once)
            yield Row(loss, (r1, r2), twice)  # with pairing: R3GAN
            yield Row(loss, (pick("gradient-penalty", weight=gamma, center=0.0),), twice)  # λψ² = ½(2λ)ψ²
            yield Row(loss, (pick("l2", weight=gamma),), twice)
            yield Row(loss, (pick("consensus", gamma=gamma),), consensual(gamma, frequency))
        # of second order in (ψ, θ), or nothing at all for a single filter
        yield Row(loss, (pick("lecam", weight=1.0),), circling(frequency))
        yield Row(loss, (pick("orthogonal", weight=1.0),), circling(frequency))


def main() -> None:
    lines = [("game", "ours", "theory", "|difference|")]
    for row in (*rows(), *NOISY_ROWS):
        ours, theory = row.eigenvalues(), ordered(row.theory)
        lines.append((str(row), shown(ours), shown(theory), f"{np.abs(ours - theory).max():.0e}"))
    print(aligned(lines))


if __name__ == "__main__":
    main()
