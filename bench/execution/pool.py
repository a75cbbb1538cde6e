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
from typing import Self

from bench.execution.executor import UNLIMITED, Limits, Outcome
from bench.execution.limits import kill_group, oom_kills, resident_bytes
from bench.execution.log_file import LogFile
from bench.execution.tasks import Done, Failed, Message, Progress, Task

POLL_SECONDS = 0.2
GRACE_SECONDS = 20.0
"""How long a process that was asked to stop may take before it is killed."""
LOG_CHUNK = 1 << 16
PRELOADED = ("bench.execution.server", "bench.execution.worker", "bench.execution.pool", "bench.cli")
"""Modules that the fork server loads, in this order, so that no process does. The last two are not the worker's:
multiprocessing has a process import the module of its target, which is this one, and the script that started the
command, which imports the command line."""
LOST = 255
"""What multiprocessing makes of an exit code that nobody is left to tell."""

SINGLE_THREADED = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


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
        self._running: set[int] = set()
        # numpy's and torch's thread pools are sized when they are loaded; a run asks for more threads if it wants
        self._environment = {name: os.environ.get(name) for name in SINGLE_THREADED}
        os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
        self._start_server()

    def _start_server(self) -> None:
        self._context.set_forkserver_preload(list(PRELOADED))
        multiprocessing.resource_tracker.ensure_running()  # it unblocks SIGINT when it starts
        with _without_interrupts():  # Ctrl-C reaches the server too, which would show a stack trace while it loads
            multiprocessing.forkserver.ensure_running()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

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
        """Queue a task.

        Args:
            task: what to do.
            log: file for what the process prints.
            limits: a process that takes more is killed.
            started: called, in another thread, when the task leaves the queue.
            progress: called, in another thread, with every progress message.
            unwanted: once it is set, the task is asked to stop, and the others go on.
        """
        stop = _Stop(self._stopping, unwanted or threading.Event())
        return self._threads.submit(self._supervise, task, log, limits, started, progress, stop)

    def ask_to_stop(self) -> None:
        """Start nothing more, and ask what runs to stop; does not wait for it."""
        self._stopping.set()

    def kill(self) -> None:
        """Kill what runs, as the end of the machine would."""
        for pid in tuple(self._running):
            kill_group(pid)

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
        limits: Limits,
        started: Callable[[], None],
        progress: Callable[[Progress], None],
        stop: _Stop,
    ) -> Outcome:
        if stop.is_set():
            return Outcome(done=Done(stopped=True))
        started()
        begin = time.perf_counter()
        deaths = oom_kills()
        receiver, sender = self._context.Pipe(duplex=False)
        printed, printing = self._context.Pipe(duplex=False)
        arguments = (task.model_dump_json(), sender, printing)
        process = self._context.Process(target=_enter, args=arguments, daemon=True)
        with self._reaping:
            process.start()
        pid = process.pid or 0
        self._running.add(pid)
        sender.close()
        printing.close()
        file = LogFile(log)
        listener = _Listener(process, receiver, printed, file, progress, limits, stop)
        try:
            ended = listener.listen(begin)
        finally:
            code = self._reap(process, listener)
            receiver.close()
            printed.close()
            tail = file.close()
            self._running.discard(pid)
        oom_killed = deaths is not None and (oom_kills() or 0) > deaths
        outcome = _judge(ended, code, stopping=stop.is_set(), oom_killed=oom_killed)
        return dataclasses.replace(outcome, seconds=time.perf_counter() - begin, log_tail=tail)

    def _reap(self, process: ForkServerProcess, listener: _Listener) -> int:
        """Wait for the end of a process that has nothing more to say; its exit code."""
        deadline = time.perf_counter() + GRACE_SECONDS
        while process.sentinel not in connection.wait([process.sentinel, *listener.log], POLL_SECONDS):
            if time.perf_counter() > deadline:
                kill_group(process.pid or 0)
                connection.wait([process.sentinel])
                break
            listener.read_log()  # it may have much to print, and waits until somebody reads it
        listener.read_log()
        with self._reaping:
            process.join()
            return process.exitcode or 0


