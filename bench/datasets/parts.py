"""Files that take long to write: each in a folder of its own beside its place, until it is whole."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.files import PREFIX, SUFFIX


@contextlib.contextmanager
def part_of(target: Path) -> Iterator[Path]:
    """A temporary folder beside ``target`` for what is to be renamed to it; gone afterwards.

    What killed processes have left of the same target is removed first: who calls holds the lock of it.
    """
    prefix = f"{PREFIX}{target.name}."
    for path in target.parent.iterdir():
        middle = path.name.removeprefix(prefix).removesuffix(SUFFIX)
        if path.name == f"{prefix}{middle}{SUFFIX}" and "." not in middle:  # with a dot it is another target's
            shutil.rmtree(path, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, suffix=SUFFIX, dir=target.parent) as folder:
        yield Path(folder)
