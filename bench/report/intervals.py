"""Improvements and probabilities in plots: a row with a mark and its interval each, on one kind of axis."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bench.report.style import INK, MUTED, PAPER, Look, logarithmic

ROW = 0.27
"""Height of one objective's line, inches."""


@dataclasses.dataclass(frozen=True)
class GainAxis:
    """An axis of improvements: log-ratios stand on it as times, differences in the metric's unit."""

    ratio: bool
    percent: bool
    low: float
    high: float
    """The frame, before it is turned into times."""

    @classmethod
    def around(cls, gains: NDArray[np.float64], *, ratio: bool, percent: bool) -> GainAxis:
        """With room for all finite ones, and for none at all: no difference.

        Args:
            gains: improvements and their ends, of any shape.
            ratio: whether they are log-ratios.
            percent: whether differences are told in percentage points.
        """
        finite = np.append(gains[np.isfinite(gains)], 0.0)  # before any exp: exp(−∞) is a finite number
        pad = 0.12 * float(np.ptp(finite)) or 0.5
        return cls(ratio, percent, float(finite.min()) - pad, float(finite.max()) + pad)

    def at(self, gain: float) -> float:
        """Where an improvement stands; one outside of the frame on its edge, NaN nowhere."""
        inside = min(max(gain, self.low), self.high) if not math.isnan(gain) else gain
        return math.exp(inside) if self.ratio else inside * (100 if self.percent else 1)

    def mark(self, gain: float) -> float:
        """Where the mark of an improvement stands; NaN for one outside of the frame, which has none."""
        return self.at(gain) if self.low <= gain <= self.high else math.nan

    def beyond(self, low: float, high: float) -> str:
        """What an interval reaches beyond the frame: ``0`` or ``−∞``, ``∞``; failures of one side do that."""
        nothing = "0" if self.ratio else "−∞"
        return ", ".join([nothing] * bool(low < self.low) + ["∞"] * bool(high > self.high))

    def finish(self, ax: Axes, than: str = "") -> None:
        """Frame, scale, a line at no difference, and a name of the axis.

        Args:
            ax: whose x axis it is.
            than: what the improvements are over, where that is one for all.
        """
        ax.axvline(self.at(0.0), color=INK, lw=1)
        ax.set_xlim(self.at(self.low), self.at(self.high))
        if self.ratio:
            logarithmic(ax, "x")
        unit = "in points" if self.percent else "in the metric's unit"
        times = f"times as good as {than}" if than else "times as good"
        by = f"better than {than} by" if than else "better by"
        ax.set_xlabel(times if self.ratio else f"{by}, {unit}")


def interval_row(
    ax: Axes, y: float, center: float, ends: tuple[float, float], style: Look, *, filled: bool, width: float = 2.2
) -> None:
    """A line between two ends and a mark, filled where the two compared can be told apart; NaN is left out."""
    ax.plot(ends, [y, y], color=style.color, lw=width)
    if math.isfinite(center):
        ax.plot(center, y, style.marker, color=style.color, mfc=style.color if filled else PAPER, mew=1.5, ms=6.5)


def probability_axis(ax: Axes) -> None:
    """An axis of probabilities of improvement in percent, with a line where neither is better."""
    ax.axvline(50, color=INK, lw=1)
    ax.set_xlim(-4, 104)
    ax.set_xlabel("probability of improvement (%)")


def remark(ax: Axes, y: float, text: str, size: float = 7.5) -> None:
    """A remark to the right of a row, outside of the data."""
    ax.text(1.015, y, text, transform=ax.get_yaxis_transform(), va="center", fontsize=size, color=MUTED)
