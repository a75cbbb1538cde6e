"""This machine's executor: a fresh process per task, forked from a server that has torch loaded already."""

from __future__ import annotations

import dataclasses
import multiprocessing
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection
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
        # starting a process polls all others, and two threads that read one exit status get one that is wrong
        self._reaping = threading.Lock()
        # numpy's and torch's thread pools are sized when they are loaded; a run asks for more threads if it wants
        self._environment = {name: os.environ.get(name) for name in SINGLE_THREADED}
        os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
        self._start_server()

    def _start_server(self) -> None:
        self._context.set_forkserver_preload(["bench.execution.worker"])
        multiprocessing.resource_tracker.ensure_running()  # it unblocks SIGINT when it starts
        with _without_interrupts():  # Ctrl-C reaches the server too, which would show a stack trace while it loads
            multiprocessing.forkserver.ensure_running()

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
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

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
        with self._reaping:
            process.start()
        sender.close()
        try:
            ended = _listen(process, receiver, progress, begin + timeout if timeout else None, self._stopping)
        finally:
            receiver.close()
            code = self._reap(process)
        seconds = time.perf_counter() - begin
        if isinstance(ended, Done) and ended.stopped and not self._stopping.is_set():
            return Outcome(crashed="stopped by SIGTERM from outside", seconds=seconds)
        if isinstance(ended, Done):
            return Outcome(done=ended, seconds=seconds)
        if isinstance(ended, Failed):
            return Outcome(failed=ended, seconds=seconds)
        if isinstance(ended, _TimedOut):
            return Outcome(timed_out=True, seconds=seconds)
        if self._stopping.is_set():
            return Outcome(done=Done(stopped=True), seconds=seconds)
        return Outcome(crashed=_exit_reason(code), seconds=seconds)

    def _reap(self, process: ForkServerProcess) -> int:
        """Wait for the end of a process that has nothing more to say; its exit code."""
        if not connection.wait([process.sentinel], GRACE_SECONDS):
            process.kill()
            connection.wait([process.sentinel])
        with self._reaping:
            process.join()
            return process.exitcode or 0


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes started inside never see SIGINT; this one sees it afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
    while True:
        try:
            content = _receive(receiver)
        except (EOFError, OSError):
            return None
        except ValueError:  # not one of our messages: whatever runs there is not to be trusted
            process.kill()
            return None
        if isinstance(content, Progress):
            progress(content)
        elif content is not None:
            return content
        now = time.perf_counter()
        if deadline is not None and now > deadline:
            process.kill()
            return _TimedOut()
        if stopping.is_set() and kill_at is None:
            process.terminate()
            kill_at = now + GRACE_SECONDS
        if kill_at is not None and now > kill_at:
            process.kill()
            return None


def _receive(receiver: Connection) -> Progress | Done | Failed | None:
    """The next message; None where there is none yet."""
    if not receiver.poll(POLL_SECONDS):
        return None
    return Message.model_validate_json(receiver.recv_bytes()).content


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
