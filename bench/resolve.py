"""What the names in a suite file stand for: entries with every setting, objectives with every layer applied.

An objective is put together in layers; each later one wins:

1. the named objective's own defaults, its paper's (or a bare loss with the default optimizer)
2. ``[training]`` of the suite
3. ``[objectives.NAME]``; those that it is based on first
4. ``training`` of the grid
5. the table in the grid's list ``objectives``

Within a layer ``generator_optimizer`` and ``discriminator_optimizer`` win over ``optimizer``, which sets both.
An optimizer (or loss) without a name, or of the name it has anyway, has its settings merged over those before;
one of another name replaces it, with its own defaults. A list of penalties or stabilisers replaces the one before.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from bench.catalog import (
    NAME,
    Catalog,
    architectures,
    datasets,
    losses,
    objectives,
    optimizers,
    penalties,
    spaces,
    stabilisers,
)
from bench.drafts import Draft, Part
from bench.errors import CatalogError, explain, nearest
from bench.faults import Faults
from bench.objectives.base import Pick
from bench.spec import Choice, ObjectiveSpec, PluginSpec
from bench.suite_file import Composition, Entry, ObjectiveEntry, ObjectiveTable, SuiteFile, Updates
from bench.toml_lines import KeyPath


@dataclasses.dataclass(frozen=True)
class Resolved:
    """A choice and the entry that it makes."""

    choice: Choice
    instance: Any


class Resolver:
    """Looks up what one suite file names; what cannot be found is told to ``faults``.

    Args:
        file: the suite.
        faults: gathers what is wrong.
    """

    def __init__(self, file: SuiteFile, faults: Faults) -> None:
        self._file, self._faults = file, faults
        self._looked_up: dict[tuple[str, str, str, str], Resolved | CatalogError] = {}
        self._objective_names = sorted({*objectives.names(), *file.definitions})
        self.used: set[str] = set()
        """Names of ``[objectives.NAME]`` that were asked for."""

    # entries

    def architecture(self, entry: Entry, path: KeyPath, label: str | None) -> Resolved | None:
        """An architecture with every setting."""
        return self._entry(architectures, entry, path, label)

    def dataset(self, entry: Entry, path: KeyPath, label: str | None) -> Resolved | None:
        """A dataset with every setting."""
        return self._entry(datasets, entry, path, label)

    def _entry(self, catalog: Catalog[Any], entry: Entry, path: KeyPath, label: str | None) -> Resolved | None:
        if entry.name is None:
            if not self._faults.at((*path, "name")):
                self._faults.add(path, f"'name' is missing: which {catalog.singular}?")
            return None
        return self._look_up(catalog, Pick(entry.name, entry.settings), path, label=label)

    def _part(self, catalog: Catalog[Any], part: Part, objective: str) -> Choice | None:
        if part.inherited and part.pick.name not in catalog.names():
            return None  # told at the place that names it
        note = f" (which objective '{objective}' uses)" if part.inherited else ""
        found = self._look_up(catalog, part.pick, part.path, note=note)
        return found.choice if found else None

    def _look_up(
        self, catalog: Catalog[Any], pick: Pick, path: KeyPath, label: str | None = None, note: str = ""
    ) -> Resolved | None:
        key = (catalog.kind, pick.name, label or pick.name, repr(sorted(pick.settings.items())))
        if key not in self._looked_up:
            try:
                self._looked_up[key] = _make(catalog, pick, label or pick.name)
            except CatalogError as error:
                self._looked_up[key] = error
        found = self._looked_up[key]
        if isinstance(found, Resolved):
            return found
        for fault in found.faults:
            named = re.search(r"(?:no setting|, setting) '([^'.]+)", fault)
            setting = (named[1],) if named and named[1] in pick.settings else ()
            self._faults.add((*path, *setting), fault + note)
        return None

    # objectives

    def objective(
        self, entry: ObjectiveEntry, path: KeyPath, grid: Updates, grid_path: KeyPath
    ) -> ObjectiveSpec | None:
        """An objective of a grid, with every layer applied."""
        return self._compose(entry, path, [(self._file.training, ("training",))], [(grid, grid_path)])

    def own_objective(self, entry: ObjectiveEntry, path: KeyPath) -> ObjectiveSpec | None:
        """The same as if no ``training`` said anything of it: what its label stands for."""
        return self._compose(entry, path, [], [])

    def check_definition(self, name: str) -> None:
        """Look up an ``[objectives.NAME]`` that no grid uses, so that its faults are told as well."""
        path: KeyPath = ("objectives", name)
        self._compose(ObjectiveEntry(name=name), path, [(self._file.training, ("training",))], [])

    def _compose(
        self,
        entry: ObjectiveEntry,
        path: KeyPath,
        below: list[tuple[Updates, KeyPath]],
        above: list[tuple[Updates, KeyPath]],
    ) -> ObjectiveSpec | None:
        start = self._start(entry, path)
        if start is None:
            return None
        draft, definitions = start
        for layer, layer_path in [*below, *definitions, *above, (entry, path)]:
            if isinstance(layer, Composition):
                composed = self._composed(draft, layer, layer_path)
                if composed is None:
                    return None
                draft = composed
            draft = draft.with_updates(layer, layer_path)
        if draft.loss is None:
            if not any(self._faults.at((*p, "loss")) for p in (path, *(p for _, p in definitions))):
                self._faults.add(path, "'loss' is missing")
            return None
        return self._spec(draft, entry.label or entry.name or draft.loss.pick.name)

    def _spec(self, draft: Draft, label: str) -> ObjectiveSpec | None:
        assert draft.loss is not None
        loss = self._part(losses, draft.loss, label)
        regularisers = [self._part(penalties, part, label) for part in draft.penalties]
        tricks = [self._part(stabilisers, part, label) for part in draft.stabilisers]
        generator_optimizer = self._part(optimizers, draft.generator_optimizer, label)
        discriminator_optimizer = self._part(optimizers, draft.discriminator_optimizer, label)
        found = [penalty for penalty in regularisers if penalty is not None]
        found_tricks = [trick for trick in tricks if trick is not None]
        if (
            loss is None
            or generator_optimizer is None
            or discriminator_optimizer is None
            or len(found) < len(regularisers)
            or len(found_tricks) < len(tricks)
            or not NAME.fullmatch(label)  # of a definition, whose name is told to be wrong elsewhere
        ):
            return None
        return ObjectiveSpec(
            label=label,
            loss=loss,
            penalties=tuple(found),
            stabilisers=tuple(found_tricks),
            discriminator_normalisation=draft.discriminator_normalisation,
            n_critic=draft.n_critic,
            generator_optimizer=generator_optimizer,
            discriminator_optimizer=discriminator_optimizer,
        )

    def _composed(self, draft: Draft, layer: Composition, path: KeyPath) -> Draft | None:
        """The draft with the layer's loss, penalties, stabilisers and normalisation."""
        loss = draft.loss
        if layer.loss is not None:
            if loss is not None:
                loss = loss.overlaid(layer.loss, (*path, "loss"))
            elif layer.loss.name is not None:
                loss = Part(Pick(layer.loss.name, layer.loss.settings), (*path, "loss"))
            else:
                self._faults.add((*path, "loss"), "'name' is missing: which loss?")
                return None
        regularisers = self._listed(layer.penalties, draft.penalties, (*path, "penalties"), "penalty")
        tricks = self._listed(layer.stabilisers, draft.stabilisers, (*path, "stabilisers"), "stabiliser")
        if regularisers is None or tricks is None:
            return None
        return dataclasses.replace(
            draft,
            loss=loss,
            penalties=regularisers,
            stabilisers=tricks,
            discriminator_normalisation=layer.discriminator_normalisation or draft.discriminator_normalisation,
        )

    def _listed(
        self, entries: Sequence[Entry | None] | None, before: tuple[Part, ...], path: KeyPath, singular: str
    ) -> tuple[Part, ...] | None:
        """The parts that a layer's list names, or those before where it has none; None if one has no name."""
        if entries is None:
            return before
        parts = []
        for index, entry in enumerate(entries):
            place = (*path, index)
            if entry is None:
                continue
            if entry.name is None:
                if not self._faults.at((*place, "name")):
                    self._faults.add(place, f"'name' is missing: which {singular}?")
                return None
            parts.append(Part(Pick(entry.name, entry.settings), place))
        return tuple(parts)

    def _start(self, entry: ObjectiveEntry, path: KeyPath) -> tuple[Draft, list[tuple[ObjectiveTable, KeyPath]]] | None:
        """What an entry starts from: the catalogue's defaults, and the definitions that change them, in order."""
        if entry.name is None:
            if entry.loss is None:
                if not any(self._faults.at((*path, key)) for key in ("name", "loss")):
                    self._faults.add(path, "'name' or 'loss' is missing: which objective?")
                return None
            return _bare(None, path), []
        name, place = entry.name, path
        definitions: list[tuple[ObjectiveTable, KeyPath]] = []
        seen: list[str] = []
        while (table := self._file.definitions.get(name)) is not None and name not in seen[-1:]:
            if name in seen:
                names = " → ".join([*seen[seen.index(name) :], name])
                self._faults.add(
                    ("objectives", name, "base"), f"objectives are based on each other in a circle: {names}"
                )
                return None
            seen.append(name)
            self.used.add(name)
            place = ("objectives", name)
            definitions.insert(0, (table, place))
            if table.base is None:
                if name in objectives.names() or (table.loss is None and name in losses.names()):
                    break
                if table.loss is None:
                    if not any(self._faults.at((*place, key)) for key in ("base", "loss")):
                        self._faults.add(place, "needs 'loss', or 'base', an objective to start from")
                    return None
                return _bare(None, place), definitions
            name, place = table.base, (*place, "base")
        draft = self._named(name, place)
        return None if draft is None else (draft, definitions)

    def _named(self, name: str, path: KeyPath) -> Draft | None:
        """The catalogue's objective, or a loss of this name with the default optimizer."""
        if name not in objectives.names():
            if name in losses.names():
                return _bare(Part(Pick(name), path), path)
            hint = nearest(name, [*self._objective_names, *losses.names()])
            valid = ", ".join(self._objective_names) or "none"
            self._faults.add(path, f"unknown objective '{name}'; {hint}{' ' if hint else ''}valid: {valid}")
            return None
        try:
            objective = objectives.create(name)
            return Draft(
                loss=Part(objective.loss, path),
                penalties=tuple(Part(pick, path) for pick in objective.penalties),
                stabilisers=tuple(Part(pick, path) for pick in objective.stabilisers),
                discriminator_normalisation=objective.discriminator_normalisation,
                n_critic=objective.n_critic,
                generator_optimizer=Part(objective.generator_optimizer, path),
                discriminator_optimizer=Part(objective.discriminator_optimizer, path),
            )
        except Exception as error:  # a plugin's class may do anything
            self._faults.add(path, f"objective '{name}' cannot be made: {_in_words(error)}")
            return None


