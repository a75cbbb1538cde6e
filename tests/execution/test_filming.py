"""A run's film: bounded, evenly spread, whole at both ends, and the same however the run came about."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.environment import host_environment
from bench.execution.filming import FRAME_BYTES, HELD, IMAGES, POINTS, WRITTEN, Filming
from bench.execution.run import run
from bench.execution.tasks import Place, RunTask
from bench.measured import Film
from bench.record import Record, Status
from bench.spec import RunSpec
from bench.store import Store
from tests.specs import objective, run_spec


def filmed(steps: int, interrupted: frozenset[int] = frozenset()) -> Film:
    """Of an evaluation after every tenth step; each frame says of which one it is."""
    filming = Filming()
    for number in range(steps):
        if number in interrupted:
            buffer = io.BytesIO()
            torch.save(filming.state_dict(), buffer)
            filming = Filming()
            filming.load_state_dict(torch.load(io.BytesIO(buffer.getvalue()), weights_only=True))
        filming.add(10 * number, torch.full((500, 2), float(number)))
        assert len(filming.state_dict()["frames"]) <= HELD
    film = filming.film()
    assert film is not None
    return film


@given(evaluations=st.integers(1, 400))
def test_a_film_has_both_ends_of_the_training_and_is_spread_over_it(evaluations: int) -> None:
    film = filmed(evaluations)
    assert film.samples.shape == (len(film.steps), POINTS, 2)
    assert len(film.steps) == min(evaluations, len(film.steps)) <= WRITTEN
    assert (film.steps[0], film.steps[-1]) == (0, 10 * (evaluations - 1))
    assert len(film.steps) == evaluations or len(film.steps) == WRITTEN
    assert (film.samples[:, 0, 0] * 10 == film.steps).all()
    gaps = np.diff(film.steps)
    if len(gaps) > 1:  # the last one is wherever the training ended
        assert gaps[:-1].max() <= 2 * gaps[:-1].min()
        assert gaps[-1] <= 2 * gaps[:-1].max()


@given(evaluations=st.integers(1, 120), interrupted=st.frozensets(st.integers(0, 119), max_size=6))
def test_interruptions_leave_no_trace(evaluations: int, interrupted: frozenset[int]) -> None:
    whole, parts = filmed(evaluations), filmed(evaluations, interrupted)
    assert np.array_equal(whole.steps, parts.steps)
    assert np.array_equal(whole.samples, parts.samples)


@pytest.mark.parametrize(
    ("shape", "kept"),
    [
        ((2,), POINTS),
        ((1200,), 109),
        ((1, 28, 28), IMAGES),
        ((3, 64, 64), IMAGES),
        ((3, 128, 128), 5),
        ((3, 512, 512), 4),
    ],
)
def test_frames_of_large_samples_hold_fewer(shape: tuple[int, ...], kept: int) -> None:
    filming = Filming()
    samples = torch.randn(500, *shape) if len(shape) == 1 else torch.zeros(500, *shape, dtype=torch.uint8)
    filming.add(5, samples)
    film = filming.film()
    assert film is not None
    assert film.samples.shape == (1, kept, *shape)
    assert kept == 4 or film.samples.nbytes <= FRAME_BYTES
    buffer = io.BytesIO()
    torch.save(filming.state_dict(), buffer)
    assert len(buffer.getvalue()) < film.samples.nbytes + 4096  # not with all of the evaluation's samples


def test_a_run_that_was_never_evaluated_has_no_film() -> None:
    assert Filming().film() is None


def carry_out(spec: RunSpec, folder: Path, data_root: Path) -> tuple[Store, Record]:
    store = Store(folder)
    store.prepare()
    place = Place(results=folder, data_root=data_root, device="cpu", environment=host_environment())
    assert run(RunTask(place=place, spec=spec), lambda _: None, lambda: False)
    record = store.record(spec.run_id)
    assert record is not None
    return store, record


@pytest.mark.parametrize(("dataset", "shape"), [("ring", (200, 2)), ("digits", (IMAGES, 1, 8, 8))])
def test_the_last_frame_is_of_the_samples_that_the_run_keeps(
    dataset: str, shape: tuple[int, ...], tmp_path: Path, data_root: Path
) -> None:
    spec = run_spec("nsgan", dataset, amount=30, every=10)
    store, _ = carry_out(spec, tmp_path, data_root)
    film, samples = store.film(spec.run_id), store.samples(spec.run_id)
    assert film is not None
    assert samples is not None
    assert film.steps.tolist() == [10, 20, 30]
    assert film.samples.shape == (3, *shape)
    assert film.samples.dtype == (np.float16 if dataset == "ring" else np.uint8)
    frames, tolerance = film.samples.astype(float), 0.01 if dataset == "ring" else 1  # halves, and rounding
    count = (
        shape[0] // 16 * 16
    )  # random numbers come by the 16: past the last whole 16 they depend on how many there are
    assert np.abs(frames[2] - samples[: shape[0]])[:count].max() <= tolerance
    assert np.abs(frames[2] - frames[0]).max() > 10 * tolerance


def test_what_went_before_a_divergence_is_kept(tmp_path: Path, data_root: Path) -> None:
    optimizer = {"name": "sgd", "settings": {"learning_rate": 0.01}}
    reckless = objective("wgan", penalties=[], generator_optimizer=optimizer, discriminator_optimizer=optimizer)
    spec = run_spec("wgan", amount=400, every=1).model_copy(update={"objective": reckless})
    store, record = carry_out(spec, tmp_path, data_root)
    assert record.status is Status.DIVERGED
    film, history = store.film(spec.run_id), store.history(spec.run_id)
    assert film is not None
    assert history is not None
    assert film.steps[-1] == history.loc[history["split"] == "test", "step"].max() <= record.steps
