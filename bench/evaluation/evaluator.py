"""Measures generated samples against a split: one extraction of features, shared by all metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from bench.errors import DataError
from bench.evaluation import metrics
from bench.evaluation.modes import ModeCoverage, class_counts, class_coverage, point_coverage
from bench.metrics import METRICS, primary

if TYPE_CHECKING:
    from torch import Tensor, device

    from bench.datasets.base import Data, Modes
    from bench.evaluation.spaces import Features, FeatureSpace

HeldOut = Literal["validation", "test"]


@dataclasses.dataclass(frozen=True)
class Result:
    """One metric of one evaluation, and the numbers of samples that it is of; None where it is undefined."""

    name: str
    value: float | None
    generated: int
    real: int


class Target:
    """Real samples that generated ones are held against; what depends on them alone is computed once.

    Which metrics apply: FID, precision and recall everywhere; sliced Wasserstein in the raw space, KID in any other;
    the inception score where there are logits; mode coverage of points whose modes are known, and of classes where
    there are logits and labels.

    Args:
        space: feature space.
        features: of the real samples.
        classes: number of real samples of each class, ``(classes,)``, or None.
        modes: true modes of points, or None.
    """

    def __init__(self, space: str, features: Features, classes: Tensor | None, modes: Modes | None) -> None:
        self.space = space
        self._real = features
        self._classes = classes if features.logits is not None else None
        self._modes = modes if space == "raw" else None
        self._gaussian = metrics.fit_gaussian(features.features)
        self._projections = metrics.project(features.features) if space == "raw" else None

    def names(self) -> tuple[str, ...]:
        """The metrics that apply, in the order of `bench.metrics.METRICS`."""
        names = {"precision", "recall"}
        names |= {"fid", "sliced_wasserstein"} if self.space == "raw" else {"fid", "kid"}
        if self._real.logits is not None:
            names.add("inception_score")
        if self._modes is not None or self._classes is not None:
            names |= {"modes_covered", "reverse_kl", "total_variation"}
        if self._modes is not None:
            names.add("high_quality_share")
        return tuple(name for name in METRICS if name in names)

    def counts(self, generated: int) -> dict[str, tuple[int, int]]:
        """Generated and real samples behind each metric, when ``generated`` samples are measured.

        0 real samples: the metric holds the samples against known modes, or against nothing.
        """
        real = len(self._real)
        counts = dict.fromkeys(self.names(), (generated, real))
        capped = (min(generated, metrics.PRC_SAMPLES), min(real, metrics.PRC_SAMPLES))
        counts |= {"precision": capped, "recall": capped}
        without_real = ["inception_score", "high_quality_share"]
        if self._modes is not None:
            without_real += ["modes_covered", "reverse_kl", "total_variation"]
        counts |= {name: (generated, 0) for name in without_real if name in counts}
        return {name: counts[name] for name in self.names()}

    def measure(self, generated: Features) -> tuple[Result, ...]:
        """All metrics that apply."""
        return self._results(generated, self.names())

    def measure_primary(self, generated: Features) -> tuple[Result, ...]:
        """The space's primary metric alone."""
        return self._results(generated, (primary(self.space).name,))

    def _results(self, generated: Features, names: tuple[str, ...]) -> tuple[Result, ...]:
        counts = self.counts(len(generated))
        defined = len(generated) > 0 and metrics.all_finite(generated.features, generated.logits)
        values = self._values(generated, names) if defined else {}
        return tuple(Result(name, values.get(name), *counts[name]) for name in names)

    def _values(self, generated: Features, names: tuple[str, ...]) -> dict[str, float | None]:
        values: dict[str, float | None] = {}
        if self._projections is not None and "sliced_wasserstein" in names:
            values["sliced_wasserstein"] = metrics.sliced_wasserstein(
                metrics.project(generated.features), self._projections
            )
        if "fid" in names:
            values["fid"] = metrics.fid(metrics.fit_gaussian(generated.features), self._gaussian)
        if "kid" in names:
            values["kid"] = metrics.kid(generated.features, self._real.features)
        if "inception_score" in names and generated.logits is not None:
            values["inception_score"] = metrics.inception_score(generated.logits)
        if "precision" in names:
            values["precision"], values["recall"] = metrics.precision_recall(generated.features, self._real.features)
        if "modes_covered" in names:
            for name, value in dataclasses.asdict(self._coverage(generated)).items():
                values[name] = None if value is None else float(value)
        return values

    def _coverage(self, generated: Features) -> ModeCoverage:
        if self._modes is not None:
            return point_coverage(generated.features, self._modes)
        assert generated.logits is not None
        assert self._classes is not None
        return class_coverage(generated.logits, self._classes)


class Evaluator:
    """Measures a run's generated samples against the held-out splits, whose own features are computed once.

    Args:
        data: the dataset, on any device.
        space: feature space.
        samples: generated and real samples per evaluation; a smaller split caps it.
        device: where features are extracted.
    """

    def __init__(self, data: Data, space: FeatureSpace, samples: int, device: device) -> None:
        self._space = space
        self._device = device
        self._counts: dict[HeldOut, int] = {}
        self._targets: dict[HeldOut, Target] = {}
        for split in ("validation", "test"):
            stored, labels = data.split(split), data.labels(split)
            n = min(samples, len(stored))
            if n < 2:
                raise DataError(f"the {split} split has {len(stored)} samples: an evaluation needs at least 2")
            self._counts[split] = n
            self._targets[split] = make_target(data, space, stored[:n], None if labels is None else labels[:n], device)

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

    def measure(self, samples: Tensor, split: HeldOut) -> tuple[Result, ...]:
        """Measure generated samples.

        Args:
            samples: decoded, as the generator gives them; the first `samples`\\ [split] are used.
            split: ``test`` gives all metrics that apply, ``validation`` the primary one, by which checkpoints are
                selected.

        Raises:
            ValueError: too few samples.
        """
        n = self._counts[split]
        if len(samples) < n:
            raise ValueError(f"{len(samples)} samples given, an evaluation on '{split}' needs {n}")
        features = self._space.extract(samples[:n].to(self._device))
        target = self._targets[split]
        return target.measure(features) if split == "test" else target.measure_primary(features)


def make_target(data: Data, space: FeatureSpace, stored: Tensor, labels: Tensor | None, device: device) -> Target:
    """A target of stored real samples.

    Args:
        data: the dataset they are of: its decoding, classes and modes.
        space: feature space.
        stored: real samples as the dataset stores them, ``(n, *shape)``.
        labels: theirs, ``(n,)``, or None.
        device: where features are extracted.
    """
    features = space.extract(data.decode(stored.to(device)))
    classes = class_counts(labels, data.classes) if labels is not None and data.classes > 0 else None
    return Target(space.name, features, classes, data.modes)
