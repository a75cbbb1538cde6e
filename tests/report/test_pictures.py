"""Sample figures: every kind of data has a panel that can be read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bench.execution.pictures import picture
from bench.report import drawing, pictures
from bench.report.reader import read_material
from bench.report.style import looks, theme
from bench.store import Store
from tests.report.synthetic import make_results

OBJECTIVES = ["nsgan", "wgan-gp"]
RANDOM = np.random.default_rng(0)
RING = np.stack([np.cos(np.arange(8)), np.sin(np.arange(8))], axis=1)


def panels(samples, perfect=None, modes=(), sigma=None):
    with theme():
        figure = pictures.sample_panels(
            dict.fromkeys(OBJECTIVES, samples), perfect, modes, sigma, "task", looks(OBJECTIVES)
        )
        figure.savefig(io.BytesIO(), format="svg")
    return figure


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return make_results(tmp_path_factory.mktemp("results") / "points", OBJECTIVES, ["ring"], 1)


def with_points(store, points, modes):
    """The store's samples and reference, with others in their place."""
    material = read_material([store.folder])
    for run_id in material.records:
        store.write_samples(run_id, points, b"")
    (reference,) = material.references.values()
    store.write_reference(reference.model_copy(update={"modes": modes}))
    store.write_reference_samples(reference.key, points)
    material = read_material([store.folder])
    with theme():
        (made,) = drawing.samples(material, looks(material.objectives))
    return made


def test_points_of_many_dimensions_say_on_which_plane_they_are(store):
    points = RANDOM.normal(size=(200, 12)).astype(np.float32)
    modes = tuple(map(tuple, np.pad(RING, ((0, 0), (0, 10))).tolist()))
    made = with_points(store, points, modes)
    assert "Points of 12 dimensions are shown on one plane" in made.caption
    assert "of the first two principal axes of the true modes" in made.caption
    assert "Circles stand around the true modes" in made.caption
    assert len({(*ax.get_xlim(), *ax.get_ylim()) for ax in made.figure.axes}) == 1


def test_points_without_modes_have_no_circles(store):
    made = with_points(store, RANDOM.normal(size=(200, 2)).astype(np.float32), ())
    assert "mode" not in made.caption
    assert "plane" not in made.caption
    assert all(len(ax.collections) == 1 for ax in made.figure.axes)  # the points


def test_numbers_are_shown_as_histograms_over_their_modes(store):
    numbers = np.repeat([[0.0], [5.0]], 100, axis=0).astype(np.float32)
    made = with_points(store, numbers, ((0.0,), (5.0,)))
    assert "Histograms" in made.caption
    for ax in made.figure.axes:
        heights = [bar.get_height() for bar in ax.patches]
        assert sorted(height for height in heights if height) == [100, 100]
        assert [line.get_xdata()[0] for line in ax.lines] == [0, 5]


@pytest.mark.parametrize(("size", "along"), [(8, 6), (16, 6), (28, 5), (32, 4), (64, 3), (256, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_larger_images_are_the_fewer_stand_side_by_side(size, along, channels):
    images = RANDOM.integers(0, 256, (64, channels, size, size), dtype=np.uint8)
    assert pictures.tiles_along(images) == along
    figure = panels(images, images)
    shown = figure.axes[0].get_images()[0].get_array()
    opaque = shown[:, shown[..., 3].any(axis=0)]
    enlarged = pictures.ENLARGED if size < pictures.SMALL else 1
    assert opaque.shape[1] == along * size * enlarged


def test_an_image_of_28_pixels_is_at_least_30_points_wide():
    # a figure is never shown narrower than 0.95 of its width in points: on a narrow screen it is scrolled sideways
    images = np.zeros((64, 1, 28, 28), dtype=np.uint8)
    with theme():
        figure = pictures.sample_panels({str(i): images for i in range(9)}, images, (), None, "task", {})
        figure.draw_without_rendering()
    for ax in figure.axes[:10]:
        assert 0.95 * ax.get_window_extent().width * 72 / figure.dpi / pictures.tiles_along(images) > 30


@pytest.mark.parametrize(
    ("samples", "size"),
    [
        (RANDOM.integers(0, 256, (64, 1, 28, 28), dtype=np.uint8), (448, 448)),
        (RANDOM.integers(0, 256, (64, 3, 32, 32), dtype=np.uint8), (512, 512)),
        (RANDOM.integers(0, 256, (64, 3, 64, 64), dtype=np.uint8), (512, 512)),
        (RANDOM.normal(size=(50, 1)), (256, 256)),
        (RANDOM.normal(size=(50, 2)), (256, 256)),
        (RANDOM.normal(size=(50, 1200)), (256, 256)),
        (np.full((50, 3), np.nan), (256, 256)),
    ],
)
def test_a_run_has_a_picture_of_whatever_it_makes(samples, size):
    assert Image.open(io.BytesIO(picture(samples))).size == size
