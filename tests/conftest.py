"""Shared by all tests: one thread, no network, a data root of their own, the same examples at every run of CI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, database=None, deadline=None, print_blob=True)
if os.environ.get("CI"):  # a pull request fails for what it changes, not for an example that nobody has drawn before
    settings.load_profile("ci")

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["GANBENCH_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where classifiers trained by tests are shared."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def _own_data_root(monkeypatch: pytest.MonkeyPatch, data_root: Path) -> None:
    monkeypatch.setenv("GANBENCH_DATA", str(data_root))
