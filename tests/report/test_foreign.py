"""Samples and films from anywhere: of other dimensions, infinite, of another kind. There is a report of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measured import Film
from bench.record import Status
from bench.report import drawing, film_strips
from bench.report.pictures import FARTHEST, drawable, sample_panels, shared_frame
from bench.report.reader import read_material
from bench.report.shapes import fitting_modes, shape_of
from bench.report.style import looks, theme
from bench.store import Store
from tests.report.synthetic import make_reference, make_run, spec

NAMES = ("nsgan", "wgan-gp", "hinge")
RANDOM = np.random.default_rng(0)
POINTS = {dimensions: RANDOM.normal(size=(2, 40, dimensions)).astype(np.float16) for dimensions in (1, 2, 3, 7)}
IMAGES = RANDOM.integers(0, 256, (2, 9, 1, 8, 8), dtype=np.uint8)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    for name in NAMES:
        make_run(store, spec(name, "ring", 0), Status.COMPLETED)
    return store


def put(store, name, frames):
    """A film, and its last frame as the run's samples."""
    run_id = spec(name, "ring", 0).run_id
    store.write_film(run_id, Film(np.array([1, 2]), frames))
    store.write_samples(run_id, frames[-1] if frames.dtype == np.uint8 else frames[-1].astype(np.float32), b"")


def drawn(store):
    """The task's strip and its panels of samples, drawn."""
    material = read_material([store.folder])
    look = looks(material.objectives)
    with theme():
        made = (*film_strips.film_strips(material, look), *drawing.samples(material, look))
        for picture in made:
            picture.figure.draw_without_rendering()
    return material, made


@pytest.mark.parametrize("other", [*(POINTS[dimensions] for dimensions in (1, 3, 7)), IMAGES], ids=lambda of: of.shape)
def test_samples_of_another_shape_than_a_perfect_samplers_are_not_shown(store, other):
    make_reference(store, "ring")
    put(store, "nsgan", other)
    material, (strip, _) = drawn(store)
    assert film_strips.make_strip(material, "ring").frames["nsgan"] == "no film kept"
    assert "nsgan (no film kept)" in strip.caption
    samples = material.samples("ring")[1]
    assert samples["nsgan"] == "no samples kept"
    assert samples["hinge"].shape[1:] == (2,)


def test_without_a_perfect_sampler_most_samples_tell_the_shape(store):
    put(store, "nsgan", IMAGES)
    material, _ = drawn(store)
    assert [name for name, value in material.samples("ring")[1].items() if isinstance(value, str)] == ["nsgan"]
    put(store, "hinge", IMAGES)
    material, _ = drawn(store)
    assert [name for name, value in material.samples("ring")[1].items() if isinstance(value, str)] == ["wgan-gp"]


def test_where_no_film_fits_there_is_no_strip(store):
    make_reference(store, "ring")
    for name in NAMES:
        put(store, name, POINTS[3])
    assert film_strips.film_strips(read_material([store.folder]), looks(NAMES)) == []


@pytest.mark.parametrize("modes", [((0.0, 0.0, 0.0),), ((0.0, 0.0), (1.0,)), ((np.inf, 0.0),), ((),)])
def test_modes_that_are_no_points_of_the_samples_space_are_not_shown(modes):
    assert fitting_modes(modes, POINTS[2][0]) == ()
    assert fitting_modes(((0.0, 1.0),), POINTS[2][0]) == ((0.0, 1.0),)
    assert fitting_modes(((0.0, 1.0),), IMAGES[0]) == ()


def test_the_modes_tell_the_shape_where_no_samples_of_a_perfect_sampler_do():
    assert shape_of(None, ((0.0, 1.0),), [(3,), (3,)]) == (2,)
    assert shape_of(None, (), []) is None


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_points_that_are_not_finite_have_a_figure(store, value):
    for name in NAMES:
        put(store, name, np.full((2, 40, 2), value, dtype=np.float16))
    drawn(store)
    some = POINTS[2].copy()
    some[:, ::4] = value
    put(store, "nsgan", some)
    material, (strip, _) = drawn(store)
    limits = strip.figure.axes[0].get_xlim()
    assert np.abs(limits).max() < 10
    assert material.samples("ring")[0] == 0


numbers = st.floats(width=32) | st.sampled_from([1e30, -1e30, 65504.0, 0.0])


@given(rows=st.lists(st.tuples(numbers, numbers), max_size=8), dimensions=st.integers(1, 2))
def test_any_points_have_a_frame_with_some_room(rows, dimensions):
    points = np.array(rows, dtype=np.float32).reshape(-1, 2)[:, :dimensions]
    left, right, bottom, top = shared_frame([points], (), None)
    assert np.isfinite([left, right, bottom, top]).all()
    assert left < right
    assert bottom < top
    assert np.isfinite(drawable(points)).all()
    assert np.abs(drawable(points)).max(initial=0) < FARTHEST


def test_points_very_far_away_have_a_figure():
    points = np.full((20, 2), 9e29)
    for shown in (points, points[:, :1]):
        with theme():
            sample_panels({"nsgan": shown}, None, (), None, "task", {}).draw_without_rendering()
