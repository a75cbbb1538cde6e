"""A recorded step is the eager one, bit for bit, or it is not used."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from bench.spec import RunSpec
from bench.training.capture import KINDS, NotRecorded, Recorded, reasons_against, record_steps
from bench.training.game import Game
from tests.specs import run_spec
from tests.training.games import load, make, same_bits
from tests.training.tape import Tape

STEPS = 420
"""Of which every third is logged."""


def spec_of(name: str, dataset: str = "ring") -> RunSpec:
    return run_spec(name, dataset, amount=STEPS, batch_size=24, decay="linear")


def recorded(spec: RunSpec, tape: Tape) -> Game:
    game = make(spec, load(spec))
    game.hold_rates_on_device()
    game.recorded = Recorded(game, tape)
    return game


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("nsgan", "ring"), ("wgan-gp", "ring"), ("hinge", "ring"), ("r3gan", "digits"), ("began", "ring"),
        ("lecam", "ring"), ("sngan", "digits"), ("pacgan2", "ring"), ("dragan", "ring"), ("ebgan", "ring"),
    ],
)  # fmt: skip
def test_replayed_steps_are_the_eager_ones(name: str, dataset: str) -> None:
    spec, tape = spec_of(name, dataset), Tape()
    eager, replayed = make(spec, load(spec)), recorded(spec, tape)
    for stretch in (1, 4, 8):
        assert eager.advance(stretch)
        assert replayed.advance(stretch)
    assert replayed.recorded is not None
    assert replayed.recorded.refused is None
    assert tape.replayed == 2 * len(KINDS) + 12, "all but the first step, and what was tried"
    assert same_bits(eager, replayed)
    assert [entry.values for entry in eager.logged] == [entry.values for entry in replayed.logged]
    assert torch.equal(eager.generate(8, "test"), replayed.generate(8, "test"))


@pytest.mark.parametrize("name", ["nsgan", "wgan-gp"])
def test_a_recorded_game_goes_on_from_a_checkpoint(name: str) -> None:
    spec = spec_of(name)
    straight = make(spec, load(spec))
    straight.advance(12)
    first, second = recorded(spec, Tape()), recorded(spec, Tape())
    first.advance(6)
    second.advance(3)  # what it has recorded so far is of no use any more
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.hold_rates_on_device()
    second.advance(6)
    assert second.recorded is not None
    assert second.recorded.active
    assert same_bits(straight, second)


class Forgetful(Tape):
    """Its recordings leave out a part of the step: the last operation that they hold."""

    def record(self, body: Callable[[], None], streams: list[Generator]) -> Callable[[], None]:
        replay = super().record(body, streams)

        def partly() -> None:
            position = streams[0].get_state()
            replay()
            streams[0].set_state(position)  # the same real samples again and again

        return partly


def test_a_recording_that_differs_is_not_used() -> None:
    spec = spec_of("nsgan")
    eager, game = make(spec, load(spec)), recorded(spec, Forgetful())
    eager.advance(6)
    game.advance(6)
    assert game.recorded is not None
    assert not game.recorded.active
    assert "bit for bit" in (game.recorded.refused or "")
    assert same_bits(eager, game), "to try it has left no trace"


class Waiting(Game):
    """Asks for a number of the device in the middle of a step."""

    def play_on_device(self, logged: bool, checked: bool) -> Tensor | None:
        if self._alive.item() < 0:
            raise AssertionError
        return super().play_on_device(logged, checked)


def test_a_step_that_waits_for_the_device_is_played_eagerly() -> None:
    spec = spec_of("nsgan")
    eager = make(spec, load(spec))
    game = Waiting(spec, load(spec), torch.device("cpu"))
    game.recorded = Recorded(game, Tape())
    eager.advance(6)
    game.advance(6)
    assert "waits for the device" in (game.recorded.refused or "")
    assert same_bits(eager, game)


class Full(Tape):
    def record(self, body: Callable[[], None], streams: list[Generator]) -> Callable[[], None]:
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_full_device_is_told_and_leaves_the_game_as_it_was() -> None:
    spec = spec_of("nsgan")
    eager, game = make(spec, load(spec)), recorded(spec, Full())
    eager.advance(1)
    with pytest.raises(torch.OutOfMemoryError):
        game.advance(2)
    assert game.recorded is not None
    game.recorded.refused = "not again"
    for mine, theirs in zip(eager.generator.parameters(), game.generator.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_rates_on_the_device_change_no_bit() -> None:
    for name in ("wgan", "r3gan"):
        spec = spec_of(name)
        one, two = make(spec, load(spec)), make(spec, load(spec))
        two.hold_rates_on_device()
        one.advance(10)
        two.advance(10)
        assert same_bits(one, two)


def test_what_is_not_recorded_says_why() -> None:
    spec = spec_of("nsgan")
    assert "CPU" in (record_steps(make(spec, load(spec))) or "")
    assert reasons_against(make(spec, load(spec))) == []
    short = run_spec("nsgan", amount=10)
    assert any("steps are left" in reason for reason in reasons_against(make(short, load(short))))


@pytest.mark.parametrize("name", ["minimax", "hinge", "rpgan", "nsgan-r1", "fgan-kl"])
def test_no_step_waits_for_the_device(name: str) -> None:
    spec = spec_of(name)
    game = make(spec, load(spec))
    game.advance(1)

    def play() -> None:
        game.play_on_device(True, True)

    try:
        Tape().record(play, [])
    except NotRecorded as error:
        pytest.fail(str(error))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")
@pytest.mark.parametrize("name", ["nsgan", "wgan-gp", "wgan", "r3gan", "lecam"])
@pytest.mark.parametrize("dataset", ["ring", "digits"])
def test_a_cuda_graph_repeats_the_eager_step(name: str, dataset: str) -> None:
    from bench.execution.determinism import prepare_torch

    prepare_torch("cuda:0", threads=1)
    device, spec = torch.device("cuda:0"), spec_of(name, dataset)
    eager, replayed = (Game(spec, load(spec).to(device), device) for _ in range(2))
    assert record_steps(replayed) is None
    for game in (eager, replayed):
        game.advance(40)
    assert replayed.recorded is not None
    assert replayed.recorded.active, replayed.recorded.refused
    assert same_bits(eager, replayed)
    assert [entry.values for entry in eager.logged] == [entry.values for entry in replayed.logged]


def test_players_of_plugins_are_played_eagerly_unless_they_say_otherwise() -> None:
    from dataclasses import replace

    from bench.catalog import architectures
    from bench.spec import PluginSpec

    spec = spec_of("nsgan")
    game = make(spec, load(spec))
    entry = architectures.entry(spec.architecture.name)
    try:
        architectures._entries[spec.architecture.name] = replace(entry, plugin=PluginSpec(name="mine", sha256="0" * 64))
        assert any("random numbers" in reason for reason in reasons_against(game))
    finally:
        architectures._entries[spec.architecture.name] = entry
