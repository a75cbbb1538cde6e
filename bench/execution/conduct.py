"""A plan, carried out: what is missing is trained, measured and stored; what is there is left alone."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.errors import UsageError
from bench.execution.executor import Engine, Site
from bench.execution.heartbeat import Heartbeat
from bench.execution.interruption import Interruption
from bench.execution.lock import locked
from bench.execution.missing import Missing, find_missing, find_missing_throughputs, read_statuses
from bench.execution.opened import find_other_data, find_stale_references
from bench.execution.outcomes import raise_usage_fault, reason_of, wait_for
from bench.execution.phases import Phases
from bench.execution.pool import LocalPool
from bench.execution.slots import candidates, choose_slots
from bench.execution.tasks import Place, ProbeAnswer, ProbeTask
from bench.execution.watcher import Watcher
from bench.files import remove_leftovers
from bench.narrowing import Wanted
from bench.record import Status
from bench.spec import RunSpec
from bench.store import PARTS, Store
from bench.suite import Plan


@dataclasses.dataclass(frozen=True)
class Summary:
    """How carrying out a plan ended."""

    statuses: Counter[Status]
    """Of the runs that were wanted, those of earlier calls included."""
    wanted: int
    trained: int
    """Runs that got a record now."""
    kept: int
    """Runs that were recorded already and are left as they were."""
    postponed: int
    """Runs that a limit leaves for another call."""
    seconds: float
    interrupted: bool
    warnings: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 all completed or diverged, 1 some failure, 130 interrupted."""
        if self.interrupted:
            return 130
        unfinished = self.statuses.total() < self.wanted - self.postponed
        return int(unfinished or any(status.is_failure for status in self.statuses))


