"""How a comparison is put into words: by how much something changed, how sure that is, and what it comes to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from bench.comparison.compared import Compared, of_outcome
from bench.comparison.pairing import CellName
from bench.comparison.sides import Side
from bench.comparison.verdicts import Outcome, Verdict
from bench.metrics import Metric
from bench.report.style import plural, share, shares
from bench.report.wording import gain_text, p_text

ORDER = (
    Outcome.WORSE,
    Outcome.BETTER,
    Outcome.UNLIKE,
    Outcome.TOO_FEW,
    Outcome.FAILED,
    Outcome.FLOOR,
    Outcome.SAME,
    Outcome.IDENTICAL,
)
"""What a reader has to see first."""


def in_order(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Worse first, then better, then the rest; within these by how much, then as they stand."""
    return sorted(verdicts, key=lambda verdict: (ORDER.index(verdict.outcome), -_size(verdict)))


def gain(verdict: Verdict) -> tuple[str, str]:
    """``0.62 ×`` and ``[0.50–0.80]``, ``+3.1 points`` and ``[+1.0 to +5.2]``: how many times as good B is as A, or by
    how much; empty where nothing differs, no interval where it has no ends.
    """
    if verdict.comparison is None:
        return "", ""
    interval, metric, ratio = verdict.comparison.improvement, verdict.metrics[0], verdict.scale == "log-ratio"
    ends = (interval.estimate, interval.low, interval.high)
    center, low, high = ((gain_text if ratio else _signed)(end, metric, ratio=ratio) for end in ends)
    unit = " ×" if ratio else " points" if metric.percent else ""
    known = not math.isnan(interval.low)
    return f"{center}{unit}", f"[{low}{'–' if ratio else ' to '}{high}]" if known else ""


def chance(verdict: Verdict) -> tuple[str, str]:
    """``4 %`` and ``[0–20 %]``: that a run of B beats a run of A."""
    if verdict.comparison is None:
        return "", ""
    probability = verdict.comparison.probability
    if math.isnan(probability.low):
        return share(probability.estimate), ""
    return share(probability.estimate), shares(probability.low, probability.high)


def adjusted_p(verdict: Verdict) -> str:
    """``0.012``, ``< 0.001``."""
    if verdict.comparison is None or math.isnan(verdict.comparison.p_adjusted):
        return ""
    return p_text(verdict.comparison.p_adjusted)


def pairs(verdict: Verdict) -> str:
    """``15``, or ``15 (failed 1 → 3)``."""
    failed = f" (failed {verdict.failures[0]} → {verdict.failures[1]})" if any(verdict.failures) else ""
    return f"{verdict.pairs:,}{failed}"


def ratio(value: float | None) -> str:
    """``1.02 ×``; empty of none."""
    return "" if value is None else f"{value:.2f} ×"


def of_objective(compared: Compared, objective: str) -> float | None:
    """How many times as long training takes, over an objective's cells: their geometric mean."""
    known = [speed.seconds_ratio for speed in compared.speeds if speed.name.objective == objective]
    logs = [math.log(value) for value in known if value]
    return math.exp(math.fsum(logs) / len(logs)) if logs else None


def closing(compared: Compared) -> str:
    """1 of 8 objectives became worse: lsgan (0.62 times as good [0.50–0.80]); 7 no difference, of which 6 identical."""
    verdicts = compared.objectives
    counts = Counter(verdict.outcome for verdict in verdicts)
    same = counts[Outcome.SAME] + counts[Outcome.IDENTICAL]
    identical = f", of which {counts[Outcome.IDENTICAL]} identical" if counts[Outcome.IDENTICAL] else ""
    parts = [
        (counts[Outcome.WORSE], f" became worse: {_named(verdicts, Outcome.WORSE)}"),
        (counts[Outcome.BETTER], f" became better: {_named(verdicts, Outcome.BETTER)}"),
        (counts[Outcome.TOO_FEW], ": too few runs to tell any difference"),
        (counts[Outcome.FAILED], ": failed in both"),
        (counts[Outcome.FLOOR], ": told apart by no more than the perfect sampler's own draws"),
        (counts[Outcome.UNLIKE], ": not judged over tasks of different units"),
        (same, f": no difference{identical}"),
    ]
    (first, said), *others = [(count, text) for count, text in parts if count]
    rest = "".join(f"; {count}{text.replace(':', '', 1) if text[0] == ':' else text}" for count, text in others)
    return f"{first} of {len(verdicts)} {plural('objective', len(verdicts))}{said}{rest}."


def _named(verdicts: Sequence[Verdict], outcome: Outcome) -> str:
    found = of_outcome(in_order(verdicts), outcome)
    return ", ".join(f"{verdict.objective} ({_by_how_much(verdict)})" for verdict in found)


def remarks(compared: Compared) -> list[str]:
    """What has to be known beside the verdicts: what is not compared, and what is not there."""
    said = [f"Not compared: {refusal}." for refusal in compared.refusals]
    for side, only, other in (("A", compared.only_before, "B"), ("B", compared.only_after, "A")):
        if only:
            said.append(f"{len(only):,} {plural('run', len(only))} in {side} alone, not in {other}: {listed(only)}.")
    for side, of in (("A", compared.before), ("B", compared.after)):
        if of.missing:
            said.append(f"{of.missing:,} planned {plural('run', of.missing)} of {side} without a record.")
        if of.rejected:
            said.append(f"{len(of.rejected):,} {plural('file', len(of.rejected))} of {side} not trusted and left out.")
    if compared.descriptive:
        said.append("Some comparisons rest on fewer than 5 pairs of runs: they describe these runs and no more.")
    if compared.untimed:
        said.append(f"Speed is not compared: {compared.untimed}.")
    return said


def notices(before: Side, after: Side) -> list[str]:
    """What either side's runs differ in among themselves, said of which side."""
    return [f"{name}: {sentence}" for name, side in (("A", before), ("B", after)) for sentence in side.notices]


def listed(names: Sequence[str], most: int = 5) -> str:
    """``a, b, … (12)``."""
    return ", ".join(names[:most]) + (f", … ({len(names)})" if len(names) > most else "")


def cells_in_words(cells: Sequence[CellName], compared: Compared) -> str:
    """``every cell``, ``hinge``, ``hinge on ring, lsgan on grid``: whatever says shortest which cells are meant."""
    every = {(verdict.objective, verdict.task) for verdict in compared.cells}
    objectives = dict.fromkeys(cell.objective for cell in cells)
    if len(cells) >= len(every):
        return "every cell"
    of = {name: sum(objective == name for objective, _ in every) for name in objectives}
    if len(cells) >= sum(of.values()):
        return listed(list(objectives))
    return listed([f"{cell.objective} on {cell.dataset}" for cell in cells])


def _by_how_much(verdict: Verdict) -> str:
    estimate, interval = gain(verdict)
    if verdict.scale == "log-ratio":
        return f"{estimate.removesuffix(' ×')} times as good {interval}"
    return " ".join(part for part in (estimate, interval, f"in {verdict.metrics[0].title}") if part)


def _signed(gain: float, metric: Metric, *, ratio: bool) -> str:
    """A difference with its sign: above 0 is better."""
    text = gain_text(gain, metric, ratio=ratio)
    return f"+{text}" if gain > 0 and text.strip("0.") else text


def _size(verdict: Verdict) -> float:
    estimate = verdict.comparison.improvement.estimate if verdict.comparison is not None else 0.0
    return 0.0 if math.isnan(estimate) else abs(estimate)
