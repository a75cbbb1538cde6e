"""What a law is, how an entry is tried by it, and how the verdict is told.

A law is a function of a `Trial` that returns None where it holds, a `Note` where it holds with words, or a sentence
that says what is wrong. The first line of its docstring is the law itself. An exception out of the entry's own code
breaks the law.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import random
import traceback
import typing
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError

from bench.catalog import CATALOGS, Catalog, Entry
from bench.errors import CatalogError

T = TypeVar("T")
Outcome = Literal["holds", "broken", "skipped"]
LONGEST_MESSAGE = 240
NARROW = 32
"""Width of networks of which an option is tried."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of one law.

    ``name`` is the law's short name, ``law`` the law in a sentence, ``words`` what was found where it is broken,
    what is worth knowing where it holds, and why it was not tried where it is skipped.
    """

    name: str
    law: str
    outcome: Outcome
    words: str = ""


class UntriedError(Exception):
    """A law that has nothing to say of the entry, or cannot be tried here; the message says why."""


@dataclasses.dataclass(frozen=True)
class Trial(Generic[T]):
    """An entry with the settings of one attempt; where ``option`` is not empty, it names the one that was chosen."""

    catalog: Catalog[T]
    entry: Entry[T]
    settings: dict[str, Any]
    root: Path
    option: str = ""
    memo: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What one law found out at some cost and the next can use."""

    def create(self) -> T:
        """A fresh instance."""
        return self.catalog.create(self.entry.name, **self.settings)

    @property
    def file(self) -> Path | None:
        """Where the entry's code lies, if it is a plugin of one file."""
        return self.entry.plugin.path if self.entry.plugin else None


class Note(str):
    """What a law that holds has to say all the same."""

    __slots__ = ()


Law = Callable[[Trial[Any]], "str | None"]


def describe_law(law: Law) -> tuple[str, str]:
    """Its short name and its sentence."""
    return law.__name__.replace("_", " "), inspect.cleandoc(law.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def described_completely(trial: Trial[Any]) -> str | None:
    """It is described: summary, formula, source, and a meaning for every setting."""
    described = trial.catalog.describe(trial.entry.name)
    # dataclasses write the signature where there is no docstring
    summary = "" if described.summary.startswith(f"{trial.entry.factory.__name__}(") else described.summary
    told = {"a summary (its docstring)": summary, "a formula": described.formula, "a source": described.source}
    lacking = [what for what, text in told.items() if not text.strip()]
    lacking += [
        f"the meaning of setting '{setting.name}' (Annotated[…, Field(description=…)])"
        for setting in described.settings
        if not setting.meaning.strip()
    ]
    return f"it lacks {', '.join(lacking)}" if lacking else None


def make_trials(entry: Entry[Any], root: Path, kept: Sequence[str] = ()) -> list[Trial[Any]]:
    """The entry at its defaults, then with each option of each setting that has few, one at a time.

    Networks are narrow then: which laws an option breaks does not depend on the width, and wide ones take minutes.

    Args:
        entry: what is tried.
        root: the data root.
        kept: settings that stay at their defaults.

    Raises:
        CatalogError: the entry cannot be created at its defaults.
        UntriedError: a setting has no default, and no value could be guessed.
    """
    catalog = next(catalog for catalog in CATALOGS if catalog.kind == entry.kind)
    required = {
        name: _guess(entry, name) for name, field in entry.fields.items() if field.default is dataclasses.MISSING
    }
    trials = [Trial(catalog, entry, required, root)]
    at_defaults = catalog.settings(entry.name, required)
    narrow = required | {
        name: NARROW for name, value in at_defaults.items() if name.endswith("width") and value > NARROW
    }
    for name, field in entry.fields.items():
        if name not in kept:
            trials += [
                Trial(catalog, entry, narrow | {name: option}, root, f"{name} = {_shown(option)}")
                for option in _options(field.annotation)
                if option != at_defaults[name]
            ]
    return trials


def _options(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) is Literal:
        return typing.get_args(annotation)
    return (False, True) if annotation is bool else ()


def _guess(entry: Entry[Any], name: str) -> Any:
    adapter = TypeAdapter[Any](typing.get_type_hints(entry.factory, include_extras=True)[name])
    for value in (*_options(entry.fields[name].annotation), 1, 1.0, 0.5, 0.01, 0, 2, 8, 64, -1, "", ()):
        with contextlib.suppress(ValidationError):
            adapter.validate_python(value, strict=True)
            return value
    raise UntriedError(f"setting '{name}' has no default, and no value for it could be guessed")


def _shown(option: Any) -> str:
    return str(option).lower() if isinstance(option, bool) else str(option)


def judge(entry: Entry[Any], laws: Sequence[Law], root: Path, kept: Sequence[str] = ()) -> list[Verdict]:
    """A verdict per law; the global random state is as before afterwards."""
    created = "It can be created with its default settings."
    try:
        trials = make_trials(entry, root, kept)
    except CatalogError as error:
        return [Verdict("created", created, "broken", str(error))]
    except UntriedError as error:
        return [Verdict("created", created, "skipped", str(error))]
    raised: dict[str, str] = {}
    return [_try(law, trials, raised) for law in laws]


def _try(law: Law, trials: Sequence[Trial[Any]], raised: dict[str, str]) -> Verdict:
    """The verdict over all trials; ``raised`` gathers each exception under the first law that met it."""
    name, sentence = describe_law(law)
    reasons: list[str] = []
    notes: dict[str, list[str]] = {}
    for trial in trials:
        try:
            with _quiet():
                found = law(trial)
        except UntriedError as error:
            reasons.append(str(error))
            continue
        except (Exception, SystemExit) as error:  # whatever foreign code brings about
            found = in_words(error, trial.file)
            if raised.setdefault(found, name) != name:
                reasons.append(f"stopped by what already breaks '{raised[found]}'")
                continue
        if isinstance(found, Note):
            notes.setdefault(str(found), []).append(trial.option)
        elif found:
            return Verdict(name, sentence, "broken", f"with {trial.option}: {found}" if trial.option else found)
    if len(reasons) == len(trials):
        return Verdict(name, sentence, "skipped", reasons[0])
    return Verdict(name, sentence, "holds", "; ".join(_noted(note, options) for note, options in notes.items()))


def _noted(note: str, options: list[str]) -> str:
    """With the options that it is said of, unless it is said of the defaults."""
    return note if "" in options else f"with {' or '.join(options)}: {note}"


def in_words(error: BaseException, file: Path | None) -> str:
    """An exception in a line, with the innermost line of the plugin's file where it passed through."""
    message = " ".join(str(error).split())
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[: LONGEST_MESSAGE - 1]}…"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    where = f"{file.name}:{lines[-1]}: " if file and lines else ""
    return f"{where}{type(error).__name__}{': ' if message else ''}{message}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what a law does to itself: its random draws, its single thread, its warnings."""
    state, numpy_state, python_state = torch.get_rng_state(), np.random.get_state(), random.getstate()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as runs have; all that is computed here is small
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def number(value: float) -> str:
    """For sentences: four digits."""
    return f"{value:.4g}".replace("-", "−")
