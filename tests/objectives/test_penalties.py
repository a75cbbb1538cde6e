"""The laws of all penalties, and the values of those on weights, codes and both players.

Those on the critic's gradient are in `test_gradient_penalties`, those with a memory in `test_memory`, consistency in
`test_consistency`.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.architectures.layers import raw_weight, weighted
from bench.catalog import losses, penalties
from bench.objectives import Batch, Joint
from tests.objectives.critics import Painter, Smooth, finite_differences, random, score

TERMS: dict[str, list[dict[str, Any]]] = {
    "gradient-penalty": [{}, {"side": "one", "center": 0.1}, {"center": 0.0}],
    "r1": [{}],
    "r2": [{}],
    "dragan": [{}],
    "lecam": [{"decay": 1 - 1e-15}],
    "consistency": [{"shift": 0.5}, {"generated": False}],
    "l2": [{"weight": 1.0}],
    "orthogonal": [{"weight": 1.0}],
    "consensus": [{}],
    "pulling-away": [{}],
}
"""Every penalty that is a term of a loss, with the settings that change its formula."""
PROJECTIONS = {"weight-clip"}
RANDOM = {"gradient-penalty", "dragan", "consistency"}

every_term = pytest.mark.parametrize(
    ("name", "settings"), [(name, settings) for name, variants in TERMS.items() for settings in variants], ids=str
)
every_shape = pytest.mark.parametrize("shape", [(2,), (1, 2, 2)], ids=["points", "images"])


def create(name: str, settings: dict[str, Any]) -> Any:
    penalty = penalties.create(name, **settings)
    if name == "lecam":  # averages that stand still: they are constants to the gradient
        held = {"real": 0.4, "fake": -0.7, "updates": 1e15}
        penalty.load_state_dict({key: torch.tensor(value, dtype=torch.float64) for key, value in held.items()})
    return penalty


class Setting:
    """Two small smooth players, and what a penalty makes of them."""

    def __init__(self, shape: tuple[int, ...] = (2,), size: int = 3) -> None:
        self.discriminator, self.generator = Smooth(torch.Size(shape).numel()), Painter(shape)
        self.real = torch.randn((size, *shape), generator=random(3), dtype=torch.float64)
        self.latents = torch.randn((size, 3), generator=random(4), dtype=torch.float64)
        self.random = random(5)

    @property
    def weights(self) -> list[Tensor]:
        return [*self.discriminator.parameters(), *self.generator.parameters()]

    def term(self, penalty: Any) -> Tensor:
        """Whichever of its terms a penalty has."""
        fake = self.generator(self.latents)
        if hasattr(penalty, "joint_term"):
            loss = losses.create("non-saturating")
            real_scores, fake_scores = self.discriminator(self.real), self.discriminator(fake)
            players = tuple(self.discriminator.parameters()), tuple(self.generator.parameters())
            pair = loss.discriminator(real_scores, fake_scores), loss.generator(real_scores, fake_scores)
            out: Tensor = penalty.joint_term(Joint(*pair, *players))
        elif hasattr(penalty, "generator_term"):
            scores = self.discriminator(fake)
            out = penalty.generator_term(
                Batch(self.discriminator, self.real, fake, scores.new_empty(0), scores, self.random)
            )
        else:
            out = penalty.term(Batch.score(self.discriminator, self.real, fake, self.random))
        return out


def gradients(value: Tensor, weights: list[Tensor]) -> list[Tensor]:
    return list(torch.autograd.grad(value, weights, allow_unused=True, materialize_grads=True))


def test_every_penalty_is_tested() -> None:
    built_in = {name for name in penalties.names() if penalties.entry(name).plugin is None}
    assert built_in == TERMS.keys() | PROJECTIONS


@every_shape
@every_term
def test_gradients_equal_finite_differences(name: str, settings: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Through double backward where the term is made of gradients; of the players that the term is for."""
    setting, penalty = Setting(shape), create(name, settings)

    def term() -> Tensor:
        setting.random.manual_seed(5)
        return setting.term(penalty)

    players = [setting.discriminator]
    if not hasattr(penalty, "term"):
        players.append(setting.generator)
    for player in players:
        weights = list(player.parameters())
        expected = finite_differences(term, weights)
        assert max(difference.abs().max().item() for difference in expected) > 1e-3
        for found, difference in zip(gradients(term(), weights), expected, strict=True):
            torch.testing.assert_close(found, difference, rtol=1e-6, atol=1e-7)


