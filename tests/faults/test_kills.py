"""A few random kills, ``nox -s faults`` deals a hundred; and the laws they are held to, on files broken by hand."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

import bench
from bench.checkpoints import read_checkpoints, write_checkpoint
from bench.store import Store
from tests.faults.conftest import Peace
from tests.faults.laws import compare, damage_checkpoints, lost_records, read_records, torn_files
from tests.faults.rounds import Arena

SOURCE = Path(bench.__file__).parents[1]


def test_what_is_killed_again_and_again_comes_out_the_same(peace: Peace, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    arena = Arena(tmp_path, peace.suite, peace.plan, SOURCE, peace.store, peace.data_root, seed, orphan_seconds=30.0)
    tally, told = arena.hold(1, kills=3)
    assert tally.breaches == [], f"seed {seed}: {told}"
    assert (tally.differing_bytes, tally.lost, tally.torn) == (0, 0, 0)
    assert tally.runs == 4
    assert 1 <= tally.killed <= 3


@pytest.fixture
def copy(peace: Peace, tmp_path: Path) -> Store:
    return Store(Path(shutil.copytree(peace.store.folder, tmp_path / "copy")))


def test_a_whole_folder_breaks_no_law(peace: Peace, copy: Store) -> None:
    assert torn_files(copy.folder) == []
    assert lost_records(read_records(copy.folder), copy.folder, retried=False) == []
    same = compare(peace.store, copy, peace.plan.run_ids)
    assert (same.runs, same.differing_runs, same.differing_bytes, same.told) == (4, 0, 0, [])


@pytest.mark.parametrize(
    "name", ["record.json", "spec.json", "history.parquet", "samples.npz", "film.npz", "samples.png", "plan.json"]
)
def test_a_torn_file_is_found(copy: Store, name: str) -> None:
    path = next(copy.folder.rglob(name))
    path.write_bytes(path.read_bytes()[:-20])
    (sentence,) = torn_files(copy.folder)
    assert sentence.startswith(str(path))
    assert torn_files(copy.folder, but=[path]) == []


def test_a_lost_and_a_changed_record_are_found(copy: Store) -> None:
    before = read_records(copy.folder)
    first, second, *_ = before
    first.unlink()
    second.write_bytes(before[second].replace(b'"steps": 150', b'"steps": 151'))
    assert lost_records(before, copy.folder, retried=True) == [first, second]
    failed = before[second].replace(b'"completed"', b'"crashed"')
    assert lost_records({second: failed}, copy.folder, retried=False) == [second]
    assert lost_records({second: failed}, copy.folder, retried=True) == []


def test_one_other_byte_is_a_difference(peace: Peace, copy: Store) -> None:
    run_id = peace.plan.run_ids[0]
    path = copy.run_folder(run_id) / "record.json"
    record = json.loads(path.read_bytes())
    record["measurements"][0]["step"] -= 1
    path.write_text(json.dumps(record))
    found = compare(peace.store, copy, peace.plan.run_ids)
    assert found.differing_runs == 1
    assert found.differing_bytes > 0
    assert run_id in found.told[0]
    path.unlink()
    assert "no record" in compare(peace.store, copy, peace.plan.run_ids).told[0]


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_checkpoint_is_not_read(tmp_path: Path, seed: int) -> None:
    run = tmp_path / "runs" / "a"
    run.mkdir(parents=True)
    for step in (1, 2):
        write_checkpoint(run, step, b"checkpoint %d" % step * 10)
    damaged = list(damage_checkpoints(tmp_path, random.Random(seed)))
    rejected: list[str] = []
    kept = list(read_checkpoints(run, rejected))
    assert len(rejected) == len(damaged) >= 1
    assert len(kept) == 2 - len(damaged)
    assert len(torn_files(tmp_path)) == len(damaged)
    assert torn_files(tmp_path, but=[path for path, _ in damaged]) == []
