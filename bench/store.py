"""The results folder: everything that was asked and measured, and how it is read back.

    results/<suite>/
      suite.toml  plan.json                     what was asked
      runs/<run id>/
        spec.json  record.json                  the run and its result; record.json appears last
        history.parquet                         losses, gradient norms and metrics over steps, images, seconds
        samples.npz  samples.png  log.txt
      references/<dataset, space, N>.json       perfect sampler and noise; .npz: a perfect sampler's draw
      throughput/<cell id>.json                 training speed, measured alone
      logs/                                     what the two of them printed

A file is written beside its place, flushed to the disk and renamed: it is there whole or not at all.
Nothing is read by unpickling. A file that cannot be trusted is named and skipped, never a stack trace.
"""

from __future__ import annotations

import dataclasses
import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import ValidationError

from bench.errors import StoreError
from bench.files import check_writable, write_atomically
from bench.record import SCHEMA_VERSION, Record, Reference, Status, Throughput
from bench.spec import Frozen, RunSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

M = TypeVar("M", Record, Reference, Throughput)

PARTS = ("runs", "references", "throughput", "logs")
NEWER = " (written by a newer ganbench: upgrade to read it)"

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
            kept = [(self.folder / name).read_text(encoding="utf-8") for name in ("suite.toml", "plan.json")]
        except (OSError, ValueError):
            return False
        return kept == [text, plan]

    def write_suite(self, text: str, plan: str) -> None:
        """Keep the suite file's text and the plan made from it."""
        write_atomically(self.folder / "suite.toml", text.encode())
        write_atomically(self.folder / "plan.json", plan.encode())

    def suite_text(self) -> str | None:
        """The suite file as it was last run."""
        path = self.folder / "suite.toml"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    # runs

    def run_folder(self, run_id: str) -> Path:
        """Where a run's files lie."""
        return self.folder / "runs" / run_id

    def write_spec(self, spec: RunSpec) -> None:
        """Keep the spec of a run that begins."""
        write_atomically(self.run_folder(spec.run_id) / "spec.json", _json(spec))

    def write_record(self, record: Record) -> None:
        """Keep a run's record; it is finished from then on."""
        write_atomically(self.run_folder(record.run_id) / "record.json", _json(record))

    def write_history(self, run_id: str, history: pd.DataFrame) -> None:
        """Keep a run's history, columns `HISTORY_COLUMNS`."""
        buffer = io.BytesIO()
        history.to_parquet(buffer, index=False)
        write_atomically(self.run_folder(run_id) / "history.parquet", buffer.getvalue())

    def write_samples(self, run_id: str, samples: np.ndarray, picture: bytes) -> None:
        """Keep generated samples as stored by the dataset (points float32, images uint8), and a PNG of them."""
        write_atomically(self.run_folder(run_id) / "samples.npz", _packed(samples))
        write_atomically(self.run_folder(run_id) / "samples.png", picture)

    def record(self, run_id: str) -> Record | None:
        """A run's record, or None where there is none that can be trusted."""
        return _read(self.run_folder(run_id) / "record.json", Record, [])

    def history(self, run_id: str) -> pd.DataFrame | None:
        """A run's history, or None where there is none that can be trusted."""
        import pandas as pd
        import pyarrow as pa

        path = self.run_folder(run_id) / "history.parquet"
        try:
            history = pd.read_parquet(path)
        except (OSError, ValueError, pa.ArrowException):
            return None
        if list(history.columns) != list(HISTORY_COLUMNS):
            return None
        numbers = history.drop(columns=["split", "name"])
        return history if all(kind.kind in "iuf" for kind in numbers.dtypes) else None

    def samples(self, run_id: str) -> np.ndarray | None:
        """A run's generated samples, or None where there are none that can be trusted."""
        return _unpacked(self.run_folder(run_id) / "samples.npz")

    def reference_samples(self, key: str) -> np.ndarray | None:
        """Samples of a perfect sampler, as stored by the dataset, or None where there are none that can be trusted."""
        return _unpacked(self.folder / "references" / f"{key}.npz")

    # reading all of a kind

    def records(self) -> Contents[Record]:
        """All records, in the order of their run ids."""
        return _read_all(self.folder.glob("runs/*/record.json"), Record)

    def references(self) -> Contents[Reference]:
        """All references."""
        return _read_all(self.folder.glob("references/*.json"), Reference)

    def throughputs(self) -> Contents[Throughput]:
        """All throughput measurements."""
        return _read_all(self.folder.glob("throughput/*.json"), Throughput)

    def write_reference(self, reference: Reference) -> None:
        """Keep a reference."""
        write_atomically(self.folder / "references" / f"{reference.key}.json", _json(reference))

    def write_reference_samples(self, key: str, samples: np.ndarray) -> None:
        """Keep samples of a perfect sampler, as stored by the dataset."""
        write_atomically(self.folder / "references" / f"{key}.npz", _packed(samples))

    def write_throughput(self, throughput: Throughput) -> None:
        """Keep a throughput measurement."""
        write_atomically(self.folder / "throughput" / f"{throughput.cell_id}.json", _json(throughput))

    def reference(self, key: str) -> Reference | None:
        """A reference, or None."""
        return _read(self.folder / "references" / f"{key}.json", Reference, [])

    def throughput(self, cell_id: str) -> Throughput | None:
        """A throughput measurement, or None."""
        return _read(self.folder / "throughput" / f"{cell_id}.json", Throughput, [])


