"""What a suite reads is looked at before anything is trained, and again when it has changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import UsageError
from bench.execution.conduct import Summary
from bench.report.reader import read_material
from bench.store import Store
from tests.execution.carrying import TINY, Silent, carry_out

PLUGIN = '''
from dataclasses import dataclass

import numpy as np
import torch

from bench.catalog import datasets
from bench.datasets import Data
from bench.errors import DataError


@datasets.register("measured", formula="numbers of a file", source="mine")
@dataclass(frozen=True)
class Measured:
    """Numbers of a file."""

    file: str = "numbers.npy"
    space = "raw"
    shape = (2,)

    def load(self, root):
        path = root / self.file
        if not path.is_file():
            raise DataError(f"there is no {path}")
        points = torch.from_numpy(np.load(path)).float()
        return Data(train=points[:200], validation=points[200:300], test=points[300:400])
'''


def suite(folder: Path, seeds: int = 1) -> str:
    (folder / "mine.py").write_text(PLUGIN)
    return f'plugins = ["mine.py"]\nobjectives = ["nsgan"]\ndatasets = ["measured"]\n{TINY}'.replace(
        "seeds = 1", f"seeds = {seeds}"
    )


def write_numbers(root: Path, seed: int) -> None:
    root.mkdir(exist_ok=True)
    np.save(root / "numbers.npy", np.random.default_rng(seed).standard_normal((400, 2)))


def test_all_that_is_missing_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    asked = suite(tmp_path).replace(
        'datasets = ["measured"]',
        'datasets = ["ring", "measured", { name = "measured", file = "other.npy", label = "other" }]',
    )
    watcher = Silent()
    with pytest.raises(UsageError) as caught:
        carry_out(asked, tmp_path, tmp_path / "data", watcher)
    root = tmp_path / "data"
    assert set(caught.value.faults) == {f"there is no {root / 'numbers.npy'}", f"there is no {root / 'other.npy'}"}
    assert ("phase", "runs", "3") not in watcher.events
    assert not list(Store(tmp_path / "results").folder.glob("runs/*"))


def test_runs_on_data_that_have_changed_are_kept_apart(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write_numbers(root, 0)
    first, store = carry_out(suite(tmp_path), tmp_path, root)
    (record,) = store.records()
    (reference,) = store.references()
    assert first.exit_code == 0
    assert len(record.data_sha256) == 64
    assert reference.data_sha256 == record.data_sha256

    write_numbers(root, 1)
    second: Summary
    second, store = carry_out(suite(tmp_path, seeds=2), tmp_path, root)
    assert second.trained == 1
    assert any("1 recorded runs on 'measured' are of other data" in warning for warning in second.warnings)
    hashes = {record.spec.seed: record.data_sha256 for record in store.records()}
    assert hashes[0] != hashes[1]
    (reference,) = store.references()
    assert reference.data_sha256 == hashes[1]
    material = read_material([store.folder])
    assert len(material.tasks) == 2
    (held,) = material.references  # the old runs have no perfect sampler any more
    assert hashes[1][:6] in held


def test_data_are_looked_at_once_for_all_runs(tmp_path: Path, data_root: Path) -> None:
    watcher = Silent()
    carry_out(f'objectives = ["nsgan", "wgan"]\ndatasets = ["ring", "grid"]\n{TINY}', tmp_path, data_root, watcher)
    assert [event for event in watcher.events if event[0] == "phase"] == [
        ("phase", "datasets", "2"),
        ("phase", "references", "2"),
        ("phase", "runs", "4"),
        ("phase", "throughput", "4"),
    ]
