"""A disk of a few hundred kilobytes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, kibibytes: int) -> Iterator[Path]:
    """A tmpfs of that size at ``folder``, gone afterwards; the test is skipped where none can be mounted."""
    folder.mkdir()
    try:
        mount("-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else error
        pytest.skip(f"no tmpfs can be mounted here: {said}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True, timeout=60)


def remount(folder: Path, option: str) -> None:
    """Change it: ``size=…k``, ``ro``, ``rw``."""
    mount("-o", f"remount,{option}", str(folder))


def mount(*arguments: str) -> None:
    """Call ``mount``.

    Raises:
        CalledProcessError: it cannot be mounted, with the reason in ``stderr``.
    """
    subprocess.run(["mount", *arguments], check=True, capture_output=True, text=True, timeout=60)
