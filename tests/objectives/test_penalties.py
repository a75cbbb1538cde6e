"""Each penalty against what theory says of it."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from bench.architectures.layers import raw_weight, weighted
from bench.catalog import penalties
from bench.objectives import DiscriminatorBatch


def random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def score(discriminator: nn.Module, real: Tensor, fake: Tensor) -> DiscriminatorBatch:
    return DiscriminatorBatch.score(discriminator, real, fake, random())


class Linear(nn.Module):
    """d(x) = ⟨w, x⟩: its gradient is w everywhere."""

    def __init__(self, w: list[float]) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.w


class Quadratic(nn.Module):
    """d(x) = ½‖x‖²: its gradient at x is x."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x.flatten(1).square().sum(1)


REAL = torch.tensor([[1.0, 2.0], [0.0, -3.0], [0.5, 0.5]], dtype=torch.float64)
FAKE = torch.tensor([[4.0, 0.0], [1.0, 1.0], [-2.0, 0.0]], dtype=torch.float64)


def test_gradient_penalty_is_zero_for_a_unit_gradient_critic() -> None:
    penalty = penalties.create("gradient-penalty")
    assert penalty.term(score(Linear([0.6, 0.8]), REAL, FAKE)).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("center", "expected"), [(1.0, 10 * 16.0), (0.0, 10 * 25.0)])
def test_gradient_penalty_of_a_linear_critic(center: float, expected: float) -> None:
    penalty = penalties.create("gradient-penalty", center=center)
    assert penalty.term(score(Linear([3.0, 4.0]), REAL, FAKE)).item() == pytest.approx(expected)


def test_gradient_penalty_takes_the_norm_per_sample() -> None:
    """‖∇d‖ of ½‖x‖² is ‖x̂‖: one norm over the whole batch, or a mean over elements, would give another number."""
    same = penalties.create("gradient-penalty", weight=1.0)
    value = same.term(score(Quadratic(), REAL, REAL)).item()
    assert value == pytest.approx((REAL.norm(dim=1) - 1).square().mean().item())


def test_gradient_penalty_mixes_every_sample_by_itself() -> None:
    """With real = 0 and fake = 1, x̂ is 1 − ε: differing between samples, equal within one, uniform."""
    seen: list[Tensor] = []

    class Spy(Quadratic):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.detach())
            return super().forward(x)

    shape = (4000, 1, 2, 2)
    batch = score(Spy(), torch.zeros(shape), torch.ones(shape))
    penalties.create("gradient-penalty").term(batch)
    mixed = seen[-1].flatten(1)
    assert (mixed == mixed[:, :1]).all()
    share = mixed[:, 0].sort().values
    assert len(share.unique()) > 3900
    uniform = torch.linspace(0, 1, len(share))
    assert (share - uniform).abs().max() < 1.95 / math.sqrt(len(share))  # Kolmogorov–Smirnov, p = 0.001


def test_gradient_penalty_survives_a_flat_critic() -> None:
    critic = Linear([0.0, 0.0])
    term = penalties.create("gradient-penalty").term(score(critic, REAL, FAKE))
    (gradient,) = torch.autograd.grad(term, critic.w)
    assert term.item() == pytest.approx(10.0)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(("name", "points"), [("r1", REAL), ("r2", FAKE)])
def test_zero_centred_penalties_are_at_their_own_samples(name: str, points: Tensor) -> None:
    value = penalties.create(name, gamma=3.0).term(score(Quadratic(), REAL, FAKE)).item()
    assert value == pytest.approx(0.5 * 3.0 * points.square().sum(1).mean().item())


@pytest.mark.parametrize("name", ["gradient-penalty", "r1", "r2"])
def test_penalties_reach_the_weights(name: str) -> None:
    """∂/∂w of ½γ‖w‖² is γw: without create_graph there would be nothing to differentiate."""
    critic = Linear([3.0, 4.0])
    setting = {"weight": 1.0, "center": 0.0} if name == "gradient-penalty" else {"gamma": 2.0}
    term = penalties.create(name, **setting).term(score(critic, REAL, FAKE))
    (gradient,) = torch.autograd.grad(term, critic.w)
    torch.testing.assert_close(gradient, 2 * critic.w.detach())


@pytest.mark.parametrize("name", ["gradient-penalty", "r1", "r2"])
def test_double_backward_equals_finite_differences(name: str) -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0)).double()
    weights = [weight.detach().requires_grad_() for weight in network.parameters()]
    names = [name for name, _ in network.named_parameters()]

    def term(*values: Tensor) -> Tensor:
        def discriminator(x: Tensor) -> Tensor:
            out = torch.func.functional_call(network, dict(zip(names, values, strict=True)), (x,))
            assert isinstance(out, Tensor)
            return out

        return penalties.create(name).term(DiscriminatorBatch.score(discriminator, REAL, FAKE, random()))

    assert torch.autograd.gradcheck(term, weights)


def test_penalties_do_not_reach_the_generator() -> None:
    source = FAKE.clone().requires_grad_()
    for name in ("gradient-penalty", "r1", "r2"):
        term = penalties.create(name).term(score(Linear([3.0, 4.0]), REAL, source * 2))
        assert torch.autograd.grad(term, source, allow_unused=True)[0] is None


def test_weight_clip_reaches_the_weights_under_spectral_normalisation() -> None:
    layer = nn.Linear(3, 3)
    weighted(layer, "spectral")
    penalties.create("weight-clip", limit=0.02).project(nn.Sequential(layer))
    assert raw_weight(layer).abs().max().item() <= 0.0201


def test_weight_clip_boxes_weights_but_not_normalisation() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 1))
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(0.7)
    before = copy.deepcopy(network[1].state_dict())
    penalties.create("weight-clip", limit=0.02).project(network)
    assert max(weight.abs().max().item() for weight in network[0].parameters()) == pytest.approx(0.02)
    assert max(weight.abs().max().item() for weight in network[3].parameters()) == pytest.approx(0.02)
    after = network[1].state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
