"""Loaded by the fork server, and by nothing else: it leads a session of its own from here on.

A signal to the whole group of `ganbench run`, as a terminal or a batch system sends it, then reaches the supervisor
alone, which decides what becomes of the runs. When the supervisor ends, the fork server does, and its children do.
"""

from __future__ import annotations

import contextlib
import os

with contextlib.suppress(OSError, AttributeError):  # it may lead one already; Windows has none
    os.setsid()
