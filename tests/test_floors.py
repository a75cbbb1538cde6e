"""The house's floors: who may import whom, and where torch must not be."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"
FLOORS = (
    ("__main__",),
    ("cli", "commands", "__init__"),
    ("tuning",),
    ("conformance", "costs", "doctor", "forecast", "handbook", "listing", "progress", "state"),
    ("execution",),
    ("training",),
    ("evaluation",),
    ("suite", "narrowing"),
    (
        "plan",
        "expansion",
        "tune_plan",
        "search_space",
        "resolve",
        "drafts",
        "compatibility",
        "matching",
        "suite_file",
        "suite_tune",
        "suite_tables",
        "suite_schema",
        "plugins",
        "faults",
        "toml_lines",
    ),
    ("objectives", "architectures", "datasets"),
    ("report", "comparison"),
    ("fingerprint",),
    ("environment", "store"),
    ("index",),
    ("activity", "archive", "checkpoints", "estimate", "measured", "reading", "tuned"),
    ("files", "migrations", "once", "orphans", "tidy"),
    (
        "statistics",
        "record",
        "metrics",
        "catalog",
        "settings",
        "symbols",
        "levels",
        "spec",
        "patterns",
        "errors",
        "lazy",
    ),
)
"""From the top; a module imports from its own floor and from those below it."""
WITHOUT_TORCH = [
    "bench.cli", "bench.suite", "bench.store", "bench.spec", "bench.catalog", "bench.statistics", "bench.report",
    "bench.comparison.page", "bench.forecast", "bench.handbook.page", "bench.listing", "bench.progress",
    "bench.execution.conduct", "bench.execution.profile", "bench.costs", "bench.tuning.conduct",
]  # fmt: skip


def floor(module: str) -> int:
    room = module.split(".")[1] if "." in module else "__init__"
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


def imports(path: Path) -> set[str]:
    """Modules of the package imported at module level, type checking aside."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "bench":
            names = [node.module] if node.module != "bench" else [f"bench.{alias.name}" for alias in node.names]
            found |= set(names)
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "bench"}
    return found


@pytest.mark.parametrize("path", sorted(BENCH.rglob("*.py")), ids=lambda path: str(path.relative_to(BENCH)))
def test_modules_import_from_below(path: Path) -> None:
    parts = path.relative_to(BENCH.parent).with_suffix("").parts
    me = ".".join(parts)
    for other in imports(path):
        assert floor(me) <= floor(other), f"{me} imports {other}, which lies above it"


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_no_torch_before_it_is_needed(module: str) -> None:
    code = f"import {module}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("command", ["--help", "list", "describe wgan-gp", "plan suites/losses.toml", "schema"])
def test_commands_that_start_at_once(command: str) -> None:
    code = (
        "import sys\nfrom bench.cli import main\n"
        f"sys.argv = ['ganbench', *{command.split()!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert not {'torch', 'optuna', 'sqlalchemy'} & set(sys.modules)"
    )
    run = [sys.executable, "-c", code]
    result = subprocess.run(run, capture_output=True, text=True, timeout=60, cwd=BENCH.parent, check=False)
    assert result.returncode == 0, result.stderr
