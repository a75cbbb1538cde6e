"""What happens on the nodes of a Ray cluster: a task is done by a `LocalPool` in its Ray worker.

So a run is in a process of its own here as anywhere: its limits hold, its crash is a status, and Ray's worker lives on
with torch loaded in its fork server. All that crosses is JSON.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

from bench.environment import host_environment
from bench.errors import UsageError
from bench.execution.executor import Limits, Outcome
from bench.execution.pool import LocalPool
from bench.execution.tasks import Done, ProbeAnswer, ProbeTask, Progress, Task
from bench.files import check_writable, write_atomically
from bench.record import Environment
from bench.spec import Frozen

TELL_SECONDS = 1.0
"""How often a task's progress is told, and a wish to stop is heard of."""
SILENCE_SECONDS = 15.0
"""A driver that is not heard of for so long was killed, though Ray's client server may not have noticed: another one
may have taken its place, and its runs are not to be trained twice."""
IDENTITY = ".folder-id"
"""A file by which two machines know that they see the same folder."""


class Folder(Frozen):
    """What every node must see."""

    name: str
    """In messages."""
    path: Path
    identity: str
    """What `IDENTITY` says there; empty where none can be kept."""
    written: bool
    """Whether nodes must be able to write there, too."""


class Terms(Frozen):
    """What a node must have before anything is done on it."""

    ganbench: str
    source: str | None
    """Digest of ganbench's own source files, as in an environment."""
    folders: tuple[Folder, ...]
    files: tuple[Path, ...]


class Order(Frozen):
    """A task for some node."""

    number: int
    task: Task
    log: Path | None
    seconds: float | None
    memory_bytes: int | None


class Told(Frozen):
    """What a node tells of an order under way."""

    node: str
    environment: Environment | None = None
    """None until it is known."""
    progress: tuple[Progress, ...] = ()


class Answer(Frozen):
    """How an order ended."""

    outcome: Outcome
    unfit_node: str | None = None
    """The id of a node that lacks what the outcome says: no order should go there again."""


class Mailbox:
    """An actor beside the driver: nodes tell it how far their orders are, and hear whether to stop."""

    def __init__(self) -> None:
        self._told: list[tuple[int, str]] = []
        self._unwanted: frozenset[int] | None = frozenset()
        self._taken = time.monotonic()

    def tell(self, number: int, told: str) -> bool:
        """What is new of an order, a `Told` as JSON; whether it is to stop."""
        self._told.append((number, told))
        unwanted = self._unwanted is None or number in self._unwanted
        return unwanted or time.monotonic() > self._taken + SILENCE_SECONDS

    def take(self, unwanted: frozenset[int] | None) -> list[tuple[int, str]]:
        """All that was told since the last time.

        Args:
            unwanted: orders that are to stop, as they hear when they tell something; None for all.
        """
        self._unwanted, self._taken = unwanted, time.monotonic()
        told, self._told = self._told, []
        return told


def identify(folder: Path) -> str:
    """The identity of a folder, both made where they are not there; empty where none can be kept."""
    if not read_identity(folder):
        with contextlib.suppress(OSError):
            write_atomically(folder / IDENTITY, uuid.uuid4().hex.encode())
    return read_identity(folder)


def read_identity(folder: Path) -> str:
    """The same of a folder that has one already; else empty."""
    try:
        return (folder / IDENTITY).read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def look(terms: str) -> list[str]:
    """What the node lacks that this is called on, of `Terms` as JSON; a few words each."""
    return list(_find_faults(terms))


@functools.cache
def _find_faults(terms: str) -> tuple[str, ...]:
    wanted, here = Terms.model_validate_json(terms), host_environment()
    faults = []
    if here.source != wanted.source:
        what = f"ganbench {here.ganbench}" if here.ganbench != wanted.ganbench else "other source files of ganbench"
        faults.append(f"has {what} in {sys.prefix}: install the very ganbench {wanted.ganbench} of the driver there")
    faults += [fault for folder in wanted.folders if (fault := _fault_of(folder))]
    faults += [f"does not see '{path}', which runs read" for path in wanted.files if not path.is_file()]
    return tuple(faults)