@dataclasses.dataclass(frozen=True)
class ThisMachine:
    """The engine that is always there: processes of this machine, on one device."""

    device: str = "auto"
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``."""
    slots: int | None = None
    """Runs side by side; None for as many as the device has room for."""

    @contextlib.contextmanager
    def open(
        self,
        plan: Plan,
        runs: Sequence[RunSpec],
        store: Store,
        data_root: Path,
        weights: Path | None,
        interruption: Interruption,
    ) -> Iterator[Site]:
        """As `bench.execution.executor.Engine` has it; slots of a CPU are measured, a GPU interleaves runs."""
        place = find_place(store, data_root, weights, self.device, interruption)
        on_cpu = place.device == "cpu"
        slots = self.slots
        if slots is None and on_cpu and runs:
            slots = choose_slots(runs, place, store.folder, interruption)
        slots = slots or default_slots(plan, place.device)
        at_once = slots if runs and not on_cpu else 1
        with LocalPool(slots // at_once) as pool:
            yield Site(place, pool, slots, at_once)


def measure(
    plan: Plan, store: Store, data_root: Path, device: str, watcher: Watcher, weights: Path | None = None
) -> tuple[str, ...]:
    """Measure the training speed of every cell of a plan that has none yet, without training any; returns warnings."""
    specs = dict(zip(plan.run_ids, plan.specs, strict=True))
    missing = [specs[cell.run_ids[0]] for cell in plan.cells if store.throughput(cell.id) is None]
    if not missing:
        return ()
    with Interruption() as interruption:
        place = find_place(store, data_root, weights, device, interruption)
        store.prepare()
        with locked(store.folder), LocalPool(1) as pool:
            phases = Phases(pool, store, place, watcher, interruption)
            phases.open_datasets(missing, measured=False)
            phases.measure_speeds(missing)
    return tuple(phases.warnings)


def find_place(store: Store, data_root: Path, weights: Path | None, device: str, interruption: Interruption) -> Place:
    """The device that was asked for, with its environment; found out in a process of its own, where torch is loaded.

    Raises:
        UsageError: there is no such device, or it cannot be used.
        KeyboardInterrupt: the user does not want to wait for it.
    """
    with LocalPool(1) as pool:  # what it prints is of no use to anybody: the outcome says what is wrong
        (outcome,) = wait_for({pool.submit(ProbeTask(device=device)): lambda _: {}}, pool, interruption)
    raise_usage_fault(outcome)
    if outcome.done is None or not outcome.done.answer:
        raise UsageError(f"device '{device}' cannot be used: {reason_of(outcome)}; try --device cpu")
    answer = ProbeAnswer.model_validate_json(outcome.done.answer)
    return Place(
        results=store.folder.absolute(),
        data_root=data_root.absolute(),
        weights=None if weights is None else weights.absolute(),
        device=answer.device,
        environment=answer.environment,
    )


def default_slots(plan: Plan, device: str) -> int:
    """Runs side by side where nothing is measured: one on a GPU; on a CPU as many as its cores have room for."""
    return 1 if device != "cpu" else max(candidates(max(spec.training.threads for spec in plan.specs)))


def conduct(
    plan: Plan,
    store: Store,
    data_root: Path,
    device: str,
    slots: int | None,
    watcher: Watcher,
    wanted: Wanted | None = None,
    weights: Path | None = None,
    engine: Engine | None = None,
) -> Summary:
    """Carry out a plan.

    Args:
        plan: what the suite asks for.
        store: where results go.
        data_root: where data sets and classifiers lie.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        slots: runs side by side; None for as many as the device has room for.
        watcher: is told of progress.
        wanted: what of the plan is to be done; None for all that is missing.
        weights: of the Inception network, where they do not lie under the data root.
        engine: carries it out; None for this machine, with that device and those slots.

    Raises:
        UsageError: the device or the data are not there, another process works in the folder, or its results are a
            newer ganbench's; nothing was trained.
        StorageError: results cannot be written any more; what is recorded is safe.
    """
    begin = time.perf_counter()
    wanted = wanted or Wanted(plan)
    statuses, warnings = read_statuses(store)
    missing = find_missing(wanted, store, statuses)
    phases, interrupted = None, False
    if missing.nothing and not store.holds_suite(plan.suite_text, plan.to_json()):
        store.prepare()
        with locked(store.folder):
            store.write_suite(plan.suite_text, plan.to_json())
    if not missing.nothing:
        store.check_writable()
        try:
            with Interruption() as interruption:
                if store.folder.is_dir():
                    with locked(store.folder):  # whoever works here is told of before the device is waited for
                        pass
                engine = engine or ThisMachine(device, slots)
                opened = engine.open(plan, missing.runs, store, data_root, weights, interruption)
                with opened as site, locked(_prepared(store)):
                    # somebody else may have worked here while this process waited for its device
                    missing = find_missing(wanted, store, read_statuses(store)[0])
                    _tidy(store, missing)
                    store.write_suite(plan.suite_text, plan.to_json())
                    with site.executor, Heartbeat(store.folder, watcher) as heartbeat:
                        phases = Phases(site.executor, store, site.place, heartbeat, interruption)
                        phases.at_once = site.at_once
                        _carry_out(wanted.plan, missing, phases)
                    store.pack()
        except KeyboardInterrupt:
            interrupted = True
    statuses = read_statuses(store)[0]
    recorded = [statuses[run_id] for run_id in wanted.plan.run_ids if run_id in statuses]
    trained = phases.recorded if phases else 0
    return Summary(
        statuses=Counter(recorded),
        wanted=len(wanted.plan.specs),
        trained=trained,
        kept=len(recorded) - trained,
        postponed=missing.postponed,
        seconds=time.perf_counter() - begin,
        interrupted=interrupted,
        warnings=(*warnings, *((*phases.warnings, *phases.losses) if phases else ())),
    )


def _carry_out(plan: Plan, missing: Missing, phases: Phases) -> None:
    store = phases.store
    using = (*missing.runs, *missing.references, *missing.throughputs)
    opened = phases.open_datasets(using)
    if missing.runs:
        phases.warnings += find_other_data(plan, store, opened)
    phases.make_references((*missing.references, *find_stale_references(plan, store, opened)))
    phases.train(missing.runs)
    statuses = read_statuses(store)[0]
    phases.measure_speeds(find_missing_throughputs(plan, phases.store, statuses))


def _prepared(store: Store) -> Path:
    store.prepare()
    return store.folder


def _tidy(store: Store, missing: Missing) -> None:
    """Remove what killed processes left half-written where something is to be written again."""
    folders = [store.folder, *(store.folder / part for part in PARTS)]
    folders += [store.run_folder(spec.run_id) for spec in missing.runs]
    for folder in folders:
        remove_leftovers(folder)
