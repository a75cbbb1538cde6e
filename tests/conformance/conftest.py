"""The catalogue is put back after every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench import plugins
from bench.catalog import CATALOGS


@pytest.fixture(autouse=True)
def _same_catalogue_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(plugins, "_loaded", {})
    before = [(catalog.names(), dict(catalog._entries)) for catalog in CATALOGS]
    yield
    for catalog, (_, entries) in zip(CATALOGS, before, strict=True):
        catalog._entries = entries
