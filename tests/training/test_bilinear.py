"""Which optimizers and orders converge on the bilinear game, and how fast; `bilinear` has the theory and the table."""

from __future__ import annotations

import pytest

from tests.training.bilinear import ROWS, Row, adam_distances

BY_NAME = {row.name: row for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_distances_change_by_the_factor_of_theory(row: Row) -> None:
    # what circles comes back to the same distance no earlier than after a turn
    assert row.measured() == pytest.approx(row.rate(), abs=2e-4 if row.rate() == 1 else 2e-5)


def test_descent_runs_away_or_circles_where_extrapolating_steps_and_consensus_converge() -> None:
    assert BY_NAME["sgd, simultaneous"].measured() > 1.04
    for name in ("extragradient-sgd", "optimistic-sgd, simultaneous", "sgd, simultaneous, consensus(0.5)"):
        assert BY_NAME[name].measured() < 0.98


def test_adams_directions_come_nearer_when_extrapolated_and_not_by_themselves() -> None:
    start, _, adam = adam_distances("adam")
    assert adam > 0.7 * start
    for name in ("optimistic-adam", "extragradient-adam"):
        _, between, end = adam_distances(name)
        assert end < 0.4 * between < 0.4 * start
