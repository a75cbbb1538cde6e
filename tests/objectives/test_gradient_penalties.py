"""The penalties on the critic's gradient: which points, which norm, and what they cost; the laws that they share with
all penalties are in `test_penalties`."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.catalog import penalties
from tests.objectives.critics import FAKE, REAL, Linear, Quadratic, Smooth, score

EVERY = ["gradient-penalty", "r1", "r2", "dragan"]


def is_uniform(draws: Tensor) -> bool:
    """Kolmogorov–Smirnov against U[0, 1] at p = 0.001."""
    ordered = draws.flatten().sort().values
    return bool((ordered - torch.linspace(0, 1, len(ordered))).abs().max() < 1.95 / math.sqrt(len(ordered)))


# between real and fake samples


def test_gradient_penalty_is_zero_for_a_unit_gradient_critic() -> None:
    for side in ("both", "one"):
        penalty = penalties.create("gradient-penalty", side=side)
        assert penalty.term(score(Linear([0.6, 0.8]))).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("side", ["both", "one"])
@pytest.mark.parametrize("center", [0.0, 1.0, 7.0])
def test_gradient_penalty_of_a_linear_critic(center: float, side: str) -> None:
    """λ(‖w‖ − k)², with ‖w‖ = 5; one-sided only where the critic is steeper than k."""
    penalty = penalties.create("gradient-penalty", weight=10.0, center=center, side=side)
    excess = 5 - center if side == "both" else max(0, 5 - center)
    assert penalty.term(score(Linear([3.0, 4.0]))).item() == pytest.approx(10 * excess**2)


def test_one_sided_penalty_lets_gentle_critics_be() -> None:
    critic = Linear([0.3, 0.4])
    one, both = (penalties.create("gradient-penalty", side=side) for side in ("one", "both"))
    assert one.term(score(critic)).item() == 0
    assert both.term(score(critic)).item() == pytest.approx(10 * 0.25)


@pytest.mark.parametrize("shape", [(2,), (1, 2, 1), (2, 1, 1)])
def test_gradient_penalty_takes_the_norm_per_sample_over_all_its_elements(shape: tuple[int, ...]) -> None:
    """‖∇d‖ of ½‖x‖² is ‖x̂‖: one norm over the whole batch, or a mean over elements, would give another number."""
    points = REAL.reshape(-1, *shape)
    value = penalties.create("gradient-penalty", weight=1.0).term(score(Quadratic(), points, points)).item()
    assert value == pytest.approx(((np.linalg.norm(REAL.numpy(), axis=1) - 1) ** 2).mean())


def test_gradient_penalty_mixes_every_sample_by_itself() -> None:
    """With real = 0 and fake = 1, x̂ is 1 − ε: differing between samples, equal within one, uniform."""
    critic, shape = Quadratic(), (4000, 1, 2, 2)
    penalties.create("gradient-penalty").term(score(critic, torch.zeros(shape), torch.ones(shape)))
    mixed = critic.seen[-1].flatten(1)
    assert (mixed == mixed[:, :1]).all()
    assert len(mixed[:, 0].unique()) > 3900
    assert is_uniform(mixed[:, 0])


def test_gradient_penalty_mixes_each_real_sample_with_its_fake_partner() -> None:
    critic = Quadratic()
    penalties.create("gradient-penalty").term(score(critic))
    along = (critic.seen[-1] - FAKE) / (REAL - FAKE)  # ε, in each coordinate in which the two differ
    assert ((along >= 0) & (along <= 1)).all()
    torch.testing.assert_close(along[:, 0], along[:, 1])


# at real, at fake samples


@pytest.mark.parametrize(("name", "points"), [("r1", REAL), ("r2", FAKE)])
def test_zero_centred_penalties_are_at_their_own_samples(name: str, points: Tensor) -> None:
    critic = Quadratic()
    value = penalties.create(name, gamma=3.0).term(score(critic)).item()
    assert value == pytest.approx(0.5 * 3.0 * (points.numpy() ** 2).sum(1).mean())
    assert len(critic.seen) == 2  # its scores are there already: no pass of its own


def test_zero_centred_penalties_equal_the_gradient_of_a_network_by_hand() -> None:
    """d = ⟨v, tanh(Wx + b)⟩ + c: ∇d = Wᵀ(v ⊙ (1 − tanh²))."""
    critic = Smooth()
    w, b = (weight.detach().numpy() for weight in critic.encoder.parameters())
    v = critic.head.weight.detach().numpy()[0]
    for name, points in (("r1", REAL), ("r2", FAKE)):
        gradients = (v * (1 - np.tanh(points.numpy() @ w.T + b) ** 2)) @ w
        value = penalties.create(name, gamma=2.0).term(score(critic)).item()
        assert value == pytest.approx((gradients**2).sum(1).mean())


# around real samples


def test_dragan_of_a_linear_critic() -> None:
    assert penalties.create("dragan", weight=2.0).term(score(Linear([3.0, 4.0]))).item() == pytest.approx(2 * 16)


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)])
def test_dragan_looks_around_real_samples_alone(shape: tuple[int, ...]) -> None:
    """Its points are x + c·std(x)·u, with u ~ U[0, 1] of its own for every element, and std that of the batch."""
    real = 5 * torch.randn((1000, *shape), generator=torch.Generator().manual_seed(1))
    critic = Quadratic()
    batch = score(critic, real, real + 1000)
    value = penalties.create("dragan", weight=1.0, spread=0.5).term(batch).item()
    points = critic.seen[-1]
    assert value == pytest.approx((points.flatten(1).norm(dim=1) - 1).square().mean().item(), rel=1e-4)
    draws = (points - real) / (0.5 * real.numpy().std().item())
    assert draws.min() >= -1e-5
    assert draws.max() <= 1 + 1e-5
    assert is_uniform(draws)
    assert len(draws.unique()) > 0.9 * draws.numel()


def test_dragan_without_spread_is_at_the_real_samples() -> None:
    value = penalties.create("dragan", weight=1.0, spread=0.0).term(score(Quadratic())).item()
    assert value == pytest.approx(((np.linalg.norm(REAL.numpy(), axis=1) - 1) ** 2).mean())


# all of them


@pytest.mark.parametrize("name", EVERY)
def test_a_flat_critic_gets_a_finite_gradient(name: str) -> None:
    """√0 has none: a naive norm gives nan."""
    for dtype in (torch.float32, torch.float64):
        critic = Linear([0.0, 0.0]).to(dtype)
        term = penalties.create(name).term(score(critic, REAL.to(dtype), FAKE.to(dtype)))
        (gradient,) = torch.autograd.grad(term, critic.w)
        assert term.item() == pytest.approx(10.0 if name in ("gradient-penalty", "dragan") else 0.0)
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("name", "settings"),
    [("gradient-penalty", {"weight": 1.0, "center": 0.0}), ("r1", {"gamma": 2.0}), ("r2", {"gamma": 2.0})],
)
def test_penalties_reach_the_weights(name: str, settings: dict[str, float]) -> None:
    """∂/∂w of ½γ‖w‖² is γw: without create_graph there would be nothing to differentiate."""
    critic = Linear([3.0, 4.0])
    (gradient,) = torch.autograd.grad(penalties.create(name, **settings).term(score(critic)), critic.w)
    torch.testing.assert_close(gradient, 2 * critic.w.detach())


@pytest.mark.parametrize("name", EVERY)
def test_scores_of_one_sample_each_are_asked_for(name: str) -> None:
    """The gradient of the sum of scores is the gradient per sample only where a score is of one sample; the trainer's
    refusal of others is tested in `tests/training/test_game.py`."""
    assert penalties.create(name).needs_independent_samples
