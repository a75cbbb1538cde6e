"""The catalogue, and torch, as they were before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from bench.catalog import CATALOGS


@pytest.fixture(autouse=True)
def _restore_catalogue() -> Iterator[None]:
    before = [dict(catalog._entries) for catalog in CATALOGS]
    yield
    for catalog, entries in zip(CATALOGS, before, strict=True):
        if entries:
            catalog._entries = entries


@pytest.fixture(autouse=True)
def _torch_as_it_was() -> Iterator[None]:
    """A process sets torch up for itself; the tests' process goes on with others."""
    yield
    torch.set_flush_denormal(False)
    torch.use_deterministic_algorithms(False)
