"""How many runs side by side: the number with which most steps are done, measured where it is not plain."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from pydantic import ValidationError

from bench.execution.interruption import Interruption
from bench.execution.outcomes import wait_for
from bench.execution.pool import LocalPool
from bench.execution.tasks import Place, SpeedAnswer, SpeedTask
from bench.files import write_atomically
from bench.spec import Frozen, RunSpec

FILE = "slots.json"
LOADING_SECONDS = 4.0
"""Until all processes have loaded their data and play."""
COUNTED_SECONDS = 2.0


class Tried(Frozen):
    """Runs side by side, of so many threads each, and what they did together."""

    slots: int
    threads: int
    steps_per_second: float


class Slots(Frozen):
    """What was chosen for a results folder, kept there as ``slots.json``."""

    hardware: str
    """`Environment.hardware`: on other hardware it is measured anew."""
    threads: int
    """Of a run, at most."""
    tried: tuple[Tried, ...]
    """Empty where there was nothing to choose between."""
    chosen: int


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def candidates(threads: int) -> tuple[int, ...]:
    """Numbers of runs side by side that may be the best, of so many threads each.

    As many as there are cores; where two of these are one core's threads, also half as many: which is better depends on
    what is computed.
    """
    cores = usable_cores()
    physical = psutil.cpu_count(logical=False) or cores
    return tuple(sorted({max(1, min(cores, physical) // threads), max(1, cores // threads)}))


def choose_slots(specs: Sequence[RunSpec], place: Place, folder: Path, interruption: Interruption) -> int:
    """Runs side by side for a suite on the CPU.

    Args:
        specs: runs that are missing.
        place: where they run.
        folder: of the results, where the choice is kept.
        interruption: says whether the user wants to stop.
    """
    threads = max(spec.training.threads for spec in specs)
    known = _read(folder / FILE)
    if known is not None and (known.hardware, known.threads) == (place.environment.hardware, threads):
        return known.chosen
    tried: tuple[Tried, ...] = ()
    able = candidates(threads)
    if len(able) > 1 and len(specs) > 2 * max(able):
        longest = max(specs, key=lambda spec: spec.total_steps or 0)
        found = [try_slots(longest, place, slots, threads, interruption) for slots in able]
        tried = tuple(each for each in found if each is not None)
    chosen = max(tried, key=lambda each: each.steps_per_second).slots if tried else max(able)
    slots = Slots(hardware=place.environment.hardware, threads=threads, tried=tried, chosen=chosen)
    write_atomically(folder / FILE, (slots.model_dump_json(indent=1) + "\n").encode())
    return chosen


def try_slots(spec: RunSpec, place: Place, slots: int, threads: int, interruption: Interruption) -> Tried | None:
    """What so many of a run do together in a second; None where one of them failed."""
    changed = spec.model_copy(update={"training": spec.training.model_copy(update={"threads": threads})})
    task = SpeedTask(place=place, spec=changed, begin_at=time.time() + LOADING_SECONDS, seconds=COUNTED_SECONDS)
    with LocalPool(slots) as pool:
        outcomes = wait_for({pool.submit(task): lambda _: {} for _ in range(slots)}, pool, interruption)
    answers = [outcome.done.answer for outcome in outcomes if outcome.done is not None and outcome.done.answer]
    if len(answers) < slots:
        return None
    rates = [SpeedAnswer.model_validate_json(answer).steps_per_second for answer in answers]
    return Tried(slots=slots, threads=threads, steps_per_second=sum(rates))


def _read(path: Path) -> Slots | None:
    try:
        return Slots.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
