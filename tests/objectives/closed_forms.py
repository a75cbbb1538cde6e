"""What each loss reaches with the discriminator at its optimum: ours, found numerically, beside theory.

``python -m tests.objectives.closed_forms`` prints the table; `test_optimum` asserts each row of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor

from bench.catalog import losses, stabilisers
from bench.objectives import LeCam
from tests.objectives.critics import of_scores
from tests.objectives.discrete import (
    EQUAL,
    FIXED,
    PAIRS,
    Optimum,
    Pair,
    cheapest_transport,
    discriminator_loss,
    divergence_gradient,
    generator_gradient,
    least_over_lipschitz_scores,
    minimise,
    minimise_piecewise_linear,
    of_all_pairs,
)
from tests.objectives.tables import Number, aligned, shown


@dataclass(frozen=True)
class Row:
    """One fact: what it is about, our number and theory's (or vectors of an entry per atom)."""

    loss: str
    quantity: str
    atoms: str
    ours: Callable[[], Number]
    theory: Number
    tolerance: float = 1e-8

    def __str__(self) -> str:
        return f"{self.loss}: {self.quantity} ({self.atoms})"


def kl(p: Any, q: Any) -> Any:
    return (p * (p / q).log()).sum() if isinstance(p, Tensor) else (p * np.log(p / q)).sum()


