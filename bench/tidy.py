"""Records as a tidy table: a row a run, in columns of one type each.

Whole tables are Arrow's: a metric that a run does not have is null there, one that is undefined for it (no high-quality
sample: no mode histogram) is NaN. pandas tells both as NaN.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from bench.metrics import METRICS
from bench.record import Record, Status, Timings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Cell = str | int | float | None

IDENTIFYING = {
    "run_id": "string",
    "suite": "string",
    "objective": "string",
    "architecture": "string",
    "dataset": "string",
    "seed": "int64",
    "status": "string",
    "reason": "string",
    "steps": "int64",
    "images": "int64",
}
SECONDS = tuple(name for name in Timings.model_fields if name != "resumptions")
RUNNING = {
    **{f"seconds_{name}": "double" for name in SECONDS},
    "resumptions": "int64",
    "training_images_per_second": "double",
    "space": "string",
    "space_sha256": "string",
    "data_sha256": "string",
    "device": "string",
    "hardware": "string",
}
STAMP = {"record_bytes": "int64", "record_mtime_ns": "int64"}
"""Of the file that a row was read from: an index keeps them beside the row."""
COLUMNS = {**IDENTIFYING, **RUNNING, **STAMP}
"""Those that every row has, with their types; all others are metrics, of type double."""
ROW = {name: kind for name, kind in COLUMNS.items() if name != "suite"}
"""Those of a row by itself: the suite's name is its folder's, which may be renamed."""
SELECTIONS = ("_best_on_validation", "_oracle_best")
"""Suffixes of a metric at another selection than ``final``."""
ROWS_AT_ONCE = 2048
"""Rows that are plain Python objects at one time: as a table they take a tenth of the memory."""


@dataclasses.dataclass(frozen=True)
class Frame:
    """The runs of a suite as a tidy table, and a sentence for each file that could not be trusted."""

    table: pa.Table | None
    """Columns of `IDENTIFYING`, metrics, columns of `RUNNING`; sorted by run id. None where there is no run."""
    rejected: tuple[str, ...]
    newer: tuple[str, ...]
    """Those of ``rejected`` that tell of files of a newer ganbench: they are results, and not to be overwritten."""

    @cached_property
    def frame(self) -> pd.DataFrame:
        """As pandas has it: the columns of `bench.load_results`."""
        return to_pandas(finish([] if self.table is None else [self.table]))

    def rows(self, *columns: str) -> Iterator[tuple[Cell, ...]]:
        """Some of every run's cells."""
        if self.table is None:
            return iter(())
        return zip(*(self.table[column].to_pylist() for column in columns), strict=True)


def row(record: Record) -> dict[str, Cell]:
    """A run's cells, but for the name of its suite and the stamp of its file."""
    spec, timings = record.spec, record.timings
    cells: dict[str, Cell] = {
        "run_id": record.run_id,
        "objective": spec.objective.label,
        "architecture": spec.architecture.label,
        "dataset": spec.dataset.label,
        "seed": spec.seed,
        "status": str(record.status),
        "reason": record.reason,
        "steps": record.steps,
        "images": record.images,
        "resumptions": timings.resumptions,
        "space": spec.evaluation.space,
        "space_sha256": record.space_sha256,
        "data_sha256": record.data_sha256,
        "device": record.environment.device,
        "hardware": record.environment.hardware,
    }
    for measurement in record.measurements:
        suffix = "" if measurement.selection == "final" else f"_{measurement.selection}"
        cells[measurement.metric + suffix] = math.nan if measurement.value is None else measurement.value
    for name in SECONDS:
        cells[f"seconds_{name}"] = getattr(timings, name)
    completed = record.status is Status.COMPLETED and timings.training > 0
    cells["training_images_per_second"] = record.images / timings.training if completed else None
    return cells


def make_tables(rows: Iterable[dict[str, Cell]]) -> list[pa.Table]:
    """Rows as tables, each of its own columns; few rows are held at one time."""
    tables, some = [], []
    for cells in rows:
        some.append(cells)
        if len(some) == ROWS_AT_ONCE:
            tables.append(_table(some))
            some = []
    if some:
        tables.append(_table(some))
    return tables


def join(tables: list[pa.Table]) -> pa.Table:
    """The rows of all tables, sorted by run id; metrics that none of them has are left out."""
    import pyarrow as pa

    table = pa.concat_tables(tables, promote_options="default")
    absent = [name for name in table.column_names if name not in COLUMNS and table[name].null_count == len(table)]
    return table.drop_columns(absent).sort_by("run_id")


def with_suite(table: pa.Table, suite: str) -> pa.Table:
    """Rows of one suite, told so."""
    import pyarrow as pa

    return table.append_column("suite", pa.repeat(pa.scalar(suite), len(table)))


def finish(tables: list[pa.Table]) -> pa.Table:
    """The rows of several suites, one suite after the other, with the columns that a reader knows, in their order."""
    import pyarrow as pa

    table = pa.concat_tables([with_suite(_table([]), ""), *tables], promote_options="default")
    metrics = sorted((name for name in table.column_names if name not in COLUMNS), key=_place)
    return table.select([*IDENTIFYING, *metrics, *RUNNING])


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """The same columns; what is null or NaN is missing there."""
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _table(rows: list[dict[str, Cell]]) -> pa.Table:
    import pyarrow as pa

    types = dict.fromkeys((name for cells in rows for name in cells), "double") | ROW
    return pa.table(
        {name: pa.array([cells.get(name) for cells in rows], pa.type_for_alias(kind)) for name, kind in types.items()}
    )


def _place(column: str) -> tuple[int, int, str]:
    """Of a metric's column: final values first; metrics in the order that tables have them, unknown ones after."""
    selection = next((index for index, suffix in enumerate(SELECTIONS, 1) if column.endswith(suffix)), 0)
    metric = column.removesuffix(SELECTIONS[selection - 1]) if selection else column
    known = list(METRICS)
    return selection, known.index(metric) if metric in METRICS else len(known), column
