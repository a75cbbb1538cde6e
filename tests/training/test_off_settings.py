"""Switched off, a stabiliser changes no bit; `off_settings` has the table."""

from __future__ import annotations

import functools

import pytest

from bench.catalog import stabilisers
from bench.spec import RunSpec
from tests.training.off_settings import Row, played, rows

ROWS = rows()


@functools.cache
def without(spec: str) -> str:
    return played(RunSpec.model_validate_json(spec))


def test_every_stabiliser_can_be_switched_off() -> None:
    built_in = {name for name in stabilisers.names() if stabilisers.entry(name).plugin is None}
    assert {row.name for row in ROWS} == built_in


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_switched_off_it_changes_no_bit_and_switched_on_it_does(row: Row) -> None:
    plain = without(row.spec(None).model_dump_json())
    assert played(row.spec(row.off)) == plain
    assert played(row.spec(row.on)) != plain
