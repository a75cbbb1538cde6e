"""`ganbench verify`: whether a suite's runs come out the same, bit for bit, however they are carried out."""

from __future__ import annotations

import dataclasses
import os
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.execution.conduct import find_place
from bench.execution.interruption import Interruption
from bench.execution.phases import Phases
from bench.execution.pool import LocalPool
from bench.execution.tasks import Place, Progress
from bench.execution.watcher import Watcher
from bench.fingerprint import evaluated_steps, take_fingerprint
from bench.spec import Budget, RunSpec
from bench.store import Store
from bench.suite import Plan

Way = Literal["again", "packed", "interrupted", "evaluated more often"]
WAYS: tuple[Way, ...] = ("again", "packed", "interrupted", "evaluated more often")
PACKED = 4
"""Runs that one process interleaves on a GPU."""
CHECKPOINT_SECONDS = 0.1
"""Of runs that are killed: something is to be there to go on from."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How a run came out another way than the first time, when it was alone."""

    run_id: str
    way: Way
    differences: tuple[str, ...]
    """Empty where record, history, samples and film are the same, byte for byte (timings apart)."""
    note: str = ""
    """What was done to it."""


def choose_sample(plan: Plan, count: int) -> tuple[tuple[RunSpec, ...], tuple[str, ...]]:
    """Runs of as many objectives, architectures and datasets as so few can be of; and why others cannot.

    Args:
        plan: a suite's.
        count: how many.
    """
    timed = [spec for spec in plan.specs if spec.total_steps is None]
    specs = [spec for spec in plan.specs if spec.total_steps is not None]
    skipped = [f"{len(timed)} runs have a budget in seconds: how far they come is the machine's doing"] if timed else []
    random.Random(plan.name).shuffle(specs)
    chosen: list[RunSpec] = []
    seen: set[tuple[str, str]] = set()
    while specs and len(chosen) < count:
        best = max(specs, key=lambda spec: len(_labels(spec) - seen))
        chosen.append(best)
        seen |= _labels(best)
        specs.remove(best)
    return tuple(chosen), tuple(skipped)


def _labels(spec: RunSpec) -> set[tuple[str, str]]:
    return {
        ("objective", spec.objective.label),
        ("architecture", spec.architecture.label),
        ("dataset", spec.dataset.label),
    }


def shorten(spec: RunSpec, steps: int) -> RunSpec:
    """The run with a budget of so many generator steps at most, and two evaluations."""
    total = min(steps, spec.total_steps or steps)
    training = spec.training.model_copy(update={"budget": Budget(unit="steps", amount=total)})
    evaluation = spec.evaluation.model_copy(update={"every": max(1.0, total / 2)})
    return spec.model_copy(update={"training": training, "evaluation": evaluation})


def verify(
    specs: Sequence[RunSpec], data_root: Path, device: str, watcher: Watcher, weights: Path | None = None
) -> tuple[Verdict, ...]:
    """Train every run alone, then in each of `WAYS`, and compare.

    Args:
        specs: the runs.
        data_root: where data sets and classifiers lie.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        watcher: is told of progress.
        weights: of the Inception network, where they do not lie under the data root.

    Raises:
        UsageError: the device or the data are not there.
        KeyboardInterrupt: the user wanted to stop.
    """
    with tempfile.TemporaryDirectory(prefix="ganbench-verify-") as folder, Interruption() as interruption:
        place = find_place(Store(Path(folder) / "alone"), data_root, weights, device, interruption)
        trial = _Trial(Path(folder), place, watcher, interruption)
        trial.measure_alone(specs)
        return tuple(
            verdict
            for verdicts in (
                trial.train_again(specs),
                trial.train_packed(specs),
                trial.train_interrupted(specs),
                trial.train_evaluated_more_often(specs),
            )
            for verdict in verdicts
        )


