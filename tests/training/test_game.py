"""The game: paired, resumable, its players kept apart; what one step does is in `test_steps`."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn

from bench.architectures.base import Players
from bench.architectures.layers import spectral_norms
from bench.catalog import architectures, objectives, penalties, stabilisers
from bench.errors import CatalogError
from bench.objectives.gradient_penalties import R1
from bench.spec import RunSpec
from bench.training import game as game_module
from bench.training.game import Game
from bench.training.log import LOGGED
from bench.training.players import build_players
from bench.training.streams import stream_seed
from tests.specs import choice, run_spec
from tests.training.games import bits, change, load, make, same_bits


@pytest.mark.parametrize("name", objectives.names())
@pytest.mark.parametrize("dataset", ["ring", "digits"])
def test_every_objective_moves_every_weight_on_points_and_images(name: str, dataset: str) -> None:
    game = make(run_spec(name, dataset, amount=4, batch_size=24))
    before = copy.deepcopy(bits(game))
    assert game.advance(4)
    after = bits(game)
    for player in ("generator", "discriminator"):
        weights = [key for key in after if key.startswith(player) and key.endswith(("weight", "original"))]
        assert weights
        assert all(not torch.equal(before[key], after[key]) for key in weights)
    assert game.images == 4 * 24 * game.spec.objective.n_critic
    assert len(game.logged) == 4
    assert len(game.logged[-1].values) == len(LOGGED)


@pytest.mark.parametrize("name", ["wgan-gp", "r3gan", "wgan", "began", "lecam", "ebgan", "sngan", "pacgan2"])
def test_stopping_anywhere_and_resuming_changes_no_bit(name: str) -> None:
    spec = run_spec(name, decay="linear")
    data = load(spec)
    straight = make(spec, data)
    straight.advance(12)
    first = make(spec, data)
    first.advance(5)
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    buffer.seek(0)
    second = make(spec, data)
    second.load_state_dict(torch.load(buffer, weights_only=True))
    second.advance(7)
    assert same_bits(straight, second)
    assert [entry.values for entry in straight.logged] == [entry.values for entry in second.logged]


def test_two_games_from_one_state_share_nothing() -> None:
    spec = run_spec("wgan-gp")
    data = load(spec)
    first, second = make(spec, data), make(spec, data)
    first.advance(3)
    second.load_state_dict(first.state_dict())
    second.advance(4)
    first.advance(4)
    assert same_bits(first, second)


def test_evaluating_more_often_changes_no_bit() -> None:
    spec = run_spec("wgan-gp", "digits")
    data = load(spec)
    often, never = make(spec, data), make(spec, data)
    for _ in range(6):
        often.advance(1)
        often.generate(40, "test")
        torch.randn(3)  # somebody else draws from the global state
    never.advance(6)
    assert same_bits(often, never)


def test_runs_of_one_seed_are_paired() -> None:
    """Initial weights, data order and latents are shared across objectives, whatever their n_critic."""
    games = [make(run_spec(name)) for name in ("nsgan", "wgan-gp")]
    assert same_bits(*games)
    assert torch.equal(games[0].generate(8, "test"), games[1].generate(8, "test"))
    for _ in range(3):
        assert torch.equal(games[0].draw_real(), games[1].draw_real())
    for game in games:
        game.advance(2)
    after = [game.streams.state_dict() for game in games]
    assert torch.equal(after[0]["generator_latent"], after[1]["generator_latent"])
    assert not torch.equal(after[0]["discriminator_latent"], after[1]["discriminator_latent"])  # 2 updates and 10
    other = make(run_spec(seed=1))
    assert not same_bits(make(run_spec()), other)


def test_every_stream_has_a_seed_of_its_own() -> None:
    seeds = {stream_seed(seed, name) for seed in range(50) for name in ("init", "data", "latent", "penalty")}  # type: ignore[arg-type]
    assert len(seeds) == 200
    assert stream_seed(0, "latent", "generator") != stream_seed(0, "latent", "discriminator")


def test_building_players_leaves_the_global_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    build_players(run_spec(seed=9), (2,))
    assert torch.equal(torch.randn(3), expected)


def test_each_players_step_moves_its_own_weights_and_none_of_the_others() -> None:
    """The fake is detached in D's step; D's weights neither move nor gather gradients in G's.

    A loss of pairs does not see the bias of the score: only matrices are sure to move.
    """
    game = make(run_spec("r3gan"))

    def same(player: nn.Module, before: dict[str, torch.Tensor]) -> bool:
        return all(torch.equal(before[key], value) for key, value in player.state_dict().items())

    def moves_every_matrix(player: nn.Module, before: dict[str, torch.Tensor]) -> bool:
        return not any(torch.equal(before[key], value) for key, value in player.state_dict().items() if value.dim() > 1)

    generator, discriminator = (copy.deepcopy(player.state_dict()) for player in (game.generator, game.discriminator))
    game.update_discriminator(game.draw_real())
    assert same(game.generator, generator)
    assert moves_every_matrix(game.discriminator, discriminator)
    assert all(weight.grad is None for weight in game.generator.parameters())
    discriminator = copy.deepcopy(game.discriminator.state_dict())
    gradients = [copy.deepcopy(weight.grad) for weight in game.discriminator.parameters()]
    game.update_generator(game.draw_real())
    assert same(game.discriminator, discriminator)
    assert moves_every_matrix(game.generator, generator)
    for before, weight in zip(gradients, game.discriminator.parameters(), strict=True):
        assert before is not None
        assert weight.grad is not None
        assert torch.equal(before, weight.grad)


def test_memories_move_once_per_discriminator_update() -> None:
    game = make(run_spec("lecam", amount=3))
    game.advance(3)
    (numbers,) = game.state_dict()["parts"]
    assert numbers["updates"] == 3 * game.spec.objective.n_critic
    assert make(run_spec("nsgan")).state_dict()["parts"] == []


def test_packing_shows_the_discriminator_packs_and_of_one_sample_changes_no_bit() -> None:
    def packed(samples: int) -> Game:
        return make(change(run_spec("nsgan", amount=3), stabilisers=(choice(stabilisers, "packing", samples=samples),)))

    plain, single, four = make(run_spec("nsgan", amount=3)), packed(1), packed(4)
    for game in (plain, single, four):
        game.advance(3)
    assert same_bits(plain, single)
    assert four.discriminator(torch.randn(5, 8)).shape == (5,)  # four points of two coordinates
    assert torch.equal(make(run_spec("nsgan")).draw_real(), packed(4).draw_real())


def test_an_objective_chooses_the_discriminators_normalisation() -> None:
    for name, dataset in (("mlp", "ring"), ("dcgan", "digits")):
        game = make(run_spec("sngan", dataset, choice(architectures, name, width=8)))
        assert spectral_norms(game.discriminator)
        assert not spectral_norms(game.generator)
        other = make(run_spec("hinge", dataset, choice(architectures, name, width=8)))
        assert not spectral_norms(other.discriminator)
        for a, b in zip(game.generator.parameters(), other.generator.parameters(), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("name", ["ebgan", "began", "pacgan2", "sngan"])
def test_what_the_discriminator_is_leaves_the_generators_initial_weights(name: str) -> None:
    a, b = make(run_spec(name)), make(run_spec("nsgan"))
    for ours, theirs in zip(a.generator.parameters(), b.generator.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_average_equals_its_closed_form_buffers_included() -> None:
    game = make(run_spec("nsgan", "digits", amount=5, ema_images=64))
    assert game.average is not None
    expected = {key: value.clone().double() for key, value in game.generator.state_dict().items()}
    for step in range(1, 6):
        game.advance(1)
        decay = 0.5 ** (16 / min(64, 0.05 * 16 * step))
        for key, value in game.generator.state_dict().items():
            if value.is_floating_point():
                expected[key] = decay * expected[key] + (1 - decay) * value.double()
            else:
                expected[key] = value
    averaged = game.average.network.state_dict()
    assert any("running_var" in key for key in averaged)
    for key, value in averaged.items():
        torch.testing.assert_close(value.double(), expected[key].double(), rtol=1e-5, atol=1e-7)


def test_generating_uses_running_statistics_and_restores_the_mode() -> None:
    game = make(run_spec("nsgan", "digits", ema_images=0))
    game.advance(3)
    together = game.generate(40, "test")
    assert game.generator.training
    assert torch.equal(together[:7], game.generate(7, "test")) or (
        (together[:7].int() - game.generate(7, "test").int()).abs().max() <= 1  # another batch size, another rounding
    )
    assert together.dtype == torch.uint8


def test_average_of_a_spectrally_normalised_generator_is_normalised() -> None:
    architecture = choice(architectures, "mlp", width=16, generator_normalisation="spectral")
    game = make(run_spec("hinge", architecture=architecture, amount=60))
    game.advance(60)
    assert game.average is not None
    for norm, weight in spectral_norms(game.average.network):
        assert 0.95 < torch.linalg.matrix_norm(norm(weight), 2).item() < 1.1


@pytest.mark.parametrize("name", ["gradient-penalty", "r1", "r2", "dragan", "consistency"])
def test_per_sample_penalties_are_refused_where_samples_are_mixed(name: str) -> None:
    architecture = choice(architectures, "dcgan", width=8, discriminator_normalisation="batch")
    spec = run_spec("nsgan", "digits", architecture)
    make(spec)
    with pytest.raises(CatalogError, match="batch normalisation mixes samples"):
        make(change(spec, penalties=(choice(penalties, name),)))


def test_a_network_that_mixes_samples_is_refused_whatever_its_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    def mixing(spec: RunSpec, shape: tuple[int, ...]) -> Players:
        players = build_players(spec, shape)
        mixed = nn.Sequential(nn.BatchNorm1d(shape[0]), players.discriminator)
        return Players(players.generator, mixed, players.latent_dim)

    monkeypatch.setattr(game_module, "build_players", mixing)
    make(run_spec("hinge"))
    with pytest.raises(CatalogError, match="batch normalisation mixes samples"):
        make(run_spec("wgan-gp"))


def test_a_budget_in_seconds_keeps_a_bounded_log() -> None:
    game = make(run_spec("nsgan", unit="seconds", amount=1000.0))
    game.advance(20 * 450)
    assert 150 <= len(game.logged) <= 400


def test_divergence_is_found_at_its_step() -> None:
    spec = run_spec("nsgan")
    game = make(spec)
    assert game.advance(4)
    with torch.no_grad():
        next(game.generator.parameters()).fill_(float("nan"))
    assert not game.advance(6)
    assert game.finite_steps == 4
    assert game.step == 10


def test_a_loss_that_was_infinite_once_is_divergence_though_the_next_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    game = make(run_spec("nsgan-r1"))
    assert game.advance(3)
    with monkeypatch.context() as once:
        once.setattr(R1, "term", lambda _, batch: batch.fake_scores.detach().sum() * 0 + float("inf"))
        assert not game.advance(1)
    assert not game.advance(5)
    assert game.finite_steps == 3


def test_a_penalty_may_be_a_plain_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of weights are for a network that has none of the kind."""
    monkeypatch.setattr(R1, "term", lambda *_: 0.0)
    game = make(run_spec("nsgan-r1"))
    assert game.advance(3)


