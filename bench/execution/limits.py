"""What keeps one run's process from harming the others: its memory, its children, its end. No torch."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import psutil

from bench.orphans import end_with_parent


def leave_with_parent() -> None:
    """Begin a process group of one's own, and let the kernel end this process should its parent end.

    A run's parent is the fork server, whose own is the supervisor: however that is killed, no orphan goes on writing,
    or hanging.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.setsid()  # what a plugin starts is killed with its run
    end_with_parent()


def limit_allocations(amount: int) -> None:
    """Let allocations fail once this process has made so many bytes of them more.

    It is the sharp edge beside the supervisor's watch over resident memory, which looks but now and then: a process
    that allocates in one go fails cleanly, with a message. Not for CUDA, which reserves addresses that it never fills.

    Args:
        amount: bytes.
    """
    try:
        import resource
    except ImportError:  # not on Windows
        return
    held = _data_bytes()
    if held is None:
        return
    limit = held + amount
    with contextlib.suppress(ValueError, OSError):  # more than the administrator allows anyway
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _data_bytes() -> int | None:
    """What counts against RLIMIT_DATA now; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))
    except (OSError, StopIteration, ValueError):
        return None


def resident_bytes(pid: int) -> int:
    """The host memory that a process holds; 0 of one that is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def kill_group(pid: int) -> None:
    """Kill a process and what it has started."""
    if pid <= 0:  # the system would take it for a group, or for everybody
        return
    for end in (os.killpg, os.kill):  # it may be so young that it leads no group yet
        with contextlib.suppress(OSError):
            end(pid, signal.SIGKILL)


def oom_kills() -> int | None:
    """How many processes the kernel has killed for want of memory since it started; None where it does not tell."""
    try:
        words = Path("/proc/vmstat").read_text(encoding="ascii").split()
        return int(words[words.index("oom_kill") + 1])
    except (OSError, ValueError, IndexError):
        return None
