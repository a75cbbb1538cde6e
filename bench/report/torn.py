"""Which films of a report are there and cannot be read."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bench.store import Store


def torn_films(runs: pd.DataFrame, homes: Mapping[str, Store]) -> list[str]:
    """A sentence for each; only films of the seed that a task's strip is of are looked at.

    Args:
        runs: columns ``task, seed, run_id``.
        homes: where each run's files lie.
    """
    sentences = []
    for run_id in runs.loc[runs["seed"] == runs.groupby("task")["seed"].transform("min"), "run_id"]:
        store = homes[run_id]
        path = store.run_folder(run_id) / "film.npz"
        if store.film(run_id) is None and path.exists():
            sentences.append(f"{path}: not a film; the run has no part in film strips")
    return sentences
