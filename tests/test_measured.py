"""Films as files: they come back as they were, and whatever else lies in their place is none."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.measured import Film, pack_film
from bench.store import Store
from tests.examples import examples
from tests.mutations import mutated_bytes

STEPS = np.array([0, 500, 4000])
POINTS = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float16)
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 1, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize("samples", [POINTS, IMAGES, np.full_like(POINTS, np.nan)])
def test_a_film_comes_back_as_it_was(samples: np.ndarray, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_film("run", Film(STEPS, samples))
    film = store.film("run")
    assert film is not None
    assert np.array_equal(film.steps, STEPS)
    assert film.samples.dtype == samples.dtype
    assert film.samples.tobytes() == samples.tobytes()
    assert pack_film(film) == pack_film(Film(STEPS, samples))  # the same bytes whenever it is written


def test_a_run_without_a_film_has_none(tmp_path: Path) -> None:
    assert Store(tmp_path).film("run") is None


FOREIGN = {
    "no steps": {"samples": POINTS},
    "no samples": {"steps": STEPS},
    "another number of frames": {"steps": STEPS[:2], "samples": POINTS},
    "no frames": {"steps": STEPS[:0], "samples": POINTS[:0]},
    "frames of nothing": {"steps": STEPS, "samples": POINTS[:, :0]},
    "steps that fall": {"steps": STEPS[::-1], "samples": POINTS},
    "one step twice": {"steps": np.array([0, 500, 500]), "samples": POINTS},
    "steps before the first": {"steps": STEPS - 1, "samples": POINTS},
    "steps in seconds": {"steps": STEPS.astype(float), "samples": POINTS},
    "steps in columns": {"steps": STEPS[:, None], "samples": POINTS},
    "points of another precision": {"steps": STEPS, "samples": POINTS.astype(np.float64)},
    "images of floats": {"steps": STEPS, "samples": IMAGES.astype(np.float16)},
    "points of bytes": {"steps": STEPS, "samples": POINTS.astype(np.uint8)},
    "objects": {"steps": STEPS, "samples": np.array([{}, {}, {}], dtype=object)},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_is_no_film(name: str, tmp_path: Path) -> None:
    store, buffer = Store(tmp_path), io.BytesIO()
    np.savez(buffer, **FOREIGN[name])  # type: ignore[arg-type]
    (folder := store.run_folder("run")).mkdir(parents=True)
    (folder / "film.npz").write_bytes(buffer.getvalue())
    assert store.film("run") is None


@settings(
    max_examples=examples(80), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)  # fmt: skip
@given(data=st.data())
def test_whatever_bytes_a_film_has(data: st.DataObject, tmp_path: Path) -> None:
    store = Store(tmp_path)
    (folder := store.run_folder("run")).mkdir(parents=True, exist_ok=True)
    (folder / "film.npz").write_bytes(data.draw(mutated_bytes(pack_film(Film(STEPS, POINTS)))))
    film = store.film("run")
    if film is not None:  # it reads as one
        assert len(film.steps) == len(film.samples)
        assert (np.diff(film.steps) > 0).all()
