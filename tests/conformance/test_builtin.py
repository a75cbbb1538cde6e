"""Every built-in entry of the catalogue keeps the laws of its kind."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.catalog import CATALOGS, Catalog, losses
from bench.conformance.check import LAWS, check_entry
from bench.conformance.laws import describe_law

ENTRIES = [
    pytest.param(catalog, name, id=f"{catalog.singular}-{name}") for catalog in CATALOGS for name in catalog.names()
]


@pytest.mark.parametrize(("catalog", "name"), ENTRIES)
def test_built_in_entries_keep_the_laws(catalog: Catalog[Any], name: str, data_root: Path) -> None:
    checked = check_entry(catalog.entry(name), data_root)
    broken = [f"{verdict.name}: {verdict.words}" for verdict in checked.verdicts if verdict.outcome == "broken"]
    assert not broken
    assert checked.count("holds")


@pytest.mark.parametrize("name", losses.names())
def test_built_in_losses_run_on_meta_forwards_and_backwards(name: str) -> None:
    loss = losses.create(name)
    real, fake = (torch.empty(8, device="meta", requires_grad=True) for _ in range(2))
    for cost in (loss.discriminator, loss.generator):
        torch.autograd.grad(cost(real, fake), (real, fake), allow_unused=True)


def test_every_kind_has_laws_and_every_law_a_sentence() -> None:
    assert set(LAWS) == {catalog.kind for catalog in CATALOGS}
    for laws in LAWS.values():
        names = [describe_law(law)[0] for law in laws]
        assert len(set(names)) == len(names)
        for law in laws:
            sentence = describe_law(law)[1]
            assert sentence.endswith("."), f"{law.__name__} in {inspect.getmodule(law)}: {sentence}"