@every_term
def test_terms_of_the_discriminator_do_not_reach_the_generator(name: str, settings: dict[str, Any]) -> None:
    setting, penalty = Setting(), create(name, settings)
    reached = gradients(setting.term(penalty), list(setting.generator.parameters()))
    assert any(gradient.any() for gradient in reached) == (not hasattr(penalty, "term"))


@every_term
def test_draws_come_from_the_given_stream_alone(name: str, settings: dict[str, Any]) -> None:
    setting, penalty = Setting(), create(name, settings)
    before = torch.get_rng_state()
    first, second = setting.term(penalty).item(), setting.term(penalty).item()
    assert torch.equal(torch.get_rng_state(), before)
    assert (first != second) == (name in RANDOM)
    setting.random.manual_seed(5)
    assert setting.term(penalty).item() == first


@every_shape
@every_term
def test_a_batch_of_one_costs_something_finite(name: str, settings: dict[str, Any], shape: tuple[int, ...]) -> None:
    setting = Setting(shape, size=1)
    value = setting.term(create(name, settings))
    assert value.shape == ()
    assert all(torch.isfinite(part).all() for part in (value, *gradients(value, setting.weights)))


@every_term
def test_asking_for_a_term_changes_nothing(name: str, settings: dict[str, Any]) -> None:
    setting, penalty = Setting(), create(name, settings)
    kept = [weight.detach().clone() for weight in setting.weights]
    setting.term(penalty)
    assert all(torch.equal(weight, before) for weight, before in zip(setting.weights, kept, strict=True))
    assert all(weight.grad is None for weight in setting.weights)
    assert penalty == create(name, settings)


@every_term
def test_a_weight_of_zero_costs_nothing(name: str, settings: dict[str, Any]) -> None:
    weight = "gamma" if name in ("r1", "r2", "consensus") else "weight"
    assert Setting().term(create(name, {**settings, weight: 0.0})).item() == 0
    once, thrice = (Setting().term(create(name, {**settings, weight: factor})).item() for factor in (1.0, 3.0))
    assert thrice == pytest.approx(3 * once)


# on weights


def network(normalisation: str = "none") -> nn.Sequential:
    """A layer of each kind, with normalisation layers between them."""
    torch.manual_seed(0)
    return nn.Sequential(
        weighted(nn.Conv2d(1, 4, 3), normalisation),  # type: ignore[arg-type]
        nn.BatchNorm2d(4),
        weighted(nn.ConvTranspose2d(4, 2, 3), normalisation),  # type: ignore[arg-type]
        nn.GroupNorm(1, 2),
        nn.Flatten(),
        nn.LayerNorm(32),
        weighted(nn.Linear(32, 3), normalisation),  # type: ignore[arg-type]
    )


def trained(layers: nn.Sequential) -> list[np.ndarray]:
    """The weight of each layer, a row per filter: a transposed convolution has its filters in the second place."""
    conv, transposed, linear = (raw_weight(layers[index]).detach().numpy() for index in (0, 2, 6))  # type: ignore[arg-type]
    return [matrix.reshape(len(matrix), -1) for matrix in (conv, transposed.swapaxes(0, 1), linear)]


def cost(name: str, layers: nn.Sequential) -> float:
    return float(penalties.create(name, weight=1.0).term(Batch(layers, *[torch.empty(0)] * 4, random())).item())


@pytest.mark.parametrize("normalisation", ["none", "spectral"])
def test_l2_is_of_all_weights_and_no_bias(normalisation: str) -> None:
    layers = network(normalisation)
    assert cost("l2", layers) == pytest.approx(sum((matrix**2).sum() for matrix in trained(layers)), rel=1e-5)


@pytest.mark.parametrize("normalisation", ["none", "spectral"])
def test_orthogonal_is_of_different_filters(normalisation: str) -> None:
    layers = network(normalisation)
    products = [matrix @ matrix.T for matrix in trained(layers)]
    expected = sum(((product - np.diag(np.diag(product))) ** 2).sum() for product in products)
    assert cost("orthogonal", layers) == pytest.approx(expected, rel=1e-5)


def test_orthogonal_filters_of_any_length_cost_nothing() -> None:
    linear = nn.Linear(3, 3)
    with torch.no_grad():
        linear.weight.copy_(torch.diag(torch.tensor([1.0, 7.0, 0.1])))
    assert cost("orthogonal", nn.Sequential(linear)) == 0
    assert cost("l2", nn.Sequential(linear)) > 0


