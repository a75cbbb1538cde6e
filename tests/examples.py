"""How many examples a property is tried on: few in the ordinary tests, many where faults are looked for."""

from __future__ import annotations

import os


def examples(normal: int) -> int:
    """1000 where ``GANBENCH_FAULTS`` is set, else ``normal``."""
    return 1000 if os.environ.get("GANBENCH_FAULTS") else normal
