"""All metrics of an evaluation from one extraction of features, against torch-fidelity called metric by metric."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from bench.catalog import datasets
from bench.evaluation.evaluator import Target
from bench.evaluation.spaces import Features, open_space
from bench.execution.determinism import prepare_torch
from bench.spec import Choice
from benchmarks.metric_costs import Samples, plain_fid, plain_inception_score, plain_kid, plain_precision

METRICS = ("fid", "inception_score", "kid", "precision")
"""Those that torch-fidelity has."""
SAMPLES = 2500


@pytest.mark.benchmark(group=f"evaluation of {SAMPLES} images: one pass / metric by metric with torch-fidelity")
def test_evaluation_against_torch_fidelity(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    prepare_torch("cpu", threads=1)
    dataset = Choice(name="digits", label="digits", settings=datasets.settings("digits", {}))
    data = datasets.create("digits").load(Path())
    space = open_space("classifier", data, dataset, tmp_path)
    random = torch.Generator().manual_seed(0)
    pick = torch.randint(len(data.train), (2, SAMPLES), generator=random)
    real, generated = data.decode(data.train[pick[0]]), data.decode(data.train[pick[1]])
    generated = (generated + 0.1 * torch.randn(generated.shape, generator=random)).clamp_(-1, 1)
    target = Target("classifier", space.extract(real))

    def ours() -> None:
        target._results(space.extract(generated), METRICS)

    def theirs() -> None:
        for measure in METRICS:
            _plain(measure, space.extract, generated, real)

    ours()
    pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(5)]
    ratio = statistics.median(one / other for one, other in pairs)
    benchmark.extra_info["ratio"] = ratio
    benchmark.pedantic(ours, rounds=3)
    print(f"\none pass / metric by metric = {ratio:.2f} ({', '.join(METRICS)}; the real samples' statistics kept)")


def _plain(metric: str, extract: Callable[[Tensor], Features], generated: Tensor, real: Tensor) -> float:
    """As a script calls it: samples in, number out."""
    fake, held_out = extract(generated), extract(real)
    assert fake.logits is not None
    of = Samples(fake.features, held_out.features, held_out.features, fake.logits)
    return {
        "fid": lambda: plain_fid(of.generated, of.real),
        "inception_score": lambda: plain_inception_score(of.logits),
        "kid": lambda: plain_kid(of),
        "precision": lambda: plain_precision(of),
    }[metric]()


def _seconds(call: Callable[[], None]) -> float:
    begin = time.process_time()
    call()
    return time.process_time() - begin
