"""What a run measured and made, as files of numbers: its history over steps, and samples."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from bench.reading import open_regular

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

HISTORY_COLUMNS = (
    "step",
    "images",
    "seconds",
    "split",
    "name",
    "value",
)
"""Of `history.parquet`, one row a number. ``seconds`` are seconds of training. ``split`` is ``train`` for what is
logged of the steps themselves (``discriminator_loss``, ``generator_loss``, ``discriminator_gradient_norm``,
``generator_gradient_norm``, ``penalty``), ``test`` and ``validation`` for metrics."""


def read_history(path: Path) -> pd.DataFrame | None:
    """A history, columns `HISTORY_COLUMNS`, or None where there is none that can be trusted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_regular(path) as file, pq.ParquetFile(file, page_checksum_verification=True) as parquet:
            if not _is_history(parquet.schema_arrow, parquet.metadata.num_rows):
                return None
            table = parquet.read().replace_schema_metadata()  # pandas would trust what it once noted there
        table.validate(full=True)  # text that is not UTF-8 would raise later, when it is looked at
    except (OSError, ValueError, MemoryError, pa.ArrowException):
        return None
    if any(table[name].null_count for name in HISTORY_COLUMNS if name != "value"):
        return None
    history: pd.DataFrame = table.to_pandas()
    return history


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
