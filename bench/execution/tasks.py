"""What a process is asked to do, and what it tells while it does it: plain data that crosses as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bench.measured import HistoryRow
from bench.record import Environment
from bench.spec import Choice, Frozen, PluginSpec, RunSpec, digest, identity


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


class PackTask(Frozen):
    """Train and measure several runs in one process, interleaved: on a GPU, a stream each."""

    kind: Literal["pack"] = "pack"
    place: Place
    specs: tuple[RunSpec, ...]
    at_once: int
    """So many of them at a time."""


class PackAnswer(Frozen):
    """What became of them."""

    left: tuple[str, ...]
    """Run ids of those that have no record: something went wrong with them, such as memory."""


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


class ProfileTask(Frozen):
    """Find out where the time of a cell's runs goes; nothing is stored."""

    kind: Literal["profile"] = "profile"
    place: Place
    spec: RunSpec


class CellProfile(Frozen):
    """Where the time of a run goes. Seconds are medians, of one generator step with its n_critic discriminator steps
    unless it says otherwise; the parts of a step add up to ``step_seconds``."""

    cell_id: str
    cell_name: str
    threads: int
    step_seconds: float
    data_seconds: float
    """Drawing real samples and decoding them."""
    discriminator_seconds: float
    """Its updates without penalties and optimizer; the generator's forward passes for them included."""
    penalty_seconds: float
    """The difference that leaving them out makes."""
    generator_seconds: float
    """Its update without the optimizer."""
    optimizer_seconds: float
    beside_seconds: float
    """The rest: moving average, log, checks for finite numbers."""
    steps: int
    """Of a whole run."""
    start_seconds: float
    """Of a run, before its first step: data, feature space, features of real samples, players."""
    evaluations: int
    """Of a run."""
    first_evaluation_seconds: float
    """With what is computed once of the real samples."""
    evaluation_seconds: float
    """Of any other."""
    waiting_share: float
    """Of the time of a step, that in which the process waited: for a core on a CPU, for the host on a GPU."""
    operations_per_step: int
    """Calls of the library's operations, forward and backward."""
    flops_per_step: float
    """Of matrix products and convolutions."""
    peak_flops_per_second: float
    """Of a large float32 matrix product on the same device and number of threads."""

    @property
    def training_seconds(self) -> float:
        """Of a run."""
        return self.steps * self.step_seconds

    @property
    def all_evaluation_seconds(self) -> float:
        """Of a run."""
        return self.first_evaluation_seconds + (self.evaluations - 1) * self.evaluation_seconds

    @property
    def run_seconds(self) -> float:
        """Of a run, files aside."""
        return self.start_seconds + self.training_seconds + self.all_evaluation_seconds

    @property
    def peak_share(self) -> float:
        """Share of the machine's measured peak that a step reaches, 0 to 1."""
        return self.flops_per_step / self.step_seconds / self.peak_flops_per_second


class SpeedTask(Frozen):
    """Play steps of a run's game for a while, beside others that do so; nothing is stored."""

    kind: Literal["speed"] = "speed"
    place: Place
    spec: RunSpec
    begin_at: float
    """Seconds since the epoch: from then on steps are counted, so that all do it at the same time."""
    seconds: float


class SpeedAnswer(Frozen):
    """How fast it went."""

    steps_per_second: float


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


Task = RunTask | PackTask | DatasetTask | ReferenceTask | ThroughputTask | ProfileTask | SpeedTask | ProbeTask


class Progress(Frozen):
    """How far a run is, and what was newly measured."""

    kind: Literal["progress"] = "progress"
    run_id: str = ""
    """Of a task with several runs, which of them it is about."""
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
