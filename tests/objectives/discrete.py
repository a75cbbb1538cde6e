"""Games on a handful of atoms, where the discriminator is one free score per atom and its optimum can be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.optimize import linprog, minimize
from torch import Tensor

from bench.objectives import Loss

torch.set_num_threads(1)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two distributions over the same atoms: how many samples of a batch each atom has, real and fake."""

    name: str
    real_counts: tuple[int, ...]
    fake_counts: tuple[int, ...]

    @cached_property
    def p(self) -> np.ndarray:
        return np.array(self.real_counts) / sum(self.real_counts)

    @cached_property
    def q(self) -> np.ndarray:
        return np.array(self.fake_counts) / sum(self.fake_counts)

    @cached_property
    def real(self) -> np.ndarray:
        """The atom of each real sample of a batch: expectations over the batch are those over p, exactly."""
        return np.repeat(np.arange(len(self.p)), self.real_counts)

    @cached_property
    def fake(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.q)), self.fake_counts)


def random_pair(seed: int) -> Pair:
    counts = np.random.default_rng(seed).choice(np.arange(1, 30), (2, 5), replace=False)
    return Pair(f"random {seed}", *(tuple(map(int, side)) for side in counts))


FIXED = Pair("P, Q", (10, 6, 3, 1), (2, 4, 6, 8))
"""P = (.5, .3, .15, .05), Q = (.1, .2, .3, .4)."""
PAIRS = [FIXED, random_pair(0)]
EQUAL = Pair("p = q", (10, 6, 3, 1), (10, 6, 3, 1))

Objective = Callable[[Tensor], Tensor]
"""What is minimised, of the vector of all free scores."""


def discriminator_loss(loss: Loss, pair: Pair) -> Objective:
    return lambda scores: loss.discriminator(scores[pair.real], scores[pair.fake])


def of_all_pairs(loss: Loss, pair: Pair) -> Objective:
    """Every real sample beside every fake one: the expectation over independent pairs."""
    real, fake = np.repeat(pair.real, len(pair.fake)), np.tile(pair.fake, len(pair.real))
    return lambda scores: loss.discriminator(scores[real], scores[fake])


@dataclass(frozen=True)
class Optimum:
    value: float
    scores: np.ndarray


def _value_and_gradient(objective: Objective) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    def evaluate(free: np.ndarray) -> tuple[float, np.ndarray]:
        scores = torch.tensor(free, dtype=torch.float64, requires_grad=True)
        value = objective(scores)
        (gradient,) = torch.autograd.grad(value, scores)
        return value.item(), gradient.numpy()

    return evaluate


def minimise(objective: Objective, start: np.ndarray) -> Optimum:
    """By Newton's method in a trust region; for smooth losses."""

    def hessian(free: np.ndarray) -> np.ndarray:
        out = torch.autograd.functional.hessian(objective, torch.tensor(free))
        assert isinstance(out, Tensor)
        return out.numpy()

    found = minimize(
        _value_and_gradient(objective),
        start,
        jac=True,
        hess=hessian,
        method="trust-exact",
        options={"gtol": 1e-11, "maxiter": 500},
    )
    return Optimum(float(found.fun), found.x)


def minimise_piecewise_linear(objective: Objective, start: np.ndarray, low: float, high: float) -> Optimum:
    """By cutting planes (Kelley 1960) in a box: finitely many steps to the exact optimum of a convex polygon."""
    evaluate = _value_and_gradient(objective)
    atoms, scores, bound, normals, offsets = len(start), start, -np.inf, [], []
    for _ in range(300):
        value, gradient = evaluate(scores)
        if value - bound < 1e-12:
            return Optimum(value, scores)
        normals.append([*gradient, -1.0])  # value + gradient·(s − scores) ≤ height
        offsets.append(gradient @ scores - value)
        box = [(low, high)] * atoms + [(None, None)]
        found = linprog([0.0] * atoms + [1.0], normals, offsets, bounds=box, method="highs")
        scores, bound = found.x[:-1], found.fun
    raise AssertionError("no optimum after 300 cuts")


# optimal transport


def distances(points: np.ndarray) -> np.ndarray:
    """Between all pairs of points, shape ``(atoms, atoms)``; points are ``(atoms, dimensions)``."""
    return np.asarray(np.linalg.norm(points[:, None] - points[None], axis=-1))


def least_over_lipschitz_scores(objective: Objective, points: np.ndarray) -> float:
    """The minimum of a linear objective over scores that no two points make steeper than 1."""
    atoms = len(points)
    _, slope = _value_and_gradient(objective)(np.zeros(atoms))
    steep = [np.eye(atoms)[i] - np.eye(atoms)[j] for i in range(atoms) for j in range(atoms)]
    anchored = [(0.0, 0.0)] + [(None, None)] * (atoms - 1)  # a shift of all scores changes nothing
    found = linprog(slope, np.array(steep), distances(points).flatten(), bounds=anchored, method="highs")
    return float(objective(torch.tensor(found.x)).item())


def cheapest_transport(points: np.ndarray, pair: Pair) -> float:
    """W₁ by its other definition: the least mean distance over all couplings of p and q."""
    atoms = len(points)
    rows = [np.kron(np.eye(atoms)[i], np.ones(atoms)) for i in range(atoms)]
    columns = [np.kron(np.ones(atoms), np.eye(atoms)[j]) for j in range(atoms)]
    marginals = np.concatenate([pair.p, pair.q])
    found = linprog(distances(points).flatten(), A_eq=np.array(rows + columns), b_eq=marginals, method="highs")
    return float(found.fun)


# what the generator descends


def generator_gradient(loss: Loss, scores: np.ndarray, pair: Pair) -> np.ndarray:
    """∇ of E_q L_G with respect to the logits of q, the scores being held."""
    logits = torch.tensor(np.log(pair.q), requires_grad=True)
    per_atom = torch.stack([loss.generator(torch.empty(0), score[None]) for score in torch.tensor(scores)])
    (gradient,) = torch.autograd.grad(torch.softmax(logits, 0) @ per_atom, logits)
    return gradient.numpy()


def divergence_gradient(divergence: Callable[[Tensor, Tensor], Tensor], pair: Pair) -> np.ndarray:
    """∇ of a divergence of p and q with respect to the logits of q."""
    logits = torch.tensor(np.log(pair.q), requires_grad=True)
    (gradient,) = torch.autograd.grad(divergence(torch.tensor(pair.p), torch.softmax(logits, 0)), logits)
    return gradient.numpy()
