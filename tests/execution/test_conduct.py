"""A suite carried out for real: processes, statuses, what is kept, what is never done twice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
import torch

from bench.checkpoints import latest_step
from bench.environment import host_environment
from bench.errors import StoreError
from bench.execution.missing import find_missing, read_statuses
from bench.execution.pool import LocalPool
from bench.execution.tasks import Place, RunTask
from bench.narrowing import Wanted
from bench.record import SCHEMA_VERSION, Status
from bench.spec import PluginSpec
from bench.store import HISTORY_COLUMNS, Store
from bench.suite import load_suite
from tests.execution.carrying import TINY, Silent, carry_out
from tests.specs import run_spec


def test_what_is_recorded_is_not_trained_again(tmp_path: Path, data_root: Path) -> None:
    suite = f'objectives = ["nsgan", "wgan"]\ndatasets = ["ring"]\n{TINY}'
    first, store = carry_out(suite, tmp_path, data_root)
    assert (first.trained, first.kept, first.exit_code) == (2, 0, 0)
    files = {path: path.stat().st_mtime_ns for path in store.folder.rglob("*") if path.is_file()}
    watcher = Silent()
    second, _ = carry_out(suite, tmp_path, data_root, watcher)
    assert (second.trained, second.kept) == (0, 2)
    assert watcher.events == []
    assert files == {path: path.stat().st_mtime_ns for path in store.folder.rglob("*") if path.is_file()}

    # a torn record is no record; a larger suite trains what is new, and nothing else
    lost = next(store.folder.glob("runs/nsgan*/record.json"))
    lost.write_text(lost.read_text()[:100])
    wider = suite.replace('"wgan"]', '"wgan", "hinge"]')
    third, _ = carry_out(wider, tmp_path, data_root)
    assert (third.trained, third.kept) == (2, 1)


def test_a_run_leaves_everything_that_is_promised(tmp_path: Path, data_root: Path) -> None:
    suite = f'objectives = ["nsgan"]\ndatasets = ["ring", "digits"]\narchitectures = ["mlp"]\n{TINY}'
    _, store = carry_out(suite, tmp_path, data_root)
    for record in store.records():
        folder = store.run_folder(record.run_id)
        assert {path.name for path in folder.iterdir()} == {
            "spec.json", "record.json", "history.parquet", "samples.npz", "samples.png", "film.npz", "log.txt",
        }  # fmt: skip
        history = store.history(record.run_id)
        assert history is not None
        assert tuple(history.columns) == HISTORY_COLUMNS
        assert set(history[history["split"] == "test"]["step"]) == {10, 20}
        assert set(history[history["split"] == "validation"]["step"]) == {10, 20}
        final = {m.metric: m for m in record.measurements if m.selection == "final"}
        at_end = history[(history["split"] == "test") & (history["step"] == 20)]
        for name, value in zip(at_end["name"], at_end["value"], strict=True):
            assert final[name].value == (None if value != value else value)
            assert final[name].step == 20
        samples = store.samples(record.run_id)
        assert samples is not None
        assert samples.shape == ((2500, 2) if record.spec.dataset.label == "ring" else (64, 1, 8, 8))
        assert record.timings.total > 0
    metrics = {m.metric for record in store.records() for m in record.measurements}
    assert {"fid", "inception_score", "kid", "precision", "recall", "modes_covered", "reverse_kl"} <= metrics
    digits = next(r for r in store.references() if r.dataset.label == "digits")
    assert digits.classifier is not None
    assert digits.classifier.accuracy >= 0.97
    floor = [d.value for d in digits.draws if d.kind == "perfect sampler" and d.metric == "fid"]
    noise = [d.value for d in digits.draws if d.kind == "noise" and d.metric == "fid"]
    assert max(v for v in floor if v is not None) < 0.2 * min(v for v in noise if v is not None)
    assert len(store.throughputs().items) == 2


def test_numbers_do_not_depend_on_slots_or_neighbours(tmp_path: Path, data_root: Path) -> None:
    both = f'objectives = ["wgan-gp", "r3gan", "nsgan"]\ndatasets = ["grid"]\n{TINY}'
    alone = f'objectives = ["r3gan"]\ndatasets = ["grid"]\n{TINY}'
    for name in ("both", "alone"):
        (tmp_path / name).mkdir()
    _, packed = carry_out(both, tmp_path / "both", data_root)
    _, single = carry_out(alone, tmp_path / "alone", data_root)
    (record,) = single.records()
    other = packed.record(record.run_id)
    assert other is not None
    assert other.measurements == record.measurements
    mine, theirs = single.history(record.run_id), packed.history(record.run_id)
    assert mine is not None
    assert theirs is not None
    assert mine.drop(columns="seconds").equals(theirs.drop(columns="seconds"))


def test_a_budget_in_seconds_ends_on_time(tmp_path: Path, data_root: Path) -> None:
    suite = (
        'seeds = 1\nobjectives = ["nsgan"]\ndatasets = ["ring"]\n[training]\nseconds = 1.0\n'
        "[evaluation]\nsamples = 100\nevery = 0.5\n"
    )
    _, store = carry_out(suite, tmp_path, data_root)
    (record,) = store.records()
    assert record.status is Status.COMPLETED
    assert record.timings.training >= 1.0
    history = store.history(record.run_id)
    assert history is not None
    assert len(set(history[history["split"] == "test"]["step"])) >= 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_stops_cleanly_and_the_next_call_goes_on(
    tmp_path: Path, data_root: Path, number: signal.Signals
) -> None:
    suite = tmp_path / "long.toml"
    suite.write_text(
        'seeds = 3\nobjectives = ["nsgan"]\ndatasets = ["ring"]\n'
        "[training]\nsteps = 1_000_000\nbatch_size = 16\n[evaluation]\nsamples = 100\nevery = 500_000\n"
    )
    command = [sys.executable, "-m", "bench", "run", str(suite), "--results", str(tmp_path), "--reports", str(tmp_path)]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    folder = tmp_path / "long" / "runs"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(folder.glob("*/spec.json")):
        time.sleep(0.1)
    time.sleep(0.5)
    os.killpg(process.pid, number)  # as a terminal does: every process of the group gets it
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err + out
    assert not list(folder.glob("*/record.json"))
    assert not list(folder.rglob("*.part"))
    store = Store(tmp_path / "long")
    missing = find_missing(Wanted(load_suite(suite)), store, read_statuses(store)[0])
    assert len(missing.runs) == 3
    begun = [spec for spec in missing.runs if latest_step(store.run_folder(spec.run_id))]
    assert begun  # what ran has written a checkpoint to go on from


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.5])
def test_interrupting_while_it_starts_shows_no_stack_trace(tmp_path: Path, seconds: float) -> None:
    suite = tmp_path / "long.toml"
    suite.write_text('seeds = 1\nobjectives = ["nsgan"]\ndatasets = ["ring"]\n[training]\nsteps = 1_000_000\n')
    command = [sys.executable, "-m", "bench", "run", str(suite), "--results", str(tmp_path), "--reports", str(tmp_path)]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not psutil.Process(process.pid).children():
        time.sleep(0.01)  # until its first helper process: before, the interpreter itself is starting
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err + out


def test_a_process_that_somebody_stops_is_a_crash_not_a_success(tmp_path: Path, data_root: Path) -> None:
    watcher = Silent()

    def stop_the_run() -> None:
        watcher.first_progress.wait(60)
        for child in psutil.Process().children(recursive=True):
            if (tmp_path / "results").exists() and child.ppid() != os.getpid():
                child.terminate()

    suite = 'seeds = 1\nobjectives = ["nsgan"]\ndatasets = ["ring"]\n[training]\nsteps = 100_000\nbatch_size = 16\n'
    thread = threading.Thread(target=stop_the_run)
    thread.start()
    summary, store = carry_out(suite, tmp_path, data_root, watcher)
    thread.join()
    (record,) = store.records()
    assert (record.status, record.reason) == (Status.CRASHED, "stopped by SIGTERM from outside")
    assert summary.exit_code == 1


def test_results_of_a_newer_ganbench_are_not_overwritten(tmp_path: Path, data_root: Path) -> None:
    suite = f'objectives = ["nsgan"]\ndatasets = ["ring"]\n{TINY}'
    _, store = carry_out(suite, tmp_path, data_root)
    (path,) = store.folder.glob("runs/*/record.json")
    newer = path.read_text().replace(f'"schema_version": {SCHEMA_VERSION}', f'"schema_version": {SCHEMA_VERSION + 1}')
    path.write_text(newer)
    with pytest.raises(StoreError, match="newer ganbench"):
        carry_out(suite, tmp_path, data_root)
    assert path.read_text() == newer


def test_exit_codes_are_told_right_however_many_slots(tmp_path: Path) -> None:
    """Two threads that poll one process would make 255 of its exit code."""
    (tmp_path / "leave.py").write_text("import os\nos._exit(7)\n")
    choice = PluginSpec(name="leave", sha256="", path=tmp_path / "leave.py")
    spec = run_spec().model_copy(update={"plugins": (choice,)})
    place = Place(results=tmp_path, data_root=tmp_path, device="cpu", environment=host_environment())
    with LocalPool(8) as pool:
        futures = [pool.submit(RunTask(place=place, spec=spec.with_seed(seed))) for seed in range(60)]
        reasons = {future.result().crashed for future in futures}
    assert reasons == {"the process ended by itself with exit code 7"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device that should be missing")
def test_a_missing_device_is_told_before_anything_starts(tmp_path: Path) -> None:
    suite = tmp_path / "s.toml"
    suite.write_text(f'objectives = ["nsgan"]\ndatasets = ["ring"]\n{TINY}')
    command = [sys.executable, "-m", "bench", "run", str(suite), "--results", str(tmp_path), "--device", "cuda"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ, check=False)
    assert result.returncode == 2
    assert "torch sees 0 CUDA devices" in result.stderr
    assert not list((tmp_path / "s" / "runs").glob("*"))


SCRIPT = """
from bench.cli import main

