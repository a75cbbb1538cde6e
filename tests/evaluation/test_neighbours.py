from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from torch import Tensor
from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

from bench.evaluation.distances import Cloud
from bench.evaluation.neighbours import BallShares, Neighbourhoods

from .drawing import correlated, known, normal

DIMENSIONS = pytest.mark.parametrize("dim", [2, 4, 5, 32], ids=["plane", "trees", "chunks", "features"])


def by_hand(generated: Tensor, real: Tensor) -> BallShares:
    """All distances at once, as the definitions are written."""
    g, r = generated.double().numpy(), real.double().numpy()

    def radii(points: np.ndarray, k: int) -> np.ndarray:
        return np.sort(cdist(points, points), axis=1)[:, k]

    across = cdist(g, r)
    inside = across < radii(r, 5)
    return BallShares(
        precision=(across <= radii(r, 3)).any(axis=1).mean(),
        recall=(across <= radii(g, 3)[:, None]).any(axis=0).mean(),
        density=inside.sum() / (5 * len(g)),
        coverage=inside.any(axis=0).mean(),
    )


def ball_shares(generated: Tensor, real: Tensor) -> BallShares:
    return Neighbourhoods(real).ball_shares(generated)


def astuple(shares: BallShares) -> tuple[float | None, ...]:
    return dataclasses.astuple(shares)


@DIMENSIONS
def test_ball_shares_equal_their_definitions(dim: int) -> None:
    generated, real = correlated(150, dim, 0) * 1.2, correlated(210, dim, 1)
    assert astuple(ball_shares(generated, real)) == pytest.approx(astuple(by_hand(generated, real)), abs=1e-12)


@DIMENSIONS
@pytest.mark.parametrize("save_cpu_ram", [False, True])
def test_precision_and_recall_equal_torch_fidelity(dim: int, save_cpu_ram: bool) -> None:
    generated, real = correlated(1500, dim, 0) + 0.1, correlated(1700, dim, 1)
    theirs = prc_features_to_metric(
        generated.double(),
        real.double(),
        prc_neighborhood=3,
        prc_batch_size=400,
        save_cpu_ram=save_cpu_ram,
        verbose=False,
    )
    ours = ball_shares(generated, real)
    assert ours.precision == pytest.approx(theirs[KEY_METRIC_PRECISION], abs=1e-6)
    assert ours.recall == pytest.approx(theirs[KEY_METRIC_RECALL], abs=1e-6)
    assert 0 < known(ours.precision) < 1
    assert 0 < known(ours.recall) < 1


@DIMENSIONS
@pytest.mark.parametrize("chunk", [1, 1000, 10**9])
def test_the_chunks_change_nothing(dim: int, chunk: int) -> None:
    generated, real, training = correlated(150, dim, 0), correlated(200, dim, 1), correlated(300, dim, 2)
    one, other = Neighbourhoods(real, training), Neighbourhoods(real, training, chunk)
    assert one.ball_shares(generated) == other.ball_shares(generated)
    assert one.memorised_share(generated) == other.memorised_share(generated)


@pytest.mark.parametrize("offset", [0, 1000])
def test_neighbours_are_found_far_from_the_origin(offset: float) -> None:
    points = normal(200, 8, 0).double() * 0.01 + offset
    cloud = Cloud(points, points.mean(dim=0))
    expected = np.sort(cdist(points.numpy(), points.numpy()), axis=1)[:, 1:4]
    assert cloud.neighbour_distances(3).numpy() == pytest.approx(expected, rel=1e-9)
    assert cloud.nearest(Cloud(points[::2], points.mean(dim=0)))[::2].numpy() == pytest.approx(0, abs=1e-9)


@DIMENSIONS
def test_copies_of_the_real_samples_are_inside_and_of_density_one(dim: int) -> None:
    real = normal(100, dim, 0)
    # each sample is in its own ball, and its 4 nearest neighbours are: the fifth lies on the border of an open ball
    assert astuple(ball_shares(real.clone(), real)) == pytest.approx((1, 1, 1, 1))


def test_density_counts_balls_and_coverage_does_not() -> None:
    # 0, 1, …, 9 on a line: the fifth neighbour of 0 is 5 away, of 1 it is 4, of 2 and of 3 it is 3
    real = torch.arange(10.0)[:, None]
    generated = torch.zeros(7, 1)
    # each of the copies is inside the balls around 0, 1 and 2, and on the border of that around 3
    assert ball_shares(generated, real).density == pytest.approx(3 / 5)
    assert ball_shares(generated, real).coverage == pytest.approx(3 / 10)
    assert ball_shares(generated + 100, real).density == 0
    assert ball_shares(generated + 100, real).coverage == 0


def test_density_sees_a_lost_spread_that_precision_does_not() -> None:
    real = normal(1000, 2, 0)
    shares = ball_shares(normal(1000, 2, 1) * 0.1, real)
    assert known(shares.precision) > 0.95
    assert known(shares.coverage) < 0.2
    assert known(shares.recall) < 0.2


def test_precision_falls_with_samples_off_the_data_and_recall_with_missing_ones() -> None:
    left, both = normal(600, 2, 2), torch.cat([normal(300, 2, 0), normal(300, 2, 1) + 50])
    missing, off = ball_shares(left, both), ball_shares(both, left)
    assert known(missing.precision) > 0.9
    assert 0.4 < known(missing.recall) < 0.5
    assert 0.4 < known(missing.coverage) <= 0.5
    assert 0.4 < known(off.precision) < 0.5
    assert known(off.recall) > 0.9


