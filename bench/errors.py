"""The errors that a user can cause, and the sentence each of them ends in."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class UsageError(Exception):
    """Something the user gave cannot be used; the command line shows the message and exits with 2.

    A message says what is wrong, where, what is allowed and what to do.
    Several faults can be told at once: one entry of ``faults`` each.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults: tuple[str, ...] = faults


class CatalogError(UsageError):
    """A name or a setting that the catalogue does not know, or an entry that it cannot take."""


class SuiteError(UsageError):
    """A suite file that cannot be run."""


class PluginError(UsageError):
    """A plugin that does not load or breaks its interface."""


class StoreError(UsageError):
    """A results folder that cannot be read or written."""


class StorageError(OSError):
    """A file that cannot be written any more: the disk is full, or gone. No fault of the run that it is of."""

    def __str__(self) -> str:
        return f"'{self.filename}' cannot be written: {self.strerror}" if self.filename else super().__str__()


class DataError(UsageError):
    """Training data that is missing or broken."""


MIXED_SAMPLES = (
    "objective '{objective}' has a penalty on each sample's own score or its gradient, which has no meaning where "
    'batch normalisation mixes samples: set discriminator_normalisation = "layer", "instance", "group", "spectral" or '
    '"none"'
)


def nearest(word: str, candidates: Iterable[str]) -> str:
    """``did you mean 'x'?`` for the candidate most like ``word``, or an empty string."""
    written = {candidate.lower(): candidate for candidate in candidates}
    close = [written[found] for found in difflib.get_close_matches(word.lower(), written, n=3, cutoff=0.5)]
    close.sort(key=lambda candidate: sorted(candidate) != sorted(word))  # letters exchanged are the likeliest slip
    return f"did you mean '{close[0]}'?" if close else ""


def unknown(what: str, name: str, valid: Sequence[str]) -> str:
    """The sentence for a name that is not among ``valid``."""
    return " ".join(
        part
        for part in (f"unknown {what} '{name}';", nearest(name, valid), f"valid: {', '.join(valid) or 'none'}")
        if part
    )


def show_value(value: object) -> str:
    """A value of a file, with its type, in the words of its author: ``text "many"``, ``integer 5``, ``a list``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return f"text {text}" if len(text) <= 60 else f"text {text[:57]}…"
    if isinstance(value, int):
        return f"integer {value}" if abs(value) < 2**64 else "an integer of more than 64 bits"
    if isinstance(value, float):
        return f"number {value}"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    return f"a {type(value).__name__}"


_EXPECTED = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "int_parsing": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "dataclass_type": "a table",
    "literal_error": "{expected}",
    "greater_than": "a value > {gt}",
    "greater_than_equal": "a value ≥ {ge}",
    "less_than": "a value < {lt}",
    "less_than_equal": "a value ≤ {le}",
    "too_short": "at least {min_length} elements",
    "too_long": "at most {max_length} elements",
}


def explain(fault: ErrorDetails) -> str:
    """What a validation found wrong with a value, in plain words."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "string_pattern_mismatch" and "[A-Za-z0-9][A-Za-z0-9.+-]*" in str(context.get("pattern")):
        return (
            "a label is made of letters, digits, '.', '+' and '-', and begins with a letter or a digit; "
            f"got {show_value(fault['input'])}"
        )
    if kind == "string_too_long":
        return f"expected at most {context['max_length']} characters, got {show_value(fault['input'])}"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind].format_map(_Plain(context))}, got {show_value(fault['input'])}"
    message = fault["msg"]
    if kind in ("value_error", "assertion_error"):
        return message.split(", ", 1)[-1]
    return message if kind == "suite" else f"{message[:1].lower()}{message[1:]}, got {show_value(fault['input'])}"


class _Plain(dict[str, Any]):
    """Whole floats of a message's context without their ``.0``."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        return int(value) if isinstance(value, float) and value.is_integer() else value
