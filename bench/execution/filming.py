"""A run's film while it is trained: a few of the samples that its evaluations are of, however many those are."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from bench.measured import Film

POINTS, IMAGES = 400, 16
"""Of a frame, at most."""
FEWEST, FRAME_BYTES = 4, 256 << 10
"""Frames of large samples hold fewer of them, no fewer than 4, so that they take no more than this."""
HELD, WRITTEN = 24, 12
"""Frames that are held while training, and that are kept of them."""


class Filming:
    """Holds the frames of every first, second, fourth, … evaluation, and the last one's.

    What is held depends on the number of evaluations alone, and is of a bounded size.
    """

    def __init__(self) -> None:
        self._stride = 1
        self._seen = 0
        self._frames: list[tuple[int, int, Tensor]] = []
        """The evaluation's number, its step, its samples."""

    def add(self, step: int, samples: Tensor) -> None:
        """Take in an evaluation.

        Args:
            step: generator steps until then, more than at the evaluation before.
            samples: as stored by the dataset, of the same latents each time; the first few are held.
        """
        if self._frames and self._frames[-1][0] % self._stride:
            self._frames.pop()  # it was held for being the last
        self._frames.append((self._seen, step, _small(samples)))
        self._seen += 1
        if len(self._frames) > HELD:
            self._stride *= 2
            *earlier, last = self._frames
            self._frames = [frame for frame in earlier if frame[0] % self._stride == 0] + [last]

    def film(self) -> Film | None:
        """At most `WRITTEN` of the frames, evenly chosen, the first and the last among them; None without any."""
        if not self._frames:
            return None
        count = min(WRITTEN, len(self._frames))
        chosen = [self._frames[index] for index in np.linspace(0, len(self._frames) - 1, count).round().astype(int)]
        return Film(
            np.array([step for _, step, _ in chosen], dtype=np.int64),
            np.stack([samples.numpy() for _, _, samples in chosen]),
        )

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        return {"stride": self._stride, "seen": self._seen, "frames": list(self._frames)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._stride, self._seen = state["stride"], state["seen"]
        self._frames = [(number, step, samples) for number, step, samples in state["frames"]]


def _small(samples: Tensor) -> Tensor:
    """The first few on the host, points in half precision."""
    is_points = samples.dim() == 2
    size = samples[0].numel() * (2 if is_points else samples.element_size())
    few = samples[: max(FEWEST, min(POINTS if is_points else IMAGES, FRAME_BYTES // size))]
    # a copy: a part of a tensor is kept, and saved, with all of it
    return few.half().cpu() if is_points else few.cpu().clone()
