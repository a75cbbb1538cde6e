"""The tuned suite: every objective as it was and with the settings that won, at fresh seeds, as a file that runs."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from bench.metrics import METRICS
from bench.plan import Plan
from bench.spec import Choice, EvaluationSpec, ExecutionSpec, ObjectiveSpec, RunSpec, TrainingSpec
from bench.tune_plan import StudyPlan, TuningPlan
from bench.tuned import StudyOutcome, TrialOutcome, Tuning

MARK = "# Written by `ganbench tune`"
"""How such a file begins: another one is not overwritten."""

Task = tuple[Choice, Choice, TrainingSpec, EvaluationSpec]


def write_suite(plan: Plan, tuning: TuningPlan, outcome: Tuning, command: str) -> str:
    """The tuned suite's text.

    Args:
        plan: of the suite that was tuned.
        tuning: what was asked for.
        outcome: what came of it.
        command: that makes the file.
    """
    asked = tomllib.loads(plan.suite_text)
    own = {"title": f"{plan.title}: tuned against default", "seeds": list(outcome.fresh_seeds)}
    if asked.get("plugins"):
        own["plugins"] = asked["plugins"]
    lines = [*_header(outcome, command), "", *(f"{key} = {_value(value)}" for key, value in own.items())]
    if asked.get("report"):
        lines += ["", "[report]", *(f"{key} = {_value(value)}" for key, value in asked["report"].items())]
    lines += _execution(plan.specs[0].execution)
    studies = dict(zip((study.cell for study in tuning.studies), outcome.studies, strict=True))
    for task, plans in _tasks(tuning):
        apart = []
        lines += ["", *_grid(task, task[0].label)]
        for study in plans:
            lines += ["", *_objective(study.spec.objective, study.spec.objective.label)]
            found = studies[study.cell]
            if found.winner is None:
                lines += ["", f"# {found.tuned} is not here: no trial of {found.objective} on this task completed"]
                continue
            spec = study.make(found.winner.settings, outcome.fresh_seeds[0])
            if _task_of(spec) == task:
                lines += ["", *_won(found, found.winner, outcome), *_objective(spec.objective, found.tuned)[1:]]
            else:
                apart.append((found, found.winner, spec))
        for found, winner, spec in apart:  # its architecture or its training is another one
            label = spec.architecture.label
            if spec.architecture != task[0]:
                label = f"{label[:16]}-{found.tuned}"[:40]
            lines += ["", *_grid(_task_of(spec), label)]
            lines += ["", *_won(found, winner, outcome), *_objective(spec.objective, found.tuned)[1:]]
    return "\n".join(lines) + "\n"


def _header(outcome: Tuning, command: str) -> Iterator[str]:
    budget = f"{outcome.trials} trials" if outcome.trials is not None else f"{outcome.seconds:g} seconds of trials"
    seeds = ", ".join(map(str, outcome.seeds))
    yield f"{MARK}, which writes it anew: {command}"
    yield "#"
    yield "# Every objective stands here twice: as the suite has it, and with the settings of its best trial. Each had"
    yield f"# {budget} per task ({outcome.sampler}, {outcome.pruner}), held against the validation split, seed {seeds}."
    yield "# The seeds below are fresh ones: what was chosen by the others looks better at them than it is."


def _tasks(tuning: TuningPlan) -> list[tuple[Task, list[StudyPlan]]]:
    """The studies by what they share: a grid each."""
    found: dict[str, tuple[Task, list[StudyPlan]]] = {}
    for study in tuning.studies:
        task = _task_of(study.spec)
        found.setdefault(repr(task), (task, []))[1].append(study)
    return list(found.values())


def _task_of(spec: RunSpec) -> Task:
    return spec.architecture, spec.dataset, spec.training, spec.evaluation


def _grid(task: Task, label: str) -> list[str]:
    architecture, dataset, training, evaluation = task
    own = {
        training.budget.unit: training.budget.amount,
        "batch_size": training.batch_size,
        "ema_images": training.ema_images,
        "learning_rate_decay": training.learning_rate_decay,
        "threads": training.threads,
        "precision": training.precision,
        "memory_format": training.memory_format,
    }
    measured = {"samples": evaluation.samples, "every": evaluation.every, "space": evaluation.space}
    return [
        "[[grid]]",
        f"architectures = [{_entry(architecture, label)}]",
        f"datasets = [{_entry(dataset, dataset.label)}]",
        *(f"training.{key} = {_value(value)}" for key, value in own.items()),
        *(f"evaluation.{key} = {_value(value)}" for key, value in measured.items()),
    ]


def _objective(objective: ObjectiveSpec, label: str) -> list[str]:
    lines = ["[[grid.objectives]]", f"label = {_value(label)}", f"loss = {_entry(objective.loss)}"]
    for key, parts in (("penalties", objective.penalties), ("stabilisers", objective.stabilisers)):
        if parts:
            lines.append(f"{key} = [{', '.join(map(_entry, parts))}]")
    if objective.discriminator_normalisation != "unchanged":
        lines.append(f"discriminator_normalisation = {_value(objective.discriminator_normalisation)}")
    lines.append(f"n_critic = {objective.n_critic}")
    if objective.generator_optimizer == objective.discriminator_optimizer:
        return [*lines, f"optimizer = {_entry(objective.generator_optimizer)}"]
    return [
        *lines,
        f"generator_optimizer = {_entry(objective.generator_optimizer)}",
        f"discriminator_optimizer = {_entry(objective.discriminator_optimizer)}",
    ]


def _won(study: StudyOutcome, winner: TrialOutcome, outcome: Tuning) -> list[str]:
    """The heading of a tuned objective, with a comment on where each value comes from."""
    metric, values = METRICS[study.metric], winner.settings
    completed = sum(trial.state == "completed" for trial in study.trials)
    seeds = ", ".join(map(str, outcome.seeds))
    lines = [
        "[[grid.objectives]]",
        f"# trial {winner.slot}, the best of {completed} that completed: {metric.title} {winner.value:.4g} "
        f"on validation data, seed {seeds}",
    ]
    for parameter in study.parameters:
        value, before = _value(values[parameter.path]), _value(parameter.default)
        lines.append(f"# {parameter.path} = {value}: of {parameter.search} ({parameter.origin}); {before} before")
    return lines


def _execution(execution: ExecutionSpec) -> list[str]:
    given = execution.model_dump(exclude_defaults=True)
    return ["", "[execution]", *(f"{key} = {_value(value)}" for key, value in given.items())] if given else []


def _entry(choice: Choice, label: str = "") -> str:
    pairs: dict[str, Any] = {"name": choice.name, **choice.settings}
    if label and label != choice.name:
        pairs["label"] = label
    return _value(pairs)


def _value(value: Any) -> str:
    """As TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(item)}' for key, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) >= 1 else repr(value)
