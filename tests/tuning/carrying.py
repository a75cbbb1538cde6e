"""Studies carried out for real, small ones."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial
from sqlalchemy.pool import NullPool

from bench.store import Store
from bench.suite import load_suite
from bench.tuning.conduct import FOLDER, Tuned, tune
from tests.execution.carrying import Silent

ONE = '["nsgan"]'
TWO = '["nsgan", "wgan-gp"]'
TINY = """
objectives = ["nsgan", "wgan-gp"]
datasets = ["ring"]
[training]
steps = 20
batch_size = 16
[evaluation]
samples = 100
every = 10
"""


def write(folder: Path, text: str, name: str = "small") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def carry_out(
    suite: Path,
    results: Path,
    data_root: Path,
    *,
    slots: int = 2,
    url: str | None = None,
    watcher: Silent | None = None,
) -> Tuned:
    plan = load_suite(suite)
    assert plan.tuning is not None
    store = Store(results / plan.name / FOLDER)
    return tune(plan, plan.tuning, store, data_root, "cpu", slots, Silent(), storage_url=url)


def trials_of(url: str) -> dict[str, list[FrozenTrial]]:
    """Every trial in the database, by study."""
    storage = RDBStorage(url, engine_kwargs={"poolclass": NullPool})  # a database has few connections to give
    return {
        name: optuna.load_study(study_name=name, storage=storage).get_trials()
        for name in optuna.get_all_study_names(storage=storage)
    }


def sqlite_of(results: Path, name: str = "small") -> str:
    return f"sqlite:///{results / name / FOLDER / 'studies.db'}"


def begin(suite: Path, folder: Path, data_root: Path, *options: str) -> subprocess.Popen[str]:
    """`ganbench tune` in a process of its own."""
    command = [sys.executable, "-m", "bench", "tune", str(suite), "--results", str(folder / "results")]
    command += ["--reports", str(folder / "reports"), "--data-root", str(data_root), "--device", "cpu", *options]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "GANBENCH_OFFLINE": "1"},
    )


def wait_until(condition: object, seconds: float = 120) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
