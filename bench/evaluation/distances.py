"""Distances between many points, without a matrix of all of them in memory.

In few dimensions trees find neighbours; in more, squared distances are made by matrix products, some rows at a time.
Everything is float64: a nearest neighbour may be a thousand times closer than the points are far from the origin.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

CHUNK = 2**21
"""Distances that lie in memory at a time (16 MiB)."""
TREE_DIMENSIONS = 4
"""Up to so many, a tree finds neighbours faster than all distances can be made."""


@dataclasses.dataclass(frozen=True)
class _Places:
    """Different points of a cloud: a tree of them; of each, the index of the first that lies there and their number."""

    tree: cKDTree
    first: NDArray[np.intp]
    counts: NDArray[np.intp]


class Cloud:
    """Points that distances are measured between.

    Args:
        points: ``(n, d)``.
        origin: ``(d,)``, near the points of both clouds of a distance and the same for both: products of coordinates
            far from 0 would lose what distances are made of.
        chunk: distances in memory at a time.
    """

    def __init__(self, points: Tensor, origin: Tensor, chunk: int = CHUNK) -> None:
        self.points = points.detach().cpu().to(torch.float64, copy=True).sub_(origin)
        self._chunk = chunk

    def __len__(self) -> int:
        return len(self.points)

    @property
    def has_tree(self) -> bool:
        """Whether the points have few enough dimensions for `tree`."""
        return self.points.shape[1] <= TREE_DIMENSIONS

    @cached_property
    def tree(self) -> cKDTree:
        """Of the points."""
        return cKDTree(self.points.numpy())

    @cached_property
    def _squares(self) -> Tensor:
        lengths: Tensor = torch.linalg.vector_norm(self.points, dim=1)  # squares of all would be as large as the points
        return lengths.square()

    def squared_distances(self, other: Cloud) -> Iterator[tuple[slice, Tensor]]:
        """The matrix of squared distances to another cloud's points, some rows at a time: which, and ``(rows, m)``."""
        rows = max(1, self._chunk // max(1, len(other)))
        for start in range(0, len(self), rows):
            chosen = slice(start, start + rows)
            distances = torch.addmm(other._squares, self.points[chosen], other.points.T, alpha=-2)
            yield chosen, distances.add_(self._squares[chosen, None]).clamp_min_(0)

    def neighbour_distances(self, k: int) -> Tensor:
        """Distance of each point to its nearest, second nearest, … k-th nearest other, ``(n, k)``; k < n."""
        if self.has_tree:
            ordered = np.asarray(self.tree.query(self.points.numpy(), k=k + 1)[0])
            return torch.from_numpy(ordered[:, 1:])  # the nearest of all is the point itself, or an equal one
        found = []
        for chosen, distances in self.squared_distances(self):
            distances.diagonal(chosen.start).fill_(torch.inf)  # a point is no neighbour of its own
            found.append(distances.topk(k, dim=1, largest=False, sorted=True).values.sqrt_())
        return torch.cat(found)

    def nearest(self, other: Cloud) -> Tensor:
        """Distance of each point to the nearest of another cloud, ``(n,)``."""
        if self.has_tree:
            return torch.from_numpy(np.asarray(other.tree.query(self.points.numpy())[0]))
        return torch.cat([distances.amin(dim=1).sqrt_() for _, distances in self.squared_distances(other)])

    def count_reached(self, other: Cloud, radii: Tensor) -> int:
        """How many of another cloud's points are within ``radii`` ``(n,)`` of any of the points; by trees.

        Equal points, whose radii have to be equal, are one place: pairs of places are few where a radius is that of a
        near neighbour, pairs of points are not.
        """
        mine, theirs = self._places, other._places
        lists = theirs.tree.query_ball_point(mine.tree.data, radii.numpy()[mine.first])
        reached = np.unique(np.concatenate([np.asarray(found, dtype=np.intp) for found in lists]))
        return int(theirs.counts[reached].sum())

    @cached_property
    def _places(self) -> _Places:
        places, first, counts = np.unique(self.points.numpy(), axis=0, return_index=True, return_counts=True)
        return _Places(cKDTree(places), first, counts)
