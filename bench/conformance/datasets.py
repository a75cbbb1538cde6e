"""The laws of datasets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor

from bench.catalog import spaces
from bench.conformance.laws import Law, Trial, UntriedError, described_completely, number
from bench.conformance.watching import GlobalRandomState
from bench.datasets.base import SMALLEST_SPLIT, SPLITS, Data, Dataset, Samples, in_batches
from bench.errors import DataError

PART, FRESH_AGAINST = 1024, 50_000
"""Samples that are looked at at once, and that fresh ones are compared with."""
SHARED = 0.01
"""Share of held-out samples that may also be training samples: real data hold a few twice."""


def _load(trial: Trial[Dataset]) -> Data:
    """The data, loaded once for all laws.

    Raises:
        UntriedError: its files are not there.
    """
    if "data" not in trial.memo:
        trial.memo["data"] = _load_again(trial)
    data: Data = trial.memo["data"]
    return data


def _load_again(trial: Trial[Dataset]) -> Data:
    if "unreadable" not in trial.memo:
        try:
            return trial.create().load(trial.root)
        except DataError as error:
            trial.memo["unreadable"] = str(error)  # not asked for again by each law: servers may take their time
    raise UntriedError(f"its files cannot be read: {trial.memo['unreadable']}")


def has_three_splits_of_its_shape(trial: Trial[Dataset]) -> str | None:
    """It has three splits, of the promised shape: points of 32 bits, or images of 8."""
    data, shape = _load(trial), tuple(trial.create().shape)
    for name in SPLITS:
        samples = data.split(name)
        if tuple(samples.shape[1:]) != shape:
            return f"it promises samples of shape {shape}, but its {name} split has {tuple(samples.shape[1:])}"
        if len(samples) < SMALLEST_SPLIT:
            return f"its {name} split has {len(samples)} samples; at least {SMALLEST_SPLIT} are needed"
        due = torch.uint8 if len(shape) == 3 else torch.float32
        if samples.dtype != due:
            return f"its {name} split holds {samples.dtype}; {'images' if len(shape) == 3 else 'points'} are {due}"
        for batch in in_batches(samples, PART):
            if tuple(batch.shape[1:]) != shape or batch.dtype != due:
                return f"its {name} split gives {batch.dtype} of shape {tuple(batch.shape[1:])}; due: {due} of {shape}"
            if batch.device.type != "cpu":
                return f"its {name} split is on {batch.device}; `load` leaves data on the CPU"
            if not torch.isfinite(batch).all():
                return f"its {name} split holds numbers that are not finite"
    return None


def loads_the_same_twice(trial: Trial[Dataset]) -> str | None:
    """It is the same whenever it is loaded, and for every seed."""
    first = _load(trial)
    torch.default_generator.manual_seed(12345)
    second = _load_again(trial)
    for name in SPLITS:
        labels = first.labels(name), second.labels(name)
        if not _same_samples(first.split(name), second.split(name)) or not _same(*labels):
            return f"its {name} split is another the second time it is loaded"
    return None


def _same_samples(one: Samples, other: Samples) -> bool:
    return len(one) == len(other) and all(map(torch.equal, in_batches(one, PART), in_batches(other, PART)))


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    return torch.equal(one, other) if one is not None and other is not None else one is other


def loads_without_chance(trial: Trial[Dataset]) -> str | None:
    """Loading it leaves the global random state alone."""
    state = GlobalRandomState()
    _load_again(trial)
    moved = state.changed()
    return f"it draws from {moved}, or sets it: draw from a torch.Generator of its own" if moved else None


def splits_are_apart(trial: Trial[Dataset]) -> str | None:
    """Held-out samples are no training samples."""
    data = _load(trial)
    rows = list(_hashes(data.train))
    trained = set(rows)
    repeated = 1 - len(trained) / len(rows)  # of data that hold samples twice anyway, held-out ones come up again
    for name in SPLITS[1:]:
        shared = sum(each in trained for each in _hashes(data.split(name))) / len(data.split(name))
        if shared > SHARED + 2 * repeated:
            return f"{number(100 * shared)} % of its {name} split are training samples as well"
    return None


def _hashes(samples: Samples) -> Iterator[bytes]:
    for batch in in_batches(samples, PART):
        for row in batch:
            yield hashlib.sha1(row.contiguous().numpy().data, usedforsecurity=False).digest()


def what_players_see_can_be_stored(trial: Trial[Dataset]) -> str | None:
    """Stored samples, decoded for the players and encoded again, are the same; decoded images lie in [−1, 1]."""
    data = _load(trial)
    for name in SPLITS:
        stored = data.split(name)[:256]
        seen = data.decode(stored.clone())
        if seen.dtype != torch.float32:
            return f"decoded samples are of type {seen.dtype}, not of 32 bits"
        if data.is_image and not (seen.min() >= -1 and seen.max() <= 1):
            return f"decoded images lie between {number(float(seen.min()))} and {number(float(seen.max()))}"
        if not torch.equal(data.encode(seen.clone()), stored):
            return f"samples of its {name} split change when they are decoded and encoded again"
    return None


def measured_in_a_known_space(trial: Trial[Dataset]) -> str | None:
    """Its feature space is known, and `classifier` comes with labels."""
    space = trial.create().space
    if space not in spaces.names():
        return f"`space` is {space!r}; valid: {', '.join(spaces.names())}"
    labelled = all(_load(trial).labels(name) is not None for name in SPLITS)
    if space == "classifier" and not labelled:
        return "`space` is 'classifier', but not every split has the labels that one is trained with"
    return None


def labels_fit(trial: Trial[Dataset]) -> str | None:
    """Labels are whole numbers from 0 to classes − 1, one per sample."""
    data = _load(trial)
    if all(data.labels(name) is None for name in SPLITS):
        if data.classes:
            return f"it has no labels, but `classes` is {data.classes}"
        raise UntriedError("it has no labels")
    for name in SPLITS:
        labels = data.labels(name)
        if labels is None or labels.dtype != torch.int64 or tuple(labels.shape) != (len(data.split(name)),):
            told = "none" if labels is None else f"{labels.dtype} of shape {tuple(labels.shape)}"
            return f"labels of its {name} split: {told}; due: int64 of shape ({len(data.split(name))},)"
        if labels.min() < 0 or labels.max() >= data.classes:
            return f"labels of its {name} split run from {labels.min()} to {labels.max()}; `classes` is {data.classes}"
    return None


def modes_fit(trial: Trial[Dataset]) -> str | None:
    """Known modes have the data's dimension, a positive σ, and weights that add up to 1."""
    data = _load(trial)
    modes = data.modes
    if modes is None:
        raise UntriedError("its modes are not known")
    if tuple(modes.centers.shape[1:]) != data.shape or tuple(modes.weights.shape) != (len(modes.centers),):
        shapes = f"{tuple(modes.centers.shape)} and {tuple(modes.weights.shape)}"
        return f"centres and weights have the shapes {shapes}, of samples of shape {data.shape}"
    total = float(modes.weights.double().sum())
    if modes.sigma <= 0 or abs(total - 1) > 1e-5 or modes.weights.min() < 0:
        return f"σ is {number(modes.sigma)} and the weights add up to {number(total)}"
    return None


