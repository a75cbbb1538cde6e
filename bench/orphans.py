"""Processes that end with the one that began them, however that is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""Linux' name, of its prctl.h."""


def end_with_parent(parent: int | None = None) -> None:
    """Let the kernel kill this process when its parent ends; on Linux alone.

    Args:
        parent: its process id, where it is known: it may have ended already.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid() if parent is None else parent
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended in between
        os._exit(1)
