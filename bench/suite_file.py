"""What a suite file may hold: its tables and keys, their types, ranges and meanings.

The models check the form of a file. What its names stand for is looked up by `bench.plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from bench.catalog import Catalog, architectures, datasets, losses, objectives, optimizers, penalties, stabilisers
from bench.errors import show_value
from bench.metrics import METRICS
from bench.spec import ExecutionSpec, Label, MemoryFormat, NormalisationChange, Precision
from bench.suite_schema import names_schema, settings_schema, without_null
from bench.suite_tables import LARGEST_COUNT, Count, Seeds, Table, fault
from bench.suite_tune import Tune

DEFAULT_STEPS = 2000
DEFAULT_BATCH_SIZE = 128
DEFAULT_EMA_IMAGES = 10_000
DEFAULT_SAMPLES = 2500
DEFAULT_SEEDS = 3

DEFINITIONS = "objectives.*"
"""Where the reader puts tables ``[objectives.NAME]``: in TOML their key is the one of the list ``objectives``."""


class Entry(Table):
    """A catalogue entry: its name as text, or a table of its name and those settings that differ from the defaults."""

    model_config = ConfigDict(extra="allow")
    catalog: ClassVar[Catalog[Any]]

    name: str | None = Field(None, description="name in the catalogue (`ganbench list`)")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        if isinstance(value, str):
            return {"name": value}
        if not isinstance(value, Mapping):
            raise fault(f"expected a name or a table {{ name = … }}, got {show_value(value)}")
        return value

    @property
    def settings(self) -> dict[str, Any]:
        """The settings as they are given."""
        return dict(self.__pydantic_extra__ or {})

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        table = handler.resolve_ref_schema(handler(core))
        names = names_schema(cls.catalog.names())
        table["properties"] |= {"name": table["properties"]["name"] | names}
        if cls.model_config.get("extra") == "allow":
            table["properties"] = settings_schema(cls.catalog) | table["properties"]
        return {"anyOf": [{"type": "string", **names}, table]}


class LossEntry(Entry):
    """A loss."""

    catalog = losses


class PenaltyEntry(Entry):
    """A penalty."""

    catalog = penalties


class StabiliserEntry(Entry):
    """A stabiliser."""

    catalog = stabilisers


class OptimizerEntry(Entry):
    """An optimizer. Without a name, or with the name it has anyway, its settings are merged over those before."""

    catalog = optimizers


class ArchitectureEntry(Entry):
    """An architecture."""

    catalog = architectures
    label: Label | None = Field(None, description="name in run ids, tables and plots; the entry's own by default")


class DatasetEntry(Entry):
    """A dataset."""

    catalog = datasets
    label: Label | None = Field(None, description="name in run ids, tables and plots; the entry's own by default")


class Updates(Table):
    """How the players are updated."""

    n_critic: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="discriminator updates per generator update; the paper's by default"
    )
    optimizer: OptimizerEntry | None = Field(None, description="optimizer of both players")
    generator_optimizer: OptimizerEntry | None = Field(None, description="optimizer of the generator; wins over both's")
    discriminator_optimizer: OptimizerEntry | None = Field(
        None, description="optimizer of the discriminator; wins over both's"
    )


class Composition(Updates):
    """What an objective is made of."""

    loss: LossEntry | None = Field(None, description="the pair of functions both players minimise")
    penalties: list[PenaltyEntry | None] | None = Field(
        None, description="regularisers of the players; the list replaces the one before"
    )
    stabilisers: list[StabiliserEntry | None] | None = Field(
        None, description="tricks beside loss and penalties; the list replaces the one before"
    )
    discriminator_normalisation: NormalisationChange | None = Field(
        None, description="in place of the architecture's; 'unchanged': as the architecture has it"
    )


class ObjectiveTable(Composition):
    """``[objectives.NAME]``: a new objective composed here, or changes to the catalogue's objective of that name."""

    base: str | None = Field(None, description="the objective that this one starts from")


class ObjectiveEntry(Composition, Entry):
    """An objective of a grid: a name, or a table of a name (or a loss) and what differs."""

    model_config = ConfigDict(extra="forbid")
    catalog = objectives
    label: Label | None = Field(None, description="name in run ids, tables and plots; the objective's own by default")


class Training(Updates):
    """How long and with what the players are trained; a budget is given as exactly one of steps, images, seconds."""

    steps: Count | None = Field(None, description=f"budget in generator steps; {DEFAULT_STEPS} without any budget")
    images: Count | None = Field(None, description="budget in real images shown to the discriminator")
    seconds: Annotated[float, Field(gt=0, le=1e9)] | None = Field(None, description="budget in seconds of training")
    batch_size: Annotated[int, Field(ge=1, le=2**31)] | None = Field(
        None, description=f"samples per update; {DEFAULT_BATCH_SIZE} by default"
    )
    ema_images: Annotated[int, Field(ge=0, le=LARGEST_COUNT)] | None = Field(
        None,
        description="half-life of the generator's moving average in images shown to the discriminator, 0 for none; "
        f"{DEFAULT_EMA_IMAGES} by default",
    )
    learning_rate_decay: Literal["none", "linear"] | None = Field(
        None, description="'linear': learning rates fall in a line to 0 at the end of the budget; 'none' by default"
    )
    threads: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        None, description="threads of one run on a CPU; 1 by default"
    )
    precision: Precision | None = Field(
        None,
        description="in which the players compute: 'float32' by default, 'bfloat16', or on GPUs 'tf32'",
    )
    memory_format: MemoryFormat | None = Field(
        None, description="how images lie in memory: 'contiguous' by default, or 'channels-last'"
    )


