"""A comparison on the terminal: what differs, a verdict per objective, and a sentence that closes it."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bench.comparison import words
from bench.comparison.compared import Compared, of_outcome
from bench.comparison.verdicts import Outcome, Verdict
from bench.reading import told

STYLES = {
    Outcome.WORSE: "bold red",
    Outcome.BETTER: "bold green",
    Outcome.TOO_FEW: "yellow",
    Outcome.UNLIKE: "yellow",
    Outcome.FAILED: "yellow",
    Outcome.IDENTICAL: "dim",
}
SHOWN = 12
"""Lines of what differs, at most; the page has all of them."""


def print_comparison(console: Console, compared: Compared, *, brief: bool = False) -> None:
    """Print it.

    Args:
        console: where to.
        compared: what it is of.
        brief: the closing sentence alone.
    """
    if not brief:
        for side, of in (("A", compared.before), ("B", compared.after)):
            _say(console, f"{side}: {of.name} ({len(of.runs):,} runs)")
        console.print()
        _print_differences(console, compared)
        console.print(_verdicts(compared))
        sure = of_outcome(words.in_order(compared.cells), Outcome.WORSE, Outcome.BETTER)
        if sure and len({verdict.task for verdict in compared.cells}) > 1:
            console.print()
            for verdict in sure[:SHOWN]:
                estimate, interval = words.gain(verdict)
                _say(console, f"{verdict.objective} on {verdict.task}: {verdict.outcome}, {estimate} {interval}")
            if len(sure) > SHOWN:
                _say(console, f"… and {len(sure) - SHOWN} more cells")
        console.print()
        if any(speed.seconds for speed in compared.speeds):
            _say(console, "Time is that of training, of runs that others may have been beside.")
        for sentence in words.remarks(compared):
            _say(console, sentence)
    _say(console, words.closing(compared), style="bold")


def _print_differences(console: Console, compared: Compared) -> None:
    lines = [
        f"{change.field}: {change.before} → {change.after}  ({words.cells_in_words(change.cells, compared)})"
        for change in compared.settings
    ]
    lines += [
        f"{change.field}: {', '.join(change.before)} → {', '.join(change.after)}" for change in compared.environments
    ]
    if not lines:
        _say(console, "The same settings, software and hardware.")
    for line in lines[:SHOWN]:
        _say(console, line)
    if len(lines) > SHOWN:
        _say(console, f"… and {len(lines) - SHOWN} more differences")
    console.print()


def _verdicts(compared: Compared) -> Table:
    """An objective a row, worse ones first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("objective", style="cyan", overflow="fold", min_width=10)
    table.add_column("B is", no_wrap=True)
    table.add_column("B against A", justify="right")
    table.add_column("chance", justify="right", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("pairs", justify="right")
    timed = any(words.of_objective(compared, verdict.objective) for verdict in compared.objectives)
    if timed:
        table.add_column("time", justify="right", no_wrap=True)
    for verdict in words.in_order(compared.objectives):
        table.add_row(*_cells(verdict), *([_time(compared, verdict)] if timed else []))
    return table


def _cells(verdict: Verdict) -> list[Text]:
    estimate, interval = words.gain(verdict)
    return [
        Text(_line(verdict.objective)),
        Text(str(verdict.outcome), style=STYLES.get(verdict.outcome, "")),
        Text(" ".join(part for part in (estimate, interval) if part)),
        Text(_line(words.chance(verdict)[0])),
        Text(_line(words.adjusted_p(verdict))),
        Text(words.pairs(verdict)),
    ]


def _time(compared: Compared, verdict: Verdict) -> Text:
    return Text(words.ratio(words.of_objective(compared, verdict.objective)))


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(escape(_line(text)), style=style, soft_wrap=True)


def _line(text: str) -> str:
    """Text that a terminal shows and does not obey, its hard spaces made plain."""
    return told(text.replace("\u00a0", " "))
