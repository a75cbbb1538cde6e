"""What a process is asked to do, and what it tells while it does it: plain data that crosses as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.record import Environment
from bench.spec import Choice, Frozen, PluginSpec, RunSpec, digest, identity
from bench.store import HISTORY_COLUMNS

if TYPE_CHECKING:
    import pandas as pd


class Place(Frozen):
    """Where a task runs: the same for all tasks of a suite."""

    results: Path
    """The suite's results folder."""
    data_root: Path
    weights: Path | None = None
    """Of the Inception network, where they do not lie under the data root."""
    device: str
    """``cpu``, ``cuda`` or ``cuda:N``."""
    environment: Environment
    visible_devices: str | None = None
    """``CUDA_VISIBLE_DEVICES`` of the task's process, where a cluster deals GPUs out; None: as it was."""


class RunTask(Frozen):
    """Train and measure one run."""

    kind: Literal["run"] = "run"
    place: Place
    spec: RunSpec
    validated: tuple[str, ...] = ()
    """Metrics measured on the validation split as well, beside the one that selects checkpoints."""


class DatasetTask(Frozen):
    """See that a dataset and the feature spaces in which it is measured are there: download, prepare, train."""

    kind: Literal["dataset"] = "dataset"
    place: Place
    dataset: Choice
    spaces: tuple[str, ...]
    plugins: tuple[PluginSpec, ...]


class DatasetAnswer(Frozen):
    """What a dataset and its feature spaces are at the data root."""

    data_sha256: str
    space_sha256: dict[str, str]
    """By the space's name."""


def dataset_key(dataset: Choice) -> str:
    """The same text for the same dataset with the same settings."""
    return digest(identity(dataset))


class ReferenceTask(Frozen):
    """Measure the perfect sampler and noise."""

    kind: Literal["reference"] = "reference"
    place: Place
    dataset: Choice
    space: str
    samples: int
    plugins: tuple[PluginSpec, ...]


class ThroughputTask(Frozen):
    """Measure the training speed of a cell."""

    kind: Literal["throughput"] = "throughput"
    place: Place
    spec: RunSpec


class ProbeTask(Frozen):
    """Find out what the device is."""

    kind: Literal["probe"] = "probe"
    device: str
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``."""
    visible_devices: str | None = None
    """As a place has them."""


class ProbeAnswer(Frozen):
    """The device that was found."""

    device: str
    """``cpu`` or ``cuda:N``."""
    environment: Environment


Task = RunTask | DatasetTask | ReferenceTask | ThroughputTask | ProbeTask


class HistoryRow(Frozen):
    """One number of a run's history."""

    step: int
    images: int
    seconds: float
    split: str
    name: str
    value: float | None


def make_history(rows: Iterable[HistoryRow]) -> pd.DataFrame:
    """The rows as the store keeps them, every column of its own type however many rows there are."""
    import pandas as pd

    history = pd.DataFrame([row.model_dump() for row in rows], columns=list(HISTORY_COLUMNS))
    return history.astype({"step": "int64", "images": "int64", "seconds": "float64", "value": "float64"})


class Progress(Frozen):
    """How far a run is, and what was newly measured."""

    kind: Literal["progress"] = "progress"
    step: int
    images: int
    seconds: float
    share: float
    """Of the budget, 0 to 1."""
    note: str = ""
    """What is being done, of work that is no training."""
    rows: tuple[HistoryRow, ...] = ()


class Done(Frozen):
    """The task ended by itself; its result lies in the store. A run's record is the ``answer``, too."""

    kind: Literal["done"] = "done"
    answer: str = ""
    stopped: bool = False
    """It was asked to stop before its end, and did."""


class Failed(Frozen):
    """The task raised."""

    kind: Literal["failed"] = "failed"
    reason: str
    faults: tuple[str, ...] = ()
    """What the user can mend (missing data, a plugin's fault), each saying how; empty where it is none of theirs."""
    out_of_memory: bool = False
    storage: bool = False
    """Results cannot be written any more: no fault of the task."""


class Message(Frozen):
    """One message from a process to its supervisor."""

    content: Progress | Done | Failed
