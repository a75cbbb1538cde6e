"""This machine's executor: a fresh process per task, forked from a server that has torch loaded already."""

from __future__ import annotations

import dataclasses
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bench.execution.tasks import Done, Failed, Message, Progress, Task

POLL_SECONDS = 0.2
GRACE_SECONDS = 20.0
"""How long a process that was asked to stop may take before it is killed."""

SINGLE_THREADED = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a task's process ended: one of these is set, or ``timed_out``."""

    done: Done | None = None
    failed: Failed | None = None
    crashed: str | None = None
    """What ended the process: a signal's name, or an exit code."""
    timed_out: bool = False
    seconds: float = 0.0
    """From before the fork until the process was gone."""


class LocalPool:
    """Runs tasks in processes of their own, so many at a time.

    Use as a context manager: leaving it stops what still runs.

    Args:
        slots: processes side by side.
    """

    def __init__(self, slots: int) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="slot")
        self._stopping = threading.Event()
        self._start_server()

    def _start_server(self) -> None:
        # numpy's and torch's thread pools are sized when they are loaded; a run asks for more threads if it wants
        before = {name: os.environ.get(name) for name in SINGLE_THREADED}
        os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
        try:
            self._context.set_forkserver_preload(["bench.execution.worker"])
            multiprocessing.forkserver.ensure_running()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def submit(
        self,
        task: Task,
        *,
        log: Path | None = None,
        timeout: float | None = None,
        started: Callable[[], None] = lambda: None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> Future[Outcome]:
        """Queue a task.

        Args:
            task: what to do.
            log: file for what the process prints.
            timeout: seconds after which the process is killed.
            started: called, in another thread, when the task leaves the queue.
            progress: called, in another thread, with every progress message.
        """
        return self._threads.submit(self._supervise, task, log, timeout, started, progress)

    def stop(self) -> None:
        """Forget what is queued, ask what runs to stop, and wait for it."""
        self._stopping.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _supervise(
        self,
        task: Task,
        log: Path | None,
        timeout: float | None,
        started: Callable[[], None],
        progress: Callable[[Progress], None],
    ) -> Outcome:
        if self._stopping.is_set():
            return Outcome(done=Done(stopped=True))
        started()
        begin = time.perf_counter()
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_enter, args=(task.model_dump_json(), sender, str(log) if log else None), daemon=True
        )
        process.start()
        sender.close()
        ended = _listen(process, receiver, progress, begin + timeout if timeout else None, self._stopping)
        process.join()
        receiver.close()
        seconds = time.perf_counter() - begin
        if ended is None and self._stopping.is_set():
            return Outcome(done=Done(stopped=True), seconds=seconds)
        if ended is None and process.exitcode is not None:
            return Outcome(crashed=_exit_reason(process.exitcode), seconds=seconds)
        if isinstance(ended, Done):
            return Outcome(done=ended, seconds=seconds)
        if isinstance(ended, Failed):
            return Outcome(failed=ended, seconds=seconds)
        return Outcome(timed_out=True, seconds=seconds)


class _TimedOut:
    """The process took longer than it may."""


def _listen(
    process: ForkServerProcess,
    receiver: Connection,
    progress: Callable[[Progress], None],
    deadline: float | None,
    stopping: threading.Event,
) -> Done | Failed | _TimedOut | None:
    """Pass on a process's messages until its last; None when it ended without one."""
    kill_at: float | None = None
    try:
        while True:
            if receiver.poll(POLL_SECONDS):
                content = Message.model_validate_json(receiver.recv_bytes()).content
                if not isinstance(content, Progress):
                    return content
                progress(content)
            now = time.perf_counter()
            if deadline is not None and now > deadline:
                process.kill()
                return _TimedOut()
            if stopping.is_set() and kill_at is None:
                process.terminate()
                kill_at = now + GRACE_SECONDS
            if kill_at is not None and now > kill_at:
                process.kill()
                return Done(stopped=True)
    except (EOFError, OSError):
        return None
    except ValueError:  # not one of our messages: whatever runs there is not to be trusted
        process.kill()
        return None


def _exit_reason(code: int) -> str:
    if code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"
    return f"the process ended by itself with exit code {code}"


def _enter(payload: str, connection: Connection, log: str | None) -> None:
    # imported in the process: the supervisor needs no torch
    from bench.execution.worker import main

    main(payload, connection, log)
