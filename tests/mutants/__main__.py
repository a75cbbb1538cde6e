"""``python -m tests.mutants [part of a name …]``: applies each wrong variant and tells which test caught it.

torch is imported once; every mutant lives in a child of its own, so that none of them is left over. In the end the
tests that caught one are run on what is right: they have to pass.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import hypothesis
import pytest
import torch

from tests.mutants.mutant import Mutant
from tests.mutants.mutants import MUTANTS
from tests.objectives.tables import aligned

ROOT = Path(__file__).resolve().parents[2]
SLOW_TO_IMPORT = (
    "mpmath",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.datasets",
    "torch._dynamo",
    "torch.distributed.tensor",
    "torch.testing",
)
"""What tests and torch's optimizers import sooner or later: once here, rather than in every child."""
OPTIONS = [
    "-x",
    "-q",
    "--tb=no",
    "-W",
    "ignore",
    "-p",
    "no:cacheprovider",
    "--no-header",
    "-o",
    "addopts=",
    "--rootdir",
    str(ROOT),
]


@dataclass
class Outcome:
    """How a run of tests went: the first test that failed, if any, and pytest's exit code (None: it crashed)."""

    failed: str = ""
    code: int | None = None
    error: str = ""
    seconds: float = 0.0


class FirstFailure:
    """Listens to pytest for the first test that fails by itself; a file that cannot be imported is no test."""

    def __init__(self) -> None:
        self.test, self.broken_file = "", ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.test:
            self.test = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken_file = f"{report.nodeid}: {report.longreprtext}"


def run_tests(mutant: Mutant | None, tests: Sequence[str]) -> Outcome:
    """In a child process: become the mutant, and run the tests."""
    started = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            with os.fdopen(writing, "w") as pipe:
                json.dump(asdict(be_tested(mutant, tests)), pipe)
        finally:
            os._exit(0)  # whatever happens, a child never goes on as its parent
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    outcome = Outcome(**json.loads(told)) if told else Outcome(error="the process died")
    outcome.seconds = time.monotonic() - started
    return outcome


def be_tested(mutant: Mutant | None, tests: Sequence[str]) -> Outcome:
    """What the child does; whatever it prints is thrown away."""
    gc.freeze()  # collections pass over all that was imported
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # coverage and benchmarks are for the suite
    hypothesis.settings.register_profile("mutants", derandomize=True, database=None)
    hypothesis.settings.load_profile("mutants")
    listener = FirstFailure()
    try:
        if mutant is not None:
            mutant.apply()
        code = int(pytest.main([*OPTIONS, *tests], plugins=[listener]))
    except BaseException as error:
        return Outcome(error=f"{type(error).__name__}: {error}")
    return Outcome(listener.test, code, listener.broken_file)


def is_caught(outcome: Outcome) -> bool:
    """A test has failed; not a file that could not be imported, nor a test that is not there."""
    return outcome.code == pytest.ExitCode.TESTS_FAILED and bool(outcome.failed)


def verdict(outcome: Outcome) -> str:
    if is_caught(outcome):
        return outcome.failed.encode().decode("unicode_escape").removeprefix("tests/")  # pytest's names are ASCII
    reason = outcome.error.strip().splitlines()[-1:] or [f"pytest's exit code {outcome.code}"]
    return "SURVIVED" if outcome.code == pytest.ExitCode.OK else f"NOT TESTED: {reason[0]}"


def main(parts: Sequence[str]) -> int:
    """Returns 0 if every mutant (with one of ``parts`` in its name) is caught, and what is right is not."""
    chosen = [mutant for mutant in MUTANTS if not parts or any(part in mutant.name for part in parts)]
    torch.set_num_threads(1)
    for module in SLOW_TO_IMPORT:
        importlib.import_module(module)
    started = time.monotonic()
    outcomes = [(mutant, run_tests(mutant, mutant.tests)) for mutant in chosen]
    catching = sorted({outcome.failed for _, outcome in outcomes if is_caught(outcome)})
    control = run_tests(None, catching)
    lines = [("mutant", "caught by", "seconds")]
    lines += [(mutant.name, verdict(outcome), f"{outcome.seconds:.1f}") for mutant, outcome in outcomes]
    print(aligned(lines))
    survivors = [mutant.name for mutant, outcome in outcomes if not is_caught(outcome)]
    print(f"\n{len(chosen) - len(survivors)} of {len(chosen)} caught in {time.monotonic() - started:.0f} s")
    if survivors:
        print("not caught: " + ", ".join(survivors))
    if control.code != pytest.ExitCode.OK:
        print(f"the tests that caught them fail on what is right, too: {control.failed or control.error}")
    return int(bool(survivors) or control.code != pytest.ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
