"""The plan: every run that a suite asks for, complete and once."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Collection, Sequence

from bench.errors import unknown
from bench.expansion import Block, Expansion
from bench.faults import Faults
from bench.levels import DESCRIPTIVE_BELOW, LEVEL
from bench.metrics import METRICS, measurable
from bench.resolve import plugins_of
from bench.spec import ExecutionSpec, Identity, PluginSpec, RunSpec, canonical, field_identity, plain_data
from bench.suite_file import SuiteFile
from bench.tune_plan import TuningPlan, plan_tuning

NAMED = 3
"""Tasks that one warning names, at most."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """Objective × architecture × dataset, by their labels, with the runs that are made of it."""

    id: str
    name: str
    objective: str
    architecture: str
    dataset: str
    seeds: tuple[int, ...]
    run_ids: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a suite asks for.

    ``specs`` are unique and ordered by seed first: a suite that is stopped half-way has every cell under some of
    its seeds. ``run_ids`` are theirs, in the same order.
    """

    title: str
    name: str
    seeds: tuple[int, ...]
    specs: tuple[RunSpec, ...]
    run_ids: tuple[str, ...]
    cells: tuple[Cell, ...]
    suite_text: str
    warnings: tuple[str, ...] = ()
    tuning: TuningPlan | None = None
    """What the suite's ``[tune]`` asks for; None where it has none."""

    def to_json(self) -> str:
        """What is kept beside the results as ``plan.json``."""
        cells = [
            {field: getattr(cell, field) for field in ("id", "name", "objective", "architecture", "dataset", "seeds")}
            for cell in self.cells
        ]
        plan = {"title": self.title, "name": self.name, "seeds": self.seeds, "runs": self.run_ids, "cells": cells}
        return json.dumps(plan, indent=1, ensure_ascii=False) + "\n"


def expand(file: SuiteFile, *, name: str, text: str, faults: Faults) -> Plan:
    """Every run of a suite.

    Args:
        file: the suite, its plugins loaded.
        name: of the suite.
        text: of its file.
        faults: what is wrong with the file already; more is added.

    Raises:
        SuiteError: something is wrong with the file.
    """
    expansion = Expansion(file, faults)
    blocks = expansion.blocks()
    _check_report(file, blocks, faults)
    tuning = None
    if file.tune is not None and not faults.at(()):  # the whole is too large otherwise
        cells_of = _combine(blocks, file.execution.to_spec())
        tuning = plan_tuning(file.tune, [draft.spec for draft in cells_of], faults)
    faults.raise_if_any()
    drafts = _combine(blocks, file.execution.to_spec())
    runs: list[tuple[int, int, str, RunSpec]] = []
    cells = []
    taken: set[str] = set()
    for index, draft in enumerate(drafts):
        ids = tuple(draft.run_id(seed) for seed in draft.seeds)
        for seed, run_id in zip(draft.seeds, ids, strict=True):
            if run_id in taken:
                faults.add((), f"two different runs have the id '{run_id}': change a label of one of them")
            taken.add(run_id)
            runs.append((draft.seeds[seed], index, run_id, draft.with_seed(seed)))
        labels = (draft.spec.objective.label, draft.spec.architecture.label, draft.spec.dataset.label)
        cells.append(Cell(draft.cell_id, draft.name, *labels, tuple(draft.seeds), ids))
    _refuse_shared_names(cells, faults)
    faults.raise_if_any()
    runs.sort(key=lambda run: run[:2])
    return Plan(
        title=file.title or name,
        name=name,
        seeds=tuple(dict.fromkeys(seed for draft in drafts for seed in draft.seeds)),
        specs=tuple(run[3] for run in runs),
        run_ids=tuple(run[2] for run in runs),
        cells=tuple(cells),
        suite_text=text,
        warnings=(*_warn(cells), *expansion.unused()),
        tuning=tuning,
    )


def _check_report(file: SuiteFile, blocks: Sequence[Block], faults: Faults) -> None:
    """See that the report's baseline is an objective of the suite, and that its metric is measured somewhere in it."""
    report = file.report
    labels = tuple(dict.fromkeys(objective.label for block in blocks for objective in block.objectives))
    grids = [file, *(grid for grid in file.grid or () if grid is not None)]
    # an objective that is there and has a fault of its own is not told as unknown too
    written = {entry.label or entry.name for grid in grids for entry in grid.objectives or () if entry is not None}
    if report.baseline is not None and labels and report.baseline not in written.union(labels):
        faults.add(("report", "baseline"), unknown("objective of this suite", report.baseline, labels))
    spaces = dict.fromkeys(evaluation.space for block in blocks for _, evaluation, _ in block.fields)
    measured = dict.fromkeys(metric.name for space in spaces for metric in measurable(space))
    if report.metric is not None and measured and report.metric not in measured:
        if report.metric not in METRICS:
            faults.add(("report", "metric"), unknown("metric", report.metric, tuple(measured)))
        else:
            said = f"'{report.metric}' is not measured in {_spaces(tuple(spaces))}; valid: {', '.join(measured)}"
            faults.add(("report", "metric"), said)


def _spaces(names: Sequence[str]) -> str:
    """``the raw space``, ``the raw and classifier spaces``."""
    *others, last = names
    return f"the {', '.join(others)} and {last} spaces" if others else f"the {last} space"


def _refuse_shared_names(cells: Sequence[Cell], faults: Faults) -> None:
    """Two cells under one name would stand in one row of the report."""
    counts = Counter(cell.name for cell in cells)
    for name, count in counts.items():
        if count > 1:
            faults.add(
                (),
                f"{count} cells of different objective settings, training or evaluation are called '{name}': "
                'give an entry of one of them a label of its own, label = "…"',
            )


