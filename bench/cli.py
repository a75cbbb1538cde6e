"""The command line: ``ganbench COMMAND``."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bench.errors import StorageError, UsageError

if TYPE_CHECKING:
    from bench.store import Store
    from bench.suite import Plan

app = typer.Typer(
    help="Compare GAN objectives: seeded grids, honest statistics, one report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Suite = Annotated[Path, typer.Argument(help="Suite file (TOML).", show_default=False)]
Results = Annotated[Path, typer.Option("--results", help="Folder that holds a results folder per suite.")]
Reports = Annotated[Path, typer.Option("--reports", help="Folder that holds a report folder per suite.")]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        envvar="GANBENCH_DATA",
        help="Data sets and what is made of them.",
        show_default="user's cache",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        envvar="GANBENCH_WEIGHTS",
        help="Weights of the Inception network, as torch-fidelity has them.",
        show_default="under the data root, else downloaded there",
    ),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
Slots = Annotated[
    int | None,
    typer.Option("--slots", min=1, help="Runs side by side.", show_default="cores ÷ threads per run; 1 on a GPU"),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only what went wrong, and the result.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also every setting.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
WRONG_PATH = {errno.EACCES, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EROFS}
RESULTS, REPORTS = Path("results"), Path("reports")


def main() -> None:
    """Run the command line; exits with 0, 1 (a run failed), 2 (usage) or 130 (interrupted)."""
    try:
        app()
    except UsageError as error:
        for fault in error.faults:
            err.print(f"error: {fault}", markup=False, soft_wrap=True)
        sys.exit(2)
    except StorageError as error:
        err.print(f"error: {error}", markup=False, soft_wrap=True)
        err.print("what is recorded is safe; the same command goes on once there is room again", markup=False)
        sys.exit(1)
    except OSError as error:
        place = f" '{error.filename}'" if error.filename else ""
        err.print(f"error: {error.strerror or error}{place}", markup=False, soft_wrap=True)
        sys.exit(2 if error.errno in WRONG_PATH else 1)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def run(
    suite: Suite,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
    data_root: DataRoot = None,
    weights: Weights = None,
    device: Device = "auto",
    slots: Slots = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Runs whose objective, cell or id matches, such as 'wgan*'; may be repeated."),
    ] = None,
    seed: Annotated[list[int] | None, typer.Option("--seed", help="Runs of this seed; may be repeated.")] = None,
    retry: Annotated[
        list[str] | None,
        typer.Option(
            "--retry",
            help="Run those again that ended so: failed (any failure), crashed, timed-out, out-of-memory, diverged.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Train so many runs at most.")] = None,
    quiet: Quiet = False,
) -> None:
    """Train what is missing of a suite, then write its report; what was interrupted goes on where it was."""
    from bench.execution.conduct import conduct
    from bench.files import check_writable
    from bench.narrowing import narrow
    from bench.progress import duration, make_display

    plan = _load(suite)
    wanted = narrow(plan, only or (), seed or (), retry or (), limit)
    store = _store(plan, results)
    _warn(plan)
    check_writable(reports / plan.name, "reports folder", "--reports")  # not to be found out after the training
    with make_display(err, quiet) as display:
        summary = conduct(plan, store, _data_root(data_root), device, slots, display, wanted, weights)
    for warning in summary.warnings:
        err.print(f"warning: {warning}", markup=False, soft_wrap=True)
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
    if summary.trained or not _is_newer(page, results / plan.name):
        _write_report(plan.name, results, reports, quiet)
    else:
        out.print(f"report, as it was: {page}", markup=False, soft_wrap=True)
    raise typer.Exit(summary.exit_code)


@app.command()
def report(suite: Suite, results: Results = RESULTS, reports: Reports = REPORTS, quiet: Quiet = False) -> None:
    """Write the report of what a suite has recorded so far."""
    plan = _load(suite)
    from bench.files import check_writable

    if not (results / plan.name / "runs").is_dir():
        raise UsageError(f"'{results / plan.name}' holds no results of {suite}: ganbench run {suite} makes them")
    check_writable(reports / plan.name, "reports folder", "--reports")
    _write_report(plan.name, results, reports, quiet)


@app.command()
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

    loaded = _load(suite)
    store = _store(loaded, results)
    if measure:
        _measure(loaded, store, _data_root(data_root), weights, device)
    forecast = make_forecast(loaded, store)
    if as_json:
        print(json.dumps(json.loads(loaded.to_json()) | {"forecast": forecast.to_plain()}, indent=1))
        return
    print_plan(out, loaded, forecast, verbose)
    _warn(loaded)


@app.command()
def status(
    suite: Suite,
    results: Results = RESULTS,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it anew every second, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far a suite is: what runs right now, runs by status, what failed and why."""
    from bench.state import make_state, print_state, watch_state

    loaded = _load(suite)
    store = _store(loaded, results)
    if watch:
        watch_state(out, lambda: make_state(loaded, store))
    elif as_json:
        print(json.dumps(make_state(loaded, store).to_plain(), indent=1))
    else:
        print_state(out, make_state(loaded, store))


