"""Tasks on a Ray cluster: Ray places them on nodes, deals GPUs out and asks its autoscaler for more.

The driver keeps the queue and hands Ray no more than it can soon place, so that a suite of any length costs Ray the
same. What a lost node or worker did is an outcome like others, and `bench.execution.phases` tries it again.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self

from bench.execution.executor import UNLIMITED, Limits, Outcome
from bench.execution.pool import GRACE_SECONDS
from bench.execution.ray_node import SILENCE_SECONDS, Answer, Mailbox, Order, Terms, Told, work
from bench.execution.tasks import Done, Progress, RunTask, Task, ThroughputTask
from bench.record import Environment

POLL_SECONDS = 0.2
ANSWER_SECONDS = 60.0
"""For the cluster's head to answer before it is taken for gone."""
FEWEST_AHEAD = 64
"""Tasks that Ray is given at least, were they to wait there: what waits is what an autoscaler starts nodes for."""


@dataclasses.dataclass(frozen=True)
class Needs:
    """What Ray sets apart for a task."""

    cpus: float | None
    """None for as many cores as it has threads."""
    gpus: float

    def of(self, threads: int) -> float:
        """Cores of a task of so many threads."""
        return float(threads) if self.cpus is None else self.cpus

    def options(self, task: Task) -> Mapping[str, float]:
        """As Ray calls them. Speed is measured on whole GPUs, whatever share of one a run has."""
        spec = task.spec if isinstance(task, RunTask | ThroughputTask) else None
        gpus = math.ceil(self.gpus) if isinstance(task, ThroughputTask) else self.gpus
        return {"num_cpus": self.of(spec.training.threads if spec is not None else 1), "num_gpus": gpus}


@dataclasses.dataclass(frozen=True)
class Node:
    """A node that is alive, with all that it has, free or not."""

    id: str
    address: str
    cpus: float
    gpus: float

    def room(self, cpus: float, gpus: float) -> int:
        """How many runs of such needs it has room for."""
        rooms = [total // need for total, need in ((self.cpus, cpus), (self.gpus, gpus)) if need]
        return int(min(rooms, default=1))

    def __str__(self) -> str:
        return f"node {self.address} ({self.id[:8]})"


def find_nodes() -> list[Node]:
    """The nodes of the cluster that is connected."""
    import ray

    return [
        Node(
            node["NodeID"],
            node["NodeManagerAddress"],
            node["Resources"].get("CPU", 0.0),
            node["Resources"].get("GPU", 0.0),
        )
        for node in ray.nodes()
        if node["Alive"]
    ]


def last_line(error: BaseException) -> str:
    """The last line that an error says something in, as Ray says what matters there."""
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)


@dataclasses.dataclass
class _Job:
    """A task on its way."""

    number: int
    task: Task
    log: Path | None
    limits: Limits
    started: Callable[[], None]
    progress: Callable[[Progress], None]
    unwanted: threading.Event
    future: Future[Outcome] = dataclasses.field(default_factory=Future)
    node: str = ""
    """Where it is; empty until it tells."""
    environment: Environment | None = None

    def order(self) -> str:
        limits = self.limits
        return Order(
            number=self.number,
            task=self.task,
            log=self.log,
            seconds=limits.seconds,
            memory_bytes=limits.memory_bytes,
        ).model_dump_json()


