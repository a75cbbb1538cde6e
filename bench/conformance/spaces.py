"""The laws of feature spaces."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bench.catalog import datasets
from bench.conformance.laws import Law, Trial, UntriedError, described_completely, number
from bench.conformance.watching import GlobalRandomState
from bench.datasets.base import Data
from bench.errors import DataError
from bench.evaluation.base import Openable, Opening, SpaceEntry
from bench.evaluation.spaces import Features, FeatureSpace, open_entry
from bench.spec import Choice

SAMPLES = 12
TOLERANCE = 1e-3
"""By which a feature may move with the batch, as a share of the largest: rounding moves it far less."""


def _data(trial: Trial[SpaceEntry]) -> Data:
    """Digits, which have labels; to an extractor, coloured pictures that are as likely as any."""
    if isinstance(trial.create(), Openable):
        return datasets.create("digits").load(Path())
    random = torch.Generator().manual_seed(11)
    train, validation, test = (
        torch.randint(256, (SAMPLES, 3, 32, 32), generator=random, dtype=torch.uint8) for _ in range(3)
    )
    return Data(train=train, validation=validation, test=test)


def _open(trial: Trial[SpaceEntry]) -> FeatureSpace:
    """A fresh space.

    Raises:
        UntriedError: its files are not there.
    """
    if "data" not in trial.memo:
        trial.memo["data"] = _data(trial)
    name = trial.entry.name
    try:
        return open_entry(
            name, Opening(trial.memo["data"], Choice(name="digits", label="digits"), trial.root, None, False)
        )
    except DataError as error:
        raise UntriedError(f"it cannot be opened here: {error}") from error


def _space(trial: Trial[SpaceEntry]) -> FeatureSpace:
    """The space, opened once for all laws."""
    if "space" not in trial.memo:
        trial.memo["space"] = _open(trial)
    space: FeatureSpace = trial.memo["space"]
    return space


def _samples(trial: Trial[SpaceEntry]) -> Tensor:
    _space(trial)
    data: Data = trial.memo["data"]
    return data.decode(data.test[:SAMPLES])


def _extract(space: FeatureSpace, samples: Tensor) -> Features:
    """Features to compare.

    Raises:
        UntriedError: they are no numbers, which the first law tells.
    """
    found = space.extract(samples)
    if not all(torch.isfinite(values).all() for _, values in _parts(found)):
        raise UntriedError("its features are not finite")
    return found


def gives_features_of_each_sample(trial: Trial[SpaceEntry]) -> str | None:
    """Features and logits are finite numbers of 32 bits on the CPU, a row per sample."""
    found = _space(trial).extract(_samples(trial))
    for what, values in _parts(found):
        if values.dim() != 2 or len(values) != SAMPLES or values.shape[1] < 1:
            return f"{what} of {SAMPLES} samples have the shape {tuple(values.shape)}"
        if values.dtype != torch.float32 or values.device.type != "cpu" or values.requires_grad:
            return f"{what} are {values.dtype} on {values.device}{', with gradients' if values.requires_grad else ''}"
        if not torch.isfinite(values).all():
            return f"{what} are not finite"
    if found.logits is not None and found.logits.shape[1] < 2:
        return "there is one logit: a single class tells nothing"
    return None


def _parts(found: Features) -> list[tuple[str, Tensor]]:
    return [("features", found.features)] + ([("logits", found.logits)] if found.logits is not None else [])


def tells_samples_apart(trial: Trial[SpaceEntry]) -> str | None:
    """Different samples have different features."""
    features = _extract(_space(trial), _samples(trial)).features
    return "all samples have the same features" if torch.equal(features, features[:1].expand_as(features)) else None


def is_the_same_each_time(trial: Trial[SpaceEntry]) -> str | None:
    """The same samples have the same features, bit for bit, whenever they are extracted and the space is opened."""
    space, samples = _space(trial), _samples(trial)
    first, again = _extract(space, samples), _extract(space, samples)
    if not _same(first, again):
        return "features of the same samples differ from one extraction to the next"
    torch.default_generator.manual_seed(12345)
    other = _open(trial)
    if other.sha256 != space.sha256:
        return "opened again, it has other weights: a plugin's network reads them from a file or seeds them"
    return None if _same(first, _extract(other, samples)) else "opened again, it gives other features"


def _same(one: Features, other: Features) -> bool:
    return all(torch.equal(a, b) for (_, a), (_, b) in zip(_parts(one), _parts(other), strict=True))


def samples_are_on_their_own(trial: Trial[SpaceEntry]) -> str | None:
    """A sample's features do not depend on what else is in its batch, rounding aside."""
    space, samples = _space(trial), _samples(trial)
    together, alone, turned = (
        _extract(space, samples).features,
        torch.cat([_extract(space, sample).features for sample in torch.split(samples, 1)]),
        _extract(space, samples.flip(0)).features.flip(0),
    )
    scale = float(together.abs().max().clamp_min(1e-12))
    moved = max(float((together - other).abs().max()) for other in (alone, turned)) / scale
    return f"features move by {number(100 * moved)} % with the batch" if not moved <= TOLERANCE else None


def extracts_without_chance(trial: Trial[SpaceEntry]) -> str | None:
    """Opening it and extracting leave the global random state, and the samples, as they were."""
    samples = _samples(trial)
    state, before = GlobalRandomState(), samples.clone()
    _open(trial).extract(samples)
    if moved := state.changed():
        return f"it draws from {moved}, or sets it"
    return None if torch.equal(samples, before) else "it changes the samples that it is given"


LAWS: tuple[Law, ...] = (
    gives_features_of_each_sample,
    described_completely,
    tells_samples_apart,
    is_the_same_each_time,
    samples_are_on_their_own,
    extracts_without_chance,
)
