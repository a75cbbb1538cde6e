"""What `ganbench tune` is asked for: a study per cell, each with its search space; resolved from ``[tune]``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from bench.errors import CatalogError, show_value, unknown
from bench.faults import Faults
from bench.metrics import METRICS, Metric, measurable, primary
from bench.search_space import Parameter, Setting, settings_of, with_values
from bench.settings import Scalar, Search
from bench.spec import RunSpec
from bench.suite_tune import DEFAULT_TRIALS, Pruner, Range, Sampler, Tune
from bench.toml_lines import KeyPath


@dataclasses.dataclass(frozen=True)
class StudyPlan:
    """One cell's study."""

    cell: str
    """The cell's name."""
    spec: RunSpec
    """As the suite has it, with the first seed of a trial."""
    parameters: tuple[Parameter, ...]
    metric: Metric

    def make(self, values: Mapping[str, Scalar], seed: int) -> RunSpec:
        """The run of a trial.

        Args:
            values: of the parameters, by path.
            seed: of the run.

        Raises:
            CatalogError: the values do not go together.
        """
        return with_values(self.spec, values).with_seed(seed)


@dataclasses.dataclass(frozen=True)
class TuningPlan:
    """The studies of a suite, all with one budget: ``trials``, or ``seconds``."""

    trials: int | None
    seconds: float | None
    sampler: Sampler
    pruner: Pruner
    seed: int
    """Of the sampler."""
    seeds: tuple[int, ...]
    """Of every trial."""
    fresh_seeds: tuple[int, ...]
    """Of the tuned suite."""
    studies: tuple[StudyPlan, ...]


def plan_tuning(table: Tune, specs: Sequence[RunSpec], faults: Faults) -> TuningPlan:
    """The studies of a suite.

    Args:
        table: its ``[tune]``.
        specs: one run of each cell.
        faults: is told what is wrong.
    """
    _check_names(table, specs, faults)
    studies = []
    for spec in specs:
        metric = _metric(table, spec, faults)
        parameters = _parameters(table, spec, faults)
        if not parameters and not faults.at(("tune",)):
            label = spec.objective.label
            faults.add(
                ("tune",), f"nothing is searched for objective '{label}': give it a [tune.objectives.{label}.space]"
            )
        studies.append(StudyPlan(spec.cell_name, spec.with_seed(table.seeds[0]), parameters, metric))
    trials = DEFAULT_TRIALS if table.trials is None and table.seconds is None else table.trials
    return TuningPlan(
        trials=trials,
        seconds=table.seconds,
        sampler=table.sampler,
        pruner=table.pruner,
        seed=table.seed,
        seeds=tuple(table.seeds),
        fresh_seeds=table.fresh,
        studies=tuple(studies),
    )


def _check_names(table: Tune, specs: Sequence[RunSpec], faults: Faults) -> None:
    """Tell of objectives and settings that no cell has."""
    labels = list(dict.fromkeys(spec.objective.label for spec in specs))
    having: dict[str, dict[str, None]] = {label: {} for label in labels}
    for spec in specs:
        having[spec.objective.label].update(dict.fromkeys(settings_of(spec)))
    everywhere = dict.fromkeys(path for paths in having.values() for path in paths)
    _check_paths(table.space, table.fixed, everywhere, ("tune",), "setting", faults)
    for label, own in table.objectives.items():
        place = ("tune", "objectives", label)
        if label not in having:
            faults.add(place, unknown("objective of this suite", label, labels))
        else:
            _check_paths(own.space, own.fixed, having[label], place, f"setting of objective '{label}'", faults)


def _check_paths(
    space: Mapping[str, Range],
    fixed: Sequence[str | None],
    valid: Mapping[str, None],
    place: KeyPath,
    what: str,
    faults: Faults,
) -> None:
    for path in space:
        if path not in valid:
            faults.add((*place, "space", path), unknown(what, path, tuple(valid)))
    for index, name in enumerate(fixed):
        if name is not None and name not in valid:
            faults.add((*place, "fixed", index), unknown(what, name, tuple(valid)))


def _metric(table: Tune, spec: RunSpec, faults: Faults) -> Metric:
    space = spec.evaluation.space
    if table.metric is None:
        return primary(space)
    names = tuple(metric.name for metric in measurable(space))
    if table.metric not in METRICS:
        faults.add(("tune", "metric"), unknown("metric", table.metric, names))
    elif table.metric not in names:
        said = f"'{table.metric}' is not measured in the {space} space of '{spec.dataset.label}'"
        faults.add(("tune", "metric"), f"{said}; valid: {', '.join(names)}")
    return METRICS.get(table.metric, primary(space))


def _parameters(table: Tune, spec: RunSpec, faults: Faults) -> tuple[Parameter, ...]:
    """What is searched of a cell, in the order of its settings: its entries' own, then those of ``[tune]``."""
    settings, label = settings_of(spec), spec.objective.label
    found: dict[str, Parameter] = {}
    if table.default_space:
        for path, setting in settings.items():
            if setting.declared is not None:
                found[path] = Parameter(path, setting.declared, setting.owner, setting.value)
    layers: list[tuple[KeyPath, str, Mapping[str, Range], Sequence[str | None]]] = [
        (("tune",), "[tune.space]", table.space, table.fixed)
    ]
    if label in table.objectives:
        own = table.objectives[label]
        layers.append((("tune", "objectives", label), f"[tune.objectives.{label}.space]", own.space, own.fixed))
    for place, origin, space, fixed in layers:
        for name in fixed:
            found.pop(str(name), None)
        for path, given in space.items():
            if path in settings:
                _forget_others(found, path)
                found[path] = Parameter(path, given.search, origin, settings[path].value)
                _check_search(spec, settings[path], given.search, (*place, "space", path), faults)
    return tuple(found[path] for path in settings if path in found)


def _forget_others(found: dict[str, Parameter], path: str) -> None:
    """A setting of both players' optimizers is not searched for one of them as well, and the other way round."""
    part, _, name = path.rpartition(".")
    if part == "optimizer":
        found.pop(f"generator_optimizer.{name}", None)
        found.pop(f"discriminator_optimizer.{name}", None)
    elif part in ("generator_optimizer", "discriminator_optimizer") and f"optimizer.{name}" in found:
        found.pop(f"optimizer.{name}")


def _check_search(spec: RunSpec, setting: Setting, search: Search, place: KeyPath, faults: Faults) -> None:
    """Tell if a setting cannot have the values that are to be tried."""
    if not search.choices:
        if not setting.takes_numbers:
            faults.add(place, f"'{setting.path}' is no number: give it 'choices', such as [{_shown(setting.value)}, …]")
            return
        if setting.takes_integers and not search.is_integer:
            faults.add(place, f"'{setting.path}' is an integer, and so are 'low', 'high' and 'step'")
            return
    for value in search.ends:
        try:
            with_values(spec, {setting.path: value})
        except CatalogError as error:
            for fault in error.faults:
                faults.add(place, f"{show_value(value)}: {fault}")


def _shown(value: Scalar) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