@dataclasses.dataclass(frozen=True)
class _Stop:
    """Why one task is to stop: everything is to, or it alone."""

    everything: threading.Event
    unwanted: threading.Event

    def is_set(self) -> bool:
        return self.everything.is_set() or self.unwanted.is_set()


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


@dataclasses.dataclass(frozen=True)
class _OverMemory:
    """The process held more than it may; in bytes."""

    held: int
    limit: int

    def __str__(self) -> str:
        return f"held {self.held / 2**20:,.0f} MiB of the host's memory, more than its {self.limit / 2**20:,.0f} MiB"


Ended = Done | Failed | _TimedOut | _OverMemory | None
"""A process's last message, or why it was killed; None when it ended without one."""


@dataclasses.dataclass
class _Listener:
    """Hears what one process tells and prints, and sees that it keeps its limits."""

    process: ForkServerProcess
    receiver: Connection
    printed: Connection
    file: LogFile
    progress: Callable[[Progress], None]
    limits: Limits
    stopping: _Stop
    printing: bool = True

    def listen(self, begin: float) -> Ended:
        """Until the last message; seconds are counted from ``begin``."""
        kill_at: float | None = None
        look_at = 0.0
        while True:
            try:
                content = self._receive()
            except (EOFError, OSError):
                return None
            except ValueError:  # not one of our messages: whatever runs there is not to be trusted
                self._kill()
                return None
            if isinstance(content, Progress):
                self.progress(content)
            elif content is not None:
                return content
            now = time.perf_counter()
            if self.limits.seconds is not None and now > begin + self.limits.seconds:
                self._kill()
                return _TimedOut()
            if self.limits.memory_bytes is not None and now > look_at:
                look_at = now + POLL_SECONDS / 2
                held = resident_bytes(self.process.pid or 0)
                if held > self.limits.memory_bytes:
                    self._kill()
                    return _OverMemory(held, self.limits.memory_bytes)
            if self.stopping.is_set() and kill_at is None:
                self.process.terminate()
                kill_at = now + GRACE_SECONDS
            if kill_at is not None and now > kill_at:
                self._kill()
                return None

    def _kill(self) -> None:
        kill_group(self.process.pid or 0)

    def _receive(self) -> Progress | Done | Failed | None:
        """The next message; None where there is none yet."""
        ready = connection.wait([self.receiver, *self.log], POLL_SECONDS)
        if self.printed in ready:
            self.read_log()
        if self.receiver not in ready:
            return None
        return Message.model_validate_json(self.receiver.recv_bytes()).content

    @property
    def log(self) -> list[Connection]:
        """What it prints to, to be waited for; nothing once it has closed that."""
        return [self.printed] if self.printing else []

    def read_log(self) -> None:
        """Take in what has been printed, waiting for nothing; one look's worth of it."""
        until = time.perf_counter() + POLL_SECONDS
        while connection.wait(self.log, 0):
            printed = os.read(self.printed.fileno(), LOG_CHUNK)
            if not printed:
                self.printing = False
                return
            self.file.write(printed)
            if time.perf_counter() > until:
                return


def _judge(ended: Ended, code: int, *, stopping: bool, oom_killed: bool) -> Outcome:
    """What a process's last message, or its exit code where there is none, amounts to."""
    if isinstance(ended, Done):
        if ended.stopped and not stopping:
            return Outcome(crashed="stopped by SIGTERM from outside")
        return Outcome(done=ended)
    if isinstance(ended, Failed):
        return Outcome(failed=ended)
    if isinstance(ended, _TimedOut):
        return Outcome(timed_out=True)
    if isinstance(ended, _OverMemory):
        return Outcome(out_of_memory=str(ended))
    if stopping:
        return Outcome(done=Done(stopped=True))
    if code == -signal.SIGKILL and oom_killed:
        return Outcome(out_of_memory="killed by SIGKILL, by the kernel's OOM killer: the host's memory was full")
    return Outcome(crashed=_exit_reason(code))


def _exit_reason(code: int) -> str:
    if code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"
    if code == LOST:
        return f"the process ended with exit code {code}, by itself or because its fork server was killed"
    return f"the process ended by itself with exit code {code}"


def _enter(payload: str, connection: Connection, log: Connection) -> None:
    # imported in the process: the supervisor needs no torch
    from bench.execution.worker import main

    main(payload, connection, log)
