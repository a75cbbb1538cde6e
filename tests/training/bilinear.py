"""The bilinear game min_x max_y xᵀAy: where plain descent of both players circles or runs away, and what converges.

Its field (Ay, −Aᵀx) turns around the equilibrium 0 at the singular values of A. Each rule multiplies the distance per
step, in the end, by the size of its largest eigenvalue, η being the learning rate and s = ησ:

- simultaneous gradient descent: √(1 + s²), always outwards (Mescheder et al. 2017)
- alternating: 1 for s ≤ 2: it circles (Gidel et al. 2019)
- extragradient: √((1 − s²)² + s²) (Korpelevich 1976; Gidel et al. 2019, proposition 2)
- optimistic: √(½(1 + √(1 − 4s²))) for s ≤ ½ (Daskalakis et al. 2018; Liang & Stokes 2019)
- consensus with weight γ, simultaneous: √((1 − γσs)² + s²) (Mescheder et al. 2017)

The steps are those of `bench.training.orders` with the catalogue's optimizers. ``python -m tests.training.bilinear``
prints the table; `test_bilinear` asserts each row of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor, nn

from bench.catalog import optimizers
from bench.objectives import Consensus, Joint
from bench.objectives.base import Pick, pick
from bench.training.dynamics import Update
from bench.training.orders import Order, alternate, choose_order, look_ahead, move_at_once
from tests.objectives.tables import aligned

RATE = 0.3
SINGULAR_VALUES = (1.0, 0.8)
NOTHING = torch.zeros(())


class Bilinear:
    """The game as `bench.training.orders` plays it; the discriminator is y, which ascends xᵀAy."""

    def __init__(self, optimizer: Pick, gamma: float = 0.0, simultaneous: bool = True) -> None:
        # a rotation of what is diagonal: no coordinate is an eigenvector
        turn = torch.tensor([[math.cos(0.7), -math.sin(0.7)], [math.sin(0.7), math.cos(0.7)]], dtype=torch.float64)
        self.matrix = turn @ torch.diag(torch.tensor(SINGULAR_VALUES, dtype=torch.float64))
        self.x, self.y = (nn.Parameter(torch.tensor(start, dtype=torch.float64)) for start in ([1.0, 0.5], [0.3, -1.0]))
        entry = optimizers.create(optimizer.name, **optimizer.settings)
        self.generator_optimizer, self.discriminator_optimizer = entry.build([self.x]), entry.build([self.y])
        self.consensus = Consensus(gamma) if gamma else None
        self.spec = SimpleNamespace(objective=SimpleNamespace(n_critic=1))
        self.parts = SimpleNamespace(generator_updates=1, simultaneous=simultaneous)

    def distance(self) -> float:
        return float(torch.cat((self.x, self.y)).detach().norm())

    def _descend(self, sign: float, weight: nn.Parameter) -> None:
        value = self.x @ self.matrix @ self.y
        loss = sign * value
        if self.consensus is not None:
            loss = loss + self.consensus.joint_term(Joint(-value, value, (self.y,), (self.x,)))
        (weight.grad,) = torch.autograd.grad(loss, weight)

    def draw_real(self) -> Tensor:
        return NOTHING

    draw_discriminator_latents = draw_generator_latents = draw_real

    def differentiate_discriminator(self, *_: Tensor, watched: bool = False) -> tuple[Update, None]:
        self._descend(-1.0, self.y)
        return Update(NOTHING, NOTHING), None

    def differentiate_generator(self, *_: Tensor, watched: bool = False) -> Update:
        self._descend(1.0, self.x)
        return Update(NOTHING, NOTHING)

    def move_discriminator(self, _: object) -> None:
        self.discriminator_optimizer.step()

    def move_generator(self) -> None:
        self.generator_optimizer.step()

    def update_discriminator(self, real: Tensor, *, watched: bool = False) -> Update:
        self.differentiate_discriminator()
        self.move_discriminator(None)
        return Update(NOTHING, NOTHING)

    def update_generator(self, real: Tensor, *, watched: bool = False) -> Update:
        self.differentiate_generator()
        self.move_generator()
        return Update(NOTHING, NOTHING)

    def play(self, steps: int) -> None:
        order: Order = choose_order(cast(Any, self))
        for _ in range(steps):
            order(cast(Any, self), False)


@dataclass(frozen=True)
class Row:
    """A rule, the order that plays it, and what it multiplies the distance by per step in the end."""

    name: str
    optimizer: Pick
    order: Order
    theory: Callable[[float], float]
    gamma: float = 0.0

    def game(self) -> Bilinear:
        return Bilinear(self.optimizer, self.gamma, simultaneous=self.order is not alternate)

    def rate(self) -> float:
        """Of the slowest singular value."""
        return max(self.theory(sigma) for sigma in SINGULAR_VALUES)

    def measured(self, before: int = 200, steps: int = 400) -> float:
        """The mean factor per step, once the start is forgotten."""
        game = self.game()
        game.play(before)
        start = game.distance()
        game.play(steps)
        return float((game.distance() / start) ** (1 / steps))

    def __str__(self) -> str:
        return self.name


def extragradient(sigma: float) -> float:
    s = RATE * sigma
    return math.hypot(1 - s**2, s)


def optimistic(sigma: float) -> float:
    return math.sqrt((1 + math.sqrt(1 - 4 * (RATE * sigma) ** 2)) / 2)


def consensual(sigma: float, gamma: float) -> float:
    s = RATE * sigma
    return math.hypot(1 - gamma * sigma * s, s)


SGD = pick("sgd", learning_rate=RATE)
ROWS: Sequence[Row] = (
    Row("sgd, simultaneous", SGD, move_at_once, lambda sigma: math.hypot(1, RATE * sigma)),
    Row("sgd, alternating", SGD, alternate, lambda _: 1.0),
    Row("extragradient-sgd", pick("extragradient-sgd", learning_rate=RATE), look_ahead, extragradient),
    Row("optimistic-sgd, simultaneous", pick("optimistic-sgd", learning_rate=RATE), move_at_once, optimistic),
    Row("sgd, simultaneous, consensus(0.5)", SGD, move_at_once, lambda sigma: consensual(sigma, 0.5), 0.5),
)

ADAM: dict[str, Any] = {"learning_rate": 0.01, "beta1": 0.0, "beta2": 0.999}
ADAMS = ("adam", "optimistic-adam", "extragradient-adam")
"""No rate is known of these: what can be said is whether they come nearer."""


def adam_distances(name: str, steps: Sequence[int] = (0, 1000, 4000)) -> list[float]:
    """How far from the equilibrium simultaneous steps of an optimizer are, after so many of them."""
    game = Bilinear(pick(name, **ADAM))
    found, played = [], 0
    for until in steps:
        game.play(until - played)
        played = until
        found.append(game.distance())
    return found


def main() -> None:
    print(f"The bilinear game with singular values {SINGULAR_VALUES}, η = {RATE}: factor of the distance per step\n")
    lines = [("rule", "measured", "theory", "|difference|")]
    for row in ROWS:
        measured, theory = row.measured(), row.rate()
        lines.append((row.name, f"{measured:.6f}", f"{theory:.6f}", f"{abs(measured - theory):.0e}"))
    print(aligned(lines))
    print(f"\nAdam's directions, η = {ADAM['learning_rate']}, β = (0, 0.999), simultaneous: distance\n")
    table = [("optimizer", "at the start", "after 1,000 steps", "after 4,000")]
    table += [(name, *(f"{distance:.2e}" for distance in adam_distances(name))) for name in ADAMS]
    print(aligned(table))


if __name__ == "__main__":
    main()
