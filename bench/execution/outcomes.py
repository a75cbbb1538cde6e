"""Waiting for tasks, and what their outcomes mean for the user."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue

from bench.errors import StorageError, UsageError
from bench.execution.executor import Executor, Outcome
from bench.execution.interruption import Interruption

Pending = dict[Future[Outcome], Callable[[Outcome], "Pending"]]
"""Tasks under way, each with what to do with its outcome; that may begin more of them."""
WISH_SECONDS = 0.2
"""How often a wish to stop is looked for."""


def raise_storage_fault(outcome: Outcome) -> None:
    """Raise that results cannot be written any more: no run's fault, and nothing that the next one could do better."""
    if outcome.failed is not None and outcome.failed.storage:
        raise StorageError(outcome.failed.reason)


def each_outcome(
    futures: Pending, pool: Executor, interruption: Interruption, stopping: Callable[[], None] = lambda: None
) -> Iterator[Outcome]:
    """Give each outcome to its function as it comes, and then to the caller; nothing is kept of a task that has ended.

    Args:
        futures: tasks of ``pool``; taken out as they end.
        pool: asked to stop when the user wants to.
        interruption: says whether they do.
        stopping: called then.

    Raises:
        KeyboardInterrupt: they did; every task has ended.
    """
    ended: SimpleQueue[Future[Outcome]] = SimpleQueue()  # to wait for ten thousand futures takes a while, each time
    new, asked = dict(futures), False
    while futures:
        for future in new:
            future.add_done_callback(ended.put)
        new = {}
        with contextlib.suppress(Empty):
            future = ended.get(timeout=WISH_SECONDS)
            new = futures.pop(future)(future.result())
            futures |= new
            yield future.result()
            del future
        if interruption.requested and not asked:
            asked = True
            stopping()
            pool.ask_to_stop()
    if interruption.requested:
        raise KeyboardInterrupt


def wait_for(
    futures: Pending, pool: Executor, interruption: Interruption, stopping: Callable[[], None] = lambda: None
) -> list[Outcome]:
    """All of `each_outcome`, as they came."""
    return list(each_outcome(futures, pool, interruption, stopping))


def reason_of(outcome: Outcome) -> str | None:
    """Why a task did not do what it should; None where it did."""
    if outcome.failed is not None:
        return outcome.failed.reason
    ended = outcome.crashed or outcome.out_of_memory or outcome.lost
    if ended is not None:
        return ended
    return "it took too long" if outcome.timed_out else None


def raise_usage_fault(*outcomes: Outcome) -> None:
    """Raise what the user can mend as one UsageError, if that is how tasks ended."""
    faults = [fault for outcome in outcomes if outcome.failed is not None for fault in outcome.failed.faults]
    if faults:
        raise UsageError(*dict.fromkeys(faults))