def jensen_shannon(p: Any, q: Any) -> Any:
    return (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2


def total_variation(p: Any, q: Any) -> Any:
    return abs(p - q).sum() / 2


def optimum_rows(
    label: str, pair: Pair, optimum: Callable[[], Optimum], value: tuple[str, float], scores: np.ndarray | None
) -> Iterator[Row]:
    """The least loss, under a name that says what theory calls it, and where it is reached."""
    sign = -1 if value[0].startswith("−L_D*") else 1
    yield Row(label, value[0], pair.name, lambda: sign * optimum().value, value[1])
    if scores is not None:
        yield Row(label, "d*", pair.name, lambda: optimum().scores, scores, tolerance=1e-6)


def smooth(name: str, pair: Pair, **settings: Any) -> Callable[[], Optimum]:
    return lambda: minimise(discriminator_loss(losses.create(name, **settings), pair), np.zeros(len(pair.p)))


def gradient_row(
    label: str, what: str, pair: Pair, scores: np.ndarray, divergence: Any, name: str, **settings: Any
) -> Row:
    """The generator's gradient with the discriminator at its optimum, and that of what it is said to descend."""
    ours = lambda: generator_gradient(losses.create(name, **settings), scores, pair)  # noqa: E731
    return Row(label, f"∇L_G = ∇[{what}]", pair.name, ours, divergence_gradient(divergence, pair))


def cross_entropies(pair: Pair) -> Iterator[Row]:
    p, q = pair.p, pair.q
    best, value = np.log(p / q), ("L_D* = log 4 − 2·JS(p‖q)", math.log(4) - 2 * jensen_shannon(p, q))
    for name in ("minimax", "non-saturating"):
        yield from optimum_rows(name, pair, smooth(name, pair), value, best)
    yield gradient_row("minimax", "2·JS(p‖q)", pair, best, lambda p, q: 2 * jensen_shannon(p, q), "minimax")
    yield gradient_row(
        "non-saturating",
        "KL(q‖p) − 2·JS(p‖q)",
        pair,
        best,
        lambda p, q: kl(q, p) - 2 * jensen_shannon(p, q),
        "non-saturating",
    )
    told = 0.9 * p / (p + q)  # σ(d*)
    smoothed = -(0.9 * p * np.log(told) + (0.1 * p + q) * np.log(1 - told)).sum()
    yield from optimum_rows(
        "non-saturating, t = 0.9",
        pair,
        smooth("non-saturating", pair, real_label=0.9),
        ("L_D* at σ(d*) = t·p/(p + q)", smoothed),
        np.log(told / (1 - told)),
    )


def squares(pair: Pair) -> Iterator[Row]:
    p, q = pair.p, pair.q
    for a, b, c in ((0.0, 1.0, 1.0), (-1.0, 1.0, 0.0)):
        label = f"least-squares ({a:g}, {b:g}, {c:g})"
        best, value = (b * p + a * q) / (p + q), (b - a) ** 2 / 2 * (p * q / (p + q)).sum()
        settings = {"fake_target": a, "real_target": b, "generator_target": c}
        optimum = smooth("least-squares", pair, **settings)
        yield from optimum_rows(label, pair, optimum, ("L_D* = ½(b − a)² Σ pq/(p + q)", value), best)

    def from_target() -> float:
        """½E_p(d* − c)² + ½E_q(d* − c)²: the generator's loss, of real samples too."""
        scores, loss = torch.tensor(optimum().scores), losses.create("least-squares", **settings)
        sides = (loss.generator(torch.empty(0), scores[atoms]) for atoms in (pair.real, pair.fake))
        return sum(side.item() for side in sides)

    chi = ((2 * q - (p + q)) ** 2 / (p + q)).sum() / 2
    yield Row(label, "½E_p d*² + ½E_q d*² = ½χ²(p + q ‖ 2q)", pair.name, from_target, chi)


def hinges(pair: Pair) -> Iterator[Row]:
    p, q = pair.p, pair.q

    def hinge() -> Optimum:
        objective = discriminator_loss(losses.create("hinge"), pair)
        return minimise_piecewise_linear(objective, np.zeros(len(p)), -4.0, 4.0)

    def energy() -> Optimum:
        objective = discriminator_loss(losses.create("energy", margin=10.0), pair)
        return minimise_piecewise_linear(objective, np.full(len(p), 3.0), 0.0, 30.0)

    def generator() -> float:
        scores = torch.tensor(hinge().scores)
        return losses.create("hinge").generator(torch.empty(0), scores[pair.fake]).item()

    overlap, sign = 1 - total_variation(p, q), np.sign(p - q)
    yield from optimum_rows("hinge", pair, hinge, ("L_D* = 2(1 − TV)", 2 * overlap), sign)
    yield Row("hinge", "L_G at d* = −Σ q·sign(p − q)", pair.name, generator, -(q * sign).sum())
    yield gradient_row("hinge", "2·TV", pair, sign, lambda p, q: 2 * total_variation(p, q), "hinge")
    errors = np.where(p > q, 0.0, 10.0)
    yield from optimum_rows("energy, m = 10", pair, energy, ("L_D* = m(1 − TV)", 10 * overlap), errors)
    yield gradient_row("energy, m = 10", "m·TV", pair, errors, lambda p, q: 10 * total_variation(p, q), "energy")


DIVERGENCES: dict[str, tuple[str, Callable[[Any, Any], Any], Callable[[Any], Any]]] = {
    "total-variation": ("TV", total_variation, lambda u: 40 * np.sign(u - 1)),  # d* is at infinity
    "kl": ("KL(p‖q)", kl, lambda u: 1 + np.log(u)),
    "reverse-kl": ("KL(q‖p)", lambda p, q: kl(q, p), np.log),
    "pearson": ("Σ(p − q)²/q", lambda p, q: ((p - q) ** 2 / q).sum(), lambda u: 2 * (u - 1)),
    "neyman": ("Σ(p − q)²/p", lambda p, q: ((p - q) ** 2 / p).sum(), lambda u: 2 * np.log(u)),
    "squared-hellinger": ("Σ(√p − √q)²", lambda p, q: ((p**0.5 - q**0.5) ** 2).sum(), lambda u: np.log(u) / 2),
    "jensen-shannon": ("2·JS", lambda p, q: 2 * jensen_shannon(p, q), np.log),
    "gan": ("2·JS − log 4", lambda p, q: 2 * jensen_shannon(p, q) - math.log(4), np.log),
}
"""Of each kind the divergence D_f(p, q), in words and as a formula, and the score where g_f(d*) = f′(p/q)."""


def f_divergences(pair: Pair) -> Iterator[Row]:
    p, q = pair.p, pair.q
    for kind, (words, divergence, best) in DIVERGENCES.items():
        label, optimum = f"f-divergence, {kind}", smooth("f-divergence", pair, kind=kind)
        at_infinity = kind == "total-variation"
        scores = None if at_infinity else best(p / q)
        yield from optimum_rows(label, pair, optimum, (f"−L_D* = {words}", divergence(p, q)), scores)
        if at_infinity:
            yield Row(label, "½tanh d*", pair.name, partial(half_tanh, optimum), np.sign(p - q) / 2)
        yield gradient_row(label, words, pair, best(p / q), divergence, "f-divergence", kind=kind)
    what = "KL(q‖p) − 2·JS(p‖q)"
    yield gradient_row(
        "f-divergence, gan, trick",
        what,
        pair,
        np.log(p / q),
        lambda p, q: kl(q, p) - 2 * jensen_shannon(p, q),
        "f-divergence",
        kind="gan",
        trick=True,
    )


def relativistic() -> Iterator[Row]:
    """At p = q nothing is gained by telling atoms apart: what no difference costs, and no spread where it is unique."""
    start = np.array([0.0, 0.3, -1.2, 1.5])
    for base, cost, words in (("logistic", math.log(2), "log 2"), ("least-squares", 1.0, "1"), ("hinge", 1.0, "1")):
        for name, terms in (("relativistic-average", 2), ("relativistic-pairing", 1)):
            objective = of_all_pairs(losses.create(name, base=base), EQUAL)
            if base == "hinge":  # any scores that differ by less than 1 will do
                best = partial(minimise_piecewise_linear, objective, start, -4.0, 4.0)
            else:
                best = partial(minimise, objective, start)
                yield Row(f"{name}, {base}", "max d* − min d*", EQUAL.name, partial(spread, best), 0.0, 1e-6)
            value = f"L_D* = {terms} · {words}"
            yield Row(f"{name}, {base}", value, EQUAL.name, partial(least, best), terms * cost)


def half_tanh(best: Callable[[], Optimum]) -> np.ndarray:
    return np.tanh(best().scores) / 2


def least(best: Callable[[], Optimum]) -> float:
    return best().value


def spread(best: Callable[[], Optimum]) -> float:
    return float(np.ptp(best().scores))


def transport() -> Iterator[Row]:
    objective = partial(discriminator_loss, losses.create("wasserstein"))
    line = np.array([[0.0], [0.7], [1.0], [2.5]])
    plane = np.random.default_rng(0).normal(size=(4, 2))
    dual = "−L_D* over 1-Lipschitz d = W₁, "
    for where, points in (("a line", line), ("the plane", plane)):
        ours = partial(least_over_lipschitz_scores, objective(FIXED), points)
        couplings = cheapest_transport(points, FIXED)
        yield Row("wasserstein", f"{dual}over couplings on {where}", FIXED.name, lambda ours=ours: -ours(), couplings)
    ours = partial(least_over_lipschitz_scores, objective(FIXED), line)
    known = wasserstein_distance(line[:, 0], line[:, 0], FIXED.p, FIXED.q)
    yield Row("wasserstein", f"{dual}by scipy on a line", FIXED.name, lambda: -ours(), known)


def packs() -> Iterator[Row]:
    """Packs of two from the batch, each of the 16 pairs of atoms with a free score of its own."""
    packing, atoms = stabilisers.create("packing", samples=2), len(FIXED.p)

    def scored(samples: np.ndarray, scores: Tensor) -> Tensor:
        independent = np.stack([np.repeat(samples, len(samples)), np.tile(samples, len(samples))], axis=1)
        packed = packing.present(torch.tensor(independent.reshape(-1, 1)))
        return scores[packed[:, 0] * atoms + packed[:, 1]]

    def objective(scores: Tensor) -> Tensor:
        return losses.create("minimax").discriminator(scored(FIXED.real, scores), scored(FIXED.fake, scores))

    p, q = np.kron(FIXED.p, FIXED.p), np.kron(FIXED.q, FIXED.q)
    value = "L_D* = log 4 − 2·JS(p²‖q²)", math.log(4) - 2 * jensen_shannon(p, q)
    yield from optimum_rows(
        "minimax, packs of 2", FIXED, lambda: minimise(objective, np.zeros(atoms**2)), value, np.log(p / q)
    )


def le_cam(pair: Pair) -> Iterator[Row]:
    """Tseng et al. 2021, proposition 1, with anchors α_R = −α_F = α that stand still."""
    weight, anchor = 0.8, 0.3
    penalty = LeCam(weight=weight, decay=1 - 1e-15)
    held = {"real": anchor, "fake": -anchor, "updates": 1e15}
    penalty.load_state_dict({name: torch.tensor(value, dtype=torch.float64) for name, value in held.items()})
    adversarial = discriminator_loss(losses.create("wasserstein"), pair)

    def objective(scores: Tensor) -> Tensor:
        return adversarial(scores) + penalty.term(of_scores(scores[pair.real], scores[pair.fake]))

    p, q = pair.p, pair.q
    steepness, difference = 1 / (2 * weight) - anchor, (p - q) / (p + q)
    reached = weight * steepness**2 * ((p - q) ** 2 / (p + q)).sum() - 2 * weight * anchor**2
    value = ("−L_D* = λ(1/2λ − α)² Σ(p − q)²/(p + q) − 2λα²", reached)
    yield from optimum_rows(
        "wasserstein + lecam", pair, lambda: minimise(objective, np.zeros(len(p))), value, steepness * difference
    )


def rows() -> list[Row]:
    """The whole table."""
    per_pair = (cross_entropies, squares, hinges, f_divergences, le_cam)
    by_pair = [row for facts in per_pair for pair in PAIRS for row in facts(pair)]
    return [*by_pair, *relativistic(), *transport(), *packs()]


def main() -> None:
    lines = [("loss", "quantity", "atoms", "ours", "theory", "|difference|")]
    for row in rows():
        ours = row.ours()
        difference = np.abs(np.asarray(ours) - row.theory).max()
        lines.append((row.loss, row.quantity, row.atoms, shown(ours), shown(row.theory), f"{difference:.0e}"))
    print(aligned(lines))


if __name__ == "__main__":
    main()