def _warn(cells: Sequence[Cell]) -> list[str]:
    """What so few seeds can never tell, whatever the runs will be: of each task by itself."""
    tasks: dict[str, dict[str, int]] = {}
    for cell in cells:
        tasks.setdefault(f"{cell.dataset} with {cell.architecture}", {})[cell.objective] = len(cell.seeds)
    tasks = {task: seeds for task, seeds in tasks.items() if len(seeds) > 1}
    # by the fewest seeds of an objective, and how many objectives there are beside the baseline
    designs: dict[tuple[int, int], list[str]] = {}
    for task, seeds in tasks.items():
        designs.setdefault((min(seeds.values()), len(seeds) - 1), []).append(task)
    warnings = []
    for fewest in sorted({fewest for fewest, _ in designs if fewest < DESCRIPTIVE_BELOW}):
        of = [task for design, alike in designs.items() if design[0] == fewest for task in alike]
        said = (
            f"descriptive: {_with_seeds(fewest)}{_on(of, tasks)} the smallest two-sided p of a rank-sum test between "
        )
        said += f"two objectives is {_smallest_p([fewest]):.2g}"
        if fewest < _seeds_needed(1):
            said += f", so that no difference on one task can ever be significant: {_seeds_needed(1)} seeds would do"
        warnings.append(said)
    most = max((others for _, others in designs), default=0)
    over_all = len(tasks) > 1 and most * _smallest_p([min(seeds.values()) for seeds in tasks.values()]) > LEVEL
    for (fewest, others), alike in designs.items():
        if others < 2 or fewest >= _seeds_needed(others):
            continue
        on = _on(alike, tasks) or " on one task"
        said = f"{_with_seeds(fewest)} nothing can be told from a baseline{on}: Holm's correction over {others} other "
        said += f"objectives needs {_seeds_needed(others)} seeds"
        if over_all:
            said += f", and over all {len(tasks)} tasks {_seeds_needed(most, len(tasks))}"
        warnings.append(said)
    return warnings


def _with_seeds(fewest: int) -> str:
    return f"with {fewest} {'seed' if fewest == 1 else 'seeds'} per cell"


def _on(alike: Sequence[str], tasks: Collection[str]) -> str:
    """`` on ring with mlp``: which tasks are meant, where it is not all."""
    if len(alike) == len(tasks):
        return ""
    return f" on {', '.join(alike)}" if len(alike) <= NAMED else f" on {len(alike)} of {len(tasks)} tasks"


def _smallest_p(seeds: Sequence[int]) -> float:
    """`bench.statistics.smallest_p` of tasks of equal cells, which costs no import of scipy before a plan is shown."""
    return min(1.0, 2 / math.prod(math.comb(2 * each, each) for each in seeds))


def _seeds_needed(others: int, tasks: int = 1) -> int:
    """The fewest seeds per cell with which the first step of Holm's correction can be passed; 1 has no interval."""
    return next(seeds for seeds in itertools.count(2) if others * _smallest_p([seeds] * tasks) <= LEVEL)


@dataclasses.dataclass
class _CellDraft:
    spec: RunSpec
    before: str
    after: str
    seeds: dict[int, int]
    """Each seed, and its place among the seeds of the grid."""

    @property
    def name(self) -> str:
        return self.spec.cell_name

    @property
    def cell_id(self) -> str:
        without_seed = self.before.removesuffix('"seed":').rstrip(",") + self.after
        return f"{self.name}_{_hash(without_seed)}"

    def with_seed(self, seed: int) -> RunSpec:
        return self.spec if seed == self.spec.seed else self.spec.with_seed(seed)

    def run_id(self, seed: int) -> str:
        return f"{self.name}_s{seed}_{_hash(f'{self.before}{seed}{self.after}')}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _combine(blocks: list[Block], execution: ExecutionSpec) -> list[_CellDraft]:
    """Every cell once, with all of its seeds, in the order of the file."""
    texts = _Texts()
    drafts: dict[bytes, _CellDraft] = {}
    plugins: dict[tuple[PluginSpec, ...], tuple[PluginSpec, ...]] = {}
    for block in blocks:
        for dataset, evaluation, architectures in block.fields:
            for architecture in architectures:
                for objective in block.objectives:
                    used = plugins_of(objective, architecture, dataset, evaluation.space)
                    spec = RunSpec(
                        objective=objective,
                        architecture=architecture,
                        dataset=dataset,
                        seed=block.seeds[0],
                        training=block.training,
                        evaluation=evaluation,
                        plugins=plugins.setdefault(used, used),
                        execution=execution,
                    )
                    before, after = texts.around_seed(spec)
                    key = hashlib.sha256((before + after).encode()).digest()
                    draft = drafts.setdefault(key, _CellDraft(spec, before, after, {}))
                    for place, seed in enumerate(block.seeds):
                        draft.seeds.setdefault(seed, place)
    return list(drafts.values())


class _Texts:
    """Identities of many runs as canonical JSON; what they share is put into words once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, str]] = {}
        self._fields = sorted(name for name, mark in field_identity(RunSpec).items() if mark is Identity.PART)

    def around_seed(self, spec: RunSpec) -> tuple[str, str]:
        """The text before the seed and after it: with the seed between, what `RunSpec.run_id` is a hash of."""
        at = self._fields.index("seed")
        before, after = self._fields[:at], self._fields[at + 1 :]
        return (
            "{" + "".join(f'"{name}":{self._text(getattr(spec, name))},' for name in before) + '"seed":',
            "".join(f',"{name}":{self._text(getattr(spec, name))}' for name in after) + "}",
        )

    def _text(self, value: object) -> str:
        known = self._known.get(id(value))
        if known is None:
            known = (value, canonical(plain_data(value)))
            self._known[id(value)] = known  # with the value itself, whose id must not be given to another
        return known[1]