def fresh_samples_are_like_it(trial: Trial[Dataset]) -> str | None:
    """Fresh samples, where they can be drawn, come from the generator alone, with the mean and spread of the splits."""
    data = _load(trial)
    if data.draw is None:
        raise UntriedError("it cannot draw fresh samples")
    state = GlobalRandomState()
    first, again, other = (data.draw(2000, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    if moved := state.changed():
        return f"`draw` draws from {moved}, or sets it"
    if tuple(first.shape) != (2000, *data.shape) or first.dtype != data.train.dtype:
        return f"2,000 fresh samples have the shape {tuple(first.shape)} and the type {first.dtype}"
    if not torch.equal(first, again):
        return "`draw` gives other samples of a generator with the same seed"
    if torch.equal(first, other):
        return "`draw` gives the same samples whatever the generator's seed"
    for name in SPLITS:
        real, fresh = _numbers(data.split(name)[:FRESH_AGAINST]), _numbers(first)
        spread = real.std(0).clamp_min(1e-12)
        # five standard errors of both means; the spread within a fifth
        far = ((real.mean(0) - fresh.mean(0)) / spread).abs().max() / (1 / len(real) + 1 / len(fresh)) ** 0.5
        if far > 5 + 0.01 * real.shape[1] or not ((fresh.std(0) / spread - 1).abs() < 0.2).all():
            return f"fresh samples have another mean or spread than its {name} split"
    return None


def _numbers(samples: Tensor) -> Tensor:
    """The coordinates of points; of an image how bright each channel is: single pixels may be black in nearly all."""
    return samples.double().flatten(2).mean(2) if samples.ndim == 4 else samples.double()


LAWS: tuple[Law, ...] = (
    has_three_splits_of_its_shape,
    described_completely,
    loads_the_same_twice,
    loads_without_chance,
    splits_are_apart,
    what_players_see_can_be_stored,
    measured_in_a_known_space,
    labels_fit,
    modes_fit,
    fresh_samples_are_like_it,
)
