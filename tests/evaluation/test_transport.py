from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance
from torch import Tensor

from bench.evaluation import transport
from bench.evaluation.transport import directions, project, sliced_wasserstein, wasserstein

from .drawing import known, normal


def sliced(first: Tensor, second: Tensor) -> float:
    return known(sliced_wasserstein(project(first), project(second)))


def test_sliced_wasserstein_of_a_shift_is_its_length_times_the_mean_cosine() -> None:
    points = normal(500, 2, 0)
    shift = torch.tensor([3.0, -4.0])
    assert sliced(points + shift, points) == pytest.approx(5 * 2 / math.pi, rel=1e-3)


def test_sliced_wasserstein_of_a_shift_in_1200_dimensions() -> None:
    points, shift = normal(300, 1200, 0), normal(1, 1200, 1)
    # the mean |cosine| with a random direction tends to √(2/πd)
    expected = float(shift.norm()) * math.sqrt(2 / (math.pi * 1200))
    assert sliced(points + shift, points) == pytest.approx(expected, rel=0.2)
    assert sliced(points, normal(300, 1200, 2)) < sliced(points + shift, points)


def test_sliced_wasserstein_directions_are_unit_vectors_that_no_seed_moves() -> None:
    for dim in (1, 2, 64):
        torch.manual_seed(dim)
        np.random.seed(dim)
        assert np.linalg.norm(directions(dim), axis=1) == pytest.approx(1)
        assert np.array_equal(directions(dim), directions(dim))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000))
def test_sliced_wasserstein_of_any_two_sample_numbers_equals_scipy(n: int, m: int, seed: int) -> None:
    first, second = normal(n, 2, seed), normal(m, 2, seed + 1) + 1
    expected = np.mean([wasserstein_distance(first.numpy() @ d, second.numpy() @ d) for d in directions(2)])
    assert sliced(first, second) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert sliced(second, first) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 1000), st.floats(0, 5))
def test_wasserstein_of_a_shifted_set_is_the_length_of_the_shift(n: int, dim: int, seed: int, length: float) -> None:
    points, shift = normal(n, dim, seed).double(), normal(1, dim, seed + 1).double()
    shift *= length / shift.norm()
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    assert wasserstein(points[order] + shift, points) == pytest.approx(length, abs=1e-9)


@given(st.integers(1, 60), st.integers(0, 1000))
def test_wasserstein_on_a_line_equals_scipy(n: int, seed: int) -> None:
    first, second = normal(n, 1, seed), normal(n, 1, seed + 1) * 2
    assert wasserstein(first, second) == pytest.approx(wasserstein_distance(first[:, 0], second[:, 0]), rel=1e-6)


@given(st.integers(1, 20), st.integers(0, 1000))
def test_wasserstein_is_a_distance(n: int, seed: int) -> None:
    one, two, three = (normal(n, 2, 3 * seed + k).double() for k in range(3))
    assert wasserstein(one, one) == 0
    assert wasserstein(one, two) == pytest.approx(known(wasserstein(two, one)), rel=1e-9)
    assert known(wasserstein(one, three)) <= known(wasserstein(one, two)) + known(wasserstein(two, three)) + 1e-9


def test_wasserstein_takes_as_many_points_of_either_side() -> None:
    points = normal(700, 2, 0)
    assert transport.wasserstein_samples(700, 2500) == 500
    assert wasserstein(points, points[:40]) == 0
    assert wasserstein(points[:0], points) is None
    assert wasserstein(points[:500] + 1, points) == pytest.approx(math.sqrt(2), rel=1e-6)
