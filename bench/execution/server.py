"""Loaded by the fork server before anything else, and by nobody else: it ends with the supervisor, and only with it.

It leads a session of its own from here on: a signal to the whole group of `ganbench run`, as a terminal or a batch
system sends it, reaches the supervisor alone, which decides what becomes of the runs. And the kernel ends it with the
supervisor, though it may be busy loading torch; its children end with it. What libraries read from the
environment as they load is settled here, too.
"""

from __future__ import annotations

import os

from bench.execution.limits import leave_with_parent

leave_with_parent()
# pyarrow's own allocator takes up to 15 ms to begin with, in each process that then writes one small file with it
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
