"""Calls that take turns in one process, so that a busy moment of the machine hits them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence


def take_turns(calls: Sequence[Callable[[], object]], rounds: int) -> list[tuple[float, ...]]:
    """The processor's seconds of each call in each round, after one round that does not count.

    Of this process, all threads together: what else the machine does stretches the clock's seconds tenfold, and hardly
    these.
    """
    for call in calls:
        call()
    return [tuple(_seconds(call) for call in calls) for _ in range(rounds)]


def _seconds(call: Callable[[], object]) -> float:
    begin = time.process_time()
    call()
    return time.process_time() - begin
