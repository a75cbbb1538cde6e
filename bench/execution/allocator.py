"""The C library's allocator, told to keep what a training step gives back for the next one."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""glibc's names, of its malloc.h."""
LARGEST_KEPT = 2**30
"""Bytes of one piece; a larger one is given back to the system when it is freed."""


def keep_freed_memory() -> bool:
    """Let this process keep freed memory; whether it will.

    By default glibc returns large pieces to the system as they are freed, and every step is given its activations as
    fresh pages, which the kernel fills with zeros first: 7 to 12 % of a step of DCGAN at 32 pixels. What is computed in
    them is the same, and so is the most memory that is held at once.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    # only if the first is taken: the second alone would freeze the limit of pieces that go back at a small one
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)) and bool(mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
