"""The one run function: a `RunSpec` in, a `Record` in the store out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import torch

from bench.checkpoints import remove_checkpoints
from bench.datasets.loading import load_dataset
from bench.evaluation.evaluator import Evaluator, HeldOut
from bench.evaluation.selection import select_measurements
from bench.evaluation.spaces import open_space
from bench.execution.checkpoint import Course, Resumable
from bench.execution.determinism import noted_nondeterminism
from bench.execution.pictures import picture
from bench.execution.schedule import Schedule
from bench.execution.tasks import HistoryRow, Progress, RunTask, make_history
from bench.record import Record, Status
from bench.store import Store
from bench.training.game import Game
from bench.training.log import LOGGED
from bench.training.streams import SharedStreams

SAMPLES_KEPT_POINTS, SAMPLES_KEPT_IMAGES = 2500, 64


def run(task: RunTask, report: Callable[[Progress], None], stopping: Callable[[], bool]) -> bool:
    """Train, measure and record one run; one that was interrupted goes on from its checkpoint.

    Args:
        task: the run and its place.
        report: told of progress, with every number as it is measured.
        stopping: asked between stretches of steps; once true the run ends with a checkpoint and without a record.

    Returns:
        Whether the run was recorded; False when it was stopped.

    Raises:
        StorageError: its files cannot be written.
    """
    begin = time.perf_counter()
    spec, place = task.spec, task.place
    store, device = Store(place.results), torch.device(place.device)
    store.write_spec(spec)
    course = Course()
    with noted_nondeterminism(course.nondeterministic):
        loaded = load_dataset(spec.dataset, place.data_root)
        data = loaded.to(device)
        space = open_space(spec.evaluation.space, loaded, spec.dataset, place.data_root)
        evaluator = Evaluator(data, space, spec.evaluation.samples, device)
        game = Game(spec, data, device)
        streams = SharedStreams(spec.seed, device)
        schedule = Schedule(spec)
        resumable = Resumable(store.run_folder(spec.run_id), place.environment, game, streams, course)

        def tell(rows: Sequence[HistoryRow]) -> None:
            share = schedule.share(game)
            report(Progress(step=game.step, images=game.images, seconds=game.seconds, share=share, rows=tuple(rows)))

        if resumable.resume():
            schedule.go_on(game)
            tell(course.rows)
        earlier = course.total

        def clock() -> float:
            """Seconds of the run so far, those of earlier processes included."""
            return earlier + time.perf_counter() - begin

        course.start += clock() - earlier
        checkpoint_at = clock() + spec.execution.checkpoint_seconds
        finite = True
        while True:
            finite = game.advance(schedule.next_stretch(game))
            rows: list[HistoryRow] = []
            if finite and schedule.evaluation_due(game):
                before = clock()
                with streams.kept():
                    rows = evaluate(game, evaluator)
                course.evaluation += clock() - before
                course.rows += rows
            tell(rows)
            if not finite or schedule.ended(game):
                break
            unwanted = stopping()
            if unwanted or clock() >= checkpoint_at:
                before = clock()
                resumable.write(before)
                course.files += clock() - before
                if unwanted:
                    return False
                checkpoint_at = clock() + spec.execution.checkpoint_seconds

        before = clock()
        last = game.step if finite else game.finite_steps
        history = make_history([row for row in _logged(game) if row.step <= last] + course.rows)
        store.write_history(spec.run_id, history)
        if finite:
            kept = game.generate(SAMPLES_KEPT_IMAGES if data.is_image else SAMPLES_KEPT_POINTS, "test").cpu().numpy()
            store.write_samples(spec.run_id, kept, picture(kept))
        course.files += clock() - before
    store.write_record(
        Record(
            run_id=spec.run_id,
            spec=spec,
            space_sha256=space.sha256,
            status=Status.COMPLETED if finite else Status.DIVERGED,
            reason=None if finite else f"a loss or a weight was not finite at step {last + 1:,}",
            steps=last,
            images=last * spec.images_per_step,
            measurements=select_measurements(
                history, space.name, "ema" if game.average is not None else "raw", evaluator.counts("test")
            ),
            parameters={"generator": _size(game.generator), "discriminator": _size(game.discriminator)},
            samples={"train": len(data.train), "validation": len(data.validation), "test": len(data.test)},
            nondeterministic=tuple(sorted(course.nondeterministic)),
            timings=course.timings(clock(), game.seconds),
            peak_memory_bytes=peak_memory(device),
            environment=place.environment,
            started_at=course.started_at,
        )
    )
    remove_checkpoints(resumable.folder)
    return True


def evaluate(game: Game, evaluator: Evaluator) -> list[HistoryRow]:
    """All metrics on the test split, the primary one on the validation split, of latents of their own."""
    rows = []
    splits: tuple[HeldOut, ...] = ("validation", "test")
    for split in splits:
        samples = game.data.decode(game.generate(evaluator.samples[split], split))
        rows += [
            HistoryRow(
                step=game.step, images=game.images, seconds=game.seconds, split=split, name=r.name, value=r.value
            )
            for r in evaluator.measure(samples, split)
        ]
    return rows


def _logged(game: Game) -> list[HistoryRow]:
    return [
        HistoryRow(
            step=entry.step,
            images=entry.images,
            seconds=entry.seconds,
            split="train",
            name=name,
            value=value if math.isfinite(value) else None,
        )
        for entry in game.logged
        for name, value in zip(LOGGED, entry.values, strict=True)
    ]


def peak_memory(device: torch.device) -> int | None:
    """Bytes: of the device's allocator on CUDA, of the whole process elsewhere."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    import sys

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _size(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())
