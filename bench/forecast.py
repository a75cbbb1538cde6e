"""`ganbench plan`: what a suite would do, and what it would cost."""

from __future__ import annotations

import dataclasses
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.record import Status, Throughput
from bench.spec import RunSpec
from bench.store import Store
from bench.suite import Plan
from bench.tune_plan import TuningPlan

BYTES_PER_RUN = 120_000
"""Of a small run's folder, until one of the suite is there to be weighed."""


@dataclasses.dataclass(frozen=True)
class Forecast:
    """What is left of a plan."""

    runs: int
    recorded: int
    cells: int
    seconds: float | None
    """Of one slot, for what is missing; None where no run tells."""
    known_share: float
    """Of the missing runs, those whose own cell tells their time; the others are taken to last as long on average."""
    disk_bytes: int
    """Of what is missing."""

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)


def make_forecast(plan: Plan, store: Store) -> Forecast:
    """Time is forecast from runs of the same cell that are recorded in this results folder, else from the cell's
    measured speed; disk from the folders that are there.
    """
    rows = store.frame().rows("run_id", "status", "seconds_total")
    recorded = {
        str(run_id): float(seconds or 0) if status == Status.COMPLETED else None for run_id, status, seconds in rows
    }
    speeds = {throughput.cell_id: throughput for throughput in store.throughputs()}
    specs = dict(zip(plan.run_ids, plan.specs, strict=True))
    missing, known = 0, []
    for cell in plan.cells:
        absent = sum(run_id not in recorded for run_id in cell.run_ids)
        completed = [seconds for run_id in cell.run_ids if (seconds := recorded.get(run_id)) is not None]
        missing += absent
        known += [_seconds(specs[cell.run_ids[0]], completed, speeds.get(cell.id))] * absent
    told = [seconds for seconds in known if seconds is not None]
    sizes = [_bytes(store.run_folder(run_id)) for run_id in list(recorded)[:20]]
    return Forecast(
        runs=len(plan.specs),
        recorded=len(plan.specs) - missing,
        cells=len(plan.cells),
        seconds=statistics.fmean(told) * missing if told else None if missing else 0.0,
        known_share=len(told) / missing if missing else 1.0,
        disk_bytes=round(statistics.fmean(sizes) if sizes else BYTES_PER_RUN) * missing,
    )


def _bytes(folder: Path) -> int:
    """Of the files in a folder, those that can be weighed."""
    try:
        return sum(file.lstat().st_size for file in folder.iterdir())
    except OSError:  # somebody is cleaning up
        return 0


def _seconds(spec: RunSpec, completed: list[float], throughput: Throughput | None) -> float | None:
    """Of one run, from those of its cell that completed, or its cell's speed."""
    if completed:
        return statistics.fmean(completed)
    if spec.total_steps is None:
        return spec.training.budget.amount
    return None if throughput is None else spec.total_steps * throughput.step_seconds


def print_plan(console: Console, plan: Plan, forecast: Forecast, verbose: bool) -> None:
    """The cells, and what they cost."""
    console.print(Text(f"{plan.title}  ({plan.name})", style="bold"))
    table = Table(box=None, pad_edge=False)
    for column in ("objective", "architecture", "dataset"):
        table.add_column(column, style="cyan", overflow="fold")
    for column in ("seeds", "G steps", "D images", "batch", "D per G"):
        table.add_column(column, justify="right", no_wrap=True)
    cells: dict[str, list[RunSpec]] = defaultdict(list)
    for spec in plan.specs:
        cells[spec.cell_name].append(spec)
    for specs in cells.values():
        table.add_row(*(Text(cell) for cell in _cell_row(specs)))
    console.print(table)
    console.print()
    console.print(f"{forecast.runs} runs in {forecast.cells} cells; {forecast.recorded} recorded already")
    if verbose:
        for specs in cells.values():
            console.print(Text(_settings(specs[0])), soft_wrap=True)
    if forecast.recorded < forecast.runs:
        from bench.progress import duration

        time = (
            f"about {duration(forecast.seconds)} of one slot (divide by --slots)"
            if forecast.seconds is not None
            else "not known before a run of this suite is recorded here; --measure times every cell now"
        )
        console.print(f"time: {time}")
        console.print(f"disk: about {forecast.disk_bytes / 1e6:.1f} MB")
    if plan.tuning is not None:
        _print_tuning(console, plan.tuning, verbose)


def _print_tuning(console: Console, tuning: TuningPlan, verbose: bool) -> None:
    """What `ganbench tune` would try."""
    cells, seeds = len(tuning.studies), len(tuning.seeds)
    budget = f"{tuning.trials} trials" if tuning.trials is not None else f"{tuning.seconds:g} seconds of trials"
    runs = f", {tuning.trials * cells * seeds:,} runs" if tuning.trials is not None else ""
    console.print(
        Text(f"ganbench tune: {budget} for each of {cells} cells{runs}; {tuning.sampler}, {tuning.pruner}"),
        soft_wrap=True,
    )
    if verbose:
        for study in tuning.studies:
            searched = "; ".join(f"{parameter.path}: {parameter.search}" for parameter in study.parameters)
            console.print(Text(f"{study.cell}: {searched}"), soft_wrap=True)


def _cell_row(specs: list[RunSpec]) -> list[str]:
    spec = specs[0]
    training, steps = spec.training, spec.total_steps
    return [
        spec.objective.label,
        spec.architecture.label,
        spec.dataset.label,
        str(len(specs)),
        f"{steps:,}" if steps is not None else f"{training.budget.amount:g} s",
        f"{steps * spec.images_per_step:,}" if steps is not None else "–",
        str(training.batch_size),
        str(spec.objective.n_critic),
    ]


def _settings(spec: RunSpec) -> str:
    objective = spec.objective
    parts = [objective.loss, *objective.penalties, *objective.stabilisers, spec.architecture, spec.dataset]
    optimizers = f"G {objective.generator_optimizer}, D {objective.discriminator_optimizer}"
    normalisation = f"discriminator_normalisation={objective.discriminator_normalisation}"
    return (
        f"{spec.cell_name}: {', '.join(map(str, parts))}; {normalisation}; {optimizers}; "
        f"{spec.training}; {spec.evaluation}"
    )
