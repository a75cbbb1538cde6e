"""What a report says of tuning, as DataFrames: trials, budgets, settings that won, and what they are worth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from bench import statistics
from bench.metrics import METRICS, Metric
from bench.report.material import Material
from bench.report.significance import scale_of
from bench.report.tasks import Task
from bench.statistics import Pair, Values
from bench.tuned import StudyOutcome, Tuning

TRIALS = ("task", "objective", "trial", "state", "status", "reason", "metric", "value", "images", "seconds", "settings")
ENDINGS = ("completed", "pruned", "diverged", "undefined", "failed")
BUDGETS = ("objective", "tasks", "trials", *ENDINGS, "images", "seconds")
GAINS = (
    "task",
    "objective",
    "tuned",
    "metric",
    "scale",
    "default_median",
    "tuned_median",
    "improvement",
    "improvement_low",
    "improvement_high",
    "seeds",
    "probability",
    "probability_low",
    "probability_high",
    "p",
    "p_adjusted",
    "told_apart",
    "default_without",
    "tuned_without",
)


def tasks_of(tuning: Tuning) -> dict[str, list[StudyOutcome]]:
    """The studies by task: the dataset, with the architecture where one dataset has several."""
    datasets = Counter(dataset for dataset, _ in {(study.dataset, study.architecture) for study in tuning.studies})
    found: dict[str, list[StudyOutcome]] = {}
    for study in tuning.studies:
        label = study.dataset if datasets[study.dataset] == 1 else f"{study.dataset} with {study.architecture}"
        found.setdefault(label, []).append(study)
    return found


def tasks_with_values(tuning: Tuning) -> dict[str, list[StudyOutcome]]:
    """Those of which any trial has a value."""
    return {
        label: studies
        for label, studies in tasks_of(tuning).items()
        if any(trial.value is not None for study in studies for trial in study.trials)
    }


def known_tasks(material: Material, tuning: Tuning) -> dict[str, str]:
    """What the report calls each task, of those that any run has a record of."""
    known = {}
    for label, studies in tasks_of(tuning).items():
        task = task_of(material, studies[0], studies[0].objective)
        if task is not None:
            known[label] = task.label
    return known


def trials(tunings: Iterable[Tuning]) -> pd.DataFrame:
    """Every finished trial."""
    rows = [
        (
            task,
            study.objective,
            trial.slot,
            trial.state,
            trial.status,
            trial.reason,
            study.metric,
            trial.value,
            trial.images,
            trial.seconds,
            json.dumps(trial.settings),
        )
        for tuning in tunings
        for task, studies in tasks_of(tuning).items()
        for study in studies
        for trial in study.trials
    ]
    return pd.DataFrame(rows, columns=list(TRIALS))


def budgets(tuning: Tuning) -> pd.DataFrame:
    """What each objective was given over all of its studies: trials by how they ended, images, seconds."""
    rows = []
    for objective in dict.fromkeys(study.objective for study in tuning.studies):
        studies = [study for study in tuning.studies if study.objective == objective]
        of = [trial for study in studies for trial in study.trials]
        ended = Counter(trial.status for trial in of)
        failed = sum(trial.state == "failed" for trial in of)
        counts = (*(ended[status] for status in ENDINGS[:-1]), failed)
        images, seconds = sum(trial.images for trial in of), sum(trial.seconds for trial in of)
        rows.append((objective, len(studies), len(of), *counts, images, seconds))
    return pd.DataFrame(rows, columns=list(BUDGETS))


def gains(material: Material, tuning: Tuning) -> pd.DataFrame:
    """Every objective with tuned settings against the same with the suite's, at the fresh seeds both ran.

    By the metric that was tuned for, on the test split; p is Holm-corrected over all studies. Empty where neither side
    has a record yet.
    """
    pairs: dict[str, Pair] = {}
    about: dict[str, tuple[str, StudyOutcome, Metric]] = {}
    for label, studies in tasks_of(tuning).items():
        for study in studies:
            metric = METRICS[study.metric]
            default = _cell(material, study, study.objective, metric)
            tuned = _cell(material, study, study.tuned, metric)
            if default and tuned:
                pairs[study.cell] = Pair(tuned, default, metric.better, scale_of(metric, (default, tuned)))
                about[study.cell] = (label, study, metric)
    compared = statistics.compare_each({cell: [pair] for cell, pair in pairs.items()})
    rows = []
    for cell, pair in pairs.items():
        (label, study, metric), found = about[cell], compared[cell]
        before, after = (statistics.summarise(side.values(), metric.better) for side in (pair.baseline, pair.values))
        gain, chance = found.improvement, found.probability
        rows.append(
            (
                *(label, study.objective, study.tuned, study.metric, pair.scale, before.median, after.median),
                *(gain.estimate, gain.low, gain.high, found.seeds),
                *(chance.estimate, chance.low, chance.high, found.p, found.p_adjusted, found.told_apart),
                *(before.runs - before.finished, after.runs - after.finished),
            )
        )
    return pd.DataFrame(rows, columns=list(GAINS))


def task_of(material: Material, study: StudyOutcome, objective: str) -> Task | None:
    """The report's task in which an objective of a study was run; of several, the one with the study's architecture."""
    having = [
        task for task in material.tasks if task.spec.dataset.label == study.dataset and objective in task.objectives
    ]
    having.sort(key=lambda task: task.spec.architecture.label != study.architecture)
    return having[0] if having else None


def _cell(material: Material, study: StudyOutcome, objective: str, metric: Metric) -> Values:
    task = task_of(material, study, objective)
    return {} if task is None else material.cell(task.label, objective, metric.name)
