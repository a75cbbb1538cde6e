"""The page of a comparison, made of the same blocks as a report's."""

from __future__ import annotations

import functools

from bench.comparison import words
from bench.comparison.compared import Compared, name_of
from bench.comparison.figures import improvement_intervals
from bench.comparison.frames import frames
from bench.comparison.verdicts import Verdict
from bench.report.blocks import Block, Cell, Facts, Finding, Page, Picture, Row, Section, Table, Text, Verbatim
from bench.report.style import Look, looks, plural, shown
from bench.report.tables import PERFECT

VERDICTS = (
    "B is worse or better than A where the adjusted p (rank-sum test over runs, stratified by task, Holm's correction "
    "over the rows in which anything differs) is at most 0.05, the 95 % interval of the improvement excludes no "
    "difference, and the medians differ, in that direction, by more than the perfect sampler's own draws lie apart, "
    "over several tasks in more than half of them (“within the floor” where they do not). Too few runs: no difference "
    "could be told, however large. Improvement: interquartile mean over runs paired by seed, of ratios (above 1 × B "
    "is better: 0.5 × is half as good) or of differences (above 0 B is better; of percentages in points), with its "
    "bootstrap interval. Chance: probability that a run of B beats one of A. Failed runs count as last on either "
    "side. Identical: every run gave the same number, bit for bit, or failed in the same way; failed in both: no run "
    "of either side has a number. Nothing is left to chance in either, and neither is part of the family."
)


def make_page(compared: Compared, command: str) -> Page:
    """Everything that a comparison says."""
    look = looks(tuple(verdict.objective for verdict in compared.objectives))
    before, after = compared.before, compared.after
    sections = (
        Section("answer", "What changed", (_finding(compared), *_remarks(compared))),
        Section("objectives", "Objectives", (_objectives(compared, look),)),
        Section("cells", "Objectives on each task", (_picture(compared, look), _cells(compared, look))),
        Section("differences", "What differs besides", _differences(compared)),
        Section("speed", "Speed", _speed(compared, look)),
        Section("protocol", "What was compared", _protocol(compared, command)),
    )
    title = before.title if before.title == after.title else f"{before.title} and {after.title}"
    summary = (
        f"{compared.pairs:,} {plural('pair', compared.pairs)} of runs, of the same objective, architecture, dataset "
        f"and seed. A: {before.name}; B: {after.name}."
    )
    return Page(f"{title}: B against A", summary, sections, frames(compared))


def _finding(compared: Compared) -> Finding:
    tags = ("descriptive",) if compared.descriptive else ()
    differ = [f"{change.field}: {change.before} → {change.after}" for change in compared.settings]
    differ += [f"{change.field} ({', '.join(change.before)} → {', '.join(change.after)})"
               for change in compared.environments]  # fmt: skip
    besides = f"What differs besides: {words.listed(differ, 8)}." if differ else "Nothing else differs."
    return Finding("B against A", words.closing(compared), (besides,), tags)


def _remarks(compared: Compared) -> tuple[Block, ...]:
    said = [*words.notices(compared.before, compared.after), *words.remarks(compared)]
    return (Text(tuple(said), "warning"),) if said else ()


def _objectives(compared: Compared, look: dict[str, Look]) -> Table:
    rows = tuple(
        Row(
            (
                Cell(verdict.objective),
                *_verdict_cells(verdict),
                Cell(f"{verdict.differing} of {verdict.tasks}", sort=verdict.differing),
                Cell(words.ratio(words.of_objective(compared, verdict.objective)) or "–"),
            ),
            color=look[verdict.objective].color,
        )
        for verdict in words.in_order(compared.objectives)
    )
    caption = (
        f"Each objective over the tasks that differ. {VERDICTS} Time: how many times as long B trains, geometric mean "
        "over cells, only where both were trained on the same hardware; other runs may have been beside it."
    )
    columns = ("objective", "B is", "improvement", "chance", "adjusted p", "pairs", "tasks that differ", "time")
    return Table("Objectives", caption, columns, rows, frozenset({0, 1}), name="objectives")


def _cells(compared: Compared, look: dict[str, Look]) -> Table:
    rows = tuple(
        Row(
            (
                Cell(f"{verdict.task}: {verdict.objective}"),
                Cell(verdict.metrics[0].title),
                *(
                    Cell("–" if side is None else shown(side.median, verdict.metrics[0]))
                    for side in (verdict.before, verdict.after)
                ),
                *_verdict_cells(verdict),
            ),
            color=look[verdict.objective].color,
        )
        for verdict in words.in_order(compared.cells)
    )
    floors = _floors(compared)
    drawn = " Perfect sampler: median and range of its draws, of the side on which they lie further apart."
    caption = f"A and B: medians of the runs that have a value.{drawn if floors else ''} {VERDICTS}"
    columns = ("cell", "metric", "A", "B", "B is", "improvement", "chance", "adjusted p", "pairs")
    text_columns, collapsed = frozenset({0, 1, 4}), len(rows) > 40
    return Table("Objectives on each task", caption, columns, (*rows, *floors), text_columns, collapsed, name="cells")


