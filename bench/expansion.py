"""What a suite's grids combine: their entries resolved, checked against each other, every default filled in."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal

from pydantic import ValidationError

from bench.catalog import optimizers, spaces
from bench.compatibility import find_batch_conflicts, find_conflicts, find_contradictions
from bench.errors import CatalogError, explain, unknown
from bench.faults import Faults, show_path
from bench.resolve import Resolved, Resolver
from bench.spec import Budget, BudgetUnit, Choice, EvaluationSpec, ObjectiveSpec, TrainingSpec
from bench.suite_file import (
    DEFAULT_BATCH_SIZE,
    DEFAULT_EMA_IMAGES,
    DEFAULT_SAMPLES,
    DEFAULT_STEPS,
    ArchitectureEntry,
    Entry,
    Grid,
    SuiteFile,
    Training,
)
from bench.toml_lines import KeyPath

MOST_RUNS = 1_000_000

_UNITS: tuple[BudgetUnit, ...] = ("steps", "images", "seconds")


@dataclasses.dataclass(frozen=True)
class Block:
    """What one grid combines, resolved. Each dataset comes with its architectures and evaluation."""

    objectives: list[ObjectiveSpec]
    fields: list[tuple[Choice, EvaluationSpec, list[Choice]]]
    training: TrainingSpec
    seeds: list[int]


class Expansion:
    """Resolves a suite's grids; what is wrong is told to ``faults``.

    Args:
        file: the suite.
        faults: gathers what is wrong.
    """

    def __init__(self, file: SuiteFile, faults: Faults) -> None:
        self._file, self._faults = file, faults
        self._resolver = Resolver(file, faults)
        self._labels: dict[tuple[str, str, KeyPath], tuple[Choice | ObjectiveSpec, KeyPath]] = {}
        self._fits: dict[tuple[int, int], tuple[Resolved, Resolved, str | None]] = {}
        self._unused: list[str] = []

    def blocks(self) -> list[Block]:
        """Every grid, resolved as far as it can be."""
        grids = [Grid()] if self._file.grid is None else self._file.grid
        if not grids:
            self._faults.add(("grid",), "the list is empty: at least one [[grid]] is needed")
        blocks = []
        for name in self._file.definitions:
            self._check_name(name)
        for index, grid in enumerate(grids):
            if grid is not None:
                blocks.append(self._block(grid, () if self._file.grid is None else ("grid", index)))
        for name in self._file.definitions:
            if name not in self._resolver.used:
                self._unused.append(name)
                self._resolver.check_definition(name)
        self._check_named_optimizers()
        runs = sum(
            len(block.objectives) * len(block.seeds) * sum(len(architectures) for *_, architectures in block.fields)
            for block in blocks
        )
        if runs > MOST_RUNS:
            self._faults.add((), f"this suite makes {runs:,} runs; at most {MOST_RUNS:,} can be planned: split it")
        return blocks

    def unused(self) -> list[str]:
        """A warning for each objective that is composed and not used."""
        return [f"objective '{name}' is composed in [objectives.{name}], but no grid uses it" for name in self._unused]

    def _block(self, grid: Grid, path: KeyPath) -> Block:
        training = self._training(grid.training, (*path, "training"))
        objectives = []
        for entry, place in self._entries(grid, "objectives", path):
            spec = self._resolver.objective(entry, place, grid.training, (*path, "training"))
            own = self._resolver.own_objective(entry, place) if spec is not None else None
            if spec is not None and self._label("objective", own, place, within=path):
                objectives.append(spec)
                for fault in (*find_contradictions(spec), *find_batch_conflicts(spec, training.batch_size)):
                    self._faults.add(place, fault)
        architectures = None
        if grid.architectures is not None or self._file.architectures is not None:
            architectures = [
                (found, place)
                for entry, place in self._entries(grid, "architectures", path)
                if (found := self._resolver.architecture(entry, place, entry.label)) is not None
                and self._label("architecture", found.choice, place)
            ]
        fields = []
        for entry, place in self._entries(grid, "datasets", path):
            dataset = self._resolver.dataset(entry, place, entry.label)
            if dataset is None or not self._label("dataset", dataset.choice, place):
                continue
            shape = self._shape(dataset, place)
            if shape is None:
                continue
            fitting = []
            for architecture, at in [(self._default(shape), place)] if architectures is None else architectures:
                if architecture is not None:
                    self._check_fit(architecture, dataset, shape, at)
                    for objective in objectives:
                        for conflict in find_conflicts(objective, architecture.choice):
                            self._faults.add(at, conflict)
                    fitting.append(architecture.choice)
            evaluation = self._evaluation(grid, path, training.budget, dataset, place)
            if evaluation is not None:
                fields.append((dataset.choice, evaluation, fitting))
        seeds = self._file.seeds if grid.seeds is None else grid.seeds
        return Block(objectives, fields, training, seeds)

    def _entries(
        self, grid: Grid, kind: Literal["objectives", "architectures", "datasets"], path: KeyPath
    ) -> list[tuple[Any, KeyPath]]:
        """The entries of a grid's list, or of the file's where the grid has none."""
        own: list[Entry | None] | None = getattr(grid, kind)
        entries: list[Entry | None] | None = getattr(self._file, kind) if own is None else own
        place: KeyPath = (kind,) if own is None else (*path, kind)
        if entries is None:
            if not self._faults.at((*path, kind)) and not self._faults.at((kind,)):
                example = {"objectives": '["nsgan", "wgan-gp"]', "datasets": '["ring"]'}[kind]
                self._faults.add(path, f"'{kind}' is missing: name at least one, such as {kind} = {example}")
            return []
        if not entries:
            self._faults.add(place, f"the list is empty: at least one {kind.removesuffix('s')} is needed")
        return [(entry, (*place, index)) for index, entry in enumerate(entries) if entry is not None]

    # single things

    def _label(self, kind: str, stands_for: Choice | ObjectiveSpec | None, path: KeyPath, within: KeyPath = ()) -> bool:
        """Whether the label stands for the same thing everywhere in the suite, or within one grid of it.

        An objective may be set differently for other data, in a grid of its own; results are compared on one
        dataset and one architecture, whose labels mean one thing everywhere.
        """
        if stands_for is None:
            return False
        first, place = self._labels.setdefault((kind, stands_for.label, within), (stands_for, path))
        if first == stands_for:
            return True
        self._faults.add(
            path,
            f"{kind} '{stands_for.label}' is also at {show_path(place)}, with {_difference(first, stands_for)}: "
            'give one of them a label of its own, label = "…"',
        )
        return False

    def _check_name(self, name: str) -> None:
        try:
            Choice(name="", label=name)
        except ValidationError as error:
            self._faults.add(("objectives", name), explain(error.errors()[0]))

    def _check_named_optimizers(self) -> None:
        """Those of ``training`` that every objective replaces are not looked up otherwise."""
        tables: list[tuple[Training, KeyPath]] = [(self._file.training, ("training",))]
        tables += [(grid.training, ("grid", i, "training")) for i, grid in enumerate(self._file.grid or []) if grid]
        for training, path in tables:
            for key in ("optimizer", "generator_optimizer", "discriminator_optimizer"):
                entry: Entry | None = getattr(training, key)
                if entry is not None and entry.name is not None and entry.name not in optimizers.names():
                    try:
                        optimizers.entry(entry.name)
                    except CatalogError as error:
                        self._faults.add((*path, key), str(error))

    def _default(self, shape: tuple[int, ...]) -> Resolved | None:
        name = "dcgan" if len(shape) == 3 else "mlp"
        return self._resolver.architecture(ArchitectureEntry(name=name), (), None)

    def _shape(self, dataset: Resolved, path: KeyPath) -> tuple[int, ...] | None:
        try:
            return tuple(int(size) for size in dataset.instance.shape)
        except Exception as error:  # a plugin's class may do anything
            self._faults.add(path, f"dataset '{dataset.choice.name}' has no shape: {type(error).__name__}: {error}")
            return None

    def _check_fit(self, architecture: Resolved, dataset: Resolved, shape: tuple[int, ...], path: KeyPath) -> None:
        """Tell if the architecture cannot make samples of the dataset's shape."""
        key = (id(architecture), id(dataset))
        if key not in self._fits:
            reason: str | None = None
            try:
                architecture.instance.check(shape)
            except CatalogError as error:
                reason = f"{error} (dataset '{dataset.choice.label}')"
            except (Exception, SystemExit) as error:  # a plugin's class may do anything
                reason = f"architecture '{architecture.choice.name}' cannot be checked: {type(error).__name__}: {error}"
            self._fits[key] = (architecture, dataset, reason)
        if (reason := self._fits[key][2]) is not None:
            self._faults.add(path, reason)

    def _training(self, own: Training, path: KeyPath) -> TrainingSpec:
        suite = self._file.training
        budget = (
            self._budget(own, path) or self._budget(suite, ("training",)) or Budget(unit="steps", amount=DEFAULT_STEPS)
        )

        def value(key: str, default: int) -> int:
            found = next((getattr(table, key) for table in (own, suite) if getattr(table, key) is not None), default)
            return int(found)

        return TrainingSpec(
            budget=budget,
            batch_size=value("batch_size", DEFAULT_BATCH_SIZE),
            ema_images=value("ema_images", DEFAULT_EMA_IMAGES),
            learning_rate_decay=own.learning_rate_decay or suite.learning_rate_decay or "none",
            threads=value("threads", 1),
            precision=own.precision or suite.precision or "float32",
            memory_format=own.memory_format or suite.memory_format or "contiguous",
        )

    def _budget(self, table: Training, path: KeyPath) -> Budget | None:
        given = [unit for unit in _UNITS if getattr(table, unit) is not None]
        if len(given) > 1:
            listed = " and ".join(f"'{unit}'" for unit in given)
            self._faults.add(path, f"{listed} are both given: a budget is exactly one of 'steps', 'images', 'seconds'")
        return Budget(unit=given[0], amount=getattr(table, given[0])) if given else None

    def _evaluation(
        self, grid: Grid, path: KeyPath, budget: Budget, dataset: Resolved, dataset_path: KeyPath
    ) -> EvaluationSpec | None:
        suite = self._file.evaluation
        every = grid.evaluation.every
        if every is None and suite.every is not None:
            every = suite.every
            counted = self._budget_unit(self._file.training)
            if counted != budget.unit:
                self._faults.add(
                    (*path, "training", budget.unit),
                    f"the budget of this grid is in {budget.unit}, but evaluation.every is in {counted}: "
                    "give the grid an evaluation.every of its own",
                )
        if every is not None and every < 1 and budget.unit != "seconds":
            self._faults.add(
                (*path, "evaluation", "every"), f"expected at least 1 of the budget's {budget.unit}, got {every:g}"
            )
            return None
        if every is None:
            tenth = budget.amount / 10
            every = tenth if budget.unit == "seconds" else max(1, math.ceil(tenth))
        space, space_path = grid.evaluation.space, (*path, "evaluation", "space")
        if space is None and suite.space is not None:
            space, space_path = suite.space, ("evaluation", "space")
        if space is None:
            try:
                space, space_path = dataset.instance.space, dataset_path
            except (Exception, SystemExit) as error:  # a plugin's class may do anything
                self._faults.add(dataset_path, f"dataset '{dataset.choice.name}' does not tell its space: {error!r}")
                return None
        if space not in spaces.names():
            self._faults.add(space_path, unknown(spaces.singular, str(space), spaces.names()))
            return None
        samples = grid.evaluation.samples or suite.samples or DEFAULT_SAMPLES
        return EvaluationSpec(samples=samples, every=every, space=str(space))

    @staticmethod
    def _budget_unit(table: Training) -> BudgetUnit:
        return next((unit for unit in _UNITS if getattr(table, unit) is not None), "steps")


def _difference(one: Choice | ObjectiveSpec, other: Choice | ObjectiveSpec) -> str:
    if isinstance(one, Choice) and isinstance(other, Choice) and one.name == other.name:
        changed = [key for key in one.settings if one.settings[key] != other.settings.get(key)]
        return ", ".join(f"{key} = {one.settings[key]} there and {other.settings.get(key)} here" for key in changed)
    if isinstance(one, ObjectiveSpec) and isinstance(other, ObjectiveSpec):
        return "another " + " and ".join(
            key for key in type(one).model_fields if getattr(one, key) != getattr(other, key)
        )
    return f"another entry ({one} there, {other} here)"
