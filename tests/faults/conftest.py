"""A small suite carried out in peace, that faults are held against."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from bench.execution.conduct import Summary, conduct
from bench.narrowing import Wanted
from bench.plan import Plan
from bench.store import Store
from bench.suite import load_suite
from tests.execution.carrying import Silent
from tests.faults.suites import POINTS


@dataclasses.dataclass(frozen=True)
class Peace:
    """A suite, and its results."""

    suite: Path
    plan: Plan
    store: Store
    data_root: Path

    def carry_out(self, folder: Path, watcher: Silent | None = None, limit: int | None = None) -> Summary:
        """The same suite into another folder, in this process."""
        wanted = Wanted(self.plan, limit=limit)
        return conduct(self.plan, Store(folder), self.data_root, "cpu", 2, watcher or Silent(), wanted)


@pytest.fixture(scope="session")
def peace(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> Peace:
    """`POINTS`, carried out without any fault."""
    folder = tmp_path_factory.mktemp("peace")
    suite = folder / "points.toml"
    suite.write_text(POINTS, encoding="utf-8")
    made = Peace(suite, load_suite(suite), Store(folder / "points"), data_root)
    assert made.carry_out(made.store.folder).exit_code == 0
    return made


@pytest.fixture(autouse=True)
def _torch_as_it_was() -> Iterator[None]:
    """A process sets torch up for itself; the tests' process goes on with others."""
    yield
    torch.set_flush_denormal(False)
    torch.use_deterministic_algorithms(False)
