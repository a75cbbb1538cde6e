"""`ganbench profile` in words: where a run's time goes, and what limits it."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.execution.profile import SuiteProfile
from bench.execution.tasks import CellProfile
from bench.progress import duration

WAITING = 0.2
"""Share of a step's time from which waiting is what limits it."""
EVALUATING = 0.25
"""Share of a run's time from which evaluation is."""
ARITHMETIC = 0.7
"""Share of the measured peak from which matrix products are."""
TITLES = ("run s", "step ms", "start", "data", "D", "pen.", "G", "opt.", "rest", "eval.", "waits", "peak")
SMALL_SECONDS = 2e-5
"""Of one operation on average; below it most of the time is spent on calling it."""


def shares(cell: CellProfile) -> dict[str, float]:
    """What a run's time is spent on, as shares of the whole."""
    training = cell.steps / cell.run_seconds
    return {
        "start": cell.start_seconds / cell.run_seconds,
        "data": cell.data_seconds * training,
        "discriminator": cell.discriminator_seconds * training,
        "penalty": cell.penalty_seconds * training,
        "generator": cell.generator_seconds * training,
        "optimizer": cell.optimizer_seconds * training,
        "beside": cell.beside_seconds * training,
        "evaluation": cell.all_evaluation_seconds / cell.run_seconds,
    }


def limit(cell: CellProfile, on_cpu: bool = True) -> str:
    """What keeps the cell's runs from being faster, and what helps."""
    evaluating = shares(cell)["evaluation"]
    per_operation = cell.step_seconds / max(1, cell.operations_per_step)
    if cell.waiting_share > WAITING and on_cpu:
        return f"waiting for a core {cell.waiting_share:.0%} of the time: something else runs here"
    if cell.waiting_share > WAITING:
        return f"the GPU waits for the host {cell.waiting_share:.0%} of the time: more --slots, larger batches"
    if evaluating > EVALUATING:
        return f"evaluation takes {evaluating:.0%}: evaluate less often"
    if cell.peak_share >= ARITHMETIC:
        return f"matrix products: {cell.peak_share:.0%} of what the machine can do"
    if per_operation < SMALL_SECONDS:
        return (
            f"calling {cell.operations_per_step:,} small operations of {per_operation * 1e6:.0f} µs: "
            "larger batches cost little more"
        )
    return "memory: what small layers, normalisation and activations move, not what is multiplied"


def to_plain(profile: SuiteProfile) -> dict[str, Any]:
    """For JSON: every number of every cell, the shares of its runs' time, and what limits it."""
    on_cpu = profile.hardware.startswith("cpu")
    cells = [
        cell.model_dump()
        | {
            "runs": profile.runs[cell.cell_id],
            "run_seconds": cell.run_seconds,
            "peak_share": cell.peak_share,
            "shares": shares(cell),
            "limit": limit(cell, on_cpu),
        }
        for cell in profile.cells
    ]
    tried = [each.model_dump() for each in profile.tried]
    return {"hardware": profile.hardware, "cells": cells, "tried": tried}


def print_profile(console: Console, profile: SuiteProfile) -> None:
    """A line a cell, then the suite as a whole."""
    on_cpu = profile.hardware.startswith("cpu")
    table = Table(
        box=None, pad_edge=False, padding=(0, 1, 0, 0), title=f"Where a run's time goes, in % ({profile.hardware})"
    )
    table.add_column("cell", overflow="fold")
    for heading in TITLES:
        table.add_column(heading, justify="right", no_wrap=True)
    for cell in profile.cells:
        percent = [f"{share * 100:.0f}" if share >= 0.005 else "·" for share in shares(cell).values()]
        numbers = (f"{cell.run_seconds:,.1f}", f"{cell.step_seconds * 1e3:.2f}", *percent)
        table.add_row(
            Text(cell.cell_name, style="cyan"), *numbers, f"{cell.waiting_share:.0%}", f"{cell.peak_share:.0%}"
        )
    console.print(table)
    console.print("peak: share of the machine's measured rate of matrix products; waits: of a step, without a core")
    _print_limits(console, profile, on_cpu)
    _print_whole(console, profile)


def _print_limits(console: Console, profile: SuiteProfile, on_cpu: bool) -> None:
    console.print("\nWhat limits them", style="bold")
    for cell in profile.cells:
        flops = f"{cell.flops_per_step / 1e9:.3g} GFLOP a step"
        console.print(f"{cell.cell_name}: {limit(cell, on_cpu)} ({flops})", markup=False, soft_wrap=True)


def _print_whole(console: Console, profile: SuiteProfile) -> None:
    seconds = {cell: profile.runs[cell.cell_id] * cell.run_seconds for cell in profile.cells}
    whole = sum(seconds.values())
    runs = sum(profile.runs[cell.cell_id] for cell in profile.cells)
    if not whole:
        return
    evaluating = sum(profile.runs[cell.cell_id] * cell.all_evaluation_seconds for cell in profile.cells)
    said = f"\n{runs} runs: about {duration(whole)} of one slot, {evaluating / whole:.1%} of it evaluation"
    console.print(said, markup=False, soft_wrap=True)
    if len(profile.tried) == 2 and all(each.steps_per_second for each in profile.tried):
        beside, alone = profile.tried
        ratio = beside.steps_per_second / alone.steps_per_second
        console.print(
            f"{beside.slots} runs of one thread do {ratio:.2f} times what one run of {alone.threads} threads does "
            "(the cell that takes longest)",
            markup=False,
            soft_wrap=True,
        )
