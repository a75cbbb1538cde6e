"""How long a phase of work still takes."""

from __future__ import annotations

import time


class Estimate:
    """From the share of the work that was done since it was made.

    Args:
        total: tasks.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.finished = 0
        self._shares: dict[str, float] = {}
        self._first: dict[str, float] = {}
        self._spared = 0.0
        self._begin = time.monotonic()

    def progress(self, key: str, share: float) -> None:
        """A task is so far, 0 to 1; where it began is what an earlier process did of it."""
        self._first.setdefault(key, share)
        self._shares[key] = share

    def finish(self, key: str) -> None:
        """A task ended."""
        self._shares.pop(key, None)
        self._spared += self._first.pop(key, 0.0)
        self.finished += 1

    def remaining(self) -> float | None:
        """Seconds; None until anything is done."""
        done = self.finished + sum(self._shares.values())
        worked = done - self._spared - sum(self._first.values())
        if worked <= 0:
            return None
        return max(0.0, (time.monotonic() - self._begin) / worked * (self.total - done))
