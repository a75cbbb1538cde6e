"""Film strips: frames stand where they belong, runs that ended say so, and every kind of data has one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measured import Film
from bench.record import Status
from bench.report import film
from bench.report.curves import Part, parts
from bench.report.film import COLUMNS, Frames, columns_of, placed
from bench.report.film_strips import film_strips, make_strip, modes_hit
from bench.report.reader import read_material
from bench.report.style import COLORS, looks, theme
from bench.spec import Budget
from bench.store import Store
from tests.report.synthetic import make_reference, make_results, make_run, spec, to_table

RANDOM = np.random.default_rng(0)
NAMES = ("nsgan", "wgan-gp")
places = st.lists(st.integers(0, 10_000), min_size=1, max_size=14, unique=True).map(
    lambda of: np.array(sorted(of), dtype=float)
)


def frames_at(at):
    return Frames(at, RANDOM.normal(size=(len(at), 20, 2)))


@given(at=places)
def test_a_film_that_fits_is_shown_whole_and_a_longer_one_with_both_its_ends(at):
    columns = columns_of({"one": frames_at(at), "other": "no film kept"})
    assert len(columns) == min(COLUMNS, len(at))
    assert (columns[0], columns[-1]) == (at[0], at[-1])
    assert set(columns) <= set(at)
    assert [at[index] for index in placed(at, columns)] == list(columns)


@given(at=places, columns=places)
def test_a_frame_stands_in_one_column_at_most_and_nowhere_nearer_to_another(at, columns):
    found = placed(at, columns)
    shown = [index for index in found if index is not None]
    assert shown == sorted(set(shown))
    for column, index in enumerate(found):
        if index is not None:
            assert abs(at[index] - columns[column]) == np.abs(at[index] - columns).min()


def test_columns_are_those_of_the_run_that_has_come_furthest():
    short, long = frames_at(np.array([1.0, 2.0, 3.0])), frames_at(np.array([1.0, 9.0]))
    assert columns_of({"a": short, "b": long}).tolist() == [1, 9]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return make_results(tmp_path_factory.mktemp("results") / "film", NAMES, ["ring", "digits"], 2)


def strips(store):
    material = read_material([store.folder])
    with theme():
        return film_strips(material, looks(material.objectives))


def shown(figure):
    """The panels that show something."""
    return [ax for ax in figure.axes if ax.collections or ax.images or ax.patches]


def test_a_row_per_objective_and_a_perfect_sampler_last(store):
    points, images = strips(store)
    for made in (points, images):
        assert len(made.figure.axes) == (len(NAMES) + 1) * COLUMNS
        assert len(shown(made.figure)) == len(NAMES) * COLUMNS + 1
        assert [ax.get_ylabel() for ax in made.figure.axes[::COLUMNS]] == [*NAMES, ""]
        assert made.figure.axes[-1].get_title(loc="center") == "perfect sampler"
        titles = [ax.get_title(loc="center") for ax in made.figure.axes[:COLUMNS]]
        assert (titles[0], titles[-1]) == ("0 steps", "4k steps")
    assert len({(*ax.get_xlim(), *ax.get_ylim()) for ax in shown(points.figure)}) == 1
    assert "400 points a panel" in points.caption
    assert "Circles stand around the true modes" in points.caption
    assert "Images of fewer than 16 pixels are enlarged" in images.caption
    assert "points" not in images.caption


def test_the_alternative_text_counts_the_modes_at_both_ends(store):
    points, images = strips(store)
    assert "; wgan-gp: from 1 to 8 of 8 modes. A mode counts where a point shown lies within 3σ of it." in (
        points.alternative
    )
    assert "nsgan: 9 frames; wgan-gp: 9 frames." in images.alternative


def test_a_mode_is_hit_within_three_sigma():
    modes = ((0.0, 0.0), (1.0, 0.0), (5.0, 0.0))
    points = np.array([[0.29, 0.0], [1.0, 0.31], [np.nan, np.nan]])
    assert modes_hit(points, modes, 0.1) == 1
    assert modes_hit(np.full((2, 2), np.nan), modes, 0.1) == 0


def test_runs_that_ended_or_are_not_there_say_so(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    make_reference(store, "ring")
    make_run(store, spec("nsgan", "ring", 0), Status.COMPLETED)
    diverged = make_run(store, spec("minimax", "ring", 0), Status.DIVERGED)
    make_run(store, spec("wgan", "ring", 0), Status.COMPLETED)
    make_run(store, spec("hinge", "ring", 1), Status.COMPLETED)
    torn = store.run_folder(spec("wgan", "ring", 0).run_id) / "film.npz"
    torn.write_bytes(b"torn")
    (made,) = strips(store)
    (rejected,) = read_material([store.folder]).rejected
    assert rejected == f"{torn}: not a film; the run has no part in film strips"
    ended = f"diverged at step {diverged.steps:,}"
    words = {text.get_text() for ax in made.figure.axes for text in ax.texts}
    assert words == {ended, "no film kept", "no run with this seed"}
    assert "Without a film: " in made.caption
    assert "wgan (no film kept)" in made.caption
    assert "hinge (no run with this seed)" in made.caption
    assert f"modes, {ended}" in made.alternative
    assert "wgan: no film kept" in made.alternative


def test_without_any_film_there_is_no_strip(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    run = spec("nsgan", "ring", 0)
    make_run(store, run, Status.COMPLETED)
    (store.run_folder(run.run_id) / "film.npz").unlink()
    assert strips(store) == []
    assert make_strip(read_material([store.folder]), "ring") is None


@pytest.mark.parametrize(
    ("unit", "amount", "titles"),
    [("images", 1280 * 128, ["0 images", "128k images"]), ("seconds", 4, ["0.0 s", "2.0 s"])],
)
def test_places_are_in_the_unit_of_the_budget(tmp_path, unit, amount, titles):
    store = Store(tmp_path / "results")
    store.prepare()
    run = spec("nsgan", "ring", 0)
    training = run.training.model_copy(update={"budget": Budget(unit=unit, amount=amount)})
    run = run.model_copy(update={"training": training})
    make_run(store, run, Status.COMPLETED)
    history = store.history(run.run_id)
    store.write_history(run.run_id, to_table(history[:0]))
    samples = RANDOM.normal(size=(2, 30, 2)).astype(np.float16)
    store.write_film(run.run_id, Film(np.array([0, 1000]), samples))
    if unit == "seconds":
        assert strips(store) == []  # nothing tells when
        rows = [(0, 0, 0.0, "test", "fid", 1.0), (1000, 128_000, 2.0, "test", "fid", 1.0)]
        store.write_history(run.run_id, to_table(history.iloc[:0].__class__(rows, columns=history.columns)))
    (made,) = strips(store)
    assert [ax.get_title(loc="center") for ax in made.figure.axes[:2]] == titles


def test_points_of_many_dimensions_lie_on_one_plane(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    for name in NAMES:
        run = spec(name, "ring", 0)
        make_run(store, run, Status.COMPLETED)
        store.write_film(run.run_id, Film(np.array([5, 9]), RANDOM.normal(size=(2, 60, 12)).astype(np.float16)))
    (made,) = strips(store)
    assert "Points are shown on one plane: that of the first two principal axes of the samples shown." in made.caption
    assert len({(*ax.get_xlim(), *ax.get_ylim()) for ax in made.figure.axes}) == 1
    assert "modes" not in made.alternative


def test_numbers_and_large_images_have_strips():
    look = looks(NAMES)
    for samples in (RANDOM.normal(size=(3, 50, 1)), RANDOM.integers(0, 256, (3, 4, 3, 64, 64), dtype=np.uint8)):
        frames = dict.fromkeys(NAMES, Frames(np.array([1.0, 2.0, 3.0]), samples))
        with theme():
            made = film.film_strip(frames, samples[0], (), None, "task", look, Part(NAMES))
        assert len(shown(made)) == 7


def test_more_objectives_than_colours_are_spread_over_figures_with_the_same_columns():
    names = [f"objective-{index:02}" for index in range(len(COLORS) + 2)]
    look = looks(names)
    frames = {name: frames_at(np.arange(1.0, 4.0)) for name in names}
    frames[names[-1]] = frames_at(np.arange(1.0, 9.0))
    with theme():
        made = [film.film_strip(frames, None, (), None, "task", look, part) for part in parts(names, look)]
    titles = [[ax.get_title(loc="center") for ax in figure.axes[:COLUMNS]] for figure in made]
    assert titles[0] == titles[1]
    assert [len(figure.axes) for figure in made] == [len(COLORS) * COLUMNS, 2 * COLUMNS]
