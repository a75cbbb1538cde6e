"""Learning-rate schedules: what a rate is multiplied by when a share of the budget is spent."""

from __future__ import annotations

import math

from bench.spec import Decay

LEFT = 0.01
"""What is left of a rate at the end of exponential decay."""


def rate_factor(decay: Decay, spent: float) -> float:
    """The factor of a learning rate.

    - ``none``: 1.
    - ``linear``: 1 − t.
    - ``second-half``: 1 until t = ½, then in a line to 0 (Zhu et al. 2017).
    - ``cosine``: ½(1 + cos πt) (Loshchilov & Hutter 2017, without restarts).
    - ``exponential``: 0.01ᵗ.

    Args:
        decay: which.
        spent: t, the share of the budget before the step; past 1 as at 1. The last step of a budget is the smallest,
            and not zero.
    """
    left = max(0.0, 1 - spent)
    if decay == "linear":
        return left
    if decay == "second-half":
        return min(1.0, 2 * left)
    if decay == "cosine":
        return 0.5 * (1 - math.cos(math.pi * left))
    if decay == "exponential":
        return float(LEFT ** (1 - left))
    return 1.0
