"""Datasets of files are tried without a network."""

from __future__ import annotations

import pytest

from bench.datasets.downloads import OFFLINE


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OFFLINE, "1")
