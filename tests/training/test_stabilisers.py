"""Stabilisers in the game: what no plain loop shows; `test_steps` has the formulas, `test_off_settings` what is off."""

from __future__ import annotations

import copy
import io
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.catalog import architectures, losses, optimizers, stabilisers
from bench.conformance.devices import noticing_waits
from bench.spec import RunSpec
from bench.training.average import Average
from bench.training.dynamics import accuracy
from bench.training.game import Game
from bench.training.orders import step_where
from bench.training.unrolling import Rule, look_ahead
from tests.specs import choice, run_spec
from tests.training.games import change, load, make, same_bits
from tests.training.off_settings import Row, rows

ON = {row.name: row for row in rows() if row.dataset == "ring"}
every_stabiliser = pytest.mark.parametrize("row", ON.values(), ids=list(ON))
TINY = choice(architectures, "mlp", width=8, depth=2)


def spec_with(*names_and_settings: tuple[str, dict[str, Any]], **changes: Any) -> RunSpec:
    spec = run_spec("nsgan", architecture=TINY, amount=12)
    return change(spec, stabilisers=tuple(choice(stabilisers, name, **s) for name, s in names_and_settings), **changes)


def resumed(game: Game) -> Game:
    """Another one, from a checkpoint that was written and read."""
    buffer = io.BytesIO()
    torch.save(game.state_dict(), buffer)
    buffer.seek(0)
    other = make(game.spec, game.data)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    return other


@every_stabiliser
def test_stopping_anywhere_and_resuming_changes_no_bit(row: Row) -> None:
    spec = row.spec(row.on)
    straight = make(spec)
    straight.advance(6)
    first = make(spec, straight.data)
    first.advance(3)
    second = resumed(first)
    second.advance(3)
    assert same_bits(straight, second)
    assert [entry.values for entry in straight.logged] == [entry.values for entry in second.logged]


@pytest.mark.parametrize(
    "name", ["momentum", "optimistic-sgd", "optimistic-adam", "extragradient-sgd", "extragradient-adam"]
)
def test_optimizers_resume_bit_for_bit_with_falling_rates(name: str) -> None:
    optimizer = choice(optimizers, name)
    spec = change(
        run_spec("nsgan", architecture=TINY, amount=6, decay="linear"),
        generator_optimizer=optimizer,
        discriminator_optimizer=optimizer,
    )
    straight = make(spec)
    straight.advance(6)
    first = make(spec, straight.data)
    first.advance(2)
    second = resumed(first)
    second.advance(4)
    assert same_bits(straight, second)


@every_stabiliser
def test_no_step_waits_for_the_device_and_none_draws_from_shared_generators(row: Row) -> None:
    game = make(row.spec(row.on))
    game.advance(2)  # what is made at first use is made
    state = torch.get_rng_state()
    with noticing_waits(None) as found:
        game.play()
    assert not found
    assert torch.equal(state, torch.get_rng_state())


@every_stabiliser
def test_what_the_others_draw_is_not_shifted(row: Row) -> None:
    """Data, latents and the draws of penalties are those of the run without it."""
    plain, with_it = make(row.spec(None)), make(row.spec(row.on))
    for game in (plain, with_it):
        game.advance(4)
    before, after = plain.streams.state_dict(), with_it.streams.state_dict()
    drawn = {"data", "discriminator_latent", "penalty"} | (
        {"generator_latent"} - {"generator_latent" if row.name == "generator-steps" else ""}
    )
    for name in drawn:
        assert torch.equal(before[name], after[name]), name


def test_two_of_one_name_draw_apart() -> None:
    noise = ("instance-noise", {"sigma": 1.0})
    game = make(spec_with(noise, noise))
    shown = game.parts.present(torch.zeros(4096, 2))
    assert shown.var().item() == pytest.approx(2, rel=0.1)  # of one draw twice it would be 4


# balance


def balanced(**settings: float) -> Game:
    return make(spec_with(("adaptive-balance", settings)))


@pytest.mark.parametrize(("real", "fake", "waiting"), [(1.0, 0.0, "discriminator"), (0.0, 1.0, "generator")])
def test_a_player_that_is_ahead_waits_with_all_it_has(real: float, fake: float, waiting: str) -> None:
    game = balanced(equilibrium=0.7, margin=0.1, decay=0.0)
    game.advance(3)
    told = accuracy(torch.full((8,), real), torch.full((8,), fake))
    kept = copy.deepcopy(game.state_dict())
    game.parts.observe_accuracy(told)
    game.draw_real()
    for player in ("discriminator", "generator"):
        weights = list(getattr(game, player).parameters())
        for weight in weights:
            weight.grad = torch.ones_like(weight)
        game._move(getattr(game, f"{player}_optimizer"), player, weights)
        after = game.state_dict()
        stood = all(torch.equal(kept[player][key], value) for key, value in after[player].items())
        state = zip(*(s[f"{player}_optimizer"]["state"].values() for s in (kept, after)), strict=True)
        still = all(torch.equal(old[name], new[name]) for old, new in state for name in old)
        assert stood == still == (player == waiting)


