"""How findings are put into words: what is sure, lists of names, seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench import statistics
from bench.report.style import share, shares


def how_sure(
    improvement: tuple[float, float],
    probability: tuple[float, float, float],
    p_adjusted: float,
    seeds: int,
    *,
    ratio: bool,
) -> str:
    """``95 % interval 1.10 to 1.42 times as good, probability of improvement 96 % [80–99], p = 0.008``.

    Args:
        improvement: both ends of its interval; log-ratios where ``ratio``.
        probability: of improvement, and both ends of its interval.
        p_adjusted: of the test.
        seeds: pairs of runs that the interval is of.
        ratio: whether improvements are log-ratios.
    """
    chance = f"probability of improvement {share(probability[0])}"
    if seeds == 0:
        return f"they share no seed, {chance} {shares(*probability[1:])}, p\u00a0=\u00a0{p_adjusted:.2g}"
    if seeds == 1:
        return "one seed each: nothing can be said of chance"
    low, high = map(math.exp, improvement) if ratio else improvement
    named = "95\u00a0% interval" if seeds >= statistics.DESCRIPTIVE_BELOW else f"over {seeds} seeds from"
    times = " times as good" if ratio else ""
    return (
        f"{named} {end(low)} to {end(high)}{times}, {chance} {shares(*probability[1:])}, p\u00a0=\u00a0{p_adjusted:.2g}"
    )


def end(value: float) -> str:
    """An end of an interval: ``1.02``, ``−∞``, ``–`` where it is not known."""
    if math.isnan(value):
        return "–"
    return ("−∞" if value < 0 else "∞") if math.isinf(value) else f"{value:.2f}".replace("-", "−")


def listed_names(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def readable_seconds(value: float) -> str:
    """``850 ms``, ``12.3 s``, ``4.5 min``, ``2.1 h``."""
    if value < 1:
        return f"{value * 1e3:.0f}\u00a0ms"
    if value < 120:
        return f"{value:.1f}\u00a0s"
    return f"{value / 60:.1f}\u00a0min" if value < 7200 else f"{value / 3600:.1f}\u00a0h"
