"""Whether training became faster or slower: only where both sides were timed on the same hardware."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Sequence

from bench.comparison.pairing import CellName, PairedCell
from bench.comparison.sides import Run
from bench.record import Status, Throughput


@dataclasses.dataclass(frozen=True)
class Speed:
    """A cell's time on one hardware."""

    name: CellName
    hardware: str
    seconds: tuple[float, float] | None
    """Median seconds of training of a run on either side, while other runs may have been beside it."""
    step_seconds: tuple[float, float] | None
    """Of a generator step, measured alone on the device."""

    @property
    def seconds_ratio(self) -> float | None:
        """Of the later results to the earlier ones: above 1 they are slower."""
        return None if self.seconds is None else self.seconds[1] / self.seconds[0]

    @property
    def step_ratio(self) -> float | None:
        """The same of a step measured alone."""
        return None if self.step_seconds is None else self.step_seconds[1] / self.step_seconds[0]


def compare_speed(
    cells: Sequence[PairedCell], before: Iterable[Throughput], after: Iterable[Throughput]
) -> tuple[Speed, ...]:
    """The speed of each cell that both sides timed on the same hardware."""
    measured = [_by_cell(throughputs) for throughputs in (before, after)]
    speeds = []
    for cell in cells:
        one, other = measured[0].get(cell.name), measured[1].get(cell.name)
        hardware = _hardware(cell)
        alone = one is not None and other is not None and one.environment.hardware == other.environment.hardware
        if alone and one is not None and other is not None:
            steps = (one.step_seconds, other.step_seconds)
        timed = _seconds(cell) if hardware is not None else None
        if timed is not None or alone:
            where = hardware or (one.environment.hardware if one is not None else "")
            speeds.append(Speed(cell.name, where, timed, steps if alone else None))
    return tuple(speeds)


def why_untimed(cells: Sequence[PairedCell]) -> str:
    """Why `compare_speed` found nothing: a clause that ends a sentence."""
    if all(_seconds(cell) is None for cell in cells):
        return "no pair of runs completed on both sides"
    return "the two were not trained on the same hardware"


def _hardware(cell: PairedCell) -> str | None:
    """The one hardware that all runs of a cell were trained on, on both sides; None where there are several."""
    found = {run.record.environment.hardware for side in (cell.before, cell.after) for run in side.values()}
    return found.pop() if len(found) == 1 else None


def _seconds(cell: PairedCell) -> tuple[float, float] | None:
    """Median seconds of the runs that completed on both sides."""
    seeds = [seed for seed in cell.before if _is_timed(cell.before[seed]) and _is_timed(cell.after[seed])]
    if not seeds:
        return None
    one, other = (
        statistics.median(side[seed].record.timings.training for seed in seeds) for side in (cell.before, cell.after)
    )
    return one, other


def _is_timed(run: Run) -> bool:
    return run.record.status is Status.COMPLETED and run.record.timings.training > 0


def _by_cell(throughputs: Iterable[Throughput]) -> dict[CellName, Throughput]:
    return {CellName(of.objective, of.architecture, of.dataset): of for of in throughputs if of.step_seconds > 0}
