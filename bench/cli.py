"""The command line: ``ganbench COMMAND``."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

import typer

from bench.commands import catalogue, reports, suites, tuning
from bench.commands.terminal import complain, err
from bench.errors import StorageError, UsageError

WRONG_PATH = {errno.EACCES, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EROFS}

app = typer.Typer(
    help="Compare GAN objectives: seeded grids, honest statistics, one report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: dict[str, Callable[..., None]] = {
    "run": suites.run,
    "tune": tuning.tune,
    "report": reports.report,
    "compare": reports.compare,
    "plan": suites.plan,
    "status": suites.status,
    "verify": suites.verify,
    "profile": suites.profile,
    "pack": reports.pack,
    "list": catalogue.list_,
    "describe": catalogue.describe,
    "check": catalogue.check,
    "schema": catalogue.schema,
    "doctor": catalogue.doctor,
}
"""In the order of `--help`."""
for name, function in COMMANDS.items():
    app.command(name)(function)


def main() -> None:
    """Run the command line; exits with 0, 1 (a run failed), 2 (usage) or 130 (interrupted)."""
    try:
        app()
    except UsageError as error:
        for fault in error.faults:
            complain("error", fault)
        sys.exit(2)
    except StorageError as error:
        complain("error", error)
        err.print("what is recorded is safe; the same command goes on once there is room again", markup=False)
        sys.exit(1)
    except OSError as error:
        place = f" '{error.filename}'" if error.filename else ""
        complain("error", f"{error.strerror or error}{place}")
        sys.exit(2 if error.errno in WRONG_PATH else 1)
    except KeyboardInterrupt:
        sys.exit(130)
