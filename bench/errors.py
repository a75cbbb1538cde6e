"""The errors that a user can cause, and the sentence each of them ends in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


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


class DataError(UsageError):
    """Training data that is missing or broken."""


def nearest(word: str, candidates: Iterable[str]) -> str:
    """``did you mean 'x'?`` for the candidate most like ``word``, or an empty string."""
    close = difflib.get_close_matches(word, list(candidates), n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else ""


def unknown(what: str, name: str, valid: Sequence[str]) -> str:
    """The sentence for a name that is not among ``valid``."""
    return " ".join(
        part
        for part in (f"unknown {what} '{name}';", nearest(name, valid), f"valid: {', '.join(valid) or 'none'}")
        if part
    )
