"""What tuning came to: the best that a budget finds, what mattered, and what the settings that won are worth."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping

import pandas as pd

from bench import statistics
from bench.metrics import METRICS, Metric
from bench.report import tuned_figures, tuned_tables
from bench.report.blocks import Block, Cell, Picture, Row, Table, Text
from bench.report.drawing import TASKS_PER_FIGURE
from bench.report.legible import slug
from bench.report.material import Material
from bench.report.pair_cells import chance_cells, gain_cell
from bench.report.style import Look, looks, plural, share, short, shown
from bench.report.summary import Line
from bench.report.wording import listed_names
from bench.settings import Scalar
from bench.tuned import StudyOutcome, Tuning


def tuning_blocks(material: Material, look: dict[str, Look]) -> tuple[Block, ...]:
    """The chapter; empty where no suite of the report is a tuned one."""
    blocks: list[Block] = []
    for tuning in material.tunings:
        own = looks(tuple(dict.fromkeys(study.objective for study in tuning.studies)))
        seen = {name: look.get(name, style) for name, style in own.items()}
        blocks += [
            Text((_asked(tuning),)),
            *_gains(material, tuning, look),
            *_curves(material, tuning, seen),
            _budgets(tuning, seen),
            _winners(tuning, seen),
            *_importances(tuning, seen),
            *_slices(tuning, seen),
        ]
    return tuple(blocks)


def tables_of(material: Material) -> dict[str, pd.DataFrame]:
    """What goes to files: nothing where no suite of the report is a tuned one."""
    if not material.tunings:
        return {}
    parts = {
        "tuning-trials": [tuned_tables.trials([tuning]) for tuning in material.tunings],
        "tuning-budgets": [tuned_tables.budgets(tuning) for tuning in material.tunings],
        "tuned-against-default": [tuned_tables.gains(material, tuning) for tuning in material.tunings],
    }
    return {
        name: frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True) for name, frames in parts.items()
    }


def _asked(tuning: Tuning) -> str:
    budget = (
        f"{tuning.trials} {plural('trial', tuning.trials)}"
        if tuning.trials is not None
        else f"{tuning.seconds:g} seconds of trials"
    )
    metrics = listed_names(list(dict.fromkeys(METRICS[study.metric].title for study in tuning.studies)))
    seeds = ", ".join(map(str, tuning.seeds))
    pruned = "none of them ended early" if tuning.pruner == "NopPruner" else f"ended early by {tuning.pruner}"
    each = "seed" if len(tuning.seeds) == 1 else "the median over seeds"
    return (
        f"The -tuned objectives have settings that “ganbench tune” chose for suite {tuning.suite}: {budget} for every "
        f"objective on every task, proposed by Optuna's {tuning.sampler}, {pruned}. A trial's "
        f"value is {metrics} at its end, on the validation split ({each} {seeds}); a diverged trial has none. "
        "Everything else in this report is of fresh seeds and of the test split: what was chosen for being good looks "
        f"better where it was chosen. The studies are in {tuning.storage}."
    )


def _gains(material: Material, tuning: Tuning, look: Mapping[str, Look]) -> Iterator[Block]:
    table = tuned_tables.gains(material, tuning)
    if table.empty:
        yield Text(
            (
                "Whether the tuned settings are better at fresh seeds is not known yet: the runs of this suite tell. "
                "Curves and tables below are of the trials alone.",
            ),
            "warning",
        )
        return
    rows = []
    lines: list[Line] = table.assign(within_floor=False).to_dict("records")
    for line in lines:
        metric = METRICS[line["metric"]]
        sides = (
            Cell(
                shown(line[f"{side}_median"], metric),
                f"{line[f'{side}_without']} without" * bool(line[f"{side}_without"]),
            )
            for side in ("default", "tuned")
        )
        name = Cell(f"{line['task']}: {line['objective']}", metric.title)
        style = look.get(line["tuned"])
        cells = (name, *sides, gain_cell(line, metric), *chance_cells(line), Cell(str(line["seeds"])))
        rows.append(Row(cells, color=None if style is None else style.color))
    yield Table(
        "Tuned against default",
        "Each objective with the settings that won against the same with the suite's own, at fresh seeds, on the test "
        "split, at the end of the budget. Default, tuned: medians over the runs that have a value. Improvement: "
        "interquartile mean of the (log-)ratios or differences of runs of one seed, with a 95 % bootstrap interval "
        "over seeds; above 1 × (or 0) tuned is better. Probability: chance that a tuned run beats a default one, with "
        "its 95 % interval. p: two-sided Mann–Whitney test, adjusted by Holm over all rows. Told apart: the adjusted "
        "p is at most 0.05 and the interval excludes no difference."
        + (
            f" Under {statistics.DESCRIPTIVE_BELOW} seeds all of it is descriptive."
            if int(table["seeds"].min()) < statistics.DESCRIPTIVE_BELOW
            else ""
        ),
        ("task: objective", "default", "tuned", "improvement", "probability", "p", "verdict", "seeds"),
        tuple(rows),
        text_columns=frozenset({0, 6}),
        name="tuned-against-default-shown",
    )


def _side(line: Line, side: str, metric: Metric) -> Cell:
    without = line[f"{side}_without"]
    return Cell(shown(line[f"{side}_median"], metric), f"{without} without a value" if without else "")


def _curves(material: Material, tuning: Tuning, look: Mapping[str, Look]) -> Iterator[Block]:
    tasks, known = tuned_tables.tasks_with_values(tuning), tuned_tables.known_tasks(material, tuning)
    labels = list(tasks)
    for start in range(0, len(labels), TASKS_PER_FIGURE):
        part = {label: tasks[label] for label in labels[start : start + TASKS_PER_FIGURE]}
        number = f"-{start // TASKS_PER_FIGURE + 1}" if len(labels) > TASKS_PER_FIGURE else ""
        yield Picture(
            f"best-against-budget{number}",
            "The best that a budget finds",
            _curve_caption(tuning),
            " ".join(_ends(label, studies) for label, studies in part.items()),
            functools.partial(
                tuned_figures.best_against_budget, part, material.draws, known, look, is_random=tuning.is_random
            ),
        )


def _curve_caption(tuning: Tuning) -> str:
    grey = "Grey: a perfect sampler's draws on the test split. "
    if tuning.is_random:
        return (
            "Line: what the best of k of the objective's random trials is expected to reach on validation data, over "
            "all choices of k of them; band: its 95 % bootstrap interval over the trials. Trials without a value "
            "(diverged, pruned, failed) are drawn too. Where lines cross, the budget decides which objective looks "
            f"best (Lucic et al. 2018; Dodge et al. 2019). {grey}"
        )
    return (
        f"Line: the best value among the first k trials, on validation data. {tuning.sampler} chooses each trial by "
        "those before it, so that this is one course of many, without a band, and tells nothing of what a smaller "
        "budget would "
        f'have given on average; random trials do (sampler = "RandomSampler"). {grey}'
    )


def _ends(label: str, studies: list[StudyOutcome]) -> str:
    """What the lines of one panel end at, in words."""
    metric = METRICS[studies[0].metric]
    ends = [
        f"{study.objective} {shown(study.winner.value, metric)}" if study.winner else f"{study.objective} none"
        for study in studies
    ]
    most = max(len(study.trials) for study in studies)
    return f"{label}: best {metric.title} after {most} {plural('trial', most)}: {', '.join(ends)}."


def _budgets(tuning: Tuning, look: Mapping[str, Look]) -> Table:
    lines: list[Line] = tuned_tables.budgets(tuning).to_dict("records")
    counts = ("trials", "completed", "pruned", "diverged", "undefined", "failed")
    rows = tuple(
        Row(
            (
                Cell(line["objective"]),
                *(Cell(f"{line[count]:,}") for count in counts),
                Cell(short(line["images"]), sort=line["images"]),
                Cell(f"{line['seconds']:,.0f}"),
            ),
            color=look[line["objective"]].color,
        )
        for line in lines
    )
    tasks = len(tuned_tables.tasks_of(tuning))
    return Table(
        "Budgets",
        f"What each objective was given, over {tasks} {plural('task', tasks)}: trials by how they ended (undefined: "
        "the metric was, at the end; failed: for a reason that says nothing of the settings), real images shown to the "
        "discriminator in all of their runs, and seconds of these runs, side by side with others. Trials that were "
        "pruned or diverged ended before their images were spent.",
        ("objective", *counts, "images", "seconds"),
        rows,
    )


def _winners(tuning: Tuning, look: Mapping[str, Look]) -> Table:
    rows = []
    for label, studies in tuned_tables.tasks_of(tuning).items():
        for study in studies:
            metric, winner = METRICS[study.metric], study.winner
            name = Cell(f"{label}: {study.objective}", f"of {len(study.trials)} trials")
            color = look[study.objective].color
            if winner is None:
                rows.append(Row((name, Cell("–"), Cell("no trial completed"), Cell("–")), color=color))
                continue
            before = {parameter.path: parameter.default for parameter in study.parameters}
            settings = ", ".join(f"{path} = {setting(value)}" for path, value in winner.settings.items())
            told = ", ".join(f"{path} = {setting(value)}" for path, value in before.items())
            value = Cell(shown(winner.value, metric), f"trial {winner.slot}", sort=winner.value)
            rows.append(Row((name, value, Cell(settings), Cell(told)), color=color))
    return Table(
        "Settings that won",
        "The best completed trial of every study: its value on the validation split, at the trials' seeds, and its "
        "settings; beside them the suite's own, which no trial had to be. The tuned suite has them in full.",
        ("task: objective", "validation", "settings", "the suite's own"),
        tuple(rows),
        text_columns=frozenset({0, 2, 3}),
        compact=True,
        collapsed=len(rows) > 12,
    )


def setting(value: Scalar) -> str:
    """A setting's value: three digits of a number are enough to read."""
    return f"{value:.3g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False).strip('"')


