"""The settings of a catalogue entry, read off its class: names, types, defaults, ranges, units and meanings."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar

import annotated_types
from pydantic import ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class SettingDescription:
    """One setting of an entry: its type, default, allowed range and meaning with unit."""

    name: str
    type: str
    default: str
    allowed: str
    unit: str
    meaning: str


@dataclasses.dataclass(frozen=True)
class Unit:
    """What a setting is counted in: ``Annotated[float, Field(description=…), Unit("pixels")]``; without it a number
    has no dimension."""

    name: str


Scalar = bool | int | float | str


@dataclasses.dataclass(frozen=True)
class Search:
    """Where `ganbench tune` looks for a setting's value: a range from ``low`` to ``high``, or one of ``choices``.

    An entry declares it beside the setting, ``Annotated[float, Field(gt=0), Search(1e-5, 1e-2, log=True)]``; a suite's
    ``[tune.space]`` says otherwise.
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    """Whether values are drawn evenly over orders of magnitude."""
    step: float | None = None
    """Distance of two values; None for any (1 of integers)."""
    choices: tuple[Scalar, ...] = ()

    @property
    def is_integer(self) -> bool:
        """Whether the range is one of integers."""
        return isinstance(self.low, int) and isinstance(self.high, int) and isinstance(self.step, int | None)

    @property
    def ends(self) -> tuple[Scalar, ...]:
        """The values that decide whether all of it is allowed."""
        return self.choices or tuple(end for end in (self.low, self.high) if end is not None)

    def __str__(self) -> str:
        if self.choices:
            return " | ".join(
                str(choice).lower() if isinstance(choice, bool) else f"{choice}" for choice in self.choices
            )
        step = f", in steps of {self.step:g}" if self.step is not None else ""
        return f"{self.low:g} … {self.high:g}{', log' if self.log else ''}{step}"


@dataclasses.dataclass(frozen=True)
class SettingField:
    """A setting as its class declares it."""

    name: str
    annotation: Any
    default: Any
    allowed: str
    unit: str
    meaning: str
    search: Search | None = None
    """Where tuning looks for it, unless a suite says otherwise; None: nowhere."""


def fields_of(factory: Callable[..., Any]) -> dict[str, SettingField]:
    """The settings of an entry, in the order of its class.

    Args:
        factory: a dataclass.
    """
    hints = typing.get_type_hints(factory, include_extras=True)
    fields = {}
    for field in dataclasses.fields(factory):  # type: ignore[arg-type]  # an entry is a dataclass
        annotation = hints[field.name]
        plain, meaning, allowed, unit, search = annotation, "", "", "", None
        if typing.get_origin(annotation) is typing.Annotated:
            plain, *marks = typing.get_args(annotation)
            infos = [mark for mark in marks if isinstance(mark, FieldInfo)]
            meaning = next((info.description for info in infos if info.description), "")
            allowed = ", ".join(_bound(limit) for info in infos for limit in info.metadata)
            unit = next((mark.name for mark in marks if isinstance(mark, Unit)), "")
            search = next((mark for mark in marks if isinstance(mark, Search)), None)
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        fields[field.name] = SettingField(field.name, plain, default, allowed, unit, meaning, search)
    return fields


_SIGNS = {annotated_types.Gt: ">", annotated_types.Ge: "≥", annotated_types.Lt: "<", annotated_types.Le: "≤"}


def _bound(limit: Any) -> str:
    sign = _SIGNS.get(type(limit))
    return f"{sign} {getattr(limit, dataclasses.fields(limit)[0].name)}" if sign else str(limit)


def describe_setting(field: SettingField) -> SettingDescription:
    """What is told of a setting."""
    allowed = field.allowed
    if typing.get_origin(field.annotation) is typing.Literal:
        allowed = " | ".join(str(option) for option in typing.get_args(field.annotation))
    type_, default = _type_name(field.annotation), _shown(field.default)
    return SettingDescription(field.name, type_, default, allowed, field.unit, field.meaning)


def _shown(default: Any) -> str:
    if default is dataclasses.MISSING:
        return "required"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ", ".join(map(_shown, default)) or "none"
    return str(default) or '""'


def _type_name(annotation: Any) -> str:
    """The type in the words of suite files."""
    if typing.get_origin(annotation) is typing.Literal:
        return "text"
    if typing.get_origin(annotation) is tuple:
        return f"list of {_type_name(typing.get_args(annotation)[0])}"
    if isinstance(annotation, types.UnionType):
        return " | ".join(_type_name(option) for option in typing.get_args(annotation))
    names = {"float": "number", "int": "integer", "str": "text", "bool": "true | false", "Pick": "entry"}
    return names.get(getattr(annotation, "__name__", ""), str(annotation))


def adapter_of(factory: Callable[..., T]) -> TypeAdapter[T]:
    """What validates the settings of an entry: unknown names, infinities and values out of range are refused.

    Args:
        factory: a dataclass.
    """
    if "__pydantic_config__" not in vars(factory):
        config = ConfigDict(extra="forbid", allow_inf_nan=False, validate_default=True, revalidate_instances="always")
        factory.__pydantic_config__ = config  # type: ignore[attr-defined]
    return TypeAdapter(typing.cast(type[T], factory))
