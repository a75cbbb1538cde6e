"""Commands of a suite: plan it, run it, see how far it is, verify that it repeats, see where its time goes."""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.engines import Address, CpusPerRun, GpusPerRun, On, choose_engine
from bench.commands.options import (
    REPORTS,
    RESULTS,
    AsJson,
    DataRoot,
    Device,
    Only,
    Quiet,
    Reports,
    Results,
    Slots,
    Suite,
    Verbose,
    Weights,
)
from bench.commands.reports import is_current, write_report
from bench.commands.terminal import data_root_of, err, load, out, store_of, warn
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.store import Store
    from bench.suite import Plan


def run(
    suite: Suite,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
    data_root: DataRoot = None,
    weights: Weights = None,
    device: Device = "auto",
    slots: Slots = None,
    only: Only = None,
    seed: Annotated[list[int] | None, typer.Option("--seed", help="Runs of this seed; may be repeated.")] = None,
    retry: Annotated[
        list[str] | None,
        typer.Option(
            "--retry",
            help="Run those again that ended so: failed (any failure), crashed, timed-out, out-of-memory, diverged.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Train so many runs at most.")] = None,
    on: On = None,
    address: Address = None,
    cpus_per_run: CpusPerRun = None,
    gpus_per_run: GpusPerRun = None,
    quiet: Quiet = False,
) -> None:
    """Train what is missing of a suite, then write its report; what was interrupted goes on where it was."""
    from bench.commands.sources import Source
    from bench.execution.conduct import conduct
    from bench.files import check_writable
    from bench.narrowing import narrow
    from bench.progress import duration, make_display

    plan = load(suite)
    wanted = narrow(plan, only or (), seed or (), retry or (), limit)
    engine = choose_engine(on, address, device, slots, cpus_per_run, gpus_per_run)
    store = store_of(plan, results)
    warn(plan.warnings)
    check_writable(reports / plan.name, "reports folder", "--reports")  # not to be found out after the training
    with make_display(err, quiet) as display:
        summary = conduct(plan, store, data_root_of(data_root), device, slots, display, wanted, weights, engine)
    warn(summary.warnings)
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(summary.statuses.items()))
    of = "" if summary.wanted == len(plan.specs) else f" of {len(plan.specs)}"
    later = f", {summary.postponed} left by --limit" if summary.postponed else ""
    out.print(
        f"{summary.wanted}{of} runs: {statuses or 'none finished'}"
        f" ({summary.trained} now, {summary.kept} earlier{later}) in {duration(summary.seconds)}",
        soft_wrap=True,
    )
    if summary.interrupted:
        err.print("interrupted: the same command goes on where it was", markup=False)
        raise typer.Exit(130)
    page = reports / plan.name / "index.html"
    if summary.trained or not is_current(page, results / plan.name):
        command = shlex.join(["ganbench", "run", *sys.argv[2:]])
        folder = results / plan.name
        source = Source(plan.name, folder, str(folder), command, plan.name)
        write_report([source], reports / plan.name, command=command, quiet=quiet)
    else:
        out.print(f"report, as it was: {page}", markup=False, soft_wrap=True)
    raise typer.Exit(summary.exit_code)


def plan(
    suite: Suite,
    results: Results = RESULTS,
    data_root: DataRoot = None,
    weights: Weights = None,
    device: Device = "auto",
    measure: Annotated[
        bool, typer.Option("--measure", help="Time a few steps of every cell for the estimate.")
    ] = False,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Show what a suite would run: cells, counts, time, disk, and what is there already."""
    from bench.forecast import make_forecast, print_plan

    loaded = load(suite)
    store = store_of(loaded, results)
    if measure:
        _measure(loaded, store, data_root_of(data_root), weights, device)
    forecast = make_forecast(loaded, store)
    if as_json:
        print(json.dumps(json.loads(loaded.to_json()) | {"forecast": forecast.to_plain()}, indent=1))
        return
    print_plan(out, loaded, forecast, verbose)
    warn(loaded.warnings)


def status(
    suite: Suite,
    results: Results = RESULTS,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it anew every second, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far a suite is: what runs right now, runs by status, what failed and why."""
    from bench.state import make_state, print_state, watch_state

    loaded = load(suite)
    store = store_of(loaded, results)
    if watch:
        watch_state(out, lambda: make_state(loaded, store))
    elif as_json:
        print(json.dumps(make_state(loaded, store).to_plain(), indent=1))
    else:
        print_state(out, make_state(loaded, store))


def verify(
    suite: Suite,
    data_root: DataRoot = None,
    weights: Weights = None,
    device: Device = "auto",
    runs: Annotated[int, typer.Option("--runs", min=1, help="How many of the suite's runs to try.")] = 4,
    steps: Annotated[
        int | None, typer.Option("--steps", min=2, help="Generator steps of each, at most.", show_default="all")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a sample of a suite's runs in several ways, and see whether they come out the same, bit for bit."""
    from bench.execution import verify as verification
    from bench.progress import make_display

    sample, skipped = verification.choose_sample(load(suite), runs)
    for sentence in skipped:
        err.print(f"left out: {sentence}", markup=False, soft_wrap=True)
    if not sample:
        raise UsageError(f"{suite} has no run that can be verified: give it a budget in steps or images")
    specs = [spec if steps is None else verification.shorten(spec, steps) for spec in sample]
    with make_display(err, quiet) as display:
        verdicts = verification.verify(specs, data_root_of(data_root), device, display, weights)
    if as_json:
        print(json.dumps([dataclasses.asdict(verdict) for verdict in verdicts], indent=1))
    else:
        verification.print_verdicts(out, verdicts)
    raise typer.Exit(int(any(verdict.differences for verdict in verdicts)))


def profile(
    suite: Suite,
    data_root: DataRoot = None,
    weights: Weights = None,
    device: Device = "auto",
    only: Only = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show where a run's time goes, cell by cell, and what limits it; nothing is trained to its end or stored."""
    from bench.costs import print_profile, to_plain
    from bench.execution.profile import profile_suite
    from bench.narrowing import narrow
    from bench.progress import make_display

    wanted = narrow(load(suite), only or (), (), (), None)
    with make_display(err, quiet) as display:
        found = profile_suite(wanted.plan.specs, data_root_of(data_root), device, display, weights)
    warn(found.warnings)
    if as_json:
        print(json.dumps(to_plain(found), indent=1))
    else:
        print_profile(out, found)
    raise typer.Exit(int(bool(found.warnings)))


def _measure(plan: Plan, store: Store, data_root: Path, weights: Path | None, device: str) -> None:
    from bench.execution.conduct import measure
    from bench.progress import make_display

    with make_display(err, quiet=False) as display:
        warnings = measure(plan, store, data_root, device, display, weights)
    warn(warnings)
