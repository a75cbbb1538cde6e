"""Which runs ``--only`` asks for: patterns over objectives, cells and run ids."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

from bench.errors import nearest

Names = tuple[str, str, str]
"""What a run is called: its objective's label, its cell's name, its id."""


def is_chosen(names: Names, only: Sequence[str]) -> bool:
    """Whether one of the patterns matches one of a run's names; none at all choose every run."""
    return not only or any(fnmatch.fnmatchcase(name, pattern) for pattern in only for name in names)


def unmatched(only: Sequence[str], runs: Iterable[Names], where: str) -> list[str]:
    """A sentence for each pattern that matches no run.

    Args:
        only: the patterns.
        runs: all there are.
        where: whose runs they are, as the sentences say it.
    """
    known = list(runs) if only else []
    objectives = tuple(dict.fromkeys(objective for objective, *_ in known if objective))
    return [
        " ".join(
            part
            for part in (
                f"--only '{pattern}' matches no run of {where};",
                nearest(pattern.strip("*?"), objectives),
                f"objectives: {', '.join(objectives)} (a cell's name or a run's id does, too; * stands for anything)",
            )
            if part
        )
        for pattern in only
        if not any(is_chosen(names, (pattern,)) for names in known)
    ]