@pytest.mark.parametrize("normalisation", ["none", "spectral"])
def test_weight_clip_boxes_weights_and_biases_but_no_normalisation(normalisation: str) -> None:
    layers = network(normalisation)
    with torch.no_grad():
        for weight in layers.parameters():
            weight.copy_(torch.linspace(-0.7, 0.7, weight.numel()).view_as(weight))
    before = copy.deepcopy(layers)
    penalties.create("weight-clip", limit=0.02).project(layers)
    for index, layer in enumerate(layers):
        boxed = isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
        for weight, kept in zip(layer.parameters(), before[index].parameters(), strict=True):
            torch.testing.assert_close(weight, kept.clamp(-0.02, 0.02) if boxed else kept, rtol=0, atol=0)


# on codes


def pulling_away(codes: np.ndarray) -> float:
    """The term of samples that are their own codes."""
    network = nn.Identity()
    network.encode = lambda x: x  # type: ignore[assignment]
    fake = torch.tensor(codes, dtype=torch.float64)
    batch = Batch(network, torch.empty(0), fake, torch.empty(0), torch.empty(0), random())
    return float(penalties.create("pulling-away", weight=0.3).generator_term(batch).item())


def test_pulling_away_is_the_mean_squared_cosine_of_pairs() -> None:
    """Zhao et al. 2016, eq. 6."""
    codes = np.random.default_rng(0).normal(size=(5, 3))
    cosines = [
        codes[i] @ codes[j] / (np.linalg.norm(codes[i]) * np.linalg.norm(codes[j]))
        for i in range(5)
        for j in range(5)
        if i != j
    ]
    assert pulling_away(codes) == pytest.approx(0.3 * np.mean(np.square(cosines)))


def test_pulling_away_sees_directions_alone() -> None:
    codes = np.random.default_rng(0).normal(size=(5, 3))
    assert pulling_away(codes * np.array([[1], [2], [-3], [0.1], [9]])) == pytest.approx(pulling_away(codes))
    assert pulling_away(np.eye(4)) == 0
    assert pulling_away(np.ones((4, 3))) == pytest.approx(0.3)
    assert pulling_away(np.ones((1, 3))) == 0
    assert pulling_away(np.zeros((2, 3))) == 0


# on both players


def test_consensus_is_half_the_squared_length_of_the_joint_field() -> None:
    """Of L_D = φθ + φ²/2 and L_G = −3φθ at (φ, θ) = (2, 5): v = (θ + φ, −3φ)."""
    phi, theta, unused = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (2.0, 5.0, 1.0))
    joint = Joint(phi * theta + phi**2 / 2, -3 * phi * theta, (phi,), (theta, unused))
    term = penalties.create("consensus", gamma=0.1).joint_term(joint)
    assert term.item() == pytest.approx(0.05 * (7**2 + 6**2))
    to_phi, to_theta = torch.autograd.grad(term, (phi, theta))
    assert to_phi.item() == pytest.approx(0.1 * (7 * 1 + 6 * 3))
    assert to_theta.item() == pytest.approx(0.1 * 7)


def test_penalties_add_up_to_the_same_gradient_in_one_pass() -> None:
    """Several terms of one batch share its scores: the gradient of their sum is the sum of their gradients."""
    setting = Setting()
    chosen = [create(name, settings) for name in ("r1", "r2", "lecam") for settings in TERMS[name]]
    batch = score(setting.discriminator, setting.real, setting.generator(setting.latents))
    weights = list(setting.discriminator.parameters())
    apart = [torch.autograd.grad(one.term(batch), weights, retain_graph=True, allow_unused=True) for one in chosen]
    together = gradients(torch.stack([one.term(batch) for one in chosen]).sum(), weights)
    for index, total in enumerate(together):
        parts = [part[index] for part in apart if part[index] is not None]
        torch.testing.assert_close(total, sum(parts, torch.zeros_like(total)))


def test_batches_of_either_player_are_made_as_penalties_need_them() -> None:
    critic, latents = Smooth(), torch.randn(5, 2, dtype=torch.float64, generator=random())
    real, fake = torch.randn(5, 2, dtype=torch.float64, generator=random()), 2 * latents.requires_grad_()
    batch = Batch.generated(critic, real, fake, random())
    assert not batch.real_scores.requires_grad
    assert torch.autograd.grad(batch.fake_scores.sum(), latents)[0].abs().min() > 0
    with pytest.raises(ValueError, match=r"make the batch with Batch\.score"):
        penalties.create("r1").term(Batch(critic, real, real, critic(real), critic(real), random()))
