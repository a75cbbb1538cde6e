"""Suite files: read, checked and expanded into a plan, or all of their faults told at once."""

from __future__ import annotations

import re
import tomllib
import types
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bench.errors import PluginError, SuiteError, explain, nearest
from bench.faults import Faults
from bench.plan import Plan, expand
from bench.plugins import load_installed, load_plugin
from bench.suite_file import DEFINITIONS, SuiteFile, json_schema
from bench.suite_tune import flatten_spaces, with_joined_keys
from bench.toml_lines import KeyPath, locate_keys

__all__ = ["Plan", "json_schema", "load_suite", "plan_suite"]

LARGEST_FILE = 16 * 2**20
"""Bytes; nobody writes a longer suite."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
"""A suite's name is its file's, and the name of its results folder."""


def load_suite(path: Path | str) -> Plan:
    """The plan of a suite file: every run that it asks for.

    Raises:
        SuiteError: the file cannot be used; one fault for each thing that is wrong in it.
        PluginError: an installed plugin does not load.
    """
    path = Path(path)
    return plan_suite(_read(path), path)


def plan_suite(text: str, path: Path) -> Plan:
    """The plan of a suite file's text.

    Args:
        text: TOML.
        path: of the file: names the suite, stands in messages, and is where plugins are looked for.
    """
    load_installed()
    try:
        return _plan(text, path)
    except RecursionError:
        raise SuiteError(f"{path}: tables or lists are nested too deeply") from None


def _plan(text: str, path: Path) -> Plan:
    faults = Faults(path, with_joined_keys(locate_keys(text)))
    if not NAME.fullmatch(path.stem):
        faults.add(
            (),
            f"a suite is called as its file, and '{path.stem}' cannot name a results folder: rename the file, "
            "with letters, digits, '.', '_', '+' and '-' only",
        )
    file = _validate(_parse(text, path), faults)
    if not _load_plugins(
        file, path, faults
    ):  # what they would have registered is unknown now, and not worth a fault each
        faults.raise_if_any()
    return expand(file, name=path.stem, text=text, faults=faults)


def _read(path: Path) -> str:
    shown = _shown(path)
    try:
        if path.is_dir():
            raise SuiteError(f"{shown}: is a folder, not a suite file")
        if path.exists() and not path.is_file():
            raise SuiteError(f"{shown}: is not a regular file")
        if path.stat().st_size > LARGEST_FILE:
            raise SuiteError(f"{shown}: is larger than 16 MiB, which no suite file is")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SuiteError(f"{shown}: is not text in UTF-8 (byte {error.start + 1}): is it a suite file?") from None
    except FileNotFoundError:
        hint = nearest(path.name, [p.name for p in path.parent.glob("*.toml")]) if path.parent.is_dir() else ""
        raise SuiteError(f"{shown}: there is no such file" + (f"; {hint}" if hint else "")) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SuiteError(f"{shown}: cannot be read: {reason}") from None


def _shown(path: Path) -> str:
    return str(path) if str(path).isprintable() else ascii(str(path))


def _parse(text: str, path: Path) -> dict[str, Any]:
    shown = _shown(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).rpartition(" (at ")
        found = re.fullmatch(r"line (\d+), column (\d+)\)", place)
        line, column = (found[1], found[2]) if found else (str(text.count("\n") + 1), "1")
        where = f"{shown}:{line}:{column}" if found else f"{shown}:{line}"
        message = message or str(error)
        end = "" if found else " (at the end)"
        if re.search(r"^\s*objectives\s*=", text, re.MULTILINE) and re.search(
            r"^\s*\[objectives\.", text, re.MULTILINE
        ):
            end += "; beside [objectives.NAME] the list of objectives has its place in a [[grid]]"
        raise SuiteError(f"{where}: not valid TOML: {message[:1].lower()}{message[1:]}{end}") from None
    except ValueError as error:  # a number that Python will not read, a date that is none
        raise SuiteError(f"{shown}: not valid TOML: {error}") from None
    if isinstance(data.get("objectives"), dict):
        data[DEFINITIONS] = data.pop("objectives")
    flatten_spaces(data.get("tune"))
    return data


# form


def _validate(data: dict[str, Any], faults: Faults) -> SuiteFile:
    """The file as a model; what is wrong is told and left out, so that the rest can be looked at too."""
    _refuse_large_integers(data, (), faults)
    while True:
        try:
            return SuiteFile.model_validate(data)
        except ValidationError as error:
            wrong = [fault for fault in error.errors() if _prune(data, fault["loc"])]
            if not wrong:  # nothing that could be left out: the file cannot be looked at any further
                for fault in error.errors():
                    faults.add(fault["loc"], explain(fault))
                faults.raise_if_any()
            for fault in wrong:
                loc = fault["loc"]
                path = ("objectives", *loc[1:]) if loc[0] == DEFINITIONS else loc
                if fault["type"] == "extra_forbidden":
                    faults.add(path, _unknown_key(loc))
                else:
                    faults.add(path, explain(fault))


def _refuse_large_integers(value: Any, path: KeyPath, faults: Faults) -> None:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        if isinstance(item, int) and not -(2**63) <= item < 2**63:
            faults.add((*path, key), "an integer has at most 64 bits")
            value[key] = 0
        else:
            _refuse_large_integers(item, (*path, key), faults)


def _prune(data: Any, loc: KeyPath) -> bool:
    """Take the value at ``loc`` out: a key goes, a list's element becomes None, which TOML does not have."""
    parent: Any = {"": data}
    for key in ("", *loc[:-1]):
        if not _holds(parent, key):
            return False
        parent = parent[key]
    if not loc or not _holds(parent, loc[-1]):
        return False
    if isinstance(parent, list):
        parent[int(loc[-1])] = None
    else:
        del parent[loc[-1]]
    return True


def _holds(data: Any, key: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(key, int) and key < len(data)
    return isinstance(data, dict) and key in data


def _unknown_key(loc: KeyPath) -> str:
    key = str(loc[-1])
    valid = [name for name in _keys_at(loc[:-1]) if name != DEFINITIONS]
    return " ".join(
        part for part in (f"unknown key '{key}';", nearest(key, valid), f"valid: {', '.join(valid)}") if part
    )


def _keys_at(loc: KeyPath) -> list[str]:
    """The keys of the table at ``loc``."""
    model: type[BaseModel] = SuiteFile
    for position, key in enumerate(loc):
        if position == 1 and loc[0] == DEFINITIONS:
            continue  # the name of an objective, whatever it is
        for name, field in model.model_fields.items():
            if key in (name, field.alias):
                model = _model_in(field.annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part))), None)


def _load_plugins(file: SuiteFile, path: Path, faults: Faults) -> bool:
    loaded = True
    for index, name in enumerate(file.plugins):
        if name is None:
            loaded = False
            continue
        try:
            load_plugin(path.parent / name)
        except PluginError as error:
            loaded = False
            for fault in error.faults:
                faults.add(("plugins", index), fault)
    return loaded
