"""The one run function: a `RunSpec` in, a `Record` in the store out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Generator, Sequence
from typing import Literal

import torch

from bench.checkpoints import remove_checkpoints
from bench.datasets.base import SPLITS
from bench.datasets.loading import load_dataset
from bench.evaluation.evaluator import Evaluator, HeldOut
from bench.evaluation.real import RealFeatures
from bench.evaluation.selection import select_measurements
from bench.evaluation.spaces import open_space
from bench.execution.checkpoint import Course, Resumable
from bench.execution.determinism import noted_nondeterminism
from bench.execution.filming import Filming
from bench.execution.pictures import picture
from bench.execution.schedule import Schedule
from bench.execution.tasks import Progress, RunTask
from bench.measured import HistoryRow, make_history
from bench.record import Record, Status
from bench.store import Store
from bench.training.capture import record_steps
from bench.training.game import Game
from bench.training.log import LOGGED
from bench.training.streams import SharedStreams

SAMPLES_KEPT_POINTS, SAMPLES_KEPT_IMAGES = 2500, 64
TELL_SECONDS = 0.25
"""Progress is told no more often, but for numbers, which are told as they are measured, and for a run's last words: of
one that is killed, the record may lack so much."""


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
    course = Course()
    under_way = steps_of(task, course, report, stopping)
    with noted_nondeterminism(course.nondeterministic):
        while True:
            try:
                next(under_way)
            except StopIteration as end:
                return bool(end.value)


def steps_of(
    task: RunTask, course: Course, report: Callable[[Progress], None], stopping: Callable[[], bool]
) -> Generator[None, None, bool]:
    """The same as `run`, piece by piece: it pauses when the device has work to do that it would wait for next.

    Whoever goes on with it minds what is the process's: the current stream, torch's shared random state, warnings.
    """
    begin = time.perf_counter()
    Store(task.place.results).write_spec(task.spec)
    running = Running(task, course, begin)
    running.begin(report)
    try:
        recorded = yield from running.train(report, stopping)
    finally:
        running.tell_rest(report)
    if recorded:
        running.record(running.keep_files())
    return recorded


class Running:
    """A run under way.

    Args:
        task: the run and its place.
        course: what is kept of it beside the game.
        begin: when its process began with it, by `time.perf_counter`.
    """

    def __init__(self, task: RunTask, course: Course, begin: float) -> None:
        spec, place = task.spec, task.place
        self.spec, self.place, self.course, self._begin = spec, place, course, begin
        self.store, self.device = Store(place.results), torch.device(place.device)
        loaded = load_dataset(spec.dataset, place.data_root)
        self.data = loaded.to(self.device)
        self.space = open_space(spec.evaluation.space, loaded, spec.dataset, place.data_root, place.weights)
        real = RealFeatures(self.data, self.space, self.device, place.data_root, place.environment.bits)
        self.evaluator = Evaluator(real, spec.evaluation.samples, self.device)
        self.game = Game(spec, self.data, self.device)
        self.streams = SharedStreams(spec.seed, self.device)
        self.schedule = Schedule(spec)
        self.validated, self.last_step, self.diverged = task.validated, 0, False
        self._told = -math.inf
        self._untold: Progress | None = None
        folder = self.store.run_folder(spec.run_id)
        self.resumable = Resumable(folder, place.environment, self.data.sha256, self.game, self.streams, course)

    def clock(self) -> float:
        """Seconds of the run so far, those of earlier processes included."""
        return self.course.total + time.perf_counter() - self._begin

    def begin(self, report: Callable[[Progress], None]) -> None:
        """Go on from a checkpoint, if there is one."""
        if self.resumable.resume():
            self.schedule.go_on(self.game)
            self._tell(report, self.course.rows)
        why_not = record_steps(self.game)
        if why_not is not None and self.device.type != "cpu":
            print(f"steps are not recorded as CUDA graphs: {why_not}")
        self.course.start += self.clock() - self.course.total

    def train(self, report: Callable[[Progress], None], stopping: Callable[[], bool]) -> Generator[None, None, bool]:
        """Play and evaluate to the end; False where it was stopped before, with a checkpoint."""
        game, course, interval = self.game, self.course, self.spec.execution.checkpoint_seconds
        checkpoint_at = self.clock() + interval
        while True:
            game.enqueue(self.schedule.next_stretch(game))
            yield
            finite = game.settle()
            rows = self._evaluate() if finite and self.schedule.evaluation_due(game) else []
            course.rows += rows
            self._tell(report, rows)
            if not finite or self.schedule.ended(game):
                self.last_step = game.step if finite else game.finite_steps
                if game.recorded is not None and game.recorded.refused:
                    print(f"steps were not replayed from CUDA graphs: {game.recorded.refused}")
                self.diverged = not finite
                return True
            unwanted = stopping()
            if unwanted or self.clock() >= checkpoint_at:
                before = self.clock()
                self.resumable.write(before)
                course.files += self.clock() - before
                if unwanted:
                    return False
                checkpoint_at = self.clock() + interval

    def _tell(self, report: Callable[[Progress], None], rows: Sequence[HistoryRow]) -> None:
        game, share, now = self.game, self.schedule.share(self.game), self.clock()
        self._untold = Progress(step=game.step, images=game.images, seconds=game.seconds, share=share, rows=tuple(rows))
        if rows or now >= self._told + TELL_SECONDS:
            self._told = now
            self.tell_rest(report)

    def tell_rest(self, report: Callable[[Progress], None]) -> None:
        """What the last look saw, if it has not been told."""
        if self._untold is not None:
            untold, self._untold = self._untold, None
            report(untold)

    def _evaluate(self) -> list[HistoryRow]:
        before = self.clock()
        with self.streams.kept():
            rows = evaluate(self.game, self.evaluator, self.course.filming, self.validated)
        self.course.evaluation += self.clock() - before
        return rows

    def keep_files(self) -> list[HistoryRow]:
        """Write the history, which is returned, the film, and samples of a run that has not diverged."""
        before = self.clock()
        history = [row for row in _logged(self.game) if row.step <= self.last_step] + self.course.rows
        self.store.write_history(self.spec.run_id, make_history(history))
        film = self.course.filming.film()
        if film is not None:
            self.store.write_film(self.spec.run_id, film)
        if not self.diverged:
            count = SAMPLES_KEPT_IMAGES if self.data.is_image else SAMPLES_KEPT_POINTS
            kept = self.game.generate(count, "test").cpu().numpy()
            self.store.write_samples(self.spec.run_id, kept, picture(kept))
        self.course.files += self.clock() - before
        return history

    def record(self, history: Sequence[HistoryRow]) -> None:
        """Write the record; the checkpoints have done their duty."""
        spec, game, last = self.spec, self.game, self.last_step
        weights: Literal["ema", "raw"] = "ema" if game.average is not None else "raw"
        self.store.write_record(
            Record(
                run_id=spec.run_id,
                spec=spec,
                space_sha256=self.space.sha256,
                data_sha256=self.data.sha256,
                status=Status.DIVERGED if self.diverged else Status.COMPLETED,
                reason=f"a loss or a weight was not finite at step {last + 1:,}" if self.diverged else None,
                steps=last,
                images=last * spec.images_per_step,
                measurements=select_measurements(history, self.space.name, weights, self.evaluator.counts("test")),
                parameters={"generator": _size(game.generator), "discriminator": _size(game.discriminator)},
                samples={name: len(self.data.split(name)) for name in SPLITS},
                nondeterministic=tuple(sorted(self.course.nondeterministic)),
                timings=self.course.timings(self.clock(), game.seconds),
                peak_memory_bytes=peak_memory(self.device),
                environment=self.place.environment,
                started_at=self.course.started_at,
            )
        )
        remove_checkpoints(self.resumable.folder)


def evaluate(game: Game, evaluator: Evaluator, filming: Filming, validated: Collection[str] = ()) -> list[HistoryRow]:
    """All metrics on the test split, the primary one on the validation split, of latents of their own.

    Args:
        game: where it is now.
        evaluator: measures its samples.
        filming: is given those that are held against the test split.
        validated: metrics measured on the validation split, too.
    """
    rows = []
    splits: tuple[HeldOut, ...] = ("validation", "test")
    for split in splits:
        stored = game.generate(evaluator.samples[split], split)
        if split == "test":
            filming.add(game.step, stored)
        samples = game.data.decode(stored)
        rows += [
            HistoryRow(
                step=game.step, images=game.images, seconds=game.seconds, split=split, name=r.name, value=r.value
            )
            for r in evaluator.measure(samples, split, validated)
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