def _bare(loss: Part | None, path: KeyPath) -> Draft:
    adam = Part(Pick("adam"), path)
    return Draft(
        loss=loss,
        penalties=(),
        stabilisers=(),
        discriminator_normalisation="unchanged",
        n_critic=1,
        generator_optimizer=adam,
        discriminator_optimizer=adam,
    )


def _make(catalog: Catalog[Any], pick: Pick, label: str) -> Resolved:
    """The entry and its choice, complete.

    Raises:
        CatalogError: there is no such entry, or its settings are not allowed.
    """
    what = f"{catalog.singular} '{pick.name}'"
    try:
        instance = catalog.create(pick.name, **pick.settings)
        settings: Mapping[str, Any] = {
            field.name: getattr(instance, field.name) for field in dataclasses.fields(instance)
        }
        return Resolved(Choice(name=pick.name, label=label, settings=settings), instance)
    except CatalogError:
        raise
    except ValidationError as error:
        raise CatalogError(*(f"{what}: {explain(fault)}" for fault in error.errors())) from None
    except Exception as error:  # a plugin's class may do anything
        raise CatalogError(f"{what} cannot be made: {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def plugins_of(objective: ObjectiveSpec, architecture: Choice, dataset: Choice, space: str) -> tuple[PluginSpec, ...]:
    """The plugins whose entries a cell uses, that of its feature space included; sorted."""
    names: list[tuple[Catalog[Any], str]] = [
        (losses, objective.loss.name),
        *((penalties, penalty.name) for penalty in objective.penalties),
        *((stabilisers, stabiliser.name) for stabiliser in objective.stabilisers),
        (optimizers, objective.generator_optimizer.name),
        (optimizers, objective.discriminator_optimizer.name),
        (architectures, architecture.name),
        (datasets, dataset.name),
        (spaces, space),
    ]
    found = {plugin for catalog, name in names if (plugin := catalog.entry(name).plugin) is not None}
    return tuple(sorted(found, key=lambda plugin: (plugin.name, plugin.sha256, str(plugin.path))))
