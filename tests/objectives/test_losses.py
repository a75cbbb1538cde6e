"""Each loss against what theory says of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from bench.catalog import losses

torch.set_num_threads(1)

P = np.array([0.5, 0.3, 0.15, 0.05])
Q = np.array([0.1, 0.2, 0.3, 0.4])
NAMES = losses.names()


def softplus(t: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, t)


NUMPY = {
    "minimax": (lambda r, f: softplus(-r).mean() + softplus(f).mean(), lambda r, f: -softplus(f).mean()),
    "non-saturating": (lambda r, f: softplus(-r).mean() + softplus(f).mean(), lambda r, f: softplus(-f).mean()),
    "least-squares": (
        lambda r, f: 0.5 * ((r - 1) ** 2).mean() + 0.5 * (f**2).mean(),
        lambda r, f: 0.5 * ((f - 1) ** 2).mean(),
    ),
    "wasserstein": (lambda r, f: -r.mean() + f.mean(), lambda r, f: -f.mean()),
    "hinge": (
        lambda r, f: np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(),
        lambda r, f: -f.mean(),
    ),
    "relativistic-pairing": (lambda r, f: softplus(-(r - f)).mean(), lambda r, f: softplus(-(f - r)).mean()),
}


def scores(seed: int = 0, n: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    real = 3 * torch.randn(n, generator=random, dtype=torch.float64)
    return real, 3 * torch.randn(n, generator=random, dtype=torch.float64) - 0.5


def discriminator_at_optimum(name: str) -> tuple[float, np.ndarray]:
    """L_D minimised over a free score per atom, over batches in which each atom has its share of P and Q."""
    loss = losses.create(name)

    real_atoms = np.repeat(np.arange(4), np.round(P * 20).astype(int))
    fake_atoms = np.repeat(np.arange(4), np.round(Q * 20).astype(int))

    def value(free: np.ndarray) -> tuple[float, np.ndarray]:
        d = torch.tensor(free, requires_grad=True)
        out = loss.discriminator(d[real_atoms], d[fake_atoms])
        (gradient,) = torch.autograd.grad(out, d)
        return out.item(), gradient.numpy()

    found = minimize(value, np.zeros(4), jac=True, method="L-BFGS-B", options={"maxiter": 5000, "gtol": 1e-12})
    return float(found.fun), found.x


@pytest.mark.parametrize("name", NAMES)
def test_equals_an_independent_formula(name: str) -> None:
    real, fake = scores()
    loss = losses.create(name)
    expected_discriminator, expected_generator = NUMPY[name]
    assert loss.discriminator(real, fake).item() == pytest.approx(expected_discriminator(real.numpy(), fake.numpy()))
    assert loss.generator(real, fake).item() == pytest.approx(expected_generator(real.numpy(), fake.numpy()))


def jensen_shannon() -> float:
    m = (P + Q) / 2
    return float(0.5 * (P * np.log(P / m)).sum() + 0.5 * (Q * np.log(Q / m)).sum())


@pytest.mark.parametrize("name", ["minimax", "non-saturating"])
def test_cross_entropy_at_its_optimum_is_the_jensen_shannon_divergence(name: str) -> None:
    value, d = discriminator_at_optimum(name)
    assert value == pytest.approx(math.log(4) - 2 * jensen_shannon(), abs=1e-8)
    np.testing.assert_allclose(d, np.log(P / Q), atol=1e-4)


def test_least_squares_at_its_optimum() -> None:
    value, d = discriminator_at_optimum("least-squares")
    assert value == pytest.approx(0.5 * (P * Q / (P + Q)).sum(), abs=1e-10)
    np.testing.assert_allclose(d, P / (P + Q), atol=1e-5)


def test_hinge_at_its_optimum_is_total_variation() -> None:
    value, _ = discriminator_at_optimum("hinge")
    assert value == pytest.approx(2 * np.minimum(P, Q).sum(), abs=1e-3)  # a kink: no solver is exact
    loss = losses.create("hinge")
    fake_atoms = np.repeat(np.arange(4), np.round(Q * 20).astype(int))
    generator = loss.generator(torch.empty(0), torch.tensor(np.sign(P - Q))[fake_atoms]).item()
    assert generator == pytest.approx(-(Q * np.sign(P - Q)).sum())


def test_relativistic_pairing_at_equal_distributions_is_log_2() -> None:
    loss = losses.create("relativistic-pairing")
    constant = torch.full((10,), 3.7)
    assert loss.discriminator(constant, constant).item() == pytest.approx(math.log(2))


def test_wasserstein_is_the_difference_of_means_and_shift_free() -> None:
    real, fake = scores()
    loss = losses.create("wasserstein")
    assert loss.discriminator(real + 5, fake + 5).item() == pytest.approx(loss.discriminator(real, fake).item())


@pytest.mark.parametrize(
    ("name", "limit"),
    [("minimax", 0.0), ("non-saturating", 1.0), ("wasserstein", 1.0), ("hinge", 1.0), ("least-squares", 31.0)],
)
def test_generators_gradient_when_the_discriminator_is_sure(name: str, limit: float) -> None:
    """The vanishing gradient of the saturating game, and what the others keep of it."""
    fake = torch.tensor([-30.0], dtype=torch.float64, requires_grad=True)
    losses.create(name).generator(torch.empty(0), fake).backward()
    assert fake.grad is not None
    assert fake.grad.abs().item() == pytest.approx(limit, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_players_pull_scores_the_right_way(name: str) -> None:
    """The discriminator raises real and lowers fake scores; the generator raises fake ones."""
    real = torch.zeros(8, requires_grad=True)
    fake = torch.zeros(8, requires_grad=True)
    loss = losses.create(name)
    to_real, to_fake = torch.autograd.grad(loss.discriminator(real, fake), (real, fake))
    assert (to_real < 0).all()
    # least squares with fake target 0 has nothing to gain at 0
    assert (to_fake >= 0).all()
    assert name == "least-squares" or (to_fake > 0).all()
    (generator_pull,) = torch.autograd.grad(loss.generator(real, fake), fake)
    assert (generator_pull < 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_gradients_equal_finite_differences(name: str) -> None:
    real, fake = scores(n=5)
    loss = losses.create(name)
    real.requires_grad_()
    fake.requires_grad_()
    assert torch.autograd.gradcheck(loss.discriminator, (real, fake))
    assert torch.autograd.gradcheck(lambda f: loss.generator(real.detach(), f), (fake,))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("score", [1e4, -1e4])
def test_extreme_scores_stay_finite(name: str, score: float) -> None:
    real = torch.full((4,), score, requires_grad=True)
    fake = torch.full((4,), -score, requires_grad=True)
    loss = losses.create(name)
    for value in (loss.discriminator(real, fake), loss.generator(real, fake)):
        assert torch.isfinite(value)
        gradients = torch.autograd.grad(value, (real, fake), allow_unused=True)
        assert all(torch.isfinite(g).all() for g in gradients if g is not None)


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 1000))
def test_order_of_pairs_does_not_matter(name: str, seed: int) -> None:
    real, fake = scores(seed, 12)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(seed))
    loss = losses.create(name)
    shuffled = loss.discriminator(real[order], fake[order])
    assert shuffled.item() == pytest.approx(loss.discriminator(real, fake).item(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_losses_that_claim_not_to_use_real_scores_do_not(name: str) -> None:
    loss = losses.create(name)
    real, fake = scores()
    if loss.generator_uses_real:
        assert loss.generator(real, fake) != loss.generator(real + 1, fake)
    else:
        assert loss.generator(real.new_empty(0), fake) == loss.generator(real, fake)
