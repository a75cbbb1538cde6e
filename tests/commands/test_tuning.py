"""`ganbench tune`, as its users meet it: from a suite to the tuned one's report, and what it refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from bench.suite import load_suite
from bench.tuning.suite_writer import MARK

ROOT = Path(__file__).parent.parent.parent
SUITE = """objectives = ["nsgan"]
datasets = ["ring"]
[training]
steps = 20
batch_size = 16
[evaluation]
samples = 100
every = 10
[tune]
trials = 4
fresh_seeds = 2
"""


def ganbench(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=cwd, env=variables, check=False)


def test_from_a_suite_to_tuned_against_default(tmp_path: Path) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "mine.toml").write_text(SUITE)
    done = ganbench("tune", "suites/mine.toml", "--device", "cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4 trials (4 now, 0 earlier)" in done.stdout
    assert "ganbench run suites/mine.tuned.toml" in done.stdout
    assert "[4/4]" in done.stderr
    assert "optuna" not in done.stderr.lower()
    made = tmp_path / "suites" / "mine.tuned.toml"
    plan = load_suite(made)
    assert [cell.objective for cell in plan.cells] == ["nsgan", "nsgan-tuned"]
    assert plan.seeds == (1, 2)
    first = made.read_bytes()
    again = ganbench("tune", "suites/mine.toml", "--device", "cpu", cwd=tmp_path)
    assert "4 trials (0 now, 4 earlier)" in again.stdout, again.stderr
    assert made.read_bytes() == first
    ran = ganbench("run", "suites/mine.tuned.toml", "--device", "cpu", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    report = tmp_path / "reports" / "mine.tuned"
    gains = pd.read_csv(report / "tables" / "tuned-against-default.csv")
    assert gains[["objective", "tuned", "seeds"]].to_numpy().tolist() == [["nsgan", "nsgan-tuned", 2]]
    assert "Tuned against default" in (report / "index.html").read_text(encoding="utf-8")
    # what Optuna has is as good as what ganbench says of it: a file of its own schema
    assert (tmp_path / "results" / "mine" / "tune" / "studies.db").is_file()


def refused(folder: Path, *arguments: str, **environment: str) -> str:
    """What bad input says; it exits with 2, starts nothing, and shows no stack trace."""
    before = set(folder.rglob("*"))
    done = ganbench("tune", *arguments, "--device", "cpu", cwd=folder, **environment)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert set(folder.rglob("*")) == before
    assert "opensesame" not in done.stdout + done.stderr
    return done.stderr


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(SUITE)
    return path


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_database_that_cannot_be_used_is_told_without_its_password(how: str, suite: Path) -> None:
    url = "nosuch://me:opensesame@host/db?password=opensesame"
    if how == "option":
        said = refused(suite.parent, "mine.toml", "--storage", url)
    else:
        said = refused(suite.parent, "mine.toml", GANBENCH_STORAGE=url)
    assert "'nosuch' is no database that is known" in said


def test_a_space_that_cannot_be_is_told_with_its_line(suite: Path) -> None:
    suite.write_text(SUITE + "space.optimizer.learning_rate = { low = 1e-2, high = 1e-5, log = true }\n")
    said = refused(suite.parent, "mine.toml")
    assert "mine.toml:12: tune.space" in said
    assert "is above 'high'" in said


def test_a_file_of_ones_own_is_not_overwritten(suite: Path) -> None:
    own = suite.with_name("mine.tuned.toml")
    shutil.copy(suite, own)
    said = refused(suite.parent, "mine.toml")
    assert "would be overwritten" in said
    assert not own.read_text().startswith(MARK)


def test_without_a_tune_table_the_defaults_hold(tmp_path: Path) -> None:
    from bench.commands.tuning import _asked

    path = tmp_path / "plain.toml"
    path.write_text('objectives = ["nsgan", "wgan"]\ndatasets = ["ring"]\n')
    tuning = _asked(load_suite(path), path)
    assert (tuning.trials, [study.cell for study in tuning.studies]) == (20, ["nsgan_mlp_ring", "wgan_mlp_ring"])
