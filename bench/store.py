"""The results folder: everything that was asked and measured, and how it is read back.

    results/<suite>/
      suite.toml  plan.json                     what was asked
      tuning.json                               of a tuned suite: the studies that chose its settings
      tune/                                     of a suite that was tuned: its trials, a folder like this one
      runs/<run id>/
        spec.json  record.json                  the run and its result; record.json appears last
        history.parquet                         losses, gradient norms, saturation, metrics over steps, images, seconds
        samples.npz  samples.png  log.txt
        film.npz                                a few of its samples at up to 12 evaluations, of the same latents
      references/<dataset, space, N>.json       perfect sampler and noise; .npz: a perfect sampler's draw
      throughput/<cell id>.json                 training speed, measured alone
      records.parquet                           all records, packed: a cache (see `bench.index`)
      slots.json                                runs side by side, and what was measured to choose them
      logs/                                     what the two of them printed

A file is written beside its place, flushed to the disk and renamed: it is there whole or not at all.
Nothing is read by unpickling. A file that cannot be trusted is named and skipped, never a stack trace.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from bench.archive import is_packed, unpacked
from bench.errors import StoreError
from bench.files import check_writable, write_atomically
from bench.index import pack, read_known, read_rows
from bench.measured import (
    HISTORY_COLUMNS,
    Film,
    pack_film,
    pack_history,
    pack_samples,
    read_film,
    read_history,
    read_history_table,
    read_samples,
)
from bench.reading import (
    Contents,
    each_record,
    inside,
    of_newer,
    read_bytes,
    read_folder,
    read_model,
    read_records,
    told,
)
from bench.record import Record, Reference, Throughput
from bench.spec import Frozen, RunSpec
from bench.tidy import Frame, finish, join, to_pandas, with_suite

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    import pyarrow as pa

__all__ = ["HISTORY_COLUMNS", "Contents", "Frame", "Store", "load_results"]

PARTS = ("runs", "references", "throughput", "logs")


@dataclasses.dataclass(frozen=True)
class Store:
    """The results of one suite."""

    folder: Path

    def prepare(self) -> None:
        """Make the folder, and see that it can be written.

        Raises:
            StoreError: it cannot.
        """
        self.check_writable()
        for part in PARTS:
            (self.folder / part).mkdir(parents=True, exist_ok=True)

    def check_writable(self) -> None:
        """See that results can be kept here; makes nothing.

        Raises:
            StoreError: they cannot.
        """
        for part in PARTS:
            check_writable(self.folder / part, "results folder", "--results")

    # what was asked

    def holds_suite(self, text: str, plan: str) -> bool:
        """Whether this very suite and plan are kept here already."""
        try:
            kept = [read_bytes(self.folder / name) for name in ("suite.toml", "plan.json")]
        except OSError:
            return False
        return kept == [text.encode(), plan.encode()]

    def write_suite(self, text: str, plan: str) -> None:
        """Keep the suite file's text and the plan made from it."""
        write_atomically(self.folder / "suite.toml", text.encode())
        write_atomically(self.folder / "plan.json", plan.encode())

    def suite_text(self) -> str | None:
        """The suite file as it was last run; None where there is none.

        Raises:
            OSError: it cannot be read, or is no file.
            ValueError: it is not text.
        """
        try:
            return read_bytes(self.folder / "suite.toml").decode("utf-8")
        except FileNotFoundError:
            return None

    # runs

    def run_folder(self, run_id: str) -> Path:
        """Where a run's files lie: in the results folder, whatever it is called."""
        return self.folder / "runs" / inside(run_id)

    def write_spec(self, spec: RunSpec) -> None:
        """Keep the spec of a run that begins."""
        write_atomically(self.run_folder(spec.run_id) / "spec.json", _json(spec))

    def write_record(self, record: Record) -> None:
        """Keep a run's record; it is finished from then on."""
        write_atomically(self.run_folder(record.run_id) / "record.json", _json(record))

    def write_history(self, run_id: str, history: pa.Table) -> None:
        """Keep a run's history, columns `HISTORY_COLUMNS`."""
        write_atomically(self.run_folder(run_id) / "history.parquet", pack_history(history))

    def write_samples(self, run_id: str, samples: np.ndarray, picture: bytes) -> None:
        """Keep generated samples as stored by the dataset (points float32, images uint8), and a PNG of them."""
        write_atomically(self.run_folder(run_id) / "samples.npz", pack_samples(samples))
        write_atomically(self.run_folder(run_id) / "samples.png", picture)

    def write_film(self, run_id: str, film: Film) -> None:
        """Keep what a run's generator made while it was trained."""
        write_atomically(self.run_folder(run_id) / "film.npz", pack_film(film))

    def record(self, run_id: str) -> Record | None:
        """A run's record, or None where there is none that can be trusted."""
        return read_model(self.run_folder(run_id) / "record.json", Record, [])

    def history(self, run_id: str) -> pd.DataFrame | None:
        """A run's history, or None where there is none that can be trusted."""
        return read_history(self.run_folder(run_id) / "history.parquet")

    def history_table(self, run_id: str) -> pa.Table | None:
        """The same as a table of Arrow's, for those who read thousands."""
        return read_history_table(self.run_folder(run_id) / "history.parquet")

    def samples(self, run_id: str) -> np.ndarray | None:
        """A run's generated samples, or None where there are none that can be trusted."""
        return read_samples(self.run_folder(run_id) / "samples.npz")

    def film(self, run_id: str) -> Film | None:
        """A run's film, or None where there is none that can be trusted."""
        return read_film(self.run_folder(run_id) / "film.npz")

    def reference_samples(self, key: str) -> np.ndarray | None:
        """Samples of a perfect sampler, as stored by the dataset, or None where there are none that can be trusted."""
        return read_samples(self.folder / "references" / inside(f"{key}.npz"))

    # reading all of a kind

    def records(self) -> Contents[Record]:
        """All records, in the order of their run ids."""
        return read_records(self.folder / "runs")

    def each_record(self, rejected: list[str]) -> Iterator[Record]:
        """The same one by one; ``rejected`` is given a sentence for each file that cannot be trusted, meanwhile."""
        return each_record(self.folder / "runs", rejected)

    def references(self) -> Contents[Reference]:
        """All references."""
        return read_folder(self.folder / "references", Reference)

    def throughputs(self) -> Contents[Throughput]:
        """All throughput measurements."""
        return read_folder(self.folder / "throughput", Throughput)

    def frame(self) -> Frame:
        """All runs as a tidy table: from the index where it has them, from their records where not."""
        known = read_known(self.folder)
        tables, rejected = read_rows(self.folder, known)
        name = told(self.folder.absolute().name)
        table = with_suite(join(tables), name) if tables else None
        return Frame(table, tuple(rejected), of_newer(rejected))

    def pack(self, fewest: int = 1) -> int:
        """Pack the records into the index, so that `frame` need not read them one by one again.

        One process at a time may do this.

        Args:
            fewest: nothing is done where fewer records than these are not packed yet.

        Returns:
            How many records are new in the index.

        Raises:
            StorageError: the index cannot be written; the one before is as it was.
        """
        return pack(self.folder, fewest)

    def write_reference(self, reference: Reference) -> None:
        """Keep a reference."""
        write_atomically(self.folder / "references" / inside(f"{reference.key}.json"), _json(reference))

    def write_reference_samples(self, key: str, samples: np.ndarray) -> None:
        """Keep samples of a perfect sampler, as stored by the dataset."""
        write_atomically(self.folder / "references" / inside(f"{key}.npz"), pack_samples(samples))

    def write_throughput(self, throughput: Throughput) -> None:
        """Keep a throughput measurement."""
        write_atomically(self.folder / "throughput" / inside(f"{throughput.cell_id}.json"), _json(throughput))

    def reference(self, key: str) -> Reference | None:
        """A reference, or None."""
        return read_model(self.folder / "references" / inside(f"{key}.json"), Reference, [])

    def throughput(self, cell_id: str) -> Throughput | None:
        """A throughput measurement, or None."""
        return read_model(self.folder / "throughput" / inside(f"{cell_id}.json"), Throughput, [])


