"""Points of many dimensions are shown on one plane, and it is the one that says most."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.report.projection import find_plane, flatten

NONE = np.empty((0, 3))


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 30), st.integers(0, 6), st.integers(0, 40), st.integers(0, 1000))
def test_a_plane_is_two_orthogonal_directions(dimensions: int, modes: int, n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    plane = find_plane(random.normal(size=(modes, dimensions)), random.normal(size=(n, dimensions)), "points")
    assert plane.axes @ plane.axes.T == pytest.approx(np.eye(2), abs=1e-9)
    points = random.normal(size=(20, dimensions))
    shown = plane.project(points)
    between, true = shown[:, None] - shown, points[:, None] - points
    assert (np.linalg.norm(between, axis=2) <= np.linalg.norm(true, axis=2) + 1e-9).all()


def test_modes_in_a_plane_keep_their_distances() -> None:
    random = np.random.default_rng(0)
    flat = random.normal(size=(6, 2))
    turned = flat @ np.linalg.qr(random.normal(size=(50, 2)))[0].T + 7
    plane = find_plane(turned, random.normal(size=(10, 50)), "points")
    shown = plane.project(turned)
    np.testing.assert_allclose(
        np.linalg.norm(shown[:, None] - shown, axis=2), np.linalg.norm(flat[:, None] - flat, axis=2), atol=1e-9
    )
    assert plane.meaning == "of the first two principal axes of the true modes"


def test_of_modes_on_a_line_the_other_axis_is_that_of_the_points_across_it() -> None:
    random = np.random.default_rng(1)
    points = random.normal(size=(500, 5)) * [9, 1, 5, 1, 1]
    plane = find_plane(np.array([[-1.0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [4, 0, 0, 0, 0]]), points, "a sampler's points")
    assert np.abs(plane.axes[0]) == pytest.approx([1, 0, 0, 0, 0])
    assert abs(plane.axes[1][2]) > 0.99
    assert plane.meaning.endswith("across it in which a sampler's points vary most")


def test_without_modes_it_is_the_points_own() -> None:
    points = np.random.default_rng(2).normal(size=(2000, 4)) * [1, 6, 1, 3]
    plane = find_plane(np.empty((0, 4)), points, "real points")
    assert abs(plane.axes[0][1]) > 0.99
    assert abs(plane.axes[1][3]) > 0.99


def test_all_objectives_and_the_modes_are_projected_alike() -> None:
    random = np.random.default_rng(3)
    modes = tuple(map(tuple, random.normal(size=(4, 3)).tolist()))
    points = random.normal(size=(30, 3)).astype(np.float32)
    flat = flatten({"a": points, "b": points.copy(), "c": "diverged"}, points, modes)
    a, b = flat.samples["a"], flat.samples["b"]
    assert isinstance(a, np.ndarray)
    np.testing.assert_array_equal(a, b)
    assert flat.samples["c"] == "diverged"
    assert flat.perfect is not None
    np.testing.assert_array_equal(flat.perfect, a[1::2])
    assert np.shape(flat.modes) == (4, 2)


def test_a_perfect_sampler_is_not_shown_wider_than_it_is() -> None:
    # 300 samples of 400 dimensions have a principal axis of twice their true spread
    random = np.random.default_rng(4)
    perfect, other = random.normal(size=(2, 300, 400))
    flat = flatten({"a": other}, perfect, ())
    assert flat.perfect is not None
    assert flat.perfect.std() == pytest.approx(1, abs=0.15)


def test_points_that_are_not_finite_do_not_tilt_the_plane() -> None:
    points = np.random.default_rng(5).normal(size=(100, 3))
    broken = points.copy()
    broken[0], broken[1] = np.nan, np.inf
    flat = flatten({"a": broken}, None, ())
    a = flat.samples["a"]
    assert isinstance(a, np.ndarray)
    assert not np.isfinite(a[:2]).any()
    assert np.isfinite(a[2:]).all()
    assert "the samples shown" in flat.meaning


@pytest.mark.parametrize("shape", [(9, 1), (9, 2), (9, 1, 4, 4), (0, 2)])
def test_what_has_a_picture_of_its_own_stays_as_it_is(shape: tuple[int, ...]) -> None:
    samples = {"a": np.zeros(shape), "b": "out-of-memory"}
    flat = flatten(samples, None, ())
    assert flat.samples == samples
    assert flat.meaning == ""


def test_samples_of_which_none_is_finite_are_no_reason_to_fail() -> None:
    flat = flatten({"a": np.full((5, 3), np.nan)}, None, ())
    assert np.isnan(flat.samples["a"]).all()  # type: ignore[arg-type]
