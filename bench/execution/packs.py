"""Runs that one process interleaves, brought into the store; what goes wrong there is tried again with fewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.execution.executor import Outcome
from bench.execution.tasks import PackTask, Progress

if TYPE_CHECKING:
    from bench.execution.outcomes import Pending
    from bench.execution.under_way import Run

RUNS_PER_PLACE = 4
"""Runs one after the other in a process that interleaves several: more of them keep its places taken, fewer lose less
when it crashes."""


class Pack:
    """Runs that one process interleaves.

    Those that it leaves without a record, for whatever reason, are tried again with half as many beside each other, in
    the end alone: there their failure is their own, and recorded as ever.
    """

    def __init__(self, runs: Sequence[Run], at_once: int) -> None:
        self._runs, self._at_once = runs, at_once
        self._by_id = {run.spec.run_id: run for run in runs}

    def submit(self) -> Pending:
        """Queue its process."""
        phases = self._runs[0].phases
        specs = tuple(run.spec for run in self._runs)
        future = phases.pool.submit(
            PackTask(place=phases.place, specs=specs, at_once=self._at_once),
            log=phases.store.folder / "logs" / f"pack-{specs[0].run_id}.txt",
            progress=self._progress,
        )
        return {future: self._finish}

    def _progress(self, progress: Progress) -> None:
        run = self._by_id[progress.run_id]
        if not run.started_at:
            run.start()
        run.progress(progress)

    def _finish(self, outcome: Outcome) -> Pending:
        unfinished = [run for run in self._runs if not run.settle(outcome)]
        if outcome.done is not None and outcome.done.stopped:
            return {}
        more: Pending = {}
        for run in unfinished:
            run.started_at = ""
        if self._at_once > 2:
            for pack in make_packs(unfinished, self._at_once // 2):
                more |= pack.submit()
        else:
            for run in unfinished:
                more |= run.submit()
        return more


def make_packs(runs: Sequence[Run], at_once: int) -> list[Pack]:
    """So many runs a process that one which ends early makes room for the next."""
    size = RUNS_PER_PLACE * at_once
    return [Pack(runs[start : start + size], at_once) for start in range(0, len(runs), size)]
