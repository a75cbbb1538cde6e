"""How a mutant comes about: a function of `bench`, compiled again from its source with a piece of it changed."""

from __future__ import annotations
import __future__

import inspect
import textwrap
from types import ModuleType
from typing import Any

Owner = type | ModuleType


def rewrite(owner: Owner, name: str, *changes: tuple[str, str]) -> None:
    """Replace a function of a class or module by one whose source differs, for this process.

    Raises:
        LookupError: the source does not have a text that is to be changed: `bench` has moved on, and so must the
            mutant.
    """
    function: Any = inspect.unwrap(getattr(owner, name))
    source = textwrap.dedent(inspect.getsource(function))
    for old, new in changes:
        if old not in source:
            raise LookupError(f"{owner.__name__}.{name} no longer says {old!r}")
        source = source.replace(old, new)
    scope = inspect.getmodule(function).__dict__  # type: ignore[union-attr]
    held = scope.get(name)
    # annotations stay text, as in the module: its types may be imported for type checkers alone
    exec(compile(source, f"<mutant of {name}>", "exec", __future__.annotations.compiler_flag), scope)
    mutated = scope[name]
    if isinstance(owner, type):
        if held is None:
            del scope[name]
        else:
            scope[name] = held
        setattr(owner, name, mutated)