@DIMENSIONS
def test_fewer_samples_than_neighbours_have_no_shares(dim: int) -> None:
    few, many = normal(3, dim, 0), normal(100, dim, 1)
    assert set(astuple(ball_shares(few, many))) == set(astuple(ball_shares(many, few))) == {None}
    narrow = ball_shares(many, normal(5, dim, 2))
    assert narrow.precision is not None
    assert (narrow.density, narrow.coverage) == (None, None)
    assert None not in astuple(ball_shares(normal(4, dim, 3), normal(6, dim, 4)))


@pytest.mark.parametrize("dim", [2, 6])
def test_a_generator_of_one_point_is_precise_and_recalls_nothing(dim: int) -> None:
    real = normal(300, dim, 0)
    shares = ball_shares(real[:1].repeat(300, 1), real)
    assert shares.precision == 1
    assert known(shares.recall) <= 1 / 300
    assert known(shares.coverage) < 0.1


@pytest.mark.parametrize("dim", [2, 6])
def test_equal_real_samples_have_open_balls_without_inside(dim: int) -> None:
    real = torch.cat([torch.zeros(50, dim), normal(50, dim, 0) + 10])
    shares = ball_shares(torch.zeros(40, dim), real)
    assert shares.precision == 1
    assert shares.density == shares.coverage == 0


@given(st.integers(8, 60), st.integers(8, 60), st.integers(1, 3), st.integers(2, 5), st.integers(0, 1000))
def test_shares_of_points_of_few_values_equal_their_definitions(
    n: int, m: int, dim: int, values: int, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    generated, real = (torch.randint(values, (size, dim), generator=random).float() for size in (n, m))
    assert astuple(ball_shares(generated, real)) == pytest.approx(astuple(by_hand(generated, real)), abs=1e-12)


def test_points_of_few_values_take_no_memory_for_their_pairs() -> None:
    random = torch.Generator().manual_seed(0)
    generated, real = (torch.randint(2, (3000, 2), generator=random).float() for _ in range(2))
    tracemalloc.start()
    try:
        shares = ball_shares(generated, real)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (shares.precision, shares.recall) == (1, 1)
    assert peak < 8 * 3000 * 3000 / 4 / 10  # a quarter of all pairs are of equal points; a tenth of their indices


@given(st.integers(8, 40), st.integers(8, 40), st.sampled_from([2, 6]), st.integers(0, 1000))
def test_shares_do_not_depend_on_order_place_or_scale(n: int, m: int, dim: int, seed: int) -> None:
    generated, real = normal(n, dim, seed).double(), normal(m, dim, seed + 1).double()
    shares = ball_shares(generated, real)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    assert ball_shares(generated[order], real) == shares
    assert ball_shares(generated * 2 + 1, real * 2 + 1) == shares
    assert ball_shares(real, generated).precision == shares.recall
    for share in (shares.precision, shares.recall, shares.coverage):
        assert 0 <= known(share) <= 1


@DIMENSIONS
def test_copies_of_training_samples_are_memorised(dim: int) -> None:
    training, real = normal(2000, dim, 0), normal(500, dim, 1)
    neighbourhoods = Neighbourhoods(real, training)
    assert neighbourhoods.memorised_share(training[:400].clone()) == 1
    half = torch.cat([training[:200], normal(200, dim, 2)])
    assert known(neighbourhoods.memorised_share(half)) == pytest.approx(0.5, abs=0.03)


@DIMENSIONS
def test_fresh_samples_are_memorised_as_often_as_held_out_ones(dim: int) -> None:
    training, real = normal(2000, dim, 0), normal(5000, dim, 1)
    neighbourhoods = Neighbourhoods(real, training)
    assert neighbourhoods.memorised_share(real) == pytest.approx(0.01, abs=1e-12)
    assert 0.004 < known(neighbourhoods.memorised_share(normal(5000, dim, 2))) < 0.018
    assert neighbourhoods.memorised_share(normal(100, dim, 3) + 100) == 0


def test_memorisation_needs_training_samples_and_a_hundred_held_out_ones() -> None:
    training, real = normal(200, 4, 0), normal(100, 4, 1)
    assert Neighbourhoods(real).memorised_share(training) is None
    assert Neighbourhoods(real[:99], training).memorised_share(training) is None
    assert Neighbourhoods(real, training).memorised_share(training) == 1


@DIMENSIONS
def test_memorisation_is_undefined_where_held_out_samples_are_copies_themselves(dim: int) -> None:
    training, fresh = normal(2000, dim, 0) + 3, normal(500, dim, 1) + 3
    few, many = (torch.cat([training[:copies], fresh[copies:]]) for copies in (5, 6))
    assert Neighbourhoods(few, training).memorised_share(training[100:200]) == 1
    assert Neighbourhoods(many, training).memorised_share(training[100:200]) is None
    rounded = torch.cat([training[:6] * (1 + 1e-7), fresh[6:]])
    assert Neighbourhoods(rounded, training).memorised_share(training[100:200]) is None
    assert Neighbourhoods(torch.zeros(200, dim), torch.zeros(200, dim)).memorised_share(torch.zeros(200, dim)) is None
