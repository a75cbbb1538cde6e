"""Shared by all tests: one thread, and no data root but the tests' own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where classifiers trained by tests are shared."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def _own_data_root(monkeypatch: pytest.MonkeyPatch, data_root: Path) -> None:
    monkeypatch.setenv("GANBENCH_DATA", str(data_root))