if __name__ == "__main__":
    main()
"""
"""What an installation makes of the entry point."""


def run_installed(suite: str, folder: Path, data_root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`ganbench run` of a suite as an installation starts it, from a script in ``folder``, where its results go."""
    (folder / "ganbench").write_text(SCRIPT)
    (folder / "suite.toml").write_text(suite)
    places = ["--results", folder, "--reports", folder / "reports", "--data-root", data_root]
    command = [sys.executable, folder / "ganbench", "run", folder / "suite.toml", *places, "--device", "cpu"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done


def test_a_run_imports_next_to_nothing(tmp_path: Path, data_root: Path) -> None:
    """The fork server has all of it, the command line's modules included: importing them would take longer than all
    else that a run does besides training."""
    suite = f'objectives = ["nsgan", "wgan-gp"]\ndatasets = ["ring", "digits"]\narchitectures = ["mlp"]\n{TINY}'
    done = run_installed(suite, tmp_path, data_root, PYTHONPROFILEIMPORTTIME="1")
    imported = Counter(re.findall(r"^import time:.*\|\s*(bench\S*)$", done.stderr, re.MULTILINE))
    for module in ("bench.cli", "bench.execution.pool", "bench.plan"):
        assert imported[module] == 2, f"{module}: by the command itself, and by the fork server"
    logs = list(tmp_path.glob("suite/runs/*/log.txt"))
    assert len(logs) == 4
    late = re.findall(r"^import time:.*\|\s*(\S*)$", "".join(log.read_text() for log in logs), re.MULTILINE)
    assert len(set(late)) < 5, "what a library imports as it writes or reads its first file"
    assert not [module for module in late if module.startswith(("bench", "torch", "sklearn", "pandas"))]


INSTALLED = """
from bench.catalog import losses

@losses.register("gap", formula="–", source="test")
class Gap:
    def discriminator(self, real, fake):
        return (fake - real).mean()

    def generator(self, real, fake):
        return -fake.mean()
"""


def test_a_run_finds_the_installed_plugins_that_the_command_finds(tmp_path: Path, data_root: Path) -> None:
    """Beside the script, as in a folder that only the command has on its path: the fork server has another one."""
    package = tmp_path / "mine-1.0.dist-info"
    (tmp_path / "installed_gap.py").write_text(INSTALLED)
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[ganbench.plugins]\nmine = installed_gap\n")
    run_installed(f'objectives = ["gap"]\ndatasets = ["ring"]\narchitectures = ["mlp"]\n{TINY}', tmp_path, data_root)
    (record,) = Store(tmp_path / "suite").records()
    assert (record.status, [plugin.name for plugin in record.spec.plugins]) == (Status.COMPLETED, ["mine"])
