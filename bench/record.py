"""What a run produced, and what it is held against: plain, frozen, versioned data."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from bench.spec import Choice, Frozen, RunSpec, digest, identity

SCHEMA_VERSION = 5
"""Of everything in this module as it stands in files; a change of meaning or layout raises it."""


class Status(StrEnum):
    """How a run ended. Diverging is a result; the four below it are failures."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out-of-memory"
    TIMED_OUT = "timed-out"
    CRASHED = "crashed"
    FAILED = "failed"

    @property
    def is_failure(self) -> bool:
        """Whether the run has no result (a diverged run has one)."""
        return self not in (Status.COMPLETED, Status.DIVERGED)


NOT_REPEATED = frozenset({"timings", "started_at", "peak_memory_bytes", "log_tail"})
"""The fields of a record that differ from one execution of a run to the next; all others depend on the run's spec, the
software and the hardware alone."""

Selection = Literal["final", "best_on_validation", "oracle_best"]
"""Which checkpoint a number is of: the last one (headline), the best on the validation split, the best on the
reported split itself (shown only to be named as such)."""


class Measurement(Frozen):
    """One metric with its protocol.

    ``value`` is None where the metric is undefined (no high-quality sample: no mode histogram).
    """

    metric: str
    value: float | None
    space: str
    split: str
    generated: int
    real: int
    weights: Literal["ema", "raw"]
    step: int
    selection: Selection


DECIDES_BITS = ("source", "python", "packages", "device", "processor", "driver")
"""The fields of an environment that can change a run's numbers."""


class Environment(Frozen):
    """Software and hardware that a number depends on."""

    ganbench: str
    source: str | None
    """SHA-256 of ganbench's own source files; None where it is not known."""
    python: str
    platform: str
    packages: dict[str, str]
    commit: str | None
    dirty: bool | None
    device: str
    processor: str
    cores: int
    memory_bytes: int
    driver: str | None

    def repeats(self, other: Environment) -> bool:
        """Whether a run that was begun under ``other`` comes out the same, bit for bit, if it goes on under this one.

        The operating system and the number of cores do not decide that: threads are part of a run's spec.
        """
        return all(getattr(self, name) == getattr(other, name) for name in DECIDES_BITS)

    @property
    def bits(self) -> str:
        """The same text where the same computation comes out the same, bit for bit."""
        return digest({name: getattr(self, name) for name in DECIDES_BITS}, length=16)

    @property
    def hardware(self) -> str:
        """The fingerprint within which throughput is compared."""
        return f"{self.device} · {self.processor} · {self.cores} cores"


class Timings(Frozen):
    """Wall-clock seconds of a run, by what they were spent on."""

    total: float
    start: float | None
    """From the process's first line to the first step: data, players, real statistics. None, like the other parts, of a
    run whose process did not live to tell."""
    training: float
    evaluation: float | None
    files: float | None
    """Writing history, samples, checkpoints and the record (up to the record itself)."""
    resumptions: int = 0
    """How often the run was interrupted and went on from a checkpoint."""


class Record(Frozen):
    """The result of one run, whatever its status."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    spec: RunSpec
    space_sha256: str = ""
    """Of the weights of the feature space that the run was measured in; empty for a space without weights."""
    data_sha256: str = ""
    """Of all samples and labels of the dataset; empty of a run that ended before they were read."""
    status: Status
    reason: str | None = None
    """Why it did not complete: the step it diverged at, the exception, the signal."""
    log_tail: str | None = None
    steps: int
    images: int
    """Real images shown to the discriminator."""
    measurements: tuple[Measurement, ...] = ()
    parameters: dict[Literal["generator", "discriminator"], int] = Field(default_factory=dict)
    samples: dict[Literal["train", "validation", "test"], int] = Field(default_factory=dict)
    """Size of each split."""
    nondeterministic: tuple[str, ...] = ()
    """Operations that the device has no deterministic implementation of: the numbers cannot be repeated bit for bit."""
    timings: Timings
    peak_memory_bytes: int | None = None
    environment: Environment
    started_at: str
    """ISO 8601, UTC."""


class Classifier(Frozen):
    """The trained feature space of a labelled dataset."""

    accuracy: float
    """On the held-out splits."""
    sha256: str
    """Of the weights."""
    features: int
    parameters: int


class Draw(Frozen):
    """The metrics of one draw of reference samples."""

    kind: Literal["perfect sampler", "noise"]
    draw: int
    metric: str
    value: float | None
    generated: int
    real: int


class Reference(Frozen):
    """Floor and ceiling of a dataset's metrics: a perfect sampler's and noise's, at the runs' sample numbers."""

    schema_version: int = SCHEMA_VERSION
    dataset: Choice
    space: str
    samples: int
    """As asked for by the suite; a smaller split caps it."""
    sampler: str
    """What the perfect sampler is: fresh draws, or held-out real data in random halves."""
    noise: str
    """What the noise is."""
    draws: tuple[Draw, ...]
    modes: tuple[tuple[float, ...], ...] = ()
    """Centres of the true modes, where they are known."""
    sigma: float | None = None
    """Standard deviation of each true mode, in units of the data."""
    classifier: Classifier | None = None
    space_sha256: str = ""
    """Of the weights of the feature space; empty for a space without weights."""
    data_sha256: str = ""
    """Of all samples and labels of the dataset; empty where an older ganbench measured it."""
    environment: Environment
    seconds: float

    @property
    def key(self) -> str:
        """The file's name within ``references/``."""
        return reference_key(self.dataset, self.space, self.samples)


class Throughput(Frozen):
    """Training speed of a cell, measured alone on the device, without evaluation and files."""

    schema_version: int = SCHEMA_VERSION
    cell_id: str
    cell_name: str
    objective: str
    architecture: str
    dataset: str
    batch_size: int
    n_critic: int
    steps_per_second: float
    """Generator steps, with their n_critic discriminator steps."""
    images_per_second: float
    """Real images through the discriminator."""
    step_seconds: float
    discriminator_seconds: float
    """Of one generator step, all its discriminator updates without penalties."""
    penalty_seconds: float
    generator_seconds: float
    repeats: int
    spread: float
    """Largest minus smallest repeat, as a share of the median."""
    flops_per_step: float
    peak_flops_per_second: float
    """Of a large float32 matrix product on the same device and number of threads."""
    peak_memory_bytes: int | None
    environment: Environment

    @property
    def peak_share(self) -> float:
        """Share of the machine's measured peak that a step reaches, 0 to 1."""
        return self.flops_per_step / self.step_seconds / self.peak_flops_per_second


def reference_key(dataset: Choice, space: str, samples: int) -> str:
    """``<dataset>_<space>_<samples>_<8 hex>``."""
    plain = {"dataset": identity(dataset), "space": space, "samples": samples}
    return f"{dataset.label}_{space}_{samples}_{digest(plain)}"