def _fault_of(folder: Folder) -> str:
    shared = "it must be on storage that all nodes share, at the same path"
    if not folder.path.is_dir():
        return f"does not see the {folder.name} '{folder.path}': {shared}"
    if folder.identity and read_identity(folder.path) != folder.identity:
        return f"has a {folder.name} '{folder.path}' of its own: {shared}"
    try:
        if folder.written:
            check_writable(folder.path, folder.name, "")
    except UsageError:
        return f"cannot write the {folder.name} '{folder.path}': change its permissions"
    return ""


def work(order: str, terms: str, mailbox: Any) -> str:
    """Carry out an order in a Ray worker.

    Args:
        order: an `Order` as JSON.
        terms: `Terms` as JSON.
        mailbox: a handle of the `Mailbox`.

    Returns:
        An `Answer` as JSON.
    """
    return _carry_out(Order.model_validate_json(order), terms, mailbox).model_dump_json()


def _carry_out(order: Order, terms: str, mailbox: Any) -> Answer:
    import ray

    context = ray.get_runtime_context()
    node = f"node {ray.util.get_node_ip_address()} ({context.get_node_id()[:8]})"

    def tell(environment: Environment | None = None, progress: tuple[Progress, ...] = ()) -> bool:
        told = Told(node=node, environment=environment, progress=progress)
        return bool(ray.get(mailbox.tell.remote(order.number, told.model_dump_json())))

    def unfit(reason: str) -> Answer:
        return Answer(outcome=Outcome(lost=f"{node} {reason}"), unfit_node=context.get_node_id())

    if tell():
        return Answer(outcome=Outcome(done=Done(stopped=True)))
    if faults := _find_faults(terms):
        return unfit("; it ".join(faults))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") if ray.get_gpu_ids() else None
    asked = order.task.device if isinstance(order.task, ProbeTask) else order.task.place.device
    probe = _probe(asked, visible)
    if isinstance(probe, str):
        return unfit(f"cannot use device '{asked}': {probe}")
    return Answer(
        outcome=_supervise(_placed(order.task, probe, visible), order, lambda told: tell(probe.environment, told))
    )


def _supervise(task: Task, order: Order, tell: Callable[[tuple[Progress, ...]], bool]) -> Outcome:
    """Until the task's process has ended, telling of its progress every so often."""
    fresh, unwanted = list[Progress](), threading.Event()
    limits = Limits(order.seconds, order.memory_bytes)
    future = _pool().submit(task, log=order.log, limits=limits, progress=fresh.append, unwanted=unwanted)
    try:
        ended = False
        while not ended:
            ended = bool(wait([future], TELL_SECONDS).done)
            told = tuple(fresh)
            del fresh[: len(told)]
            if tell(told):
                unwanted.set()
    except BaseException:  # nobody is left to tell
        unwanted.set()
        raise
    return future.result()


def _placed(task: Task, probe: ProbeAnswer, visible: str | None) -> Task:
    """The task with its node's device and environment, in place of the driver's."""
    if isinstance(task, ProbeTask):
        return task.model_copy(update={"visible_devices": visible})
    here = {"device": probe.device, "environment": probe.environment, "visible_devices": visible}
    return task.model_copy(update={"place": task.place.model_copy(update=here)})


@functools.cache
def _probe(device: str, visible: str | None) -> ProbeAnswer | str:
    """What the device is, or why it cannot be used."""
    outcome = _pool().submit(ProbeTask(device=device, visible_devices=visible)).result()
    if outcome.done is not None and outcome.done.answer:
        return ProbeAnswer.model_validate_json(outcome.done.answer)
    return outcome.failed.reason if outcome.failed is not None else str(outcome.crashed or outcome.out_of_memory)


@functools.cache
def _pool() -> LocalPool:
    """Of this Ray worker."""
    # what a fork server starts would import its parent's main module, which here is Ray's, for a second each
    vars(sys.modules["__main__"]).pop("__file__", None)
    return LocalPool(1)