@app.command()
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

    sample, skipped = verification.choose_sample(_load(suite), runs)
    for sentence in skipped:
        err.print(f"left out: {sentence}", markup=False, soft_wrap=True)
    if not sample:
        raise UsageError(f"{suite} has no run that can be verified: give it a budget in steps or images")
    specs = [spec if steps is None else verification.shorten(spec, steps) for spec in sample]
    with make_display(err, quiet) as display:
        verdicts = verification.verify(specs, _data_root(data_root), device, display, weights)
    if as_json:
        print(json.dumps([dataclasses.asdict(verdict) for verdict in verdicts], indent=1))
    else:
        verification.print_verdicts(out, verdicts)
    raise typer.Exit(int(any(verdict.differences for verdict in verdicts)))


@app.command("list")
def list_(
    kind: Annotated[str | None, typer.Argument(help="losses, penalties, objectives, …", show_default="all")] = None,
    as_json: AsJson = False,
) -> None:
    """List the catalogue."""
    from bench.listing import print_catalogue, select_catalogs
    from bench.plugins import load_installed

    load_installed()
    print_catalogue(out, select_catalogs(kind), as_json)


@app.command()
def describe(
    name: Annotated[str, typer.Argument(help="A name from `ganbench list`, or a plugin's file.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show the formula, settings and source of a catalogue entry, or of those that a plugin registers."""
    from bench.listing import find_descriptions, print_descriptions
    from bench.plugins import load_installed

    load_installed()
    print_descriptions(out, find_descriptions(name), as_json)


@app.command()
def check(
    plugin: Annotated[str, typer.Argument(help="A plugin's file, or a name from `ganbench list`.", show_default=False)],
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Hold a plugin, or a catalogue entry, to the laws of its kind: shapes, gradients, extreme scores, and more."""
    import bench.conformance
    from bench.plugins import load_installed

    load_installed()
    checked = bench.conformance.check(plugin, _data_root(data_root))
    if as_json:
        print(bench.conformance.to_json(checked))
    else:
        bench.conformance.print_checked(out, plugin, checked)
    raise typer.Exit(int(any(each.broken() for each in checked)))


@app.command()
def schema() -> None:
    """Print the JSON Schema of suite files, for editors."""
    from bench.plugins import load_installed
    from bench.suite import json_schema

    load_installed()
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command()
def doctor(
    results: Results = RESULTS,
    data_root: DataRoot = None,
    weights: Weights = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Check this machine: packages, devices, determinism, data, disk."""
    from bench.doctor import examine, print_findings

    findings = examine(_data_root(data_root), results, device, weights)
    if as_json:
        print(json.dumps([finding.to_plain() for finding in findings], indent=1))
    else:
        print_findings(out, findings)
    raise typer.Exit(int(any(finding.bad for finding in findings)))


def _load(suite: Path) -> Plan:
    from bench.suite import load_suite

    return load_suite(suite)


def _measure(plan: Plan, store: Store, data_root: Path, weights: Path | None, device: str) -> None:
    from bench.execution.conduct import measure
    from bench.progress import make_display

    with make_display(err, quiet=False) as display:
        warnings = measure(plan, store, data_root, device, display, weights)
    for warning in warnings:
        err.print(f"warning: {warning}", markup=False, soft_wrap=True)


def _store(plan: Plan, results: Path) -> Store:
    from bench.store import Store

    store = Store(results / plan.name)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        store.folder.stat()  # a name that no folder can have is told of, not taken for an empty one
    return store


def _data_root(given: Path | None) -> Path:
    if given is not None:
        return given
    import platformdirs

    return Path(platformdirs.user_cache_dir("ganbench", appauthor=False))


def _warn(plan: Plan) -> None:
    for warning in plan.warnings:
        err.print(f"warning: {warning}", markup=False, soft_wrap=True)


def _write_report(name: str, results: Path, reports: Path, quiet: bool) -> None:
    import bench.report

    with err.status("Writing the report …", spinner="dots") if err.is_terminal and not quiet else _silence():
        command = shlex.join(["ganbench", "run", *sys.argv[2:]])
        page = bench.report.build(results / name, reports / name, command=command)
    out.print(f"report: {page}", markup=False, soft_wrap=True)


def _is_newer(page: Path, folder: Path) -> bool:
    """Whether the page was written after everything in the folder."""
    newest = max((path.stat().st_mtime for path in folder.rglob("*") if path.is_file()), default=0.0)
    return page.is_file() and page.stat().st_mtime >= newest


def _silence() -> Any:
    return contextlib.nullcontext()