@dataclasses.dataclass(frozen=True)
class _Trial:
    """The same runs carried out in several ways, each in a results folder of its own."""

    folder: Path
    place: Place
    watcher: Watcher
    interruption: Interruption

    def measure_alone(self, specs: Sequence[RunSpec]) -> None:
        """What all else is held against."""
        with LocalPool(1) as pool:
            phases = self._phases("alone", pool)
            phases.open_datasets(specs)
            phases.train(specs, "alone")

    def train_again(self, specs: Sequence[RunSpec]) -> list[Verdict]:
        """Alone once more."""
        with LocalPool(1) as pool:
            self._phases("again", pool).train(specs, "again")
        return [self._compare("again", spec) for spec in specs]

    def train_packed(self, specs: Sequence[RunSpec]) -> list[Verdict]:
        """In another order, among others, more of them at a time than there are cores."""
        on_cpu = self.place.device == "cpu"
        slots, at_once = ((os.cpu_count() or 1) + 1, 1) if on_cpu else (1, PACKED)
        others = [spec.with_seed(spec.seed ^ 1) for spec in specs]
        mixed = [spec for pair in zip(reversed(specs), others, strict=True) for spec in pair]
        with LocalPool(slots) as pool:
            phases = self._phases("packed", pool)
            phases.at_once = at_once  # on a GPU in one process, a stream each
            phases.train(list({spec.run_id: spec for spec in mixed}.values()), "packed")
        return [self._compare("packed", spec, f"{slots * at_once} at a time") for spec in specs]

    def train_interrupted(self, specs: Sequence[RunSpec]) -> list[Verdict]:
        """Asked to stop, gone on, killed, and gone on again."""
        verdicts = []
        for spec in specs:
            chance = random.Random(spec.run_id)
            stopped, killed = chance.uniform(0.1, 0.5), chance.uniform(0.5, 0.9)
            changed = {"checkpoint_seconds": CHECKPOINT_SECONDS, "retry_crashed": True}
            again = spec.model_copy(update={"execution": spec.execution.model_copy(update=changed)})
            with LocalPool(1) as pool:
                at = _At(self.watcher, stopped, pool.ask_to_stop)
                self._phases("interrupted", pool, at).train([again], "interrupted")
            with LocalPool(1) as pool:
                at = _At(self.watcher, killed, pool.kill)
                self._phases("interrupted", pool, at).train([again], "interrupted")
            verdicts.append(self._compare("interrupted", again, f"stopped at {stopped:.0%}, killed at {killed:.0%}"))
        return verdicts

    def train_evaluated_more_often(self, specs: Sequence[RunSpec]) -> list[Verdict]:
        """Twice as often; what is evaluated at the same steps is compared."""
        others = [_evaluate_more_often(spec) for spec in specs]
        with LocalPool(1) as pool:
            self._phases("evaluated more often", pool).train(others, "evaluated more often")
        return [
            self._compare("evaluated more often", spec, f"every {other.evaluation.every:g}", other)
            for spec, other in zip(specs, others, strict=True)
        ]

    def _phases(self, name: str, pool: LocalPool, watcher: Watcher | None = None) -> Phases:
        store = Store(self.folder / name)
        store.prepare()
        place = self.place.model_copy(update={"results": store.folder})
        return Phases(pool, store, place, watcher or self.watcher, self.interruption)

    def _compare(self, way: Way, spec: RunSpec, note: str = "", other: RunSpec | None = None) -> Verdict:
        """The run that was alone, and the one that was carried out that way (of ``other``, where it is another)."""
        alone, tried = Store(self.folder / "alone"), Store(self.folder / way)
        common = None
        if other is not None:
            common = evaluated_steps(alone, spec.run_id) & evaluated_steps(tried, other.run_id)
        one = take_fingerprint(alone, spec.run_id, common)
        two = take_fingerprint(tried, (other or spec).run_id, common)
        if one is None or two is None:
            return Verdict(spec.run_id, way, ("there is no record that can be trusted",), note)
        differences = one.differences(two)
        record = tried.record(spec.run_id) if way == "interrupted" else None
        if record is not None:
            note += f", gone on {record.timings.resumptions} times"
            if record.timings.resumptions == 0:
                differences += ("it was over before it could be interrupted: nothing was tried",)
        return Verdict(spec.run_id, way, differences, note)


def _evaluate_more_often(spec: RunSpec) -> RunSpec:
    """Twice as often; half as often where it is evaluated after every step already."""
    per_step = spec.images_per_step if spec.training.budget.unit == "images" else 1
    every = spec.evaluation.every / 2 if spec.evaluation.every >= 2 * per_step else spec.evaluation.every * 2
    return spec.model_copy(update={"evaluation": spec.evaluation.model_copy(update={"every": every})})


class _At:
    """A watcher that does something once a run has come so far, and passes everything on."""

    def __init__(self, watcher: Watcher, share: float, act: Callable[[], None]) -> None:
        self._watcher, self._share, self._act = watcher, share, act
        self._done = False
        self.phase, self.started, self.finished = watcher.phase, watcher.started, watcher.finished
        self.stopping = watcher.stopping

    def progress(self, key: str, progress: Progress) -> None:
        """A run is further on."""
        self._watcher.progress(key, progress)
        if progress.share >= self._share and not self._done:
            self._done = True
            self._act()


def print_verdicts(console: Console, verdicts: Sequence[Verdict]) -> None:
    """A line a run with a word for each way, then what differs."""
    table = Table(box=None, pad_edge=False)
    table.add_column("as when it was alone, bit for bit", overflow="fold")
    for way in WAYS:
        table.add_column(way, overflow="fold")
    by_run: dict[str, dict[Way, Verdict]] = {}
    for verdict in verdicts:
        by_run.setdefault(verdict.run_id, {})[verdict.way] = verdict
    for run_id, of in by_run.items():
        table.add_row(
            Text(run_id, style="cyan"),
            *(
                Text(f"differs\n{of[way].note}", style="red")
                if of[way].differences
                else Text.assemble(("identical\n", "green"), (of[way].note, "dim"))
                for way in WAYS
            ),
        )
    console.print(table)
    wrong = [verdict for verdict in verdicts if verdict.differences]
    for verdict in wrong:
        for difference in verdict.differences:
            console.print(f"{verdict.run_id}, {verdict.way}: {difference}", markup=False, soft_wrap=True)
    same = len(verdicts) - len(wrong)
    console.print(
        f"{same} of {len(verdicts)} identical: record, history, samples and film byte for byte, timings apart"
    )
