"""Several runs in one process, interleaved, each with the numbers that it has alone.

While the host prepares one of them, evaluates it or writes its files, the GPU works for the others: each has a stream
of its own, and pauses when it would have to wait for the device. What the process has but once is swapped with the
runs: the current stream, and the random state that torch, numpy and Python share between everything.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any

import torch

from bench.errors import StorageError
from bench.execution.checkpoint import Course
from bench.execution.determinism import noted_nondeterminism
from bench.execution.run import steps_of
from bench.execution.tasks import PackAnswer, PackTask, Progress, RunTask
from bench.spec import RunSpec
from bench.training.streams import SharedStreams


def run_pack(task: PackTask, report: Callable[[Progress], None], stopping: Callable[[], bool]) -> PackAnswer | None:
    """Train, measure and record runs, so many at a time.

    One that fails is left, and does not stop the others: it may do better with fewer beside it, and if not, it is told
    what went wrong when it is alone.

    Args:
        task: the runs and their place.
        report: told of progress, with the run's id.
        stopping: asked between stretches of steps; once true, all that run end with a checkpoint.

    Returns:
        None where it was stopped.

    Raises:
        StorageError: files cannot be written.
    """
    device = torch.device(task.place.device)
    waiting = list(reversed(task.specs))
    under_way: list[_Interleaved] = []
    left: list[str] = []
    stopped = False
    while waiting or under_way:
        while waiting and len(under_way) < task.at_once and not stopping():
            under_way.append(_Interleaved(task, waiting.pop(), device, report, stopping))
        if not under_way:
            return None
        for run in tuple(under_way):
            try:
                ended = run.go_on()
            except StorageError:
                raise
            except Exception:
                print(f"{run.run_id}, beside {len(under_way) - 1} others:")
                traceback.print_exc()
                left.append(run.run_id)
                ended = True
            if ended:
                under_way.remove(run)
                stopped |= run.stopped
                del run
                if device.type == "cuda":
                    torch.cuda.empty_cache()
    return None if stopped else PackAnswer(left=tuple(left))


class _Interleaved:
    """One of several runs under way."""

    def __init__(
        self,
        task: PackTask,
        spec: RunSpec,
        device: torch.device,
        report: Callable[[Progress], None],
        stopping: Callable[[], bool],
    ) -> None:
        self.run_id = spec.run_id
        self.stopped = False
        self._device = device
        self._course = Course()
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self._shared: dict[str, Any] | None = None
        self._steps: Generator[None, None, bool] = steps_of(
            RunTask(place=task.place, spec=spec),
            self._course,
            lambda progress: report(progress.model_copy(update={"run_id": spec.run_id})),
            stopping,
        )

    def go_on(self) -> bool:
        """Until it would wait for the device; whether it has ended."""
        with self._on_stream(), noted_nondeterminism(self._course.nondeterministic):
            if self._shared is not None:
                SharedStreams.restore(self._shared, self._device)
            try:
                next(self._steps)
            except StopIteration as end:
                self.stopped = not end.value
                return True
            self._shared = SharedStreams.positions(self._device)
            return False

    def _on_stream(self) -> AbstractContextManager[object]:
        return contextlib.nullcontext() if self._stream is None else torch.cuda.stream(self._stream)