def test_balance_follows_the_mean_accuracy_and_one_of_the_two_always_moves() -> None:
    balance = stabilisers.create("adaptive-balance", equilibrium=0.7, margin=0.1, decay=0.5)
    assert [bool(moves) for moves in balance.movers()] == [True, True]  # type: ignore[attr-defined]
    mean, seen = 0.0, 0.0
    for told in (1.0, 1.0, 0.7, 0.2, 0.1, 0.0, 0.5, 1.0):
        balance.observe_accuracy(torch.tensor(told))  # type: ignore[attr-defined]
        mean, seen = 0.5 * mean + 0.5 * told, 0.5 * seen + 0.5
        critic, artist = (bool(moves) for moves in balance.movers())  # type: ignore[attr-defined]
        assert (critic, artist) == (mean / seen <= 0.8, mean / seen >= 0.6)
        assert critic or artist


@pytest.mark.parametrize("name", optimizers.names())
def test_a_step_that_is_left_out_leaves_nothing_and_one_that_is_not_is_plain(name: str) -> None:
    def weights() -> list[nn.Parameter]:
        return [nn.Parameter(torch.linspace(-1, 1, 6).reshape(2, 3))]

    left_out, plain = weights(), weights()
    one, other = (optimizers.create(name).build(held) for held in (left_out, plain))
    for moves in (False, True, False, False, True, True):
        left_out[0].grad = left_out[0].detach() + 0.3
        step_where(one, torch.tensor(moves))
        if moves:
            plain[0].grad = plain[0].detach() + 0.3
            other.step()
    assert torch.equal(left_out[0], plain[0])


# looking ahead


@pytest.mark.parametrize(
    ("name", "settings"),
    [("sgd", {}), ("momentum", {}), ("momentum", {"nesterov": True}), ("rmsprop", {}), ("adam", {})],
    ids=str,
)
@pytest.mark.parametrize("before", [0, 3])
def test_unrolled_updates_are_those_of_the_optimizer(name: str, settings: dict[str, Any], before: int) -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0)).double()
    loss = losses.create("non-saturating")
    optimizer = optimizers.create(name, **settings).build(critic.parameters())
    real, fake = torch.randn(2, 8, 2, dtype=torch.float64)

    def update() -> None:
        optimizer.zero_grad()
        loss.discriminator(critic(real), critic(fake)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    for _ in range(before):
        update()
    kept = copy.deepcopy(critic.state_dict())
    ahead = look_ahead(critic, optimizer, loss, real, fake, 3)(real)
    assert all(torch.equal(kept[key], value) for key, value in critic.state_dict().items())
    for _ in range(3):
        update()
    torch.testing.assert_close(ahead, critic(real), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop"])
def test_the_unrolled_gradient_equals_finite_differences(name: str) -> None:
    """Through the discriminator's updates, which answer the samples: they are half of the gradient."""
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0)).double()
    loss = losses.create("non-saturating")
    optimizer = optimizers.create(name, learning_rate=0.1).build(critic.parameters())
    real, fake, direction = torch.randn(3, 8, 2, dtype=torch.float64)

    def value(fake: Tensor) -> Tensor:
        scores = look_ahead(critic, optimizer, loss, real, fake, 3)(fake)
        return loss.generator(scores, scores)

    fake.requires_grad_()
    (slope,) = torch.autograd.grad(value(fake), fake)
    h = 1e-5
    with torch.no_grad():
        ends = fake + h * direction, fake - h * direction
    by_difference = (value(ends[0]) - value(ends[1])).item() / (2 * h)
    assert (slope * direction).sum().item() == pytest.approx(by_difference, rel=1e-4)
    through_samples_alone = torch.autograd.grad(
        loss.generator(*2 * (look_ahead(critic, optimizer, loss, real, fake.detach(), 3)(fake),)), fake
    )[0]
    assert (slope - through_samples_alone).norm() > 0.05 * slope.norm()