def _floors(compared: Compared) -> tuple[Row, ...]:
    """What the perfect sampler comes to on each task where it was measured: of either side, since they share it."""
    rows = {}
    for verdict in compared.cells:
        floor, metric = verdict.floor, verdict.metrics[0]
        if floor is not None:
            drawn = Cell(shown(floor.median, metric), f"[{shown(floor.low, metric)}–{shown(floor.high, metric)}]")
            named = (Cell(f"{verdict.task}: {PERFECT}"), Cell(metric.title))
            rows[verdict.task, metric] = Row((*named, drawn, drawn, *[Cell("–")] * 5), "reference")
    return tuple(rows.values())


def _verdict_cells(verdict: Verdict) -> tuple[Cell, ...]:
    estimate, interval = words.gain(verdict)
    likely, range_ = words.chance(verdict)
    comparison = verdict.comparison
    return (
        Cell(str(verdict.outcome)),
        Cell(estimate or "–", interval, sort=None if comparison is None else comparison.improvement.estimate),
        Cell(likely or "–", range_),
        Cell(words.adjusted_p(verdict) or "–"),
        Cell(words.pairs(verdict), sort=verdict.pairs),
    )


def _picture(compared: Compared, look: dict[str, Look]) -> Picture:
    tasks = tuple(dict.fromkeys(verdict.task for verdict in compared.cells))
    told = [verdict for verdict in words.in_order(compared.cells) if verdict.comparison is not None]
    described = "; ".join(
        f"{verdict.objective} on {verdict.task} {verdict.outcome}, {' '.join(words.gain(verdict))}" for verdict in told
    )
    return Picture(
        "improvement",
        "Improvement of each cell",
        "Right of the line B is better than A. Filled: told apart by the test as well; hollow: not.",
        f"Interval of improvement per objective and task: {described or 'all are identical'}.",
        functools.partial(improvement_intervals, compared.cells, tasks, look),
    )


def _differences(compared: Compared) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if compared.settings:
        rows = tuple(
            Row((Cell(c.field), Cell(c.before), Cell(c.after), Cell(words.cells_in_words(c.cells, compared))))
            for c in compared.settings
        )
        caption = "Settings that differ between runs of the same labels, and where they do."
        blocks.append(
            Table("Settings", caption, ("setting", "A", "B", "of"), rows, frozenset(range(4)), name="settings")
        )
    if compared.environments:
        rows = tuple(
            Row((Cell(c.field), Cell(", ".join(c.before)), Cell(", ".join(c.after)))) for c in compared.environments
        )
        caption = "Software and hardware of the runs that are paired; several values where a side is of several."
        blocks.append(
            Table("Software and hardware", caption, ("", "A", "B"), rows, frozenset(range(3)), name="environments")
        )
    return tuple(blocks) or (Text(("Settings, software and hardware are the same.",)),)


def _speed(compared: Compared, look: dict[str, Look]) -> tuple[Block, ...]:
    if not compared.speeds:
        return (Text((f"Speed is not compared: {compared.untimed}.",)),)
    rows = tuple(
        Row(
            (
                Cell(name_of(speed.name)),
                *(Cell("–" if speed.seconds is None else f"{speed.seconds[side]:.1f}") for side in (0, 1)),
                Cell(words.ratio(speed.seconds_ratio) or "–"),
                *(
                    Cell("–" if speed.step_seconds is None else f"{1e3 * speed.step_seconds[side]:.2f}")
                    for side in (0, 1)
                ),
                Cell(words.ratio(speed.step_ratio) or "–"),
            ),
            color=look[speed.name.objective].color,
        )
        for speed in compared.speeds
    )
    hardware = ", ".join(dict.fromkeys(speed.hardware for speed in compared.speeds))
    caption = (
        "Seconds: median training time of the runs that completed on both sides; other runs may have been beside them. "
        "Step: milliseconds of a generator step, measured alone on the device. Above 1 × B is slower. "
        f"Hardware of both: {hardware}."
    )
    columns = ("cell", "seconds A", "seconds B", "ratio", "step A", "step B", "ratio of steps")
    return (Table("Speed", caption, columns, rows, collapsed=len(rows) > 40, name="speed"),)


def _protocol(compared: Compared, command: str) -> tuple[Block, ...]:
    blocks: list[Block] = [
        Facts(
            (
                ("A", f"{compared.before.name} ({len(compared.before.runs):,} runs)"),
                ("B", f"{compared.after.name} ({len(compared.after.runs):,} runs)"),
                ("Pairs compared", f"{compared.pairs:,}"),
            )
        )
    ]
    for side, only in (("A", compared.only_before), ("B", compared.only_after)):
        if only:
            blocks.append(Verbatim(f"Runs in {side} alone", "\n".join(only), collapsed=True))
    blocks.append(Verbatim("Command", command))
    return tuple(blocks)