@dataclasses.dataclass(frozen=True)
class Contents(Generic[M]):
    """What could be read, and a sentence for each file that could not be trusted."""

    items: tuple[M, ...]
    rejected: tuple[str, ...]

    @property
    def newer(self) -> tuple[str, ...]:
        """The sentences of files that a newer ganbench wrote: they are results, and not to be overwritten."""
        return tuple(sentence for sentence in self.rejected if sentence.endswith(NEWER))

    def __iter__(self) -> Iterator[M]:
        return iter(self.items)


def load_results(path: str | Path) -> pd.DataFrame:
    """The runs under ``path`` as one tidy DataFrame, a row a run.

    Args:
        path: a suite's results folder (``results/losses``), or the folder of several.

    Returns:
        The identifying columns (``run_id, suite, objective, architecture, dataset, seed, status, reason, steps,
        images``), one column per metric at its ``final`` selection and ``<metric>_best_on_validation``,
        ``<metric>_oracle_best`` for the other two, ``seconds_<part>`` for the timings, ``training_images_per_second``
        (while other runs were beside it), ``device`` and ``hardware``.

    Raises:
        StoreError: there is no such folder, or nothing in it is a result.
    """
    import pandas as pd

    folder = Path(path)
    suites = [folder] if (folder / "runs").is_dir() else sorted(p.parent for p in folder.glob("*/runs"))
    if not suites:
        raise StoreError(f"'{folder}' holds no results: expected '{folder}/runs' or '{folder}/<suite>/runs'")
    rows = []
    for suite in suites:
        contents = Store(suite).records()
        rows += [row(record, suite.name) for record in contents]
        for sentence in contents.rejected:
            warnings.warn(sentence, stacklevel=2)
    if not rows:
        raise StoreError(f"'{folder}' holds no finished run yet")
    return pd.DataFrame(rows)


def row(record: Record, suite: str) -> dict[str, object]:
    """One row of `load_results`."""
    spec, timings = record.spec, record.timings
    cells: dict[str, object] = {
        "run_id": record.run_id,
        "suite": suite,
        "objective": spec.objective.label,
        "architecture": spec.architecture.label,
        "dataset": spec.dataset.label,
        "seed": spec.seed,
        "status": str(record.status),
        "reason": record.reason,
        "steps": record.steps,
        "images": record.images,
    }
    for measurement in record.measurements:
        suffix = "" if measurement.selection == "final" else f"_{measurement.selection}"
        cells[measurement.metric + suffix] = measurement.value
    cells |= {f"seconds_{name}": seconds for name, seconds in timings.model_dump().items()}
    completed = record.status is Status.COMPLETED and timings.training > 0
    cells["training_images_per_second"] = record.images / timings.training if completed else None
    cells["device"] = record.environment.device
    cells["hardware"] = record.environment.hardware
    return cells


def _json(model: Frozen) -> bytes:
    return (model.model_dump_json(indent=1) + "\n").encode()


def _packed(samples: np.ndarray) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.savez_compressed(buffer, samples=samples)
    return buffer.getvalue()


def _unpacked(path: Path) -> np.ndarray | None:
    import zipfile
    import zlib

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            samples = np.asarray(archive["samples"])
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return None
    is_image = samples.ndim == 4 and samples.dtype == np.uint8
    is_points = samples.ndim == 2 and samples.dtype.kind == "f"
    return samples if samples.size and (is_image or is_points) else None


def _read_all(paths: Iterator[Path], model: type[M]) -> Contents[M]:
    rejected: list[str] = []
    items = [item for path in sorted(paths) if (item := _read(path, model, rejected)) is not None]
    return Contents(tuple(items), tuple(rejected))


def _read(path: Path, model: type[M], rejected: list[str]) -> M | None:
    """The model in the file, or None with the reason added to ``rejected``."""
    try:
        plain = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        rejected.append(f"{path}: not readable as JSON ({error}); skipped")
        return None
    version = plain.get("schema_version") if isinstance(plain, dict) else None
    if version != SCHEMA_VERSION:
        rejected.append(
            f"{path}: schema version {version!r}, this ganbench reads {SCHEMA_VERSION}; skipped"
            + (NEWER if isinstance(version, int) and version > SCHEMA_VERSION else "")
        )
        return None
    try:
        item = model.model_validate_json(json.dumps(plain))
    except ValidationError as error:
        first = error.errors()[0]
        rejected.append(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}; skipped")
        return None
    key = item.key if isinstance(item, Reference) else item.cell_id if isinstance(item, Throughput) else None
    if key is not None and key != path.stem:
        rejected.append(f"{path}: the content is of {key}; skipped")
        return None
    if isinstance(item, Record) and not item.run_id == item.spec.run_id == path.parent.name:
        rejected.append(f"{path}: the record is of run {item.spec.run_id}, not of its folder's; skipped")
        return None
    return item
