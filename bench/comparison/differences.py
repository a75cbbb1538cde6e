"""What differs between two results besides their numbers: settings, software, hardware."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bench.comparison.pairing import CellName, PairedCell
from bench.comparison.sides import Run
from bench.record import Environment
from bench.spec import Choice, Frozen, Identity, RunSpec, field_identity


@dataclasses.dataclass(frozen=True)
class SettingChange:
    """A setting that was changed on purpose, and of which cells."""

    field: str
    before: str
    after: str
    cells: tuple[CellName, ...]


@dataclasses.dataclass(frozen=True)
class EnvironmentChange:
    """What of the software or hardware differs; several values where a side is of several environments."""

    field: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def setting_changes(cells: Iterable[PairedCell]) -> tuple[SettingChange, ...]:
    """Every setting that differs, with the cells that it differs in; labels and seeds are what runs are paired by."""
    found: dict[tuple[str, str, str], list[CellName]] = {}
    for cell in cells:
        before, after = (next(iter(side.values())).record.spec for side in (cell.before, cell.after))
        for change in _spec_changes(before, after):
            found.setdefault(change, []).append(cell.name)
    return tuple(SettingChange(*change, tuple(names)) for change, names in found.items())


def environment_changes(before: Iterable[Run], after: Iterable[Run]) -> tuple[EnvironmentChange, ...]:
    """Every part of the environments that differs."""
    one, other = (_environments(run.record.environment for run in side) for side in (before, after))
    absent = {"–": None}
    changes = (
        EnvironmentChange(name, tuple(one.get(name, absent)), tuple(other.get(name, absent)))
        for name in dict.fromkeys((*one, *other))
    )
    return tuple(change for change in changes if set(change.before) != set(change.after))


def _environments(environments: Iterable[Environment]) -> dict[str, dict[str, None]]:
    """The values of each field, over all environments, each once."""
    distinct = {environment.model_dump_json(): environment for environment in environments}
    found: dict[str, dict[str, None]] = {}
    for environment in distinct.values():
        for name, value in _told(environment):
            found.setdefault(name, {})[value] = None
    return found


def _told(environment: Environment) -> Iterator[tuple[str, str]]:
    yield "ganbench", environment.ganbench
    yield "ganbench source", (environment.source or "unknown")[:12]
    dirty = " with uncommitted changes" if environment.dirty else ""
    yield "commit", environment.commit[:12] + dirty if environment.commit else "unknown"
    yield "Python", environment.python
    yield from sorted(environment.packages.items())
    yield "platform", environment.platform
    yield "hardware", environment.hardware
    yield "driver", environment.driver or "–"


def _spec_changes(before: RunSpec, after: RunSpec) -> Iterator[tuple[str, str, str]]:
    for name, mark in field_identity(RunSpec).items():
        if mark is Identity.PART and name not in ("seed", "plugins"):
            yield from _changes(name, getattr(before, name), getattr(after, name))
    plugins = [{plugin.name: plugin.sha256[:12] for plugin in spec.plugins} for spec in (before, after)]
    yield from _of_settings("plugins", *plugins)


def _changes(name: str, before: Any, after: Any) -> Iterator[tuple[str, str, str]]:
    """The leaves that differ, with their paths in the spec."""
    if before == after:
        return
    if isinstance(before, Choice):
        if before.name == after.name:
            yield from _of_settings(name, before.settings, after.settings)
        else:
            yield name, str(before), str(after)
    elif isinstance(before, Frozen):
        for field in type(before).model_fields:
            if field != "label":
                inner = field if name in ("objective", "training") else f"{name}.{field}"
                yield from _changes(inner, getattr(before, field), getattr(after, field))
    elif isinstance(before, tuple) and [item.name for item in before] == [item.name for item in after]:
        for one, other in zip(before, after, strict=True):
            yield from _changes(f"{name}.{one.name}", one, other)
    elif isinstance(before, tuple):
        yield name, *(" + ".join(map(str, items)) or "none" for items in (before, after))  # type: ignore[misc]
    else:
        yield name, _value(before), _value(after)


def _of_settings(
    name: str, before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[tuple[str, str, str]]:
    for key in dict.fromkeys((*before, *after)):
        if before.get(key) != after.get(key):
            yield f"{name}.{key}", _value(before.get(key)), _value(after.get(key))


def _value(value: object) -> str:
    """A setting in words; a whole number without its ``.0``."""
    if value is None:
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)
