"""What failed and why: runs that did not complete, planned runs without a record, files that were not trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from bench.record import Status
from bench.report import listings
from bench.report.blocks import Block, Cell, Row, Table, Text, Verbatim
from bench.report.material import Material
from bench.report.missing import Why
from bench.report.outcomes import MISSING
from bench.report.style import Look, plural, share

LONG = 30
"""Rows of a table that may stand open."""
TAILS = 12
"""Log tails that are shown, at most."""
IDS = 50
"""Run ids in one list, at most."""
LONGEST = 300
"""Letters of a reason that are shown, at most."""


def failure_blocks(material: Material, failures: pd.DataFrame, look: dict[str, Look]) -> tuple[Block, ...]:
    """Counts by status, runs that did not complete, planned runs without a record, rejected files."""
    blocks: list[Block] = []
    if material.runs.empty:
        blocks.append(Text(("No run has a record.",)))
    elif failures.empty:
        blocks.append(Text(("Every recorded run completed.",)))
    blocks += _counts(material, look)
    if not failures.empty:
        blocks += [_failed(material, failures), *_tails(failures)]
    if not material.missing.empty:
        blocks += _missing(material, look)
    if material.rejected:
        blocks.append(
            Verbatim(
                f"{len(material.rejected)} {plural('file', len(material.rejected))} not trusted",
                "\n".join(material.rejected),
                wrap=True,
            )
        )
    return tuple(blocks)


def _counts(material: Material, look: dict[str, Look]) -> list[Table]:
    """A row per objective and task of which not every planned run completed."""
    table = listings.statuses(material)
    partial = table[table[Status.COMPLETED.value] < table["planned"]]
    if partial.empty:
        return []
    ways = [*map(str, Status), MISSING]
    rows = tuple(
        Row(
            (
                Cell(f"{line['task']}: {line['objective']}"),
                Cell(f"{line['planned']}"),
                *(Cell(f"{line[way]}" if line[way] else "–") for way in ways),
                Cell(
                    "–" if math.isnan(line["failure_rate"]) else share(line["failure_rate"]),
                    f"{line['recorded'] - line[Status.COMPLETED.value]} of {line['recorded']}"
                    if line["recorded"]
                    else "",
                ),
            ),
            color=look[line["objective"]].color,
        )
        for line in partial.to_dict("records")
    )
    whole = len(table) - len(partial)
    caption = (
        "Planned runs of every objective and task of which not all completed"
        + (f"; of the {whole} {plural('other', whole)} every planned run did. " if whole else ". ")
        + "Missing: planned, without a record yet. Failure rate: share of the runs with a record that did not "
        "complete, diverged ones among them; a missing run is no failure. Lower is better."
    )
    columns = ("cell", "planned", *ways, "failure rate")
    return [Table("How the planned runs ended", caption, columns, rows, collapsed=len(rows) > LONG)]


def _failed(material: Material, failures: pd.DataFrame) -> Table:
    rows = tuple(
        Row((Cell(line["run_id"]), Cell(line["status"]), Cell(f"{line['step']:,}"), Cell(_shortened(line["reason"]))))
        for line in failures.to_dict("records")
    )
    caption = (
        f"{len(rows)} of {len(material.runs)} recorded runs did not complete. Diverged runs are results: the objective "
        "left the finite numbers. The others have none, for reasons that may not be the objective's."
    )
    columns = ("run", "status", "step", "reason")
    text_columns = frozenset({0, 1, 3})
    return Table("Runs that did not complete", caption, columns, rows, text_columns, collapsed=len(rows) > LONG)


def _shortened(reason: str) -> str:
    if len(reason) <= LONGEST:
        return reason or "–"
    return f"{reason[:LONGEST]}… ({len(reason) - LONGEST:,} more letters in tables/failures.csv)"


def _tails(failures: pd.DataFrame) -> list[Block]:
    """What the runs logged last; of many, first one of each objective, task and status."""
    told = failures[failures["log_tail"] != ""]
    alike = told.duplicated(["task", "objective", "status"])
    chosen = pd.concat([told[~alike], told[alike]]).head(TAILS)
    blocks: list[Block] = [
        Verbatim(
            f"Last lines of {line['run_id']}, {line['status']} at step {line['step']:,}",
            line["log_tail"],
            collapsed=True,
        )
        for line in chosen.to_dict("records")
    ]
    rest = len(told) - len(chosen)
    if rest:
        blocks.append(Text((f"The last lines of {rest:,} other {plural('run', rest)} are in tables/failures.csv.",)))
    return blocks


def _missing(material: Material, look: dict[str, Look]) -> list[Block]:
    """Planned runs without a record by objective, task and why, and their ids."""
    missing, rows = material.missing, []
    cells_in_order = {cell: index for index, cell in enumerate(material.outcomes)}
    for why in map(str, Why):
        of_why = missing[missing["why"] == why].groupby(["task", "objective"], sort=False)
        groups = [(str(task), str(name), of) for (task, name), of in of_why]
        for task, name, of in sorted(groups, key=lambda group: cells_in_order.get(group[:2], len(cells_in_order))):
            cells = (
                Cell(f"{task}: {name}" if name else "not told by its id"),
                Cell(_why(why)),
                Cell(f"{len(of):,}"),
                Cell(_which(of)),
            )
            rows.append(Row(cells, color=look[name].color if name in look else None))
    count = len(missing)
    table = Table(
        "Planned runs without a record",
        "Missing runs are no failures: they have no part in any number here but the count of planned runs. Steps are "
        "those of the newest checkpoint, of a run under way those that it has told of, with the share of its budget.",
        ("cell", "why", "runs", "seeds"),
        tuple(rows),
        frozenset({0, 1, 3}),
        collapsed=len(rows) > LONG,
    )
    ids = [f"{line['run_id']}: {line['why']}" for line in missing.head(IDS).to_dict("records")]
    if count > IDS:
        ids.append(f"… and {count - IDS:,} more, all in tables/missing.csv")
    title = f"{count:,} planned {plural('run', count)} without a record, by id"
    return [table, Verbatim(title, "\n".join(ids), collapsed=True)]


def _why(why: str) -> str:
    return {
        Why.INTERRUPTED.value: "interrupted; the next run goes on from there",
        Why.UNTRUSTED.value: "its record cannot be trusted, see the files below",
    }.get(why, why)


def _which(of: pd.DataFrame) -> str:
    """Seeds, with the step that each has got to where it is known."""
    if of["step"].isna().all():
        return _spans(of["seed"]) if (of["seed"] >= 0).all() else "–"
    return "; ".join(
        f"{line['seed']} at step {line['step']:,.0f}"
        + ("" if math.isnan(line["share"]) else f" ({share(line['share'])})")
        for line in of.to_dict("records")
    )


def _spans(seeds: Iterable[int]) -> str:
    """``0–4, 7``."""
    spans: list[list[int]] = []
    for seed in sorted(seeds):
        if spans and seed == spans[-1][1] + 1:
            spans[-1][1] = seed
        else:
            spans.append([seed, seed])
    return ", ".join(f"{low}" if low == high else f"{low}–{high}" for low, high in spans)
