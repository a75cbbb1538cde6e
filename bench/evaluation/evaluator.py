"""Measures generated samples against a split: one extraction of features, shared by all metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from bench.errors import DataError
from bench.evaluation import kernels, metrics, neighbours, transport
from bench.evaluation.modes import ModeCoverage, class_counts, class_coverage, point_coverage
from bench.metrics import METRICS, primary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, device

    from bench.datasets.base import Data, Modes
    from bench.evaluation.real import RealFeatures
    from bench.evaluation.spaces import Features, FeatureSpace

HeldOut = Literal["validation", "test"]
_OF_MODES = ("modes_covered", "reverse_kl", "total_variation")
_OF_COVERAGE = frozenset({*_OF_MODES, "high_quality_share"})
_OF_BALLS = frozenset({"precision", "recall", "density", "coverage"})


@dataclasses.dataclass(frozen=True)
class Result:
    """One metric of one evaluation, and the numbers of samples that it is of; None where it is undefined."""

    name: str
    value: float | None
    generated: int
    real: int


class Target:
    """Real samples that generated ones are held against; what depends on them alone is computed once, when needed.

    Which metrics apply: FID, precision, recall, density and coverage everywhere, FID∞ where the real samples suffice;
    Wasserstein distances and MMD in the raw space, KID in any other; the inception score where there are logits; mode
    coverage of points whose modes are known, and of classes where there are logits and labels; the share of memorised
    samples where there are training samples to look for.

    Args:
        space: feature space.
        real: features of the real samples.
        classes: weight of each class, ``(classes,)``: the true ones (floating point), or the number of real samples
            (integers); None without labels.
        modes: true modes of points, or None.
        training: features of training samples, or None.
    """

    def __init__(
        self,
        space: str,
        real: Features,
        *,
        classes: Tensor | None = None,
        modes: Modes | None = None,
        training: Features | None = None,
    ) -> None:
        self.space = space
        self._real = real
        self._classes = classes if real.logits is not None else None
        self._modes = modes if space == "raw" else None
        self._training = training

    def names(self) -> tuple[str, ...]:
        """The metrics that apply, in the order of `bench.metrics.METRICS`."""
        samples, dim = self._real.features.shape
        applies = {
            "fid_infinity": metrics.can_extrapolate(samples, dim),
            "inception_score": self._real.logits is not None,
            "kid": self.space != "raw",
            "memorised_share": self._training is not None,
            "high_quality_share": self._modes is not None,
            "sliced_wasserstein": self.space == "raw",
            "wasserstein": self.space == "raw" and dim <= transport.WASSERSTEIN_DIMENSIONS,
            "mmd": self.space == "raw",
        }
        applies |= dict.fromkeys(_OF_MODES, self._modes is not None or self._classes is not None)
        return tuple(name for name in METRICS if applies.get(name, True))

    def counts(self, generated: int) -> dict[str, tuple[int, int]]:
        """Generated and real samples behind each metric, when ``generated`` samples are measured.

        0 real samples: the metric holds the samples against known modes or classes, or against nothing.
        """
        real = len(self._real)
        neighbouring = min(generated, neighbours.NEIGHBOUR_SAMPLES), min(real, neighbours.NEIGHBOUR_SAMPLES)
        matched = transport.wasserstein_samples(generated, real)
        training = 0 if self._training is None else len(self._training)
        known = self._modes is not None or (self._classes is not None and self._classes.is_floating_point())
        special = dict.fromkeys(("precision", "recall", "density", "coverage"), neighbouring)
        special |= {
            "memorised_share": (neighbouring[0], min(training, neighbours.NEIGHBOUR_SAMPLES)),
            "wasserstein": (matched, matched),
            "mmd": (min(generated, kernels.MMD_SAMPLES), min(real, kernels.MMD_SAMPLES)),
        }
        special |= dict.fromkeys(("inception_score", "high_quality_share"), (generated, 0))
        special |= dict.fromkeys(_OF_MODES, (generated, 0 if known else real))
        return {name: special.get(name, (generated, real)) for name in self.names()}

    def measure(self, generated: Features) -> tuple[Result, ...]:
        """All metrics that apply."""
        return self._results(generated, self.names())

    def measure_primary(self, generated: Features, beside: Collection[str] = ()) -> tuple[Result, ...]:
        """The space's primary metric, and those named beside it that apply."""
        chosen = {primary(self.space).name, *beside}
        return self._results(generated, tuple(name for name in self.names() if name in chosen))

    def _results(self, generated: Features, names: tuple[str, ...]) -> tuple[Result, ...]:
        counts = self.counts(len(generated))
        defined = len(generated) > 1 and metrics.all_finite(generated.features, generated.logits)
        values = self._values(generated, names) if defined else {}
        return tuple(Result(name, values.get(name), *counts[name]) for name in names)

    def _values(self, generated: Features, names: tuple[str, ...]) -> dict[str, float | None]:
        features, real = generated.features, self._real.features
        values: dict[str, float | None] = {}
        if "fid" in names:
            values["fid"] = metrics.fid(metrics.fit_gaussian(features), self._gaussian)
        if "fid_infinity" in names:
            values["fid_infinity"] = self._extrapolation.fid_infinity(features)
        if "inception_score" in names and generated.logits is not None:
            values["inception_score"] = metrics.inception_score(generated.logits)
        if "kid" in names:
            values["kid"] = metrics.kid(features, real)
        if not _OF_BALLS.isdisjoint(names):
            values |= dataclasses.asdict(self._neighbourhoods.ball_shares(features))
        if "memorised_share" in names:
            values["memorised_share"] = self._neighbourhoods.memorised_share(features)
        if not _OF_COVERAGE.isdisjoint(names):
            for name, value in dataclasses.asdict(self._coverage(generated)).items():
                values[name] = None if value is None else float(value)
        if "sliced_wasserstein" in names:
            values["sliced_wasserstein"] = metrics.sliced_wasserstein(metrics.project(features), self._projections)
        if "wasserstein" in names:
            values["wasserstein"] = metrics.wasserstein(features, real)
        if "mmd" in names:
            values["mmd"] = self._kernels.mmd(features)
        return values

    def _coverage(self, generated: Features) -> ModeCoverage:
        if self._modes is not None:
            return point_coverage(generated.features, self._modes)
        assert generated.logits is not None
        assert self._classes is not None
        return class_coverage(generated.logits, self._classes)

    @cached_property
    def _gaussian(self) -> metrics.Gaussian:
        return metrics.fit_gaussian(self._real.features)

    @cached_property
    def _extrapolation(self) -> metrics.Extrapolation:
        return metrics.Extrapolation(self._real.features)

    @cached_property
    def _neighbourhoods(self) -> metrics.Neighbourhoods:
        training = None if self._training is None else self._training.features
        return metrics.Neighbourhoods(self._real.features, training)

    @cached_property
    def _projections(self) -> NDArray[np.float32]:
        return metrics.project(self._real.features)

    @cached_property
    def _kernels(self) -> metrics.GaussianKernels:
        return metrics.GaussianKernels(self._real.features)


