"""What of a run can be searched: its settings by their paths, where each is looked for, and the run that values make.

A path is what a suite says: ``n_critic``, ``discriminator_normalisation``, ``loss.margin``, ``penalties.r1.gamma``,
``optimizer.learning_rate`` (of both players), ``generator_optimizer.beta1``, ``architecture.width``,
``training.batch_size``.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bench.catalog import Catalog, architectures, datasets, losses, objectives, optimizers, penalties, stabilisers
from bench.compatibility import find_batch_conflicts, find_conflicts, find_contradictions
from bench.errors import CatalogError, explain
from bench.objectives.base import Objective
from bench.settings import Scalar, Search, SettingField, fields_of
from bench.spec import Choice, NormalisationChange, ObjectiveSpec, RunSpec, TrainingSpec

PLAYERS = ("generator_optimizer", "discriminator_optimizer")
OF_TRAINING: dict[str, Any] = {
    "batch_size": int,
    "ema_images": int,
    "learning_rate_decay": typing.Literal["none", "linear"],
}
"""Of `[training]`; a budget is none of it: all trials have the same."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A setting that is searched."""

    path: str
    search: Search
    origin: str
    """Who says where it is looked for: ``[tune.space]``, ``penalty 'r1'``."""
    value: Scalar
    """As the suite has it."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """A setting of a run that could be searched."""

    path: str
    annotation: Any
    value: Any
    """As the run has it."""
    declared: Search | None
    owner: str
    """The catalogue's entry that it is of."""

    @property
    def takes_integers(self) -> bool:
        """Whether every value of it is an integer."""
        return self.annotation is int

    @property
    def takes_numbers(self) -> bool:
        """Whether a range can be given for it."""
        options = typing.get_args(self.annotation) if isinstance(self.annotation, types.UnionType) else ()
        return bool({int, float} & {self.annotation, *options})


def settings_of(spec: RunSpec) -> dict[str, Setting]:
    """Every setting of a run that could be searched, by its path, in the order in which a suite would name them."""
    objective, found = spec.objective, dict[str, Setting]()

    def add(path: str, field: SettingField, value: Any, owner: str, *, is_declared: bool = True) -> None:
        if path not in found and isinstance(value, bool | int | float | str):
            found[path] = Setting(path, field.annotation, value, field.search if is_declared else None, owner)

    def add_part(path: str, catalog: Catalog[Any], choice: Choice, *, is_declared: bool = True) -> None:
        for name, field in catalog.entry(choice.name).fields.items():
            owner = f"{catalog.singular} '{choice.name}'"
            add(f"{path}.{name}", field, choice.settings.get(name), owner, is_declared=is_declared)

    generator, discriminator = objective.generator_optimizer, objective.discriminator_optimizer
    together = (generator.name, generator.settings) == (discriminator.name, discriminator.settings)
    if generator.name == discriminator.name:
        add_part("optimizer", optimizers, generator, is_declared=together)
    add_part("generator_optimizer", optimizers, generator, is_declared=not together)
    add_part("discriminator_optimizer", optimizers, discriminator, is_declared=not together)
    named = objective.label in objectives.names()
    fields = objectives.entry(objective.label).fields if named else fields_of(Objective)
    add("n_critic", fields["n_critic"], objective.n_critic, f"objective '{objective.label}'" if named else "objectives")
    add_part("loss", losses, objective.loss)
    for penalty in objective.penalties:
        add_part(f"penalties.{penalty.name}", penalties, penalty)
    for stabiliser in objective.stabilisers:
        add_part(f"stabilisers.{stabiliser.name}", stabilisers, stabiliser)
    changed = "discriminator_normalisation"
    found[changed] = Setting(changed, NormalisationChange, objective.discriminator_normalisation, None, "objectives")
    add_part("architecture", architectures, spec.architecture)
    for name, annotation in OF_TRAINING.items():
        path = f"training.{name}"
        found[path] = Setting(path, annotation, getattr(spec.training, name), None, "training")
    return found