def test_what_cannot_be_differentiated_is_refused() -> None:
    weight = nn.Parameter(torch.ones(2))
    with pytest.raises(TypeError, match="Optimistic"):
        Rule(optimizers.create("optimistic-adam").build([weight]), {"w": weight})


# extrapolating optimizers


def test_extragradient_adam_and_optimistic_adam_follow_their_papers() -> None:
    """Written out once more, for one weight and a gradient of its own at every point."""
    eta, b1, b2 = 0.1, 0.5, 0.9

    def slope(w: float, t: int) -> float:
        return w + 0.3 * (-1) ** t

    w, m, v, n, before = 1.0, 0.0, 0.0, 0, 0.0
    x, mx, vx, k = 1.0, 0.0, 0.0, 0
    optimistic, ahead = nn.Parameter(torch.tensor(1.0).double()), nn.Parameter(torch.tensor(1.0).double())
    settings = {"learning_rate": eta, "beta1": b1, "beta2": b2}
    one = optimizers.create("optimistic-adam", **settings).build([optimistic])
    other: Any = optimizers.create("extragradient-adam", **settings).build([ahead])
    for t in range(6):
        m, v, n = b1 * m + (1 - b1) * slope(w, t), b2 * v + (1 - b2) * slope(w, t) ** 2, n + 1
        u = m / (1 - b1**n) / ((v / (1 - b2**n)) ** 0.5 + 1e-8)
        optimistic.grad = torch.tensor(slope(w, t)).double()
        w, before = w - 2 * eta * u + eta * before, u
        one.step()
        assert optimistic.item() == pytest.approx(w)

        point = x
        for move in (other.extrapolate, other.step):
            mx, vx, k = b1 * mx + (1 - b1) * slope(point, t), b2 * vx + (1 - b2) * slope(point, t) ** 2, k + 1
            ahead.grad = torch.tensor(slope(point, t)).double()
            point = x - eta * mx / (1 - b1**k) / ((vx / (1 - b2**k)) ** 0.5 + 1e-8)
            move()
            assert ahead.item() == pytest.approx(point)
        x = point


# the average


def test_an_average_that_is_asked_for_equals_its_closed_form_buffers_included() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    batch_normalised = choice(architectures, "mlp", width=8, generator_normalisation="batch")
    spec = change(
        run_spec("nsgan", architecture=batch_normalised, amount=5, ema_images=10_000),
        stabilisers=(choice(stabilisers, "generator-ema", images=2),),
    )
    game = make(spec)
    assert game.average is not None
    expected = {key: value.clone().double() for key, value in game.generator.state_dict().items()}
    for step in range(1, 6):
        game.advance(1)
        kept = 0.5 ** (16 / min(2, 0.05 * 16 * step))
        for key, value in game.generator.state_dict().items():
            expected[key] = kept * expected[key] + (1 - kept) * value.double() if value.is_floating_point() else value
    averaged = game.average.network.state_dict()
    assert any("running_var" in key for key in averaged)
    for key, value in averaged.items():
        torch.testing.assert_close(value.double(), expected[key].double(), rtol=1e-5, atol=1e-7)
    assert Average(network, 64.0).decay(10_000, 64) == 0.5


# layers that see the batch


@pytest.mark.parametrize("dataset", ["ring", "digits"])
@pytest.mark.parametrize(("name", "settings"), [("minibatch-discrimination", {"kernels": 4}), ("minibatch-stddev", {})])
def test_minibatch_layers_see_the_batch_and_nothing_else(name: str, settings: dict[str, Any], dataset: str) -> None:
    """Scores follow their samples through a permutation; other samples change them, calls before do not."""
    architecture = (
        TINY if dataset == "ring" else choice(architectures, "dcgan", width=4, discriminator_normalisation="none")
    )
    spec = change(run_spec("nsgan", dataset, architecture), stabilisers=(choice(stabilisers, name, **settings),))
    game = make(spec)
    critic = game.discriminator
    samples, others = game.draw_real(), game.draw_real()
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        scores = critic(samples)
        torch.testing.assert_close(critic(samples[order]), scores[order], rtol=1e-5, atol=1e-5)
        beside_others = critic(torch.cat((samples[:1], others[1:])))
        assert not torch.allclose(beside_others[0], scores[0], rtol=1e-6, atol=1e-7)
        alike = critic(samples[:1].expand(len(samples), *samples.shape[1:]))
        assert torch.allclose(alike, alike[:1].expand(len(alike)), atol=1e-6)
        for layer in critic.modules():
            layer.training = False
        assert torch.equal(critic(samples), scores)