def load_results(path: str | Path) -> pd.DataFrame:
    """The runs under ``path`` as one tidy DataFrame, a row a run.

    Args:
        path: a suite's results folder (``results/losses``), the folder of several, or packed results
            (``losses.zip``, of `ganbench pack`).

    Returns:
        The identifying columns (``run_id, suite, objective, architecture, dataset, seed, status, reason, steps,
        images``), one column per metric at its ``final`` selection and ``<metric>_best_on_validation``,
        ``<metric>_oracle_best`` for the other two, ``seconds_<part>`` for the timings, ``resumptions``,
        ``training_images_per_second`` (while other runs were beside it), the feature ``space`` with ``space_sha256`` of
        its weights and ``data_sha256`` of the dataset (fidelity metrics are compared where the three are equal),
        ``device`` and ``hardware``. Sorted by suite and run id. A file that cannot be trusted is warned of.

    Raises:
        StoreError: there is no such folder, or nothing in it is a result.
    """
    if is_packed(Path(path)):
        with unpacked(Path(path)) as unpacked_folder:
            return _load_results(unpacked_folder, str(path))
    return _load_results(Path(path), str(path))


def _load_results(folder: Path, shown: str) -> pd.DataFrame:
    """The same of a folder, which the user calls ``shown``."""
    suites = [folder] if os.path.isdir(folder / "runs") else _suites(folder)  # never raises  # noqa: PTH112
    if not suites:
        raise StoreError(f"'{shown}' holds no results: expected '{shown}/runs' or '{shown}/<suite>/runs'")
    frames = [Store(suite).frame() for suite in suites]
    for sentence in [sentence for frame in frames for sentence in frame.rejected]:
        warnings.warn(sentence.replace(f"{folder}{os.sep}", f"{shown}{os.sep}"), stacklevel=3)
    tables = [frame.table for frame in frames if frame.table is not None]
    if not tables:
        raise StoreError(f"'{shown}' holds no finished run yet")
    return to_pandas(finish(tables))


def _suites(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if os.path.isdir(path / "runs"))  # noqa: PTH112
    except (OSError, ValueError):  # the latter of a path that no system takes
        return []


def _json(model: Frozen) -> bytes:
    return (model.model_dump_json(indent=1) + "\n").encode()
