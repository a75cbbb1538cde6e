"""How findings are put into words: what is sure, lists of names, seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench import statistics
from bench.metrics import Metric
from bench.report.style import plain, share, shares, shown


def how_sure(
    improvement: tuple[float, float],
    probability: tuple[float, float, float],
    p_adjusted: float,
    seeds: int,
    metric: Metric,
    *,
    ratio: bool,
    pairs: int | None = None,
) -> str:
    """``95 % interval 1.10 to 1.42 times as good, probability of improvement 96 % [80–99], p = 0.008``.

    Args:
        improvement: both ends of its interval; log-ratios where ``ratio``.
        probability: of improvement, and both ends of its interval.
        p_adjusted: of the test.
        seeds: that both ran.
        metric: of which the improvement is.
        ratio: whether improvements are log-ratios.
        pairs: of runs that the interval is of, where it is of several tasks; ``seeds`` are those of the smallest.
    """
    chance = f"probability of improvement {share(probability[0])}"
    if not math.isnan(probability[1]):
        chance += f" {shares(*probability[1:])}"
    told = f"{chance}, {p_said(p_adjusted)}"
    if seeds < 2:
        one = "they share no seed" if seeds == 0 else "they share one seed: no interval"
        return f"{one}, {told}"
    few = f"over {seeds} seeds from" if pairs is None else f"interval of {pairs} pairs, descriptive:"
    named = "95\u00a0% interval" if seeds >= statistics.DESCRIPTIVE_BELOW else few
    low, high = (gain_text(end, metric, ratio=ratio) for end in improvement)
    return f"{named} {low} to {high}{' times as good' if ratio else ''}, {told}"


def gain_text(gain: float, metric: Metric, *, ratio: bool) -> str:
    """An improvement without its unit: ``1.32``, ``0.0021``, ``∞``, ``–`` where it is not known.

    Args:
        gain: a log-ratio where ``ratio``, then told as times; else a difference, told as the metric is.
        metric: of which it is.
        ratio: whether it is a log-ratio.
    """
    if math.isnan(gain):
        return "–"
    if math.isinf(gain):
        return "∞" if gain > 0 else "0" if ratio else "−∞"
    if not ratio:
        return shown(gain, metric)
    times = math.exp(min(gain, 700.0))
    return f"{times:.2f}" if 0.095 <= times < 99.5 else plain(times)


def p_text(p: float) -> str:
    """``0.012``, ``< 0.001``."""
    return "–" if math.isnan(p) else "<\u00a00.001" if p < 0.001 else f"{p:.2g}"


def p_said(p: float) -> str:
    """``p = 0.012``, ``p < 0.001``."""
    text = p_text(p)
    return f"p\u00a0{text}" if text.startswith("<") else f"p\u00a0=\u00a0{text}"


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
