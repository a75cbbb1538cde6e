"""What a run is: frozen, complete, and hashed into its identity.

A `RunSpec` names one training: a cell (objective × architecture × dataset) and a seed. Every default
is filled in before a spec is made, so equal specs have equal ids whatever file they came from.
Every field says whether it is part of that identity (`Identity.PART`), or not (`Identity.NOT_PART`), or only where it
is not the default (`Identity.PART_UNLESS_DEFAULT`).
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...] | tuple[tuple[Scalar, ...], ...]
Settings = Annotated[
    Mapping[str, Value],
    AfterValidator(lambda settings: MappingProxyType(dict(sorted(settings.items())))),
    PlainSerializer(dict),
]
"""Settings of a catalogue entry: a read-only mapping, sorted by name."""

Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]*$", max_length=40)]
"""A name that stands in run ids, folders, tables and plots: letters, digits, ``.``, ``+``, ``-``."""


Normalisation = Literal["none", "batch", "layer", "instance", "group", "spectral"]
"""What normalises a player's layers."""
NormalisationChange = Literal["unchanged", Normalisation]
"""A normalisation in place of the architecture's, or none in place of it."""


class Identity(Enum):
    """Whether a field of a spec decides which run it is."""

    PART = "part of the identity"
    PART_UNLESS_DEFAULT = "part of the identity where it is not the default"
    """Of a field that came after results were published: runs that do not ask for it are those that they were."""
    NOT_PART = "not part of the identity"


class Frozen(BaseModel):
    """Immutable validated data; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Choice(Frozen):
    """A catalogue entry with every one of its settings."""

    name: Annotated[str, Identity.PART]
    label: Annotated[Label, Identity.PART]
    settings: Annotated[Settings, Identity.PART] = Field(default_factory=lambda: MappingProxyType({}))

    def __str__(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self.settings.items())
        return f"{self.name}({settings})" if settings else self.name


class ObjectiveSpec(Frozen):
    """Loss + penalties + stabilisers + update schedule under a name the field knows."""

    label: Annotated[Label, Identity.PART]
    loss: Annotated[Choice, Identity.PART]
    penalties: Annotated[tuple[Choice, ...], Identity.PART]
    stabilisers: Annotated[tuple[Choice, ...], Identity.PART]
    discriminator_normalisation: Annotated[NormalisationChange, Identity.PART]
    """Takes the place of the architecture's, unless it is ``unchanged``."""
    n_critic: Annotated[int, Field(ge=1), Identity.PART]
    """Discriminator updates per generator update."""
    generator_optimizer: Annotated[Choice, Identity.PART]
    discriminator_optimizer: Annotated[Choice, Identity.PART]


BudgetUnit = Literal["steps", "images", "seconds"]


class Budget(Frozen):
    """How long a run trains: generator steps, real images shown to the discriminator, or seconds of training."""

    unit: Annotated[BudgetUnit, Identity.PART]
    amount: Annotated[float, Field(gt=0), Identity.PART]

    def steps(self, images_per_step: int) -> int | None:
        """The budget in generator steps, rounded up; None where it is counted in seconds.

        Args:
            images_per_step: real images the discriminator sees in one generator step (batch size × n_critic).
        """
        if self.unit == "seconds":
            return None
        per_step = images_per_step if self.unit == "images" else 1
        return max(1, math.ceil(self.amount / per_step))


Precision = Literal["float32", "tf32", "bfloat16"]
MemoryFormat = Literal["contiguous", "channels-last"]


class TrainingSpec(Frozen):
    """How the two players are trained."""

    budget: Annotated[Budget, Identity.PART]
    batch_size: Annotated[int, Field(ge=1), Identity.PART]
    ema_images: Annotated[int, Field(ge=0), Identity.PART]
    """Half-life of the generator's moving average, in images shown to the discriminator; 0 switches it off."""
    learning_rate_decay: Annotated[Literal["none", "linear"], Identity.PART]
    """``linear``: both players' learning rates fall in a line to 0 at the end of the budget."""
    threads: Annotated[int, Field(ge=1), Identity.PART]
    """Threads of one run on a CPU: sums are ordered by it, so it decides the last bits."""
    precision: Annotated[Precision, Identity.PART_UNLESS_DEFAULT] = "float32"
    """In which the players compute; weights, losses and optimizers stay in float32. See `bench.training.precision`."""
    memory_format: Annotated[MemoryFormat, Identity.PART_UNLESS_DEFAULT] = "contiguous"
    """How images lie in memory; sums are ordered by it."""


class EvaluationSpec(Frozen):
    """How a run is measured."""

    samples: Annotated[int, Field(ge=16), Identity.PART]
    """Samples generated per evaluation (and real samples they are held against); a smaller split caps both."""
    every: Annotated[float, Field(gt=0), Identity.PART]
    """Distance of two evaluations, in the unit of the training budget."""
    space: Annotated[str, Identity.PART]
    """Feature space of the fidelity metrics: ``raw``, ``classifier``."""


