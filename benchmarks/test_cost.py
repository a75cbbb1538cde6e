"""What ganbench costs beside the training itself, as ratios measured in one run.

``nox -s benchmarks`` prints them. Times of one machine say nothing of another's; ratios nearly do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch.nn.functional import softplus

from bench.catalog import datasets
from bench.environment import host_environment
from bench.evaluation.throughput import time_calls
from bench.execution.determinism import prepare_torch
from bench.execution.pool import LocalPool
from bench.execution.tasks import Place, ReferenceTask, RunTask
from bench.spec import RunSpec
from bench.store import Store
from bench.suite import load_suite
from bench.training.game import Game
from bench.training.players import build_players

SUITE = Path(__file__).parent.parent / "suites" / "losses.toml"
CPU = torch.device("cpu")


def cell(objective: str, dataset: str) -> RunSpec:
    """The first run of a cell of `suites/losses.toml`."""
    return next(
        spec for spec in load_suite(SUITE).specs if spec.objective.label == objective and spec.dataset.label == dataset
    )


def bare_step(spec: RunSpec) -> Callable[[], None]:
    """One step of the non-saturating game as a well-written script has it: no averaging, no log, no checks."""
    data = datasets.create(spec.dataset.name, **spec.dataset.settings).load(Path())
    players = build_players(spec, data.shape)
    g, d = players.generator, players.discriminator
    settings = spec.objective.generator_optimizer.settings
    rate, betas = settings["learning_rate"], (settings["beta1"], settings["beta2"])
    optimizer_g = torch.optim.Adam(g.parameters(), lr=rate, betas=betas, fused=True)
    optimizer_d = torch.optim.Adam(d.parameters(), lr=rate, betas=betas, fused=True)
    train, batch = data.decode(data.train), spec.training.batch_size

    def step() -> None:
        real = train[torch.randint(len(train), (batch,))]
        with torch.no_grad():
            fake = g(torch.randn(batch, players.latent_dim))
        real_scores, fake_scores = d(torch.cat((real, fake))).chunk(2)
        loss = softplus(-real_scores).mean() + softplus(fake_scores).mean()
        optimizer_d.zero_grad()
        loss.backward()
        optimizer_d.step()
        d.requires_grad_(False)
        loss = softplus(-d(g(torch.randn(batch, players.latent_dim)))).mean()
        optimizer_g.zero_grad()
        loss.backward()
        optimizer_g.step()
        d.requires_grad_(True)

    return step


@pytest.mark.parametrize("dataset", ["ring", "digits"])
@pytest.mark.benchmark(group="one step of nsgan: Game / bare loop")
def test_step_against_a_bare_loop(benchmark: BenchmarkFixture, dataset: str) -> None:
    prepare_torch("cpu", threads=1)
    spec = cell("nsgan", dataset)
    game = Game(spec, datasets.create(dataset, **spec.dataset.settings).load(Path()), CPU)
    bare = bare_step(spec)
    timings = [time_calls([game.play, bare], CPU) for _ in range(5)]
    ratios = sorted(ours.median / theirs.median for ours, theirs in timings)
    benchmark.extra_info["ratio"] = ratios[2]
    benchmark.pedantic(game.play, rounds=200, warmup_rounds=20)
    print(f"\n{dataset}: one Game step / bare loop = {ratios[2]:.3f} (5 repeats: {ratios[0]:.3f} to {ratios[-1]:.3f})")


@pytest.mark.parametrize("dataset", ["ring", "digits"])
@pytest.mark.benchmark(group="time outside training and evaluation, of a run's process")
def test_time_outside_training_and_evaluation(benchmark: BenchmarkFixture, tmp_path: Path, dataset: str) -> None:
    spec = cell("nsgan", dataset)
    store = Store(tmp_path)
    store.prepare()
    place = Place(results=tmp_path, data_root=tmp_path / "data", device="cpu", environment=host_environment())
    with LocalPool(1) as pool:
        evaluation = spec.evaluation
        reference = ReferenceTask(
            place=place, dataset=spec.dataset, space=evaluation.space, samples=evaluation.samples, plugins=()
        )
        assert pool.submit(reference).result().done is not None
        shares = []

        def run(seed: int) -> None:
            outcome = pool.submit(RunTask(place=place, spec=spec.with_seed(seed))).result()
            record = store.record(spec.with_seed(seed).run_id)
            assert record is not None
            spent = record.timings.training + record.timings.evaluation
            shares.append((outcome.seconds - spent, outcome.seconds, record.timings.evaluation))

        seeds = iter(range(3))
        benchmark.pedantic(lambda: run(next(seeds)), rounds=3)
    for outside, total, evaluation_seconds in shares:
        print(
            f"\n{dataset}: {outside:.3f} s of {total:.2f} s outside = {outside / total:.2%} "
            f"(evaluation {evaluation_seconds / total:.1%})",
            end="",
        )
    benchmark.extra_info["share"] = max(outside / total for outside, total, _ in shares)
