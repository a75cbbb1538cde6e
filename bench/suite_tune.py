"""``[tune]`` of a suite file: what `ganbench tune` may try, and how much of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from bench.errors import show_value, unknown
from bench.settings import Scalar, Search
from bench.suite_tables import Seeds, Table, fault
from bench.toml_lines import KeyPath

DEFAULT_TRIALS = 20
DEFAULT_FRESH_SEEDS = 6

SAMPLERS: dict[str, tuple[str, ...]] = {
    "RandomSampler": (),
    "TPESampler": ("n_startup_trials", "n_ei_candidates"),
    "GPSampler": ("n_startup_trials",),
    "QMCSampler": (),
    "NSGAIISampler": ("population_size",),
    "BruteForceSampler": (),
}
"""Optuna's samplers by their names there, and the settings of each. CmaEsSampler is none of them: it unpickles what the
database holds."""

PRUNERS: dict[str, tuple[str, ...]] = {
    "NopPruner": (),
    "MedianPruner": ("n_startup_trials", "n_warmup_steps", "interval_steps", "n_min_trials"),
    "PercentilePruner": ("percentile", "n_startup_trials", "n_warmup_steps", "interval_steps", "n_min_trials"),
    "SuccessiveHalvingPruner": ("min_resource", "reduction_factor", "min_early_stopping_rate", "bootstrap_count"),
    "HyperbandPruner": ("min_resource", "reduction_factor", "bootstrap_count"),
    "ThresholdPruner": ("lower", "upper", "n_warmup_steps", "interval_steps"),
}
"""The same of its pruners; a step is an evaluation of the run."""


def _read_number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fault(f"expected a number, got {show_value(value)}")
    if not math.isfinite(value):
        raise fault(f"expected a finite number, got {value}")
    return value


def _read_scalar(value: object) -> Scalar:
    if isinstance(value, str | bool):
        return value
    if not isinstance(value, int | float):
        raise fault(f"expected text, a number, true or false, got {show_value(value)}")
    return _read_number(value)


Number = Annotated[int | float, PlainValidator(_read_number), WithJsonSchema({"type": "number"})]
"""An integer stays one: a range of integers has integers alone."""
OneOf = Annotated[Scalar, PlainValidator(_read_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]


class Range(Table):
    """Where a setting is looked for: ``low`` and ``high``, or ``choices``."""

    low: Number | None = Field(None, description="smallest value")
    high: Number | None = Field(None, description="largest value")
    log: bool = Field(False, description="whether values are drawn evenly over orders of magnitude")
    step: Number | None = Field(None, description="distance of two values; any by default, 1 of integers")
    choices: list[OneOf] | None = Field(None, description="the values, in place of a range")

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: object) -> object:
        return {"choices": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log or self.step is not None:
                raise fault("give either 'choices' or 'low' and 'high' (with 'log', 'step')")
            if len({(type(choice), choice) for choice in self.choices}) < 2:
                raise fault("'choices' needs at least two different values")
            return self
        low, high, step = self.low, self.high, self.step
        if low is None or high is None:
            raise fault("needs 'low' and 'high', or 'choices'")
        if low > high:
            raise fault(f"'low' = {low:g} is above 'high' = {high:g}: exchange them")
        if low == high:
            raise fault(f"'low' and 'high' are both {low:g}: a setting that is not searched is set in the suite")
        if self.log and low <= 0:
            raise fault(f"a logarithmic range needs 'low' above 0, got {low:g}")
        if step is not None and step <= 0:
            raise fault(f"'step' is above 0, got {step:g}")
        if step is not None and self.log:
            raise fault("a logarithmic range has no 'step': leave one of them out")
        return self

    @property
    def search(self) -> Search:
        """The same as the catalogue says it."""
        choices: tuple[Scalar, ...] = tuple(self.choices or ())
        return Search(self.low, self.high, self.log, self.step, choices)


class Named(Table):
    """A sampler or pruner by its name in Optuna, alone or with settings that differ from its defaults there."""

    name: str = Field(description="its name in Optuna")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @property
    def settings(self) -> dict[str, int | float]:
        """Those that are given."""
        return {key: value for key, value in self.model_dump(exclude_none=True).items() if key != "name"}

    def __str__(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self.settings.items())
        return f"{self.name}({settings})" if settings else self.name

    def _check(self, kind: str, known: dict[str, tuple[str, ...]]) -> None:
        if self.name not in known:
            raise fault(unknown(kind, self.name, tuple(known)))
        for setting in self.settings:
            if setting not in known[self.name]:
                valid = ", ".join(known[self.name]) or "none"
                raise fault(f"{self.name} has no setting '{setting}'; valid: {valid}")


class Sampler(Named):
    """What proposes the trials."""

    n_startup_trials: Annotated[int, Field(ge=0)] | None = Field(None, description="random trials before its own")
    n_ei_candidates: Annotated[int, Field(ge=1)] | None = Field(None, description="TPESampler: candidates per value")
    population_size: Annotated[int, Field(ge=2)] | None = Field(
        None, description="NSGAIISampler: trials per generation"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        self._check("sampler", SAMPLERS)
        return self


class Pruner(Named):
    """What ends trials early; a step is an evaluation."""

    n_startup_trials: Annotated[int, Field(ge=0)] | None = Field(None, description="trials before any is pruned")
    n_warmup_steps: Annotated[int, Field(ge=0)] | None = Field(None, description="evaluations before a trial is pruned")
    interval_steps: Annotated[int, Field(ge=1)] | None = Field(None, description="evaluations between looks")
    n_min_trials: Annotated[int, Field(ge=1)] | None = Field(None, description="trials that got as far, at least")
    percentile: Annotated[float, Field(ge=0, le=100)] | None = Field(
        None, description="PercentilePruner: percent that go on"
    )
    min_resource: Annotated[int, Field(ge=1)] | None = Field(None, description="evaluations of the first rung")
    reduction_factor: Annotated[int, Field(ge=2)] | None = Field(None, description="one in so many goes on from a rung")
    min_early_stopping_rate: Annotated[int, Field(ge=0)] | None = Field(None, description="rungs that are left out")
    bootstrap_count: Annotated[int, Field(ge=0)] | None = Field(None, description="trials that a rung needs first")
    lower: float | None = Field(None, description="ThresholdPruner: a smaller value is pruned")
    upper: float | None = Field(None, description="ThresholdPruner: a larger value is pruned")

    @model_validator(mode="after")
    def _known(self) -> Self:
        self._check("pruner", PRUNERS)
        if self.name == "PercentilePruner" and self.percentile is None:
            raise fault("PercentilePruner needs 'percentile', the share of trials that goes on, such as 25")
        if self.name == "ThresholdPruner" and self.lower is None and self.upper is None:
            raise fault("ThresholdPruner needs 'lower' or 'upper'")
        return self


class ObjectiveTune(Table):
    """``[tune.objectives.NAME]``: what is searched for one objective alone."""

    space: dict[str, Range] = Field(default_factory=dict, description="a range per setting; wins over [tune.space]")
    fixed: list[str | None] = Field(default_factory=list, description="settings that stay as the suite has them")


class Tune(Table):
    """What `ganbench tune` tries for every cell, with one budget for all of them: a number of trials, or seconds."""

    trials: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description=f"trials per cell; {DEFAULT_TRIALS} without any budget"
    )
    seconds: Annotated[float, Field(gt=0, le=1e9)] | None = Field(
        None, description="seconds per cell: no trial begins once its trials have taken so long"
    )
    sampler: Sampler = Field(
        Sampler(name="RandomSampler"),
        description="what proposes trials; only random ones tell what a smaller budget would give",
    )
    pruner: Pruner = Field(Pruner(name="NopPruner"), description="what ends trials early; nothing by default")
    metric: str | None = Field(
        None,
        description="measured on the validation split, and made as good as can be; by default the feature space's own",
        json_schema_extra={"examples": ["fid", "sliced_wasserstein"]},
    )
    seeds: Seeds = Field(
        default_factory=lambda: [0], description="of every trial, whose value is the median over them; 1 by default"
    )
    fresh_seeds: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        DEFAULT_FRESH_SEEDS, description="seeds of the tuned suite, none of them one of the trials'"
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(0, description="of the sampler")
    default_space: bool = Field(True, description="whether settings are searched where their entries say")
    space: dict[str, Range] = Field(
        default_factory=dict, description="a range per setting, for every objective that has it; wins over the default"
    )
    fixed: list[str | None] = Field(default_factory=list, description="settings that stay as the suite has them")
    objectives: dict[str, ObjectiveTune] = Field(default_factory=dict, description="what differs for one objective")

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if self.trials is not None and self.seconds is not None:
            raise fault("'trials' and 'seconds' are both given: a budget is exactly one of them")
        return self

    @property
    def fresh(self) -> tuple[int, ...]:
        """The smallest seeds that no trial has."""
        return tuple(seed for seed in range(self.fresh_seeds + len(self.seeds)) if seed not in self.seeds)[
            : self.fresh_seeds
        ]


def flatten_spaces(table: object) -> None:
    """Join the dotted keys of a ``[tune]``'s spaces in place: ``optimizer.learning_rate = {…}`` is one setting.

    Args:
        table: as it stands in the file; what is no table is left for validation to tell.
    """
    if not isinstance(table, dict):
        return
    objectives = table.get("objectives")
    for holder in (table, *(objectives.values() if isinstance(objectives, dict) else ())):
        if isinstance(holder, dict) and isinstance(holder.get("space"), dict):
            holder["space"] = dict(_flat(holder["space"], ""))


def _flat(table: dict[str, object], prefix: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in table.items():
        if isinstance(value, dict) and value and not set(value) & set(Range.model_fields):
            found += _flat(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", value))
    return found


def with_joined_keys(lines: Mapping[KeyPath, int]) -> Mapping[KeyPath, int]:
    """The lines of a file's keys, and of those of ``[tune]`` that `flatten_spaces` joins."""
    joined = dict(lines)
    for path, line in lines.items():
        if path[:1] == ("tune",) and "space" in path:
            start = path.index("space") + 1
            for end in range(start + 2, len(path) + 1):
                joined.setdefault((*path[:start], ".".join(map(str, path[start:end])), *path[end:]), line)
    return joined
