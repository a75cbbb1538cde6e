"""Which objectives converge, in the smallest game there is: `dirac` has the theory and the table."""

from __future__ import annotations

import numpy as np
import pytest

from bench.catalog import losses
from bench.objectives.base import Pick, pick
from tests.objectives.cases import CASES
from tests.objectives.dirac import FREQUENCIES, NOISY_ROWS, Game, NoisyRow, Row, build, ordered, rows

ROWS = list(rows())
every_row = pytest.mark.parametrize("row", ROWS, ids=str)
STEP = 0.1


@every_row
def test_eigenvalues_equal_theory(row: Row) -> None:
    # where two eigenvalues meet, rounding errors become their square roots
    np.testing.assert_allclose(row.eigenvalues(), ordered(row.theory), atol=1e-6)


@pytest.mark.parametrize("row", NOISY_ROWS, ids=str)
def test_instance_noise_damps_as_theory_says(row: NoisyRow) -> None:
    found = row.eigenvalues()
    np.testing.assert_allclose(found, ordered(row.theory), atol=5e-3)
    assert (found.real.max() < 0) == (row.sigma > 0 and row.name != "wasserstein")


@pytest.mark.parametrize("name", ["r1", "r2", "consensus"])
def test_what_converges_has_eigenvalues_left_of_zero_and_the_bare_game_has_not(name: str) -> None:
    for row in ROWS:
        if [pick.name for pick in row.penalties] == [name]:
            assert row.eigenvalues().real.max() < -0.02
    assert abs(ROWS[1].eigenvalues().real).max() < 1e-9


def test_every_variant_has_a_frequency() -> None:
    assert FREQUENCIES.keys() == {str(case) for case in CASES}


@pytest.mark.parametrize("row", [row for row in ROWS if abs(np.subtract(*row.theory)) > 1e-3], ids=str)
def test_trajectories_grow_as_the_eigenvalues_say(row: Row) -> None:
    """From a small start, each step of simultaneous descent multiplies each eigencoordinate by 1 + hλ."""
    _, vectors = np.linalg.eig(row.game(psi=1e-8).jacobian())
    points = row.game(psi=1e-5, theta=0.7e-5).play(12, STEP)
    coordinates = np.linalg.solve(vectors, points.T)
    growth = np.sort(np.abs(coordinates[:, 1:] / coordinates[:, :-1]), axis=0)
    expected = np.sort(np.abs(1 + STEP * np.array(row.theory)))
    np.testing.assert_allclose(growth, np.broadcast_to(expected[:, None], growth.shape), rtol=1e-6)


def test_wasserstein_spirals_outwards_by_the_same_share_at_every_step() -> None:
    """Its field is linear: √(1 + h²) at every step, not only near the equilibrium."""
    radius = np.linalg.norm(Game(losses.create("wasserstein"), [], 1.0, 2.0).play(50, STEP), axis=1)
    np.testing.assert_allclose(radius[1:] / radius[:-1], np.sqrt(1 + STEP**2), rtol=1e-12)


def test_a_critic_at_rest_learns_where_fakes_are_and_a_generator_that_is_told_comes_towards_the_data() -> None:
    """Each loss, from ψ at rest: the critic learns on which side fakes are, and the generator comes towards the data.

    Energies point the other way: ψ > 0 there says that samples on the right are fake.
    """
    for row in ROWS[: len(CASES)]:
        low_is_real = getattr(row.case.build(), "energy", None) is not None
        to_right = row.game(theta=0.1).field().tolist()
        told = row.game(psi=0.1 if low_is_real else -0.1, theta=0.1).field().tolist()
        critic_is_drawn = to_right[0] if low_is_real else -to_right[0]
        assert critic_is_drawn >= (0 if row.case.k == 0 or row.case.name == "least-squares" else 1e-3)
        if row.case.name != "least-squares":  # the critic would have to grow a bias
            assert told[1] < 0


CONVERGES: list[tuple[str, tuple[Pick, ...], bool]] = [
    ("minimax", (), False),
    ("non-saturating", (), False),
    ("wasserstein", (), False),
    ("hinge", (), False),
    ("relativistic-pairing", (), False),
    # Mescheder et al. 2018, sec. 3: neither a box nor gradients of norm 1 let the critic rest at the data, flat ones do
    ("wasserstein", (pick("gradient-penalty", weight=1.0),), False),
    ("wasserstein", (pick("gradient-penalty", weight=1.0, side="one"),), False),
    ("non-saturating", (pick("dragan", weight=1.0),), False),
    ("wasserstein", (pick("weight-clip", limit=1.0),), False),
    ("non-saturating", (pick("r1", gamma=1.0),), True),
    ("non-saturating", (pick("r2", gamma=1.0),), True),
    ("non-saturating", (pick("gradient-penalty", weight=0.5, center=0.0),), True),
    ("non-saturating", (pick("consensus", gamma=4.0),), True),
    ("relativistic-pairing", (pick("r1", gamma=0.5), pick("r2", gamma=0.5)), True),
    ("wasserstein", (pick("r1", gamma=1.0),), True),
]


@pytest.mark.parametrize(("name", "regularisers", "converges"), CONVERGES, ids=str)
def test_convergence_from_afar(name: str, regularisers: tuple[Pick, ...], converges: bool) -> None:
    """Simultaneous descent from ψ = θ = 1, for 500 steps: at rest at the data, or hovering around it."""
    points = Game(losses.create(name), build(regularisers), 1.0, 1.0).play(500, STEP)
    radius = np.linalg.norm(points, axis=1)[-200:]
    if converges:
        assert radius.max() < 1e-3
    else:
        assert radius.min() > 0.1