def test_weights_that_overflow_are_divergence() -> None:
    game = make(run_spec("hinge"))
    game.advance(1)
    with torch.no_grad():
        game.discriminator[-2].bias.fill_(float("inf"))  # hinge alone could hide an infinite real score
    assert not game.advance(1)


def test_learning_rates_fall_in_a_line_to_the_end_of_the_budget() -> None:
    spec = run_spec("nsgan", decay="linear", amount=10)
    game = make(spec)
    rates = [
        optimizer.settings["learning_rate"]
        for optimizer in (spec.objective.generator_optimizer, spec.objective.discriminator_optimizer)
    ]
    for step in range(10):
        game.advance(1)
        seen = [
            optimizer.param_groups[0]["lr"] for optimizer in (game.generator_optimizer, game.discriminator_optimizer)
        ]
        assert seen == pytest.approx([rate * (1 - step / 10) for rate in rates])


@pytest.mark.parametrize("kind", ["none", "batch", "layer", "instance", "group", "spectral"])
def test_losses_and_weights_stay_finite_under_every_normalisation(kind: str) -> None:
    for name, dataset in (("mlp", "ring"), ("dcgan", "digits")):
        architecture = choice(
            architectures, name, width=8, generator_normalisation=kind, discriminator_normalisation=kind
        )
        game = make(run_spec("hinge", dataset, architecture))
        assert game.advance(3)


