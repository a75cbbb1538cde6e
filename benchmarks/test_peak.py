"""What share of the machine's rate of matrix products a step reaches, beside that of a bare loop of the same nets."""

from __future__ import annotations

import dataclasses
import statistics
from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from bench.catalog import datasets
from bench.datasets.base import Data
from bench.evaluation.throughput import MATRIX_CPU, count_flops
from bench.execution.determinism import prepare_torch
from bench.suite import plan_suite
from bench.training.game import Game
from benchmarks.bare import non_saturating_step, wasserstein_step
from benchmarks.turns import take_turns

CPU = torch.device("cpu")
ROUNDS = 9
"""In each, every one of the calls has its turn."""
SETTINGS = "training.steps = 100_000\ntraining.ema_images = 20_000\ntraining.learning_rate_decay = 'linear'\n"
SUITES = {
    "DCGAN 32 px, batch 64": (
        'objectives = ["nsgan"]\narchitectures = [{ name = "dcgan", latent_dim = 128 }]\ndatasets = ["cifar10"]\n'
        "training.batch_size = 64\n",
        non_saturating_step,
    ),
    "WGAN-GP, MLP 3×512, batch 256": (
        'objectives = ["wgan-gp"]\narchitectures = [{ name = "mlp", width = 512 }]\ndatasets = ["ring"]\n'
        "training.batch_size = 256\n",
        wasserstein_step,
    ),
}


def data_of(name: str) -> Data:
    """The dataset; in place of natural images, which would have to be downloaded, noise of their shape."""
    data = datasets.create("ring").load(Path())
    if "DCGAN" not in name:
        return data
    pixels = torch.randint(0, 256, (2000, 3, 32, 32), dtype=torch.uint8)
    return dataclasses.replace(data, train=pixels, validation=pixels[:100], test=pixels[:100], modes=None, draw=None)


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.benchmark(group="one step: share of the rate of matrix products, and Game / bare loop")
def test_share_of_the_peak(benchmark: BenchmarkFixture, name: str) -> None:
    prepare_torch("cpu", threads=1)
    suite, bare_step = SUITES[name]
    spec, data = plan_suite(suite + SETTINGS, Path("peak.toml")).specs[0], data_of(name)
    game, bare = Game(spec, data, CPU), bare_step(spec, data)
    game.advance(2)
    flops = count_flops(game.play)
    a, b = torch.randn(2, MATRIX_CPU, MATRIX_CPU)
    out = torch.empty_like(a)
    rounds = take_turns((game.play, bare, lambda: torch.mm(a, b, out=out)), ROUNDS)
    ours, theirs, products = zip(*rounds, strict=True)
    rate = 2 * MATRIX_CPU**3 / min(products)
    share, bare_share = (flops / statistics.median(each) / rate for each in (ours, theirs))
    ratios = sorted(one / other for one, other, _ in rounds)
    ratio = statistics.median(ratios)
    benchmark.extra_info |= {"share": share, "bare_share": bare_share, "ratio": ratio}
    benchmark.pedantic(game.play, rounds=3)
    print(
        f"\n{name}: {share:.1%} of the rate of matrix products (bare loop {bare_share:.1%}), "
        f"Game / bare = {ratio:.3f} ({ROUNDS} rounds: {ratios[0]:.3f} to {ratios[-1]:.3f})"
    )
