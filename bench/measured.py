"""What a run measured and made, as files of numbers: its history over steps, samples, and a film of samples."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.reading import open_regular, read_bytes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


class HistoryRow(NamedTuple):
    """One number of a run's history, which has thousands.

    ``seconds`` are seconds of training. ``split`` is ``train`` for what is logged of the steps themselves (of either
    player ``<player>_loss``, ``<player>_penalty``, ``<player>_gradient_norm``, ``<player>_saturation``;
    ``discriminator_accuracy``), ``test`` and ``validation`` for metrics.
    """

    step: int
    images: int
    seconds: float
    split: str
    name: str
    value: float | None


HISTORY_COLUMNS = HistoryRow._fields
"""Of `history.parquet`, one row a number."""


@dataclasses.dataclass(frozen=True, eq=False)
class Film:
    """What a run's generator made of the same few latents while it was trained."""

    steps: np.ndarray
    """Generator steps of each frame, int64 ``(frames,)``, ascending."""
    samples: np.ndarray
    """Points float16 ``(frames, n, d)`` or images uint8 ``(frames, n, channels, height, width)``."""


LARGEST_BYTES = 1 << 30
"""Of a history; a number takes some ten of them."""


def make_history(rows: Sequence[HistoryRow]) -> pa.Table:
    """A history of its numbers, every column of its own type however few there are."""
    import pyarrow as pa

    text = pa.large_string()  # as pandas 3 has it
    types = (pa.int64(), pa.int64(), pa.float64(), text, text, pa.float64())
    columns = zip(*rows, strict=True) if rows else ([] for _ in types)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    return pa.table(arrays, HISTORY_COLUMNS)


def pack_history(history: pa.Table) -> bytes:
    """A history as a file, columns `HISTORY_COLUMNS`."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(history, buffer, write_page_checksum=True)
    return buffer.getvalue()


def read_history(path: Path) -> pd.DataFrame | None:
    """A history, columns `HISTORY_COLUMNS`, or None where there is none that can be trusted."""
    table = read_history_table(path)
    if table is None:
        return None
    history: pd.DataFrame = table.to_pandas()
    return history


def read_history_table(path: Path) -> pa.Table | None:
    """The same as a table of Arrow's, for those who read thousands."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = pa.BufferReader(read_bytes(path, LARGEST_BYTES))  # a file of Python's takes half as long again
        with pq.ParquetFile(content, page_checksum_verification=True) as parquet:
            if not _is_history(parquet.schema_arrow, parquet.metadata.num_rows):
                return None
            # pandas would trust what it once noted there; a file is too small for threads to help
            table = parquet.read(use_threads=False).replace_schema_metadata()
        table.validate(full=True)  # text that is not UTF-8 would raise later, when it is looked at
    except (OSError, ValueError, MemoryError, pa.ArrowException):
        return None
    return None if any(table[name].null_count for name in HISTORY_COLUMNS if name != "value") else table


def pack_samples(samples: np.ndarray) -> bytes:
    """Samples as a file."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez_compressed(buffer, samples=samples)
    return buffer.getvalue()


def read_samples(path: Path) -> np.ndarray | None:
    """Points (n, d) as floats or images (n, channels, height, width) as uint8, or None where there are none that can be
    trusted.
    """
    import numpy as np

    try:
        with open_regular(path) as file, np.load(file, allow_pickle=False) as archive:
            samples = np.asarray(archive["samples"])
    except Exception:  # numpy, zipfile and zlib promise no closed set of them for a broken file
        return None
    is_image = samples.ndim == 4 and samples.dtype == np.uint8
    is_points = samples.ndim == 2 and samples.dtype.kind == "f"
    return samples if samples.size and (is_image or is_points) else None


def pack_film(film: Film) -> bytes:
    """A film as a file."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez_compressed(buffer, steps=film.steps, samples=film.samples)
    return buffer.getvalue()


def read_film(path: Path) -> Film | None:
    """A film, or None where there is none that can be trusted."""
    import numpy as np

    try:
        with open_regular(path) as file, np.load(file, allow_pickle=False) as archive:
            film = Film(np.asarray(archive["steps"]), np.asarray(archive["samples"]))
    except Exception:  # numpy, zipfile and zlib promise no closed set of them for a broken file
        return None
    return film if _is_film(film.steps, film.samples) else None


def _is_film(steps: np.ndarray, samples: np.ndarray) -> bool:
    import numpy as np

    is_images = samples.ndim == 5 and samples.dtype == np.uint8
    is_points = samples.ndim == 3 and samples.dtype == np.float16
    if not samples.size or not (is_images or is_points):
        return False
    if steps.dtype != np.int64 or steps.shape != samples.shape[:1]:
        return False
    return bool(steps[0] >= 0 and (steps[1:] > steps[:-1]).all())


def _is_history(schema: pa.Schema, rows: int) -> bool:
    import pyarrow.types as kinds

    if tuple(schema.names) != HISTORY_COLUMNS:
        return False
    types = dict(zip(schema.names, schema.types, strict=True))
    texts = [types.pop(name) for name in ("split", "name")]
    if not rows:  # a column without a value may say nothing of its type
        texts = [kind for kind in texts if not kinds.is_null(kind)]
    return all(kinds.is_string(kind) or kinds.is_large_string(kind) for kind in texts) and all(
        kinds.is_integer(kind) or kinds.is_floating(kind) for kind in types.values()
    )
