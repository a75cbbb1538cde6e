"""What a generator still learns from a discriminator that is sure of itself (Goodfellow et al. 2014, sec. 3).

∂L_G/∂f at fake scores far on the fake side, real ones as far on the other: as the discriminator gets surer, it
vanishes, stays, or grows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.objectives.cases import CASES, Case

Slope = Callable[[float], float]


def sigmoid(t: float) -> float:
    return float(1 / (1 + np.exp(-t)))


SLOPES: dict[str, tuple[str, Slope]] = {
    "minimax": ("vanishes", lambda s: -sigmoid(-s)),
    "non-saturating": ("stays", lambda s: -sigmoid(s)),
    "non-saturating(real_label=0.9)": ("stays", lambda s: -sigmoid(s)),
    "least-squares(fake_target=0.0, real_target=1.0, generator_target=1.0)": ("grows", lambda s: -s - 1),
    "least-squares(fake_target=-1.0, real_target=1.0, generator_target=0.0)": ("grows", lambda s: -s),
    "wasserstein": ("stays", lambda s: -1),
    "hinge": ("stays", lambda s: -1),
    # the difference of scores is 2s; the average has a second term, which pulls on all fake scores as one
    "relativistic-average(base=logistic)": ("stays", lambda s: -2 * sigmoid(2 * s)),
    "relativistic-average(base=least-squares)": ("grows", lambda s: -4 * (2 * s + 1)),
    "relativistic-average(base=hinge)": ("stays", lambda s: -2),
    "relativistic-pairing(base=logistic)": ("stays", lambda s: -sigmoid(2 * s)),
    "relativistic-pairing(base=least-squares)": ("grows", lambda s: -2 * (2 * s + 1)),
    "relativistic-pairing(base=hinge)": ("stays", lambda s: -1),
    # −f*′(T)·g′, with the trick −g′
    "f-divergence(kind=total-variation, trick=False)": ("vanishes", lambda s: -0.5 / np.cosh(s) ** 2),
    "f-divergence(kind=kl, trick=False)": ("vanishes", lambda s: -np.exp(-s - 1)),
    "f-divergence(kind=reverse-kl, trick=False)": ("stays", lambda s: -1),
    # past its turning point at −2 Pearson's conjugate falls: the gradient points the wrong way
    "f-divergence(kind=pearson, trick=False)": ("turns", lambda s: s / 2 - 1),
    "f-divergence(kind=neyman, trick=False)": ("grows", lambda s: -np.exp(s / 2)),
    "f-divergence(kind=squared-hellinger, trick=False)": ("vanishes", lambda s: -np.exp(-s)),
    "f-divergence(kind=jensen-shannon, trick=False)": ("vanishes", lambda s: -sigmoid(-s)),
    "f-divergence(kind=gan, trick=False)": ("vanishes", lambda s: -sigmoid(-s)),
    "f-divergence(kind=total-variation, trick=True)": ("vanishes", lambda s: -0.5 / np.cosh(s) ** 2),
    "f-divergence(kind=kl, trick=True)": ("stays", lambda s: -1),
    "f-divergence(kind=reverse-kl, trick=True)": ("grows", lambda s: -np.exp(s)),
    "f-divergence(kind=pearson, trick=True)": ("stays", lambda s: -1),
    "f-divergence(kind=neyman, trick=True)": ("grows", lambda s: -np.exp(s)),
    "f-divergence(kind=squared-hellinger, trick=True)": ("grows", lambda s: -np.exp(s)),
    "f-divergence(kind=jensen-shannon, trick=True)": ("stays", lambda s: -sigmoid(s)),
    "f-divergence(kind=gan, trick=True)": ("stays", lambda s: -sigmoid(s)),
    # energies are high where samples are fake
    "energy(margin=10.0)": ("stays", lambda s: 1),
    "boundary-equilibrium(gamma=0.5, gain=0.1, k=0.0)": ("stays", lambda s: 1),
    "boundary-equilibrium(gamma=0.5, gain=0.1, k=0.4)": ("stays", lambda s: 1),
}
"""What becomes of the gradient, and its value at the fake score −s beside the real score s."""


def slope(case: Case, sureness: float) -> float:
    fake_side = 1 if case.name in ("energy", "boundary-equilibrium") else -1
    real = torch.tensor([-fake_side * sureness], dtype=torch.float64)
    fake = torch.tensor([fake_side * sureness], dtype=torch.float64, requires_grad=True)
    gradient: Tensor
    (gradient,) = torch.autograd.grad(case.build().generator(real, fake), fake)
    return gradient.item()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_under_a_sure_discriminator(case: Case) -> None:
    fate, expected = SLOPES[str(case)]
    nearly_sure, very_sure = slope(case, 12.0), slope(case, 30.0)
    assert nearly_sure == pytest.approx(expected(12.0), rel=1e-6, abs=1e-12)
    assert very_sure == pytest.approx(expected(30.0), rel=1e-6, abs=1e-12)
    if fate == "vanishes":
        assert abs(very_sure) < 1e-12 < abs(nearly_sure) < 1e-4
    elif fate == "stays":
        assert very_sure == pytest.approx(nearly_sure, rel=1e-4)
        assert abs(very_sure) >= 1 - 1e-9
    elif fate == "grows":
        assert abs(very_sure) > 2 * abs(nearly_sure)
    else:
        assert slope(case, 1.0) < 0 < nearly_sure


def test_every_variant_has_a_slope() -> None:
    assert SLOPES.keys() == {str(case) for case in CASES}