class Evaluation(Table):
    """How runs are measured."""

    samples: Annotated[int, Field(ge=16, le=2**31)] | None = Field(
        None, description=f"samples per evaluation; {DEFAULT_SAMPLES} by default"
    )
    every: Annotated[float, Field(gt=0)] | None = Field(
        None, description="distance of two evaluations in the unit of the budget; a tenth of the budget by default"
    )
    space: str | None = Field(
        None,
        description="feature space of the fidelity metrics; the dataset's own by default",
        json_schema_extra={"examples": ["raw", "classifier"]},
    )


class Lists(Table):
    """What is combined: every objective with every architecture and every dataset."""

    objectives: list[ObjectiveEntry | None] | None = Field(None, description="objectives to compare")
    architectures: list[ArchitectureEntry | None] | None = Field(
        None, description="architectures; by default 'mlp' for points and 'dcgan' for images"
    )
    datasets: list[DatasetEntry | None] | None = Field(None, description="datasets")


class Grid(Lists):
    """``[[grid]]``: all combinations of its lists. A list that is left out is taken from the top of the file."""

    training: Training = Field(default_factory=Training, description="overrides [training] in this grid")
    evaluation: Evaluation = Field(default_factory=Evaluation, description="overrides [evaluation] in this grid")
    seeds: Seeds | None = Field(None, description="overrides the suite's seeds in this grid")


class Execution(Table):
    """How runs are carried out; no part of what they are."""

    timeout_seconds: Annotated[float, Field(gt=0)] | None = Field(
        None, description="a run that takes longer is stopped and recorded as timed-out"
    )
    memory_limit_gib: Annotated[float, Field(gt=0)] | None = Field(
        None, description="a run that holds more of the host's memory is stopped and recorded as out-of-memory"
    )
    checkpoint_seconds: Annotated[float, Field(gt=0)] | None = Field(
        None, description="distance of two checkpoints of a run; 30 by default"
    )
    retry_crashed: bool | None = Field(
        None, description="whether a run that crashed is tried once more, from its last checkpoint; false by default"
    )

    def to_spec(self) -> ExecutionSpec:
        """The same with every default filled in."""
        return ExecutionSpec.model_validate(self.model_dump(exclude_none=True))


class Report(Table):
    """``[report]``: how the report reads the numbers; no part of what the runs are."""

    baseline: str | None = Field(
        None, description="label of the objective that the others are held against; the first of the suite by default"
    )
    metric: str | None = Field(
        None,
        description="name of the metric that ranks; by default the feature space's own: sliced_wasserstein in raw "
        "space, fid in any other",
        json_schema_extra={"examples": list(METRICS)},
    )


class SuiteFile(Lists):
    """A suite: cells (objective × architecture × dataset) and seeds, and how they are trained and measured."""

    title: str | None = Field(None, description="heads the report; the file's name by default")
    seeds: Seeds = Field(
        default_factory=lambda: list(range(DEFAULT_SEEDS)),
        description=f"seeds of every cell: a number N for 0 … N − 1, or a list; {DEFAULT_SEEDS} by default",
    )
    plugins: list[str | None] = Field(
        default_factory=list, description="Python files that register entries of your own, relative to this file"
    )
    training: Training = Field(default_factory=Training, description="defaults for every run")
    evaluation: Evaluation = Field(default_factory=Evaluation, description="how every run is measured")
    grid: list[Grid | None] | None = Field(
        None, description="several grids make one suite; runs that are equal are made once"
    )
    execution: Execution = Field(default_factory=Execution, description="how runs are carried out")
    report: Report = Field(default_factory=Report, description="what the report ranks by, and against whom")
    tune: Tune | None = Field(None, description="search space and budget of `ganbench tune`")
    definitions: dict[str, ObjectiveTable] = Field(default_factory=dict, alias=DEFINITIONS)
    """``[objectives.NAME]``."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of suite files, for editors: names in the catalogue are offered, others are not refused."""
    schema = SuiteFile.model_json_schema(mode="validation")
    definitions = schema["properties"].pop(DEFINITIONS)
    listed = schema["properties"]["objectives"]
    schema["properties"]["objectives"] = {
        "description": "a list: objectives to compare; tables [objectives.NAME]: objectives composed here",
        "anyOf": [*(option for option in listed["anyOf"] if option.get("type") == "array"), definitions],
    }
    definitions.pop("default", None)
    schema |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ganbench suite"}
    plain: dict[str, Any] = without_null(schema)
    return plain
