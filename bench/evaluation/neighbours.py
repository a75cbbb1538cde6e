"""Metrics of nearest neighbours: precision and recall, density and coverage, copies of training samples.

All of them look at the same distances (generated to generated, generated to real, real to real, generated to
training), each of which is made once; the real ones' once for all evaluations.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from bench.evaluation.distances import CHUNK, Cloud

if TYPE_CHECKING:
    from torch import Tensor

NEIGHBOUR_SAMPLES = 10_000
"""Distances cost the square of this: of larger sets, the first so many."""
PRECISION_NEIGHBOURS = 3
"""Of precision and recall (Kynkäänniemi et al. 2019)."""
COVERAGE_NEIGHBOURS = 5
"""Of density and coverage (Naeem et al. 2020)."""
HELD_OUT_SHARE = 100
"""A copy is nearer to a training sample than all but one of so many held-out samples are."""
ROUNDING = 1e-9
"""Relative difference of two radii below which they are one: equal distances may be computed unequal."""
COPY_ROUNDING = 1e-6
"""Distance, over the real samples' root mean square around their mean, below which a sample is a copy: features are
float32, and a squared distance is rounded as the squares that it is a difference of."""


@dataclasses.dataclass(frozen=True)
class BallShares:
    """Who lies in whose nearest-neighbour balls; None with no more samples than neighbours."""

    precision: float | None
    """Share of generated samples inside a real sample's 3-neighbour ball, 0 to 1."""
    recall: float | None
    """Share of real samples inside a generated sample's 3-neighbour ball, 0 to 1."""
    density: float | None
    """Real samples' 5-neighbour balls that a generated sample lies in, on average, over 5: around 1 for real ones."""
    coverage: float | None
    """Share of real samples with a generated one in their 5-neighbour ball, 0 to 1."""


class Neighbourhoods:
    """Real samples, and what nearest-neighbour metrics need of them alone.

    Args:
        real: features ``(m, d)``; the first 10,000 are used.
        training: features of training samples ``(t, d)``, of which the first 10,000 are used, or None.
        chunk: distances in memory at a time.
    """

    def __init__(self, real: Tensor, training: Tensor | None = None, chunk: int = CHUNK) -> None:
        self._origin = real.detach().cpu().mean(dim=0, dtype=torch.float64)
        self._chunk = chunk
        self._real = self._cloud(real)
        self._training = None if training is None else self._cloud(training)

    def ball_shares(self, generated: Tensor) -> BallShares:
        """Precision, recall, density and coverage of features ``(n, d)``; the first 10,000 are used."""
        cloud = self._cloud(generated)
        n, m = len(cloud), len(self._real)
        if min(n, m) <= PRECISION_NEIGHBOURS:
            return BallShares(None, None, None, None)
        mine = cloud.neighbour_distances(PRECISION_NEIGHBOURS)[:, -1]
        members = (_members_by_tree if cloud.has_tree else _members_by_chunks)(
            cloud, mine, self._real, self._radius(PRECISION_NEIGHBOURS), self._radius(COVERAGE_NEIGHBOURS)
        )
        wide = m > COVERAGE_NEIGHBOURS
        return BallShares(
            precision=members.generated_in_real / n,
            recall=members.real_in_generated / m,
            density=members.pairs / (COVERAGE_NEIGHBOURS * n) if wide else None,
            coverage=members.covered / m if wide else None,
        )

    def memorised_share(self, generated: Tensor) -> float | None:
        """Share of generated samples ``(n, d)`` nearer to a training sample than 99 of 100 real samples are, 0 to 1.

        1 % by construction for samples like the real ones, which are held out. None with fewer than 100 of them,
        without training samples, or where more than 1 in 100 real samples are copies of training samples themselves:
        no sample could be nearer.
        """
        if self._training is None or self._memory_radius is None or not len(generated):
            return None
        return float((self._cloud(generated).nearest(self._training) < self._memory_radius).double().mean())

    @cached_property
    def _memory_radius(self) -> float | None:
        """Distance to the training samples that 1 in 100 real samples falls below; None where it is but rounding."""
        assert self._training is not None
        if len(self._real) < HELD_OUT_SHARE:
            return None
        distances = self._real.nearest(self._training).sort().values
        radius = float(distances[len(distances) // HELD_OUT_SHARE])
        scale = float(self._real.points.square().sum(dim=1).mean().sqrt())  # around the mean
        return radius * (1 - ROUNDING) if radius > COPY_ROUNDING * scale else None

    @cached_property
    def _real_distances(self) -> Tensor:
        return self._real.neighbour_distances(min(COVERAGE_NEIGHBOURS, len(self._real) - 1))

    def _radius(self, neighbours: int) -> Tensor:
        return self._real_distances[:, min(neighbours, self._real_distances.shape[1]) - 1]

    def _cloud(self, features: Tensor) -> Cloud:
        return Cloud(features[:NEIGHBOUR_SAMPLES], self._origin, self._chunk)


@dataclasses.dataclass(frozen=True)
class _Members:
    """Numbers of samples inside the balls of the others."""

    generated_in_real: int
    real_in_generated: int
    pairs: int
    """Of a generated sample and a wider real ball that it lies in."""
    covered: int
    """Wider real balls with a generated sample inside."""


# Balls are closed for precision and recall and open for density and coverage, as in their authors' code: of a sample
# that is a real sample's fifth neighbour itself, the distance is the radius.


def _members_by_tree(generated: Cloud, mine: Tensor, real: Cloud, narrow: Tensor, wide: Tensor) -> _Members:
    inside = generated.tree.query_ball_point(real.points.numpy(), (wide * (1 - ROUNDING)).numpy(), return_length=True)
    inside[(wide == 0).numpy()] = 0  # a tree's balls are closed; an open one around many equal samples is empty
    return _Members(
        generated_in_real=real.count_reached(generated, narrow * (1 + ROUNDING)),
        real_in_generated=generated.count_reached(real, mine * (1 + ROUNDING)),
        pairs=int(inside.sum()),
        covered=int((inside > 0).sum()),
    )


def _members_by_chunks(generated: Cloud, mine: Tensor, real: Cloud, narrow: Tensor, wide: Tensor) -> _Members:
    own = ((mine * (1 + ROUNDING)) ** 2)[:, None]
    closed, opened = (narrow * (1 + ROUNDING)) ** 2, (wide * (1 - ROUNDING)) ** 2
    generated_in_real = pairs = 0
    real_in_generated = torch.zeros(len(real), dtype=torch.bool)
    covered = torch.zeros(len(real), dtype=torch.bool)
    for chosen, distances in generated.squared_distances(real):
        generated_in_real += int((distances <= closed).any(dim=1).sum())
        real_in_generated |= (distances <= own[chosen]).any(dim=0)
        within = distances < opened
        pairs += int(within.sum())
        covered |= within.any(dim=0)
    return _Members(generated_in_real, int(real_in_generated.sum()), pairs, int(covered.sum()))