class Evaluator:
    """Measures a run's generated samples against the held-out splits, whose own features are computed once.

    Args:
        real: features of the dataset's real samples in a space.
        samples: generated and real samples per evaluation; smaller splits cap it (see `comparable_samples`).
        device: where features are extracted.
    """

    def __init__(self, real: RealFeatures, samples: int, device: device) -> None:
        self._space = real.space
        self._device = device
        self._counts: dict[HeldOut, int] = {}
        self._targets: dict[HeldOut, Target] = {}
        for split in ("validation", "test"):
            stored = len(real.data.split(split))
            n = comparable_samples(real.data, samples) if split == "test" else min(samples, stored)
            if n < 2:
                raise DataError(f"the {split} split has {stored} samples: an evaluation needs at least 2")
            labels = real.data.labels(split)
            self._counts[split] = n
            self._targets[split] = make_target(
                real.data,
                real.space,
                real.first(split, n),
                None if labels is None else labels[:n],
                training_features(real) if split == "test" else None,
            )

    @property
    def samples(self) -> Mapping[HeldOut, int]:
        """Generated samples that an evaluation on each split uses, and real ones they are held against."""
        return self._counts

    def names(self, split: HeldOut) -> tuple[str, ...]:
        """The metrics that `measure` gives on a split."""
        return self._targets[split].names() if split == "test" else (primary(self._space.name).name,)

    def counts(self, split: HeldOut) -> dict[str, tuple[int, int]]:
        """Generated and real samples behind each metric on a split."""
        counts = self._targets[split].counts(self._counts[split])
        return {name: counts[name] for name in self.names(split)}

    def measure(self, samples: Tensor, split: HeldOut, validated: Collection[str] = ()) -> tuple[Result, ...]:
        """Measure generated samples.

        Args:
            samples: decoded, as the generator gives them; the first `samples`\\ [split] are used.
            split: ``test`` gives all metrics that apply, ``validation`` the primary one, by which checkpoints are
                selected.
            validated: what ``validation`` gives beside it.

        Raises:
            ValueError: too few samples.
        """
        n = self._counts[split]
        if len(samples) < n:
            raise ValueError(f"{len(samples)} samples given, an evaluation on '{split}' needs {n}")
        features = self._space.extract(samples[:n].to(self._device))
        target = self._targets[split]
        return target.measure(features) if split == "test" else target.measure_primary(features, validated)


def make_target(
    data: Data, space: FeatureSpace, real: Features, labels: Tensor | None, training: Features | None = None
) -> Target:
    """A target of real samples.

    Args:
        data: the dataset they are of: its classes and modes.
        space: feature space.
        real: features of the samples.
        labels: of the samples, ``(n,)``, or None.
        training: features of training samples, as `training_features` gives them, or None.
    """
    classes = None
    if space.judges_classes:
        classes = data.class_weights
        if classes is None and labels is not None and data.classes > 0:
            classes = class_counts(labels, data.classes)
    return Target(space.name, real, classes=classes, modes=data.modes, training=training)


def comparable_samples(data: Data, samples: int) -> int:
    """Samples on each side of a comparison with the test split.

    As many as asked for, as far as the split has them, and no more than a perfect sampler can be measured with: one
    that cannot be drawn from is a half of the held-out data, and of fewer samples a metric is another number.
    """
    reach = len(data.test) if data.draw is not None else (len(data.validation) + len(data.test)) // 2
    return min(samples, len(data.test), reach)


def training_features(real: RealFeatures) -> Features | None:
    """Of the training samples among which memorised ones are looked for.

    None for points that are drawn from a known density: copies of a hundred thousand draws, which lie closer to each
    other than any network tells apart, are no fault.
    """
    data = real.data
    if data.draw is not None and not data.is_image:
        return None
    return real.first("train", min(len(data.train), neighbours.NEIGHBOUR_SAMPLES))
