"""What each loss estimates once the discriminator is at its optimum: the rows of `closed_forms`, asserted."""

from __future__ import annotations

import numpy as np
import pytest

from bench.catalog import losses
from tests.objectives.closed_forms import Row, rows

ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_optimum_equals_its_closed_form(row: Row) -> None:
    np.testing.assert_allclose(row.ours(), row.theory, rtol=row.tolerance, atol=row.tolerance)


def test_every_loss_has_a_closed_form_but_the_one_whose_game_moves() -> None:
    """BEGAN's k follows the players: what it holds to is in `test_memory`."""
    built_in = {name for name in losses.names() if losses.entry(name).plugin is None}
    assert {name for name in built_in if not any(row.loss.startswith(name) for row in ROWS)} == {"boundary-equilibrium"}
