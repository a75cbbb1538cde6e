"""Real disks that are full, or may only be read, under the real command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.store import Store
from tests.faults.conftest import Peace
from tests.faults.laws import compare, torn_files
from tests.faults.tmpfs import remount, small_disk

SOURCE = Path(bench.__file__).parents[1]
ROOM = "size=65536k"


def ganbench(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "COLUMNS": "120"}
    command = [sys.executable, "-m", "bench", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, cwd=SOURCE, env=environment, check=False
    )


def run(peace: Peace, results: Path, reports: Path) -> subprocess.CompletedProcess[str]:
    roots = ("--results", results, "--reports", reports, "--data-root", peace.data_root)
    return ganbench("run", peace.suite, "-q", "--device", "cpu", *roots)


def kibibytes(folder: Path) -> int:
    """As a tmpfs counts them."""
    return sum(-(-path.stat().st_size // 4096) * 4 for path in folder.rglob("*") if path.is_file())


def test_a_full_disk_ends_the_command_and_room_lets_it_go_on(peace: Peace, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kibibytes(peace.store.folder) * 2 // 3) as disk:
        full = run(peace, disk, tmp_path / "reports")
        assert full.returncode == 1, full.stdout + full.stderr
        assert "Traceback" not in full.stderr + full.stdout
        (error,) = [line for line in full.stderr.splitlines() if line.startswith("error:")]
        assert error.startswith(f"error: '{disk}/points/")
        assert error.endswith("cannot be written: No space left on device")
        assert "what is recorded is safe" in full.stderr
        store = Store(disk / "points")
        before = {path: path.read_bytes() for path in disk.rglob("record.json")}
        assert len(before) < 4
        assert torn_files(disk) == []
        assert not list(disk.rglob(".*.part"))

        remount(disk, ROOM)
        done = run(peace, disk, tmp_path / "reports")
        assert done.returncode == 0, done.stdout + done.stderr
        assert all(path.read_bytes() == content for path, content in before.items())
        same = compare(peace.store, store, peace.plan.run_ids)
        assert (same.runs, same.differing_bytes, same.told) == (4, 0, [])

        # a report for which there is no room: said likewise, and the records stay
        reports = disk / "reports"
        remount(disk, f"size={kibibytes(disk) + 100}k")
        no_report = run(peace, disk, reports)
        assert no_report.returncode == 1
        assert "what is recorded is safe" in no_report.stderr
        assert "Traceback" not in no_report.stderr
        assert not (reports / "points" / "index.html").exists()


@pytest.mark.parametrize("command", ["run", "report"])
def test_a_disk_that_may_only_be_read_is_told_before_anything_starts(
    peace: Peace, tmp_path: Path, command: str
) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        if command == "report":
            (disk / "points" / "runs").mkdir(parents=True)
        remount(disk, "ro")
        result = ganbench(command, peace.suite, "-q", "--results", disk, "--reports", disk)
        assert result.returncode == 2, result.stdout + result.stderr
        (error,) = [line for line in result.stderr.splitlines() if not line.startswith("warning:")]
        assert error.startswith("error: ")
        assert "cannot be written: Read-only file system" in error
        assert f"{disk}/points" in error
        assert "Traceback" not in result.stderr
        assert not [path for path in disk.rglob("*") if path.is_file()]


def test_results_on_a_disk_that_may_only_be_read_can_be_looked_at(peace: Peace, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 65536) as disk:
        shutil.copytree(peace.store.folder, disk / "points")
        remount(disk, "ro")
        looked = ganbench("status", peace.suite, "--results", disk)
        assert looked.returncode == 0, looked.stderr
        assert "4 completed" in looked.stdout