def test_a_group_sees_itself_alone() -> None:
    critic = make(spec_with(("minibatch-stddev", {"group": 4}))).discriminator
    samples = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    changed = samples.clone()
    changed[5] += 3
    before, after = critic(samples), critic(changed)
    torch.testing.assert_close(before[:4], after[:4])
    assert not torch.isclose(before[4:], after[4:]).any()


def test_a_discriminator_that_is_extended_starts_from_the_weights_of_one_that_is_not() -> None:
    plain, extended = make(spec_with()), make(spec_with(("minibatch-discrimination", {})))
    wrapped: Any = extended.discriminator
    for a, b in zip(plain.discriminator.parameters(), wrapped.discriminator.parameters(), strict=True):
        assert torch.equal(a, b)


def test_minibatch_layers_join_one_after_the_other() -> None:
    game = make(
        spec_with(("minibatch-discrimination", {"kernels": 3}), ("minibatch-stddev", {}), ("feature-matching", {}))
    )
    assert game.advance(3)
    assert len([key for key in game.discriminator.state_dict() if "joined" in key]) == 2


# several generators


def test_generators_share_a_batch_and_differ_from_the_start() -> None:
    plain, several = make(spec_with()), make(spec_with(("several-generators", {"count": 4})))
    latents = torch.randn(16, 2, generator=torch.Generator().manual_seed(0))
    made, alone = several.generator(latents), plain.generator(latents)
    torch.testing.assert_close(made[::4], alone[::4])
    assert not any(torch.isclose(made[i], alone[i]).all() for i in range(16) if i % 4)
    torch.testing.assert_close(several.generator(latents[:7]), made[:7])
    assert several.generate(5, "test").shape == (5, 2)


# replay


def test_replayed_samples_lead_back_to_no_generator_and_the_buffer_holds_no_graph() -> None:
    replay: Any = stabilisers.create("experience-replay", capacity=8)
    random = torch.Generator().manual_seed(0)
    weight = torch.ones((), requires_grad=True)
    for step in range(4):
        shown = replay.replay(weight * torch.full((8, 2), float(step)), random)
        assert not shown.requires_grad
        assert not replay.held["buffer"].requires_grad
        assert replay.held["buffer"].shape == (8, 2)
    assert len(set(shown[:, 0].tolist())) > 1  # of several steps


# schedules


def test_schedules_start_at_the_whole_rate_and_never_rise() -> None:
    def factor(decay: str, progress: float) -> float:
        schedule: Any = stabilisers.create("learning-rate-schedule", decay=decay)
        return float(schedule.rate_factor(progress))

    for decay in ("constant", "linear", "second-half", "cosine", "exponential"):
        factors = [factor(decay, share / 50) for share in range(51)]
        assert factors[0] == 1
        assert all(a >= b for a, b in pairwise(factors))
        assert factors[50] == pytest.approx({"constant": 1, "exponential": 0.01}.get(decay, 0), abs=1e-12)
    assert factor("linear", 0.3) == pytest.approx(0.7)
    assert factor("second-half", 0.5) == 1
    assert factor("second-half", 0.75) == pytest.approx(0.5)
    assert factor("cosine", 0.25) == pytest.approx(0.5 + 0.5 * 2**-0.5)
    assert factor("exponential", 0.5) == pytest.approx(0.1)


def test_two_time_scales_are_two_rates_that_fall_together() -> None:
    """Heusel et al. 2017: the discriminator's rate need not be the generator's, whatever the schedule."""
    slow, fast = (choice(optimizers, "adam", learning_rate=rate) for rate in (1e-4, 4e-4))
    spec = change(
        run_spec("nsgan", decay="linear", amount=4),
        generator_optimizer=slow,
        discriminator_optimizer=fast,
        stabilisers=(choice(stabilisers, "learning-rate-schedule", decay="exponential"),),
    )
    game = make(spec, load(spec))
    game.advance(3)
    rates = [o.param_groups[0]["lr"] for o in (game.generator_optimizer, game.discriminator_optimizer)]
    assert rates == pytest.approx([1e-4 * 0.5 * 0.1, 4e-4 * 0.5 * 0.1])


def test_top_k_of_energies_are_the_lowest() -> None:
    top: Any = stabilisers.create("top-k", share=0.5)
    loss = top.around(losses.create("energy"), 1.0)
    fake = torch.tensor([4.0, 1.0, 3.0, 2.0])
    assert loss.generator(fake, fake).item() == 1.5
    assert top.around(losses.create("wasserstein"), 1.0).generator(fake, fake).item() == -3.5
