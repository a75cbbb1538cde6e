"""Loaded by the fork server before anything else, and by nobody else: it ends with the supervisor, and only with it.

It leads a session of its own from here on: a signal to the whole group of `ganbench run`, as a terminal or a batch
system sends it, reaches the supervisor alone, which decides what becomes of the runs. And the kernel ends it with the
supervisor, though it may be busy loading torch; its children end with it.
"""

from __future__ import annotations

from bench.execution.limits import leave_with_parent

leave_with_parent()
