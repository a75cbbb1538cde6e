"""What tuning came to: studies, their trials, and the settings that won. Plain, frozen, versioned data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bench.metrics import METRICS
from bench.reading import read_bytes, told
from bench.settings import Scalar, Search
from bench.spec import Frozen, Label

FILE = "tuning.json"
"""In the results folder of the tuned suite."""
SCHEMA_VERSION = 1

SettingPath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]+$", max_length=200)]
"""As in `bench.search_space`."""
State = Literal["completed", "pruned", "failed"]
"""Optuna's, in the words of statuses."""


class TrialOutcome(Frozen):
    """One trial."""

    slot: int
    """Its place in the study, from 0."""
    state: State
    status: str
    """``completed``, ``pruned``, ``diverged``, ``undefined`` (the metric was, at the end), or how it failed."""
    reason: str | None
    value: float | None
    """Of a completed trial: the metric on the validation split at the end, the median over its seeds."""
    settings: dict[SettingPath, Scalar]
    """By path."""
    images: int
    """Real images shown to the discriminator, over all of its runs."""
    seconds: float
    evaluations: tuple[tuple[int, float | None], ...]
    """Number of each evaluation, and the metric."""


class ParameterOutcome(Frozen):
    """A setting that was searched."""

    path: SettingPath
    low: int | float | None
    high: int | float | None
    log: bool
    step: int | float | None
    choices: tuple[Scalar, ...]
    origin: str
    """Who said where it is looked for."""
    default: Scalar
    """The suite's own value."""
    importance: float | None
    """Share of the metric's variance over the completed trials, 0 to 1; None where there are too few."""

    @property
    def search(self) -> Search:
        """Where it was looked for."""
        return Search(self.low, self.high, self.log, self.step, self.choices)


def _known_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"no metric is called '{name}'")
    return name


class StudyOutcome(Frozen):
    """One cell's study."""

    cell: str
    objective: Label
    tuned: Label
    """What the objective is called with the settings that won."""
    architecture: Label
    dataset: Label
    metric: Annotated[str, AfterValidator(_known_metric)]
    space: str
    """The feature space of the metric."""
    parameters: tuple[ParameterOutcome, ...]
    trials: tuple[TrialOutcome, ...]
    best: int | None
    """The slot of the best completed trial; of equal ones, the first."""

    @property
    def winner(self) -> TrialOutcome | None:
        """The best trial."""
        return next((trial for trial in self.trials if trial.slot == self.best), None)


class Tuning(Frozen):
    """The studies of a suite."""

    schema_version: int = SCHEMA_VERSION
    suite: str
    """The name of the suite that was tuned."""
    trials: int | None
    """The budget per cell."""
    seconds: float | None
    """The budget per cell, where it is one."""
    sampler: str
    pruner: str
    seeds: tuple[int, ...]
    """Of every trial."""
    fresh_seeds: tuple[int, ...]
    """Of the tuned suite."""
    storage: str
    """Where the studies are, without password."""
    studies: tuple[StudyOutcome, ...]

    @property
    def is_random(self) -> bool:
        """Whether the trials are independent draws: only then do fewer of them tell what a smaller budget gives."""
        return self.sampler == "RandomSampler"


def read_tuning(folder: Path, rejected: list[str]) -> Tuning | None:
    """What tuning came to, beside a tuned suite's results; None where there is none that can be trusted.

    Args:
        folder: the results folder.
        rejected: is given a sentence where a file is there that cannot.
    """
    path = folder / FILE
    try:
        tuning = Tuning.model_validate_json(read_bytes(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        what = "cannot be read" if isinstance(error, OSError) else "is not what `ganbench tune` writes"
        rejected.append(f"{told(path)}: {what}; skipped")
        return None
    if tuning.schema_version != SCHEMA_VERSION:
        rejected.append(
            f"{told(path)}: of version {tuning.schema_version}, this ganbench reads {SCHEMA_VERSION}; skipped"
        )
        return None
    return tuning
