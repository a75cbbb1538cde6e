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
from bench.evaluation.evaluator import Target, comparable_samples, make_target, training_features
from bench.evaluation.real import RealFeatures
from bench.evaluation.spaces import ClassifierSpace, Features, open_space
from bench.record import Draw, Environment, Reference

if TYPE_CHECKING:
    from torch import Tensor

    from bench.datasets.base import Data
    from bench.spec import Choice

PERFECT_DRAWS = 10
NOISE_DRAWS = 5
NOISE_SAMPLES = 25_000
"""In all draws of noise together, but for the first: where many are measured at once, their metrics hardly spread."""
SPREAD_FROM = 100_000
"""Training points whose spread noise takes."""

Kind = Literal["perfect sampler", "noise"]


def make_reference(
    dataset: Choice,
    space: str,
    samples: int,
    root: Path,
    weights: Path | None,
    device: torch.device,
    environment: Environment,
) -> Reference:
    """Measure a perfect sampler and noise with the metrics of the runs.

    Args:
        dataset: which data.
        space: feature space.
        samples: generated samples per evaluation, as the suite asks; a smaller split caps it as it does in runs.
        root: the data root.
        weights: of the Inception network, where they do not lie under the data root.
        device: where features are extracted.
        environment: of the record.

    Raises:
        UsageError: the dataset or the space cannot be opened.
    """
    started = time.monotonic()
    data = load_dataset(dataset, root)
    opened = open_space(space, data, dataset, root, weights)
    held_out = _HeldOut(RealFeatures(data, opened, device, root, environment.bits), samples, device)
    draws = (*held_out.perfect_draws(), *held_out.noise_draws())
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
        space_sha256=opened.sha256,
        data_sha256=data.sha256,
        environment=environment,
        seconds=time.monotonic() - started,
    )


def perfect_samples(dataset: Choice, root: Path, points: int, images: int) -> np.ndarray:
    """Samples of a perfect sampler to look at, as the dataset stores them: fresh draws, else held-out real data.

    Args:
        dataset: which data.
        root: the data root.
        points: how many, of points.
        images: how many, of images.
    """
    data = load_dataset(dataset, root)
    n = images if data.is_image else points
    samples = data.test[:n] if data.draw is None else data.draw(n, _random("perfect", 0))
    return np.asarray(samples.cpu().numpy())


class _HeldOut:
    """Measures against held-out data, of whose samples each is extracted once."""

    def __init__(self, real: RealFeatures, samples: int, device: torch.device) -> None:
        self._real, self._device = real, device
        self._data = real.data
        self._n = comparable_samples(self._data, samples)
        """Samples on each side of a comparison."""
        self._training = training_features(real)

    def perfect_draws(self) -> Iterator[Draw]:
        draw_samples = self._data.draw
        if draw_samples is None:
            yield from self._halves()
            return
        target = self._test_target()
        for draw in range(PERFECT_DRAWS):
            features = self._extract(self._data.decode(draw_samples(self._n, _random("perfect", draw))))
            yield from _measure("perfect sampler", draw, target, features)

    def _halves(self) -> Iterator[Draw]:
        """Disjoint random parts of the held-out pool, as many samples on each side as the runs use.

        Of larger splits, the first samples: those that runs are measured against, and no more than two sides need.
        """
        data = self._data
        n = self._n
        of_test = min(len(data.test), max(n, 2 * n - len(data.validation)))
        of_validation = min(len(data.validation), max(n, 2 * n - of_test))
        pool = _joined(self._real.first("validation", of_validation), self._real.first("test", of_test))
        labels = None
        if data.validation_labels is not None and data.test_labels is not None:
            labels = torch.cat([data.validation_labels[:of_validation], data.test_labels[:of_test]]).cpu()
        for draw in range(PERFECT_DRAWS):
            order = torch.randperm(len(pool), generator=_random("perfect", draw))
            generated, real = order[:n], order[n : 2 * n]
            target = self._target(pool.at(real), None if labels is None else labels[real])
            yield from _measure("perfect sampler", draw, target, pool.at(generated))

    def noise_draws(self) -> Iterator[Draw]:
        target = self._test_target()
        for draw in range(max(1, min(NOISE_DRAWS, NOISE_SAMPLES // self._n))):
            yield from _measure(
                "noise", draw, target, self._extract(_noise(self._data, self._n, _random("noise", draw)))
            )

    def _test_target(self) -> Target:
        labels = self._data.test_labels
        return self._target(self._real.first("test", self._n), None if labels is None else labels[: self._n])

    def _target(self, real: Features, labels: Tensor | None) -> Target:
        return make_target(self._data, self._real.space, real, labels, self._training)

    def _extract(self, samples: Tensor) -> Features:
        return self._real.space.extract(samples.to(self._device))


def _joined(one: Features, other: Features) -> Features:
    logits = None
    if one.logits is not None and other.logits is not None:
        logits = torch.cat([one.logits, other.logits])
    return Features(torch.cat([one.features, other.features]), logits)


def _noise(data: Data, n: int, random: torch.Generator) -> Tensor:
    if data.is_image:
        return torch.rand(n, *data.shape, generator=random) * 2 - 1
    return torch.randn(n, *data.shape, generator=random) * data.train[:SPREAD_FROM].cpu().std(dim=0)


def _measure(kind: Kind, draw: int, target: Target, generated: Features) -> Iterator[Draw]:
    for result in target.measure(generated):
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
