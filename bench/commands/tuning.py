"""The command that tunes a suite's objectives."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.options import (
    REPORTS,
    RESULTS,
    DataRoot,
    Device,
    Quiet,
    Reports,
    Results,
    Suite,
    Weights,
)
from bench.commands.reports import write_report
from bench.commands.terminal import data_root_of, err, load, out
from bench.errors import SuiteError

if TYPE_CHECKING:
    from bench.plan import Plan
    from bench.store import Store
    from bench.tune_plan import TuningPlan
    from bench.tuning.conduct import Tuned


def tune(
    suite: Suite,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
    data_root: DataRoot = None,
    weights: Weights = None,
    device: Device = "auto",
    slots: Annotated[
        int | None,
        typer.Option("--slots", min=1, help="Trials side by side.", show_default="cores ÷ threads per run; 1 on a GPU"),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            envvar="GANBENCH_STORAGE",
            help="Database of the studies, such as postgresql://…, which several may tune with at once.",
            show_default="a SQLite file beside the results",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Tune every cell of a suite with one budget, and write a suite of what won, to be run at fresh seeds."""
    from bench.files import check_writable
    from bench.progress import duration, make_display
    from bench.store import Store
    from bench.tuning.conduct import FOLDER
    from bench.tuning.conduct import tune as conduct

    plan = load(suite)
    tuning = _asked(plan, suite)
    made = suite.with_name(f"{suite.stem}.tuned{suite.suffix}")
    _check_place(made)
    check_writable(reports / made.stem, "reports folder", "--reports")
    store, home = Store(results / plan.name / FOLDER), Store(results / made.stem)
    store.check_writable()
    home.check_writable()
    with make_display(err, quiet) as display:
        tuned = conduct(
            plan,
            tuning,
            store,
            data_root_of(data_root),
            device,
            slots,
            display,
            storage_url=storage,
            weights=weights,
        )
    total = tuned.earlier + tuned.finished
    out.print(
        f"{total} trials ({tuned.finished} now, {tuned.earlier} earlier) in {duration(tuned.seconds)}", soft_wrap=True
    )
    _print_budgets(tuned)
    if tuned.interrupted:
        err.print("interrupted: the same command goes on where it was", markup=False)
        raise typer.Exit(130)
    _write(plan, tuning, tuned, suite, made, home)
    from bench.commands.sources import Source

    command = shlex.join(["ganbench", "run", str(made)])
    source = Source(made.stem, home.folder, str(home.folder), command, made.stem)
    write_report([source], reports / made.stem, command=command, quiet=quiet)
    out.print(f"suite of the best settings: {made}", markup=False, soft_wrap=True)
    out.print(f"to hold them against the default ones, at fresh seeds: {command}", markup=False, soft_wrap=True)
    raise typer.Exit(tuned.exit_code)


def _asked(plan: Plan, suite: Path) -> TuningPlan:
    """What the suite's ``[tune]`` asks for; without one, the defaults."""
    if plan.tuning is not None:
        return plan.tuning
    from bench.faults import Faults
    from bench.suite_tune import Tune
    from bench.tune_plan import plan_tuning

    faults = Faults(suite, {})
    specs = dict(zip(plan.run_ids, plan.specs, strict=True))
    tuning = plan_tuning(Tune(), [specs[cell.run_ids[0]] for cell in plan.cells], faults)
    faults.raise_if_any()
    return tuning


def _check_place(made: Path) -> None:
    """See that the tuned suite can be written, and that nothing else is overwritten.

    Raises:
        UsageError: it cannot, or the file there is somebody's own.
    """
    from bench.files import check_writable
    from bench.tuning.suite_writer import MARK

    check_writable(made.parent, "folder of the suite", "a copy of the suite elsewhere")
    try:
        kept = made.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        kept = ""
    if not kept.startswith(MARK):
        raise SuiteError(f"'{made}' would be overwritten, and `ganbench tune` has not written it: rename it")


def _write(plan: Plan, tuning: TuningPlan, tuned: Tuned, suite: Path, made: Path, home: Store) -> None:
    """Keep what came of the studies: the tuned suite, and its results folder with the studies in it."""
    from bench.files import write_atomically
    from bench.suite import plan_suite
    from bench.tuned import FILE
    from bench.tuning.suite_writer import write_suite

    text = write_suite(plan, tuning, tuned.outcome, shlex.join(["ganbench", "tune", str(suite)]))
    write_atomically(made, text.encode())
    home.prepare()
    write_atomically(home.folder / FILE, (tuned.outcome.model_dump_json(indent=1) + "\n").encode())
    tuned_plan = plan_suite(text, made)
    home.write_suite(text, tuned_plan.to_json())


def _print_budgets(tuned: Tuned) -> None:
    """What each objective was given: trials by how they ended, images, seconds."""
    from collections import Counter

    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("objective", "trials", "ended", "D images", "seconds"):
        table.add_column(column, justify="left" if column in ("objective", "ended") else "right")
    for objective in dict.fromkeys(study.objective for study in tuned.outcome.studies):
        trials = [trial for study in tuned.outcome.studies if study.objective == objective for trial in study.trials]
        ended = Counter(trial.status for trial in trials)
        said = ", ".join(f"{count} {status}" for status, count in sorted(ended.items()))
        images, seconds = sum(trial.images for trial in trials), sum(trial.seconds for trial in trials)
        table.add_row(objective, f"{len(trials):,}", said, f"{images:,}", f"{seconds:,.0f}")
    out.print(table)