class RayExecutor:
    """Runs tasks on the nodes of the cluster that is connected. Use as a context manager.

    Args:
        terms: what a node must have.
        needs: of each task.
        slots: tasks side by side, at most; None for as many as there is room for.
    """

    def __init__(self, terms: Terms, needs: Needs, slots: int | None) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._terms, self._needs, self._slots = terms.model_dump_json(), needs, slots
        self._numbers = itertools.count()
        self._queue: deque[_Job] = deque()
        self._flight: dict[Any, _Job] = {}
        self._unfit: set[str] = set()
        self._stopping, self._leaving = threading.Event(), threading.Event()
        self._fresh = threading.Event()
        self._gone: ConnectionError | None = None
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._mailbox = ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here).remote()
        self._work = ray.remote(work)
        self._thread = threading.Thread(target=self._drive, name="ray-driver", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ask_to_stop()
        self._leaving.set()
        self._thread.join(GRACE_SECONDS + ANSWER_SECONDS)

    def submit(
        self,
        task: Task,
        *,
        log: Path | None = None,
        limits: Limits = UNLIMITED,
        started: Callable[[], None] = lambda: None,
        progress: Callable[[Progress], None] = lambda _: None,
        unwanted: threading.Event | None = None,
    ) -> Future[Outcome]:
        """As `bench.execution.executor.Executor` has it."""
        log = None if log is None else log.absolute()
        job = _Job(next(self._numbers), task, log, limits, started, progress, unwanted or threading.Event())
        self._queue.append(job)
        self._fresh.set()
        return job.future

    def ask_to_stop(self) -> None:
        """As `bench.execution.executor.Executor` has it."""
        self._stopping.set()
        self._fresh.set()

    def _drive(self) -> None:
        while self._gone is None and not (self._leaving.is_set() and not self._queue and not self._flight):
            try:
                self._go_on()
            except Exception as error:  # whatever Ray raises where its head is gone
                self._gone = ConnectionError(
                    f"the cluster is gone ({last_line(error)}): what is recorded is safe, and the same command goes "
                    "on from the last checkpoints once there is a cluster again"
                )
        while not self._leaving.is_set() or self._queue or self._flight:
            self._fail_all()
            self._fresh.wait(POLL_SECONDS)

    def _go_on(self) -> None:
        import ray

        if self._stopping.is_set():
            self._drop()
        self._hand_out()
        ready, waiting = [], list(self._flight)
        if waiting:
            ready, waiting = ray.wait(waiting, num_returns=1, timeout=POLL_SECONDS)
        else:
            self._fresh.wait(POLL_SECONDS)
            self._fresh.clear()
        if ready and waiting:
            ready += ray.wait(waiting, num_returns=len(waiting), timeout=0)[0]
        jobs = {job.number: job for job in self._flight.values()}
        # taken after the answers came: what they told before is heard before
        unwanted = frozenset(number for number, job in jobs.items() if job.unwanted.is_set())
        taken = self._mailbox.take.remote(None if self._stopping.is_set() else unwanted)
        for number, told in ray.get(taken, timeout=ANSWER_SECONDS):
            if number in jobs:
                self._hear(jobs[number], Told.model_validate_json(told))
        for ref in ready:
            self._end(ref)

    def _hand_out(self) -> None:
        """Give Ray what it can soon place."""
        if not self._queue:
            return
        ahead = self._slots or max(FEWEST_AHEAD, 2 * self._room())
        while self._queue and len(self._flight) < ahead:
            job = self._queue.popleft()
            avoided = {"ray.io/node-id": f"!in({','.join(sorted(self._unfit))})"} if self._unfit else None
            options = self._needs.options(job.task)
            placed = self._work.options(max_retries=0, label_selector=avoided, name=job.task.kind, **options)
            self._flight[placed.remote(job.order(), self._terms, self._mailbox)] = job

    def _room(self) -> int:
        return sum(node.room(self._needs.of(1), self._needs.gpus) for node in find_nodes())

    def _hear(self, job: _Job, told: Told) -> None:
        if not job.node:
            job.node = told.node
            job.started()
        job.environment = told.environment or job.environment
        for progress in told.progress:
            job.progress(progress)

    def _end(self, ref: Any) -> None:
        import ray

        job = self._flight.pop(ref)
        try:
            answer = Answer.model_validate_json(ray.get(ref))
        except ray.exceptions.RayError as error:
            answer = Answer(outcome=Outcome(lost=_loss(error, job.node)))
        done = answer.outcome.done
        if done is not None and done.stopped and not (self._stopping.is_set() or job.unwanted.is_set()):
            answer = Answer(outcome=Outcome(lost=f"nothing was heard of this driver for {SILENCE_SECONDS:g} s"))
        if answer.unfit_node is not None:
            self._unfit.add(answer.unfit_node)
        if answer.outcome.lost is not None and not job.node:
            job.started()  # somewhere, for somebody
        job.future.set_result(dataclasses.replace(answer.outcome, environment=job.environment))

    def _drop(self) -> None:
        """Forget what has not begun; what has hears of it when it tells of itself next."""
        import ray

        dropped = [self._queue.popleft() for _ in range(len(self._queue))]
        for ref, job in tuple(self._flight.items()):
            if not job.node:
                ray.cancel(ref, force=False)
                del self._flight[ref]
                dropped.append(job)
        for job in dropped:
            job.future.set_result(Outcome(done=Done(stopped=True)))

    def _fail_all(self) -> None:
        jobs = [*(self._queue.popleft() for _ in range(len(self._queue))), *self._flight.values()]
        self._flight.clear()
        for job in jobs:
            job.future.set_exception(self._gone or ConnectionError("the cluster is gone"))


def _loss(error: Exception, node: str) -> str:
    """What became of a task's node or worker, in words that are the same for all of its tasks."""
    import ray

    where = node or "a node"
    if isinstance(error, ray.exceptions.NodeDiedError | ray.exceptions.LocalRayletDiedError):
        return f"{where} was lost"
    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return f"the memory of {where} was full, and Ray ended a worker there"
    if isinstance(error, ray.exceptions.WorkerCrashedError):
        return f"{where} or a Ray worker there was lost"
    return f"Ray could not carry out a task on {where}: {last_line(error)}"
