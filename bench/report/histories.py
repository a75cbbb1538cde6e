"""What the runs of a report logged while training: read at once, held small, told as DataFrames a task at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.store import HISTORY_COLUMNS, Store

if TYPE_CHECKING:
    import pyarrow as pa

RUN = "run"
"""A column beside those of a history: which of the task's runs a row is of, by number."""


@dataclasses.dataclass(frozen=True)
class Logged:
    """What the runs of one task logged."""

    run_ids: tuple[str, ...]
    table: pa.Table
    """Columns of a history, and `RUN`, a place in ``run_ids``."""


def read_histories(
    runs: Mapping[str, Sequence[str]], homes: Mapping[str, Store]
) -> tuple[dict[str, Logged], list[str]]:
    """What the runs of each task logged, of those of which any did, and a sentence for each file that is no history.

    Args:
        runs: run ids by task.
        homes: where each run's files lie.
    """
    found: dict[str, Logged] = {}
    rejected = []
    for task, run_ids in runs.items():
        tables = {}
        for run_id in run_ids:
            table = homes[run_id].history_table(run_id)
            if table is None:
                path = homes[run_id].run_folder(run_id) / "history.parquet"
                if path.exists():
                    rejected.append(f"{path}: not a history; the run has no part in curves")
            elif len(table):
                tables[run_id] = table
        if tables:
            found[task] = Logged(tuple(tables), _join(list(tables.values())))
    return found, rejected


def to_frame(logged: Logged, columns: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    """A history of all runs: its own columns, `RUN`, and some that hold one value for each run.

    Names are categories: they are looked for in millions of rows.

    Args:
        logged: by the runs.
        columns: by name, the values in the order of ``logged.run_ids``.
    """
    import pyarrow as pa

    table, number = logged.table, logged.table[RUN].combine_chunks()
    for name, values in columns.items():
        told = pa.array(values)
        if pa.types.is_string(told.type) or pa.types.is_large_string(told.type):
            told = told.dictionary_encode()
        table = table.append_column(name, told.take(number))
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _join(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of all tables with the number of their table; names are kept once, not a text a row."""
    import pyarrow as pa

    joined = pa.concat_tables(tables, promote_options="permissive")  # another's steps may be of another type
    for index, name in enumerate(HISTORY_COLUMNS):
        if name in ("split", "name"):
            joined = joined.set_column(index, name, joined[name].cast(pa.string()).combine_chunks().dictionary_encode())
    numbers = np.repeat(np.arange(len(tables), dtype=np.int32), [len(table) for table in tables])
    return joined.append_column(RUN, pa.array(numbers)).combine_chunks()
