"""Every loss in every variant, each with its formula written once more, in numpy and by itself.

The formulas are those of the papers, term by term; where a paper composes two functions, so does this file, in digits
enough to lose none: the same formula takes float64 arrays and arrays of mpmath numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import torch

from bench.catalog import losses
from bench.objectives import Loss, Memory
from bench.objectives.base import Pick

torch.set_num_threads(1)

Formula = Callable[[np.ndarray, np.ndarray], Any]
"""One player's loss of real and fake scores."""
Elementwise = Callable[[np.ndarray], np.ndarray]


def _in_any_digits(of_floats: Elementwise, of_one_number: Callable[[Any], Any]) -> Elementwise:
    exactly = np.frompyfunc(of_one_number, 1, 1)
    return lambda t: exactly(t) if t.dtype == object else of_floats(t)


exp = _in_any_digits(np.exp, mpmath.exp)
log = _in_any_digits(np.log, mpmath.log)
sqrt = _in_any_digits(np.sqrt, mpmath.sqrt)
tanh = _in_any_digits(np.tanh, mpmath.tanh)


def mean(t: np.ndarray) -> Any:
    return t.sum() / len(t)


def softplus(t: np.ndarray) -> np.ndarray:
    return log(1 + exp(t))


def positive_part(t: np.ndarray) -> np.ndarray:
    return (t + abs(t)) / 2


@dataclass(frozen=True)
class Case:
    """A loss with settings, and what is known of it.

    ``undecided`` is a score between those that the discriminator wants of real and of fake samples; ``k`` is what
    boundary-equilibrium has in its memory.
    """

    name: str
    settings: dict[str, Any]
    discriminator: Formula
    generator: Formula
    undecided: float = 0.0
    k: float | None = None

    def build(self) -> Loss:
        loss = losses.create(self.name, **self.settings)
        if self.k is not None:
            assert isinstance(loss, Memory)
            loss.load_state_dict({"k": torch.tensor(self.k, dtype=torch.float64)})
        return loss

    def __str__(self) -> str:
        shown = self.settings if self.k is None else {**self.settings, "k": self.k}
        return str(Pick(self.name, shown))


# the classic ones


def cross_entropy(label: float) -> Formula:
    """Of real samples with the target t and fake ones with the target 0, written with probabilities."""

    def discriminator(r: np.ndarray, f: np.ndarray) -> Any:
        told_real, told_fake = 1 / (1 + exp(-r)), 1 / (1 + exp(-f))
        smoothed = (1 - label) * log(1 - told_real) if label < 1 else 0 * r
        return -mean(label * log(told_real) + smoothed) - mean(log(1 - told_fake))

    return discriminator


def least_squares(a: float, b: float, c: float) -> Case:
    settings = {"fake_target": a, "real_target": b, "generator_target": c}
    return Case(
        "least-squares",
        settings,
        lambda r, f: mean((r - b) ** 2) / 2 + mean((f - a) ** 2) / 2,
        lambda r, f: mean((f - c) ** 2) / 2,
        undecided=(a + b) / 2,
    )


CLASSIC = [
    Case("minimax", {}, cross_entropy(1.0), lambda r, f: mean(log(1 - 1 / (1 + exp(-f))))),
    Case("non-saturating", {}, cross_entropy(1.0), lambda r, f: -mean(log(1 / (1 + exp(-f))))),
    Case("non-saturating", {"real_label": 0.9}, cross_entropy(0.9), lambda r, f: -mean(log(1 / (1 + exp(-f))))),
    least_squares(0.0, 1.0, 1.0),
    least_squares(-1.0, 1.0, 0.0),
    Case("wasserstein", {}, lambda r, f: mean(f) - mean(r), lambda r, f: -mean(f)),
    Case(
        "hinge",
        {},
        lambda r, f: mean(positive_part(1 - r)) + mean(positive_part(1 + f)),
        lambda r, f: -mean(f),
    ),
]

# relativistic: what a difference costs that ought to be positive

BASES: dict[str, Elementwise] = {
    "logistic": lambda t: softplus(-t),
    "least-squares": lambda t: (t - 1) ** 2,
    "hinge": lambda t: positive_part(1 - t),
}


def relativistic_average(base: str) -> Case:
    h = BASES[base]

    def player(mine: np.ndarray, other: np.ndarray) -> Any:
        return mean(h(mine - mean(other))) + mean(h(-(other - mean(mine))))

    return Case("relativistic-average", {"base": base}, player, lambda r, f: player(f, r))


def relativistic_pairing(base: str) -> Case:
    h = BASES[base]
    return Case("relativistic-pairing", {"base": base}, lambda r, f: mean(h(r - f)), lambda r, f: mean(h(f - r)))


RELATIVISTIC = [make(base) for make in (relativistic_average, relativistic_pairing) for base in BASES]

# f-divergences: the activation g_f of Nowozin et al. 2016, table 2, and the conjugate f* of table 1, apart


F_DIVERGENCES: dict[str, tuple[Elementwise, Elementwise]] = {
    "total-variation": (lambda v: tanh(v) / 2, lambda t: t),
    "kl": (lambda v: v, lambda t: exp(t - 1)),
    "reverse-kl": (lambda v: -exp(-v), lambda t: -1 - log(-t)),
    "pearson": (lambda v: v, lambda t: t**2 / 4 + t),
    "neyman": (lambda v: 1 - exp(-v), lambda t: 2 - 2 * sqrt(1 - t)),
    "squared-hellinger": (lambda v: 1 - exp(-v), lambda t: t / (1 - t)),
    # ζ(0): log 2 in as many digits as v has
    "jensen-shannon": (lambda v: softplus(0 * v) - softplus(-v), lambda t: -log(2 - exp(t))),
    "gan": (lambda v: -softplus(-v), lambda t: -log(1 - exp(t))),
}


def f_divergence(kind: str, trick: bool) -> Case:
    g, conjugate = F_DIVERGENCES[kind]
    return Case(
        "f-divergence",
        {"kind": kind, "trick": trick},
        lambda r, f: -mean(g(r)) + mean(conjugate(g(f))),
        (lambda r, f: -mean(g(f))) if trick else (lambda r, f: -mean(conjugate(g(f)))),
    )


# of an autoencoder's errors: low scores are real


def boundary_equilibrium(k: float) -> Case:
    settings = {"gamma": 0.5, "gain": 0.1}
    return Case(
        "boundary-equilibrium", settings, lambda r, f: mean(r) - k * mean(f), lambda r, f: mean(f), undecided=3.0, k=k
    )


ENERGIES = [
    Case(
        "energy",
        {"margin": 10.0},
        lambda r, f: mean(r) + mean(positive_part(10 - f)),
        lambda r, f: mean(f),
        undecided=3.0,
    ),
    boundary_equilibrium(0.0),
    boundary_equilibrium(0.4),
]

CASES = [
    *CLASSIC,
    *RELATIVISTIC,
    *(f_divergence(kind, trick) for kind in F_DIVERGENCES for trick in (False, True)),
    *ENERGIES,
]


def scores(size: int = 64, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Real and fake scores, of float64."""
    draw = torch.randn((2, size), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return 2 * draw[0] + 0.3, 2 * draw[1] - 0.5