def with_values(spec: RunSpec, values: Mapping[str, Scalar]) -> RunSpec:
    """The run with other settings, looked up and checked as a suite's are.

    Args:
        spec: the run as the suite has it.
        values: by path; of ``optimizer`` and ``generator_optimizer`` the latter wins.

    Raises:
        CatalogError: a value that is not allowed, or settings that do not go together.
        KeyError: a path that the run does not have.
    """
    own, training = dict[str, Any](), dict[str, Any]()
    parts: dict[str, dict[str, Scalar]] = {}
    for path, value in sorted(values.items(), key=lambda item: not item[0].startswith("optimizer.")):
        part, _, setting = path.rpartition(".")
        if not part:
            own[setting] = value
        elif part == "training":
            training[setting] = value
        else:
            for each in PLAYERS if part == "optimizer" else (part,):
                parts.setdefault(each, {})[setting] = value
    try:
        made = _made(spec, own, training, parts)
    except ValidationError as error:
        raise CatalogError(*(f"setting '{fault['loc'][0]}': {explain(fault)}" for fault in error.errors())) from None
    _check(made)
    return made


def _made(
    spec: RunSpec, own: Mapping[str, Any], training: Mapping[str, Any], parts: dict[str, dict[str, Scalar]]
) -> RunSpec:
    """The run with settings changed: its objective's own, those of training, those of its parts."""
    old = spec.objective

    def part_of(path: str, catalog: Catalog[Any], choice: Choice) -> Choice:
        changed = parts.pop(path, None)
        return choice if changed is None else _changed(catalog, choice, changed)

    objective = ObjectiveSpec(
        label=old.label,
        loss=part_of("loss", losses, old.loss),
        penalties=_each_changed("penalties", penalties, old.penalties, parts),
        stabilisers=_each_changed("stabilisers", stabilisers, old.stabilisers, parts),
        discriminator_normalisation=own.get("discriminator_normalisation", old.discriminator_normalisation),
        n_critic=own.get("n_critic", old.n_critic),
        generator_optimizer=part_of("generator_optimizer", optimizers, old.generator_optimizer),
        discriminator_optimizer=part_of("discriminator_optimizer", optimizers, old.discriminator_optimizer),
    )
    architecture = part_of("architecture", architectures, spec.architecture)
    if parts or set(own) - {"n_critic", "discriminator_normalisation"} or set(training) - set(OF_TRAINING):
        raise KeyError(", ".join([*parts, *own, *training]))
    changed = TrainingSpec(**{**dict(spec.training), **training})
    return spec.model_copy(update={"objective": objective, "architecture": architecture, "training": changed})


def _check(spec: RunSpec) -> None:
    """See that the parts of a run go together.

    Raises:
        CatalogError: they do not.
    """
    conflicts = [
        *find_contradictions(spec.objective),
        *find_batch_conflicts(spec.objective, spec.training.batch_size),
        *find_conflicts(spec.objective, spec.architecture),
    ]
    if conflicts:
        raise CatalogError(*conflicts)
    shape = tuple(int(size) for size in datasets.create(spec.dataset.name, **spec.dataset.settings).shape)
    architectures.create(spec.architecture.name, **spec.architecture.settings).check(shape)


def _each_changed(
    kind: str, catalog: Catalog[Any], choices: tuple[Choice, ...], parts: dict[str, dict[str, Scalar]]
) -> tuple[Choice, ...]:
    """A list's choices, those of one name all changed alike."""
    changes = {choice.name: parts.pop(f"{kind}.{choice.name}", {}) for choice in choices}
    return tuple(
        _changed(catalog, choice, changes[choice.name]) if changes[choice.name] else choice for choice in choices
    )


def _changed(catalog: Catalog[Any], choice: Choice, values: Mapping[str, Scalar]) -> Choice:
    settings = catalog.settings(choice.name, {**choice.settings, **values})
    return Choice(name=choice.name, label=choice.label, settings=settings)
