"""Runs of a comparison made up from a number each, and what a comparison says."""

from __future__ import annotations

import functools

from rich.console import Console

from bench.comparison import compare_results
from bench.comparison.compared import Compared
from bench.comparison.sides import Measured, Run
from bench.comparison.terminal import print_comparison
from bench.record import Record, Status, Timings
from bench.store import Store
from tests.report.synthetic import ENVIRONMENT, spec


def made_run(objective: str, dataset: str, seed: int, value: float | None, metric: str = "fid") -> Run:
    """A run with one number; None: it diverged."""
    record = made_record(objective, dataset, seed, Status.DIVERGED if value is None else Status.COMPLETED)
    return Run(record, {} if value is None else {metric: Measured(value, "450 / 450 (test)")})


@functools.cache
def made_record(objective: str, dataset: str, seed: int, status: Status) -> Record:
    run = spec(objective, dataset, seed)
    return Record(
        run_id=run.run_id,
        spec=run,
        status=status,
        steps=100,
        images=12_800,
        timings=Timings(total=2, start=0.1, training=1.0 + seed, evaluation=0.2, files=0.1),
        environment=ENVIRONMENT,
        started_at="2026-11-20T10:00:00Z",
    )


def outcomes(compared: Compared) -> dict[str, str]:
    return {verdict.objective: str(verdict.outcome) for verdict in compared.objectives}


def compare(earlier: Store, later: Store, **options: object) -> Compared:
    return compare_results(earlier.folder, later.folder, **options)


def printed(compared: Compared, width: int = 80) -> str:
    console = Console(width=width, record=True, highlight=False, force_terminal=False)
    with console.capture() as captured:
        print_comparison(console, compared)
    return captured.get()