def _importances(tuning: Tuning, look: Mapping[str, Look]) -> Iterator[Block]:
    paths = dict.fromkeys(parameter.path for study in tuning.studies for parameter in study.parameters)
    rows = []
    for label, studies in tuned_tables.tasks_of(tuning).items():
        for study in studies:
            known = {parameter.path: parameter.importance for parameter in study.parameters}
            if any(share is not None for share in known.values()):
                most = max((value or 0.0) for value in known.values())
                rows.append(
                    Row(
                        (
                            Cell(f"{label}: {study.objective}"),
                            *(_importance(known.get(path), most, path in known) for path in paths),
                        ),
                        color=look[study.objective].color,
                    )
                )
    if rows:
        yield Table(
            "Importance of settings",
            "Share of the metric's variance over the completed trials that a setting explains by itself and with "
            "others (fANOVA, Hutter et al. 2014, as Optuna has it, of the logarithm where the metric is told on such "
            "a scale); shares of an objective add up to 100 %, the largest is marked. Empty: not searched for this "
            "objective. With few trials these are hints.",
            ("task: objective", *paths),
            tuple(rows),
            compact=True,
        )


def _importance(value: float | None, most: float, is_searched: bool) -> Cell:
    if value is None:
        return Cell("–" if is_searched else "")
    return Cell(share(value), best=value == most, sort=value)


def _slices(tuning: Tuning, look: Mapping[str, Look]) -> Iterator[Block]:
    for number, (label, studies) in enumerate(tuned_tables.tasks_with_values(tuning).items(), start=1):
        searched = dict.fromkeys(parameter.path for study in studies for parameter in study.parameters)
        metric = METRICS[studies[0].metric]
        yield Picture(
            f"slices-{number}-{slug(label)}",
            f"{label}: slices",
            f"Every trial over each setting that was searched: {metric.title} on validation data ({metric.better} is "
            "better). Large: the best trial of each objective. Ticks on the edge: trials without a value "
            "(diverged, pruned, failed).",
            f"Scatter plots of {metric.title} over {listed_names(list(searched))}. {_ends(label, studies)}",
            functools.partial(tuned_figures.slices, label, studies, look),
            collapsed=number > 2,
        )
