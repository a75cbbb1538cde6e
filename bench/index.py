"""A suite's records packed into one file, ``records.parquet``: a cache, so that many are read fast.

The record files stay the truth. A row counts only while its record's file has the size and the time of last change
that it had when the row was made; all others are read from their files. The index is sealed with a digest of itself
and carries the versions of its own layout and of the records': one that is torn, garbage, foreign, older or newer is
as good as none.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from bench.files import write_atomically
from bench.reading import Stamp, find_records, read_bytes, read_model
from bench.record import SCHEMA_VERSION, Record
from bench.tidy import ROW, STAMP, join, make_tables, row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from bench.tidy import Cell

FILE = "records.parquet"
INDEX_VERSION = 1
"""Of the index's own layout; a change of what its columns mean raises it."""
LARGEST_BYTES = 1 << 30
"""A record takes some hundred of them."""

_VERSIONS = {b"ganbench_index": b"%d" % INDEX_VERSION, b"ganbench_records": b"%d" % SCHEMA_VERSION}
_SEAL = b"ganbench sha256 "
_UNSEALED = b"0" * 64


@dataclasses.dataclass(frozen=True)
class Known:
    """What an index and a look at the folder tell, before any record is read."""

    table: pa.Table | None
    """Rows of the index that still count; None where there are none."""
    unread: dict[str, Stamp]
    """Run folders whose records are to be read, and the stamps of these."""
    rejected: list[str]


def read_known(folder: Path) -> Known:
    """Find a suite's records, and what the index has of them."""
    rejected: list[str] = []
    found = find_records(folder / "runs", rejected)
    table = read_index(folder / FILE) if found else None
    if table is None:
        return Known(None, found, rejected)
    stamps = zip(*(table[name].to_pylist() for name in ("run_id", *STAMP)), strict=True)
    counting = [index for index, (run_id, *stamp) in enumerate(stamps) if found.get(run_id) == tuple(stamp)]
    if not counting:
        return Known(None, found, rejected)
    if len(counting) < len(table):
        table = table.take(counting)
    known = set(table["run_id"].to_pylist())
    unread = {run_id: stamp for run_id, stamp in found.items() if run_id not in known}
    return Known(table if known else None, unread, rejected)


def read_rows(folder: Path, known: Known) -> tuple[list[pa.Table], list[str]]:
    """Rows of all records, those of the index first, and a sentence for each file that could not be trusted."""
    rejected = list(known.rejected)
    tables = make_tables(_rows(folder / "runs", known.unread.items(), rejected)) if known.unread else []
    return ([] if known.table is None else [known.table]) + tables, rejected


def pack(folder: Path, fewest: int) -> int:
    """Bring a suite's index up to date.

    Args:
        folder: of the suite; nobody else may be packing it.
        fewest: nothing is done where fewer records than these are not in the index yet.

    Returns:
        How many records are new in the index.

    Raises:
        StorageError: it cannot be written; the one before is as it was.
    """
    known = read_known(folder)
    if len(known.unread) < max(1, fewest):
        return 0
    tables, _ = read_rows(folder, known)
    new = sum(map(len, tables)) - (0 if known.table is None else len(known.table))
    if new < max(1, fewest):  # most of them cannot be trusted, and never will be in the index
        return 0
    write_atomically(folder / FILE, seal(join(tables)))
    return new


def read_index(path: Path) -> pa.Table | None:
    """The rows of an index, stamps included; None where there is none that can be trusted."""
    try:
        content = read_bytes(path, LARGEST_BYTES)
    except OSError:
        return None
    if not _is_sealed(content):
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        if not (file.metadata.metadata or {}).items() >= _VERSIONS.items():
            return None
        table = file.read().replace_schema_metadata()
    except (pa.ArrowException, OSError, ValueError):
        return None
    return table if _is_index(table) else None


def seal(table: pa.Table) -> bytes:
    """An index's file of these rows, which names in its footer the digest of all the rest of it."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({**_VERSIONS, b"ganbench_seal": _SEAL + _UNSEALED})
    content = buffer.getvalue()
    at = content.rindex(_SEAL) + len(_SEAL)
    return content[:at] + hashlib.sha256(content).hexdigest().encode() + content[at + len(_UNSEALED) :]


def _is_sealed(content: bytes) -> bool:
    """Whether an index's file is what was written, to the last byte."""
    found = content.rfind(_SEAL)
    at = found + len(_SEAL)
    view = memoryview(content)
    digest = hashlib.sha256(view[:at])
    digest.update(_UNSEALED)
    digest.update(view[at + len(_UNSEALED) :])
    return found >= 0 and view[at : at + len(_UNSEALED)] == digest.hexdigest().encode()


def _is_index(table: pa.Table) -> bool:
    """Whether the columns are a tidy table's, and each run is there once."""
    import pyarrow.compute as pc

    types = {field.name: str(field.type) for field in table.schema}
    complete = len(types) == table.num_columns and types.items() >= ROW.items()
    if not complete or any(kind != "double" for name, kind in types.items() if name not in ROW):
        return False
    keys = [table[name].null_count for name in ("run_id", *STAMP)]
    return not any(keys) and pc.count_distinct(table["run_id"]).as_py() == len(table)


def _rows(runs: Path, unread: Iterable[tuple[str, Stamp]], rejected: list[str]) -> Iterator[dict[str, Cell]]:
    for run_id, stamp in unread:
        # the stamp was taken before the file is read: should it be replaced in between, the row will not count
        record = read_model(runs / run_id / "record.json", Record, rejected)
        if record is not None:
            yield row(record) | dict(zip(STAMP, stamp, strict=True))
