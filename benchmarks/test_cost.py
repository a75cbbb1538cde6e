"""What ganbench costs beside the training itself, as ratios measured in one run.

``nox -s benchmarks`` prints them. Times of one machine say nothing of another's; ratios nearly do.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from bench.environment import host_environment
from bench.execution.determinism import prepare_torch
from bench.execution.pool import LocalPool
from bench.execution.tasks import Place, ReferenceTask, RunTask
from bench.spec import RunSpec
from bench.store import Store
from bench.suite import load_suite
from bench.training.game import Game
from benchmarks.bare import load, non_saturating_step
from benchmarks.turns import take_turns

SUITE = Path(__file__).parent.parent / "suites" / "losses.toml"
CPU = torch.device("cpu")
ROUNDS = 400
"""In each, both loops make one step."""


def cell(objective: str, dataset: str) -> RunSpec:
    """The first run of a cell of `suites/losses.toml`."""
    return next(
        spec for spec in load_suite(SUITE).specs if spec.objective.label == objective and spec.dataset.label == dataset
    )


@pytest.mark.parametrize("dataset", ["ring", "digits"])
@pytest.mark.benchmark(group="one step of nsgan: Game / bare loop")
def test_step_against_a_bare_loop(benchmark: BenchmarkFixture, dataset: str) -> None:
    prepare_torch("cpu", threads=1)
    spec = cell("nsgan", dataset)
    data = load(spec)
    game, bare = Game(spec, data, CPU), non_saturating_step(spec, data)
    rounds = take_turns((game.play, bare), ROUNDS)
    ratios = [statistics.median(one / other for one, other in rounds[part::5]) for part in range(5)]
    ratio = statistics.median(one / other for one, other in rounds)
    benchmark.extra_info["ratio"] = ratio
    benchmark.pedantic(game.play, rounds=200, warmup_rounds=20)
    print(f"\n{dataset}: one Game step / bare loop = {ratio:.3f} (5 parts: {min(ratios):.3f} to {max(ratios):.3f})")


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