class ExecutionSpec(Frozen):
    """How a run is carried out: nothing of it decides its numbers."""

    timeout_seconds: Annotated[float | None, Field(gt=0), Identity.NOT_PART] = None
    """A run whose process takes longer is stopped and recorded as ``timed-out``."""
    memory_limit_gib: Annotated[float | None, Field(gt=0), Identity.NOT_PART] = None
    """A run whose process holds more of the host's memory is stopped and recorded as ``out-of-memory``."""
    checkpoint_seconds: Annotated[float, Field(gt=0), Identity.NOT_PART] = 30.0
    """Distance of two checkpoints: what a killed machine costs a run at most."""
    retry_crashed: Annotated[bool, Identity.NOT_PART] = False
    """Whether a run that crashed is tried once more, from its last checkpoint."""


class PluginSpec(Frozen):
    """A plugin that an entry of the spec comes from: its content is part of what the run is, its place is not."""

    name: Annotated[str, Identity.PART]
    sha256: Annotated[str, Identity.PART]
    path: Annotated[Path | None, Identity.NOT_PART] = None


class RunSpec(Frozen):
    """One run: a cell and a seed, complete."""

    objective: Annotated[ObjectiveSpec, Identity.PART]
    architecture: Annotated[Choice, Identity.PART]
    dataset: Annotated[Choice, Identity.PART]
    seed: Annotated[int, Field(ge=0, lt=2**63), Identity.PART]
    training: Annotated[TrainingSpec, Identity.PART]
    evaluation: Annotated[EvaluationSpec, Identity.PART]
    plugins: Annotated[tuple[PluginSpec, ...], Identity.PART] = ()
    execution: Annotated[ExecutionSpec, Identity.NOT_PART] = ExecutionSpec()

    @property
    def run_id(self) -> str:
        """``<objective>_<architecture>_<dataset>_s<seed>_<8 hex of the identity's hash>``."""
        return f"{self.cell_name}_s{self.seed}_{digest(identity(self))}"

    @property
    def cell_name(self) -> str:
        """``<objective>_<architecture>_<dataset>``: for people; two cells may share it."""
        return f"{self.objective.label}_{self.architecture.label}_{self.dataset.label}"

    @property
    def cell_id(self) -> str:
        """The cell's name and 8 hex of its identity: all of the run's but the seed."""
        return f"{self.cell_name}_{digest({k: v for k, v in identity(self).items() if k != 'seed'})}"

    @property
    def images_per_step(self) -> int:
        """Real images the discriminator sees in one generator step."""
        return self.training.batch_size * self.objective.n_critic

    @property
    def total_steps(self) -> int | None:
        """Generator steps of the whole run; None where the budget is in seconds."""
        return self.training.budget.steps(self.images_per_step)

    def with_seed(self, seed: int) -> Self:
        """The same cell with another seed."""
        return self.model_copy(update={"seed": seed})


@functools.cache
def field_identity(model: type[Frozen]) -> Mapping[str, Identity]:
    """Whether each field of ``model`` is part of the identity.

    Raises:
        TypeError: a field is not declared as either.
    """
    declared: dict[str, Identity] = {}
    for name, field in model.model_fields.items():
        marks = [mark for mark in field.metadata if isinstance(mark, Identity)]
        if len(marks) != 1:
            raise TypeError(f"{model.__name__}.{name} must be declared Identity.PART or Identity.NOT_PART, once")
        if marks[0] is Identity.PART_UNLESS_DEFAULT and field.is_required():
            raise TypeError(f"{model.__name__}.{name} has no default: it cannot be Identity.PART_UNLESS_DEFAULT")
        declared[name] = marks[0]
    return MappingProxyType(declared)


def identity(spec: Frozen) -> dict[str, Any]:
    """The fields of ``spec`` that decide which run it is, as plain JSON data."""
    part: dict[str, Any] = {}
    for name, mark in field_identity(type(spec)).items():
        if mark is Identity.NOT_PART:
            continue
        value = getattr(spec, name)
        if mark is Identity.PART or value != type(spec).model_fields[name].default:
            part[name] = plain_data(value)
    return part


PLAIN = frozenset({str, int, float, bool, type(None)})


def plain_data(value: Any) -> Any:
    """What of ``value`` is part of an identity, as plain JSON data."""
    if type(value) in PLAIN:  # most are, and the checks below take a while: identities are asked for by the thousand
        return value
    if isinstance(value, Frozen):
        return identity(value)
    if isinstance(value, Mapping):
        return {key: plain_data(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain_data(item) for item in value]
    return value


def digest(plain: Mapping[str, Any], length: int = 8) -> str:
    """The first ``length`` hex digits of the SHA-256 of ``plain`` in canonical JSON."""
    return hashlib.sha256(canonical(plain).encode()).hexdigest()[:length]


def canonical(plain: Any) -> str:
    """Plain data as JSON, the same text for the same data."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
