"""GPU: a step replayed from a CUDA graph against an eager one, and runs per hour of several runs side by side."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from bench.evaluation.throughput import time_calls
from bench.execution.determinism import prepare_torch
from bench.suite import plan_suite
from bench.training.capture import record_steps
from bench.training.game import Game
from benchmarks.test_peak import SETTINGS, SUITES, data_of

NAME = "DCGAN 32 px, batch 64"
STEPS = 200
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]


def make_game(seed: int, recorded: bool) -> Game:
    device = torch.device("cuda:0")
    spec = plan_suite(SUITES[NAME][0] + SETTINGS, Path("capture.toml")).specs[0].with_seed(seed)
    game = Game(spec, data_of(NAME).to(device), device)
    if recorded:
        assert record_steps(game) is None
    game.advance(4)
    assert not recorded or (game.recorded is not None and game.recorded.active)
    return game


@pytest.mark.benchmark(group="one step on a GPU: eager / replayed from a CUDA graph")
def test_capture_against_eager(benchmark: BenchmarkFixture) -> None:
    prepare_torch("cuda:0", threads=1)
    eager, replayed = make_game(0, recorded=False), make_game(0, recorded=True)
    timings = [time_calls([eager.play, replayed.play], eager.device) for _ in range(5)]
    ratios = sorted(slow.median / fast.median for slow, fast in timings)
    benchmark.extra_info["ratio"] = ratios[2]
    benchmark.pedantic(replayed.play, rounds=50)
    print(f"\neager / replayed = {ratios[2]:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


@pytest.mark.parametrize("packed", [1, 2, 4, 8, 16])
@pytest.mark.benchmark(group="steps per second on a GPU: so many runs packed / one eager run")
def test_packing_against_one_eager_run(benchmark: BenchmarkFixture, packed: int) -> None:
    prepare_torch("cuda:0", threads=1)
    eager = make_game(0, recorded=False)
    streams = [torch.cuda.Stream() for _ in range(packed)]
    games = []
    for seed, stream in enumerate(streams):
        with torch.cuda.stream(stream):
            games.append(make_game(seed, recorded=True))

    def together() -> float:
        begin = time.perf_counter()
        for game, stream in zip(games, streams, strict=True):
            with torch.cuda.stream(stream):
                game.enqueue(STEPS)
        for game, stream in zip(games, streams, strict=True):
            with torch.cuda.stream(stream):
                game.settle()
        return packed * STEPS / (time.perf_counter() - begin)

    def alone() -> float:
        begin = time.perf_counter()
        eager.advance(STEPS)
        return STEPS / (time.perf_counter() - begin)

    ratios = sorted(together() / alone() for _ in range(5))
    benchmark.extra_info["ratio"] = ratios[2]
    benchmark.pedantic(together, rounds=3)
    print(f"\n{packed} packed / one eager = {ratios[2]:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
