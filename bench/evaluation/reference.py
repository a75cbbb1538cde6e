"""Floor and ceiling of each metric: what a perfect sampler and what noise score, at the runs' sample numbers.

A difference between objectives that is smaller than the spread of the perfect sampler's draws is no difference.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from bench.datasets.loading import load_dataset
from bench.evaluation.evaluator import Target, make_target
from bench.evaluation.spaces import ClassifierSpace, FeatureSpace, open_space
from bench.record import Draw, Environment, Reference

if TYPE_CHECKING:
    from torch import Tensor

    from bench.datasets.base import Data
    from bench.spec import Choice

PERFECT_DRAWS = 10
NOISE_DRAWS = 5

Kind = Literal["perfect sampler", "noise"]


def make_reference(
    dataset: Choice, space: str, samples: int, root: Path, threads: int, environment: Environment
) -> Reference:
    """Measure a perfect sampler and noise with the metrics of the runs, on the CPU.

    Args:
        dataset: which data.
        space: feature space.
        samples: generated samples per evaluation, as the suite asks; a smaller split caps it as it does in runs.
        root: the data root.
        threads: of torch, as in the runs; the number is left as it was.
        environment: of the record.

    Raises:
        UsageError: the dataset or the space cannot be opened.
    """
    started = time.monotonic()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        data = load_dataset(dataset, root)
        opened = open_space(space, data, dataset, root)
        draws = (*_perfect_draws(data, opened, samples), *_noise_draws(data, opened, samples))
    finally:
        torch.set_num_threads(before)
    return Reference(
        dataset=dataset,
        space=space,
        samples=samples,
        sampler=(
            "fresh draws from the true distribution, against the test split"
            if data.draw is not None
            else "random halves of the held-out data (validation and test together), one against the other"
        ),
        noise=(
            "uniform pixels in [−1, 1]"
            if data.is_image
            else "a Gaussian around 0 with each coordinate's standard deviation in the training data"
        ),
        draws=draws,
        modes=() if data.modes is None else tuple(map(tuple, data.modes.centers.tolist())),
        sigma=None if data.modes is None else data.modes.sigma,
        classifier=opened.info if isinstance(opened, ClassifierSpace) else None,
        environment=environment,
        seconds=time.monotonic() - started,
    )


def perfect_samples(dataset: Choice, root: Path, n: int) -> np.ndarray:
    """Samples of a perfect sampler to look at, as the dataset stores them: fresh draws, else held-out real data."""
    data = load_dataset(dataset, root)
    samples = data.test[:n] if data.draw is None else data.draw(n, _random("perfect", 0))
    return np.asarray(samples.numpy())


def _perfect_draws(data: Data, space: FeatureSpace, samples: int) -> Iterator[Draw]:
    if data.draw is None:
        yield from _halves(data, space, samples)
        return
    n = min(samples, len(data.test))
    target = _test_target(data, space, n)
    for draw in range(PERFECT_DRAWS):
        yield from _measure("perfect sampler", draw, target, space, data.decode(data.draw(n, _random("perfect", draw))))


def _halves(data: Data, space: FeatureSpace, samples: int) -> Iterator[Draw]:
    """Disjoint random parts of the held-out pool, as many samples on each side as the runs use, where they suffice."""
    pool = torch.cat([data.validation, data.test])
    labels = None
    if data.validation_labels is not None and data.test_labels is not None:
        labels = torch.cat([data.validation_labels, data.test_labels])
    n = min(samples, len(data.test), len(pool) // 2)
    for draw in range(PERFECT_DRAWS):
        order = torch.randperm(len(pool), generator=_random("perfect", draw))
        generated, real = order[:n], order[n : 2 * n]
        target = make_target(data, space, pool[real], None if labels is None else labels[real], pool.device)
        yield from _measure("perfect sampler", draw, target, space, data.decode(pool[generated]))


def _noise_draws(data: Data, space: FeatureSpace, samples: int) -> Iterator[Draw]:
    n = min(samples, len(data.test))
    target = _test_target(data, space, n)
    for draw in range(NOISE_DRAWS):
        yield from _measure("noise", draw, target, space, _noise(data, n, _random("noise", draw)))


def _noise(data: Data, n: int, random: torch.Generator) -> Tensor:
    if data.is_image:
        return torch.rand(n, *data.shape, generator=random) * 2 - 1
    return torch.randn(n, *data.shape, generator=random) * data.train.std(dim=0)


def _test_target(data: Data, space: FeatureSpace, n: int) -> Target:
    labels = data.test_labels
    return make_target(data, space, data.test[:n], None if labels is None else labels[:n], data.test.device)


def _measure(kind: Kind, draw: int, target: Target, space: FeatureSpace, samples: Tensor) -> Iterator[Draw]:
    for result in target.measure(space.extract(samples)):
        yield Draw(
            kind=kind,
            draw=draw,
            metric=result.name,
            value=result.value,
            generated=result.generated,
            real=result.real,
        )


def _random(purpose: str, draw: int) -> torch.Generator:
    """A stream that shares its seed with no dataset and no run."""
    seed = int.from_bytes(hashlib.sha256(f"ganbench reference {purpose} {draw}".encode()).digest()[:7])
    return torch.Generator().manual_seed(seed)
