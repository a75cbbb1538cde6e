"""Sessions: ``nox -s bench -- suites/losses.toml``, ``nox -s tests``, ``nox -s lint``, ``nox -s types``.

All sessions that need the package share one recipe and keep their environment: after the first call, none of
them installs anything unless ``pyproject.toml`` has changed.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests"]

PYPROJECT = Path(__file__).parent / "pyproject.toml"
AXE = "axe-core@4.14.1"
"""The accessibility engine, as npm knows it."""


def install(session: nox.Session, *requirements: str) -> None:
    """Install once; again only when ``pyproject.toml`` or the request has changed."""
    wanted = hashlib.sha256(PYPROJECT.read_bytes() + repr(requirements).encode()).hexdigest()
    stamp = Path(session.virtualenv.location) / "ganbench-installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if session.venv_backend == "uv":
        # uv leaves bytecode to the first import, which doubles the start of every process until then
        session.install("--compile-bytecode", *requirements)
    else:
        session.install(*requirements)
    stamp.write_text(wanted)


@nox.session
def bench(session: nox.Session) -> None:
    """Run a suite and write its report: ``nox -s bench -- suites/losses.toml``."""
    install(session, "-e", ".")
    session.run("ganbench", "run", *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """Write a suite's report again: ``nox -s report -- suites/losses.toml``."""
    install(session, "-e", ".")
    session.run("ganbench", "report", *session.posargs)


@nox.session
def tune(session: nox.Session) -> None:
    """Tune a suite's objectives with equal budgets: ``nox -s tune -- suites/tune-small.toml``."""
    install(session, "-e", ".[postgresql]")
    session.run("ganbench", "tune", *session.posargs)


@nox.session
def dashboard(session: nox.Session) -> None:
    """Optuna's dashboard of a suite's studies: ``nox -s dashboard -- suites/tune-small.toml``, or a database's URL."""
    install(session, "-e", ".[dashboard,postgresql]")
    what, *options = session.posargs or session.error("which suite, or which database? -- suites/tune-small.toml")
    if what.endswith(".toml"):
        what = f"sqlite:///results/{Path(what).stem}/tune/studies.db"
    session.run("optuna-dashboard", what, *options)


@nox.session
def tests(session: nox.Session) -> None:
    """The tests with coverage of ``bench/``; arguments go to pytest."""
    install(session, "-e", ".[dev]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", "--skip-covered")


@nox.session
def web(session: nox.Session) -> None:
    """The report's pages in Chromium: axe-core, sorting, phone width, print; arguments go to pytest.

    Needs chromium, chromedriver, and npm, which fetches axe-core; not npm where GANBENCH_AXE names its axe.min.js.
    ``-- --screenshots DIR`` says where the pictures of the pages go.
    """
    install(session, "-e", ".[web]")
    folder = Path(session.create_tmp())
    axe = os.environ.get("GANBENCH_AXE")
    if axe is None:
        npm = ("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), AXE)
        session.run(*npm, external=True)
        axe = str(folder / "node_modules" / "axe-core" / "axe.min.js")
    screenshots = () if any(arg.startswith("--screenshots") for arg in session.posargs) else (folder / "screenshots",)
    options = [f"--screenshots={path}" for path in screenshots]
    session.run("pytest", "tests/web", *options, *session.posargs, env={"GANBENCH_WEB": "1", "GANBENCH_AXE": axe})


@nox.session
def faults(session: nox.Session) -> None:
    """Malformed input by the thousand, failing disks, random kills; arguments go to ``tests.faults``."""
    install(session, "-e", ".[dev]")
    files = sorted(path.as_posix() for path in Path("tests").glob("test_*.py") if "examples(" in path.read_text())
    session.run("pytest", "-q", "tests/faults", "tests/test_suite.py", *files, env={"GANBENCH_FAULTS": "1"})
    session.run("python", "-m", "tests.faults", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: lint rules and formatting."""
    install(session, "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, on ``bench/``."""
    install(session, "-e", ".[dev]")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Write ``docs/`` from the catalogue; changes nothing where nothing has changed."""
    install(session, "-e", ".")
    session.run("python", "-m", "bench.handbook", "docs")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Speed, as ratios measured in one run; arguments go to pytest."""
    install(session, "-e", ".[dev]")
    session.run("pytest", "benchmarks", "--benchmark-only", "-s", *session.posargs)