def test_spectral_norm_moves_once_per_update_and_not_when_evaluating() -> None:
    architecture = choice(architectures, "mlp", width=8, discriminator_normalisation="spectral")
    game = make(run_spec("hinge", architecture=architecture))

    def vectors() -> list[torch.Tensor]:
        return [value.clone() for key, value in game.discriminator.state_dict().items() if key.endswith(".u")]

    def expected_after_one_step() -> list[torch.Tensor]:
        out = []
        for layer in game.discriminator.modules():
            if isinstance(layer, nn.Linear) and hasattr(layer, "parametrizations"):
                weight, norm = layer.parametrizations["weight"].original, layer.parametrizations["weight"][0]
                out.append(nn.functional.normalize(weight.detach() @ norm.v, dim=0))
        return out

    before = vectors()
    game.generate(8, "test")
    game.discriminator(game.draw_real())
    game.update_generator(game.draw_real())
    assert all(torch.equal(a, b) for a, b in zip(before, vectors(), strict=True))
    expected = expected_after_one_step()
    assert len(expected) == 4  # the score's layer too
    game.update_discriminator(game.draw_real())
    for a, b in zip(expected, vectors(), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", ["nsgan", "wgan-gp", "r3gan", "sngan", "lecam", "began", "ebgan", "pacgan2"])
def test_cuda_trains_and_repeats_itself(name: str) -> None:
    spec = run_spec(name, "digits")
    device = torch.device("cuda:0")
    first, second = (Game(spec, load(spec).to(device), device) for _ in range(2))
    for game in (first, second):
        assert game.advance(5)
    assert same_bits(first, second)
    assert first.generate(8, "test").device.type == "cuda"
