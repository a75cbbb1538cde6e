"""What the studies came to, read from their database as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from bench.metrics import Metric
from bench.plan import Plan
from bench.tune_plan import StudyPlan
from bench.tuned import ParameterOutcome, State, StudyOutcome, TrialOutcome, Tuning
from bench.tuning.board import SECONDS, SLOT, Board
from bench.tuning.trial import IMAGES, REASON, STATUS

FEWEST_TRIALS = 4
"""Completed trials that importances are told of; of fewer they would be noise alone."""
SUFFIX = "-tuned"
LONGEST_LABEL = 40

_STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "completed",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


def read_outcome(board: Board, plan: Plan, shown: str) -> Tuning:
    """The finished trials of every study.

    Args:
        board: the studies.
        plan: of the suite.
        shown: where they are, without password.
    """
    tuning = board.tuning
    labels = tuned_labels([study.spec.objective.label for study in tuning.studies])
    return Tuning(
        suite=plan.name,
        trials=tuning.trials,
        seconds=tuning.seconds,
        sampler=str(tuning.sampler),
        pruner=str(tuning.pruner),
        seeds=tuning.seeds,
        fresh_seeds=tuning.fresh_seeds,
        storage=shown,
        studies=tuple(_study(board, study, labels[study.spec.objective.label]) for study in tuning.studies),
    )


def tuned_labels(labels: Sequence[str]) -> dict[str, str]:
    """What each objective is called with tuned settings: a name that no objective has."""
    taken, named = set(labels), dict[str, str]()
    for label in dict.fromkeys(labels):
        suffix, count = SUFFIX, 1
        while (name := label[: LONGEST_LABEL - len(suffix)] + suffix) in taken:
            count += 1
            suffix = f"{SUFFIX}-{count}"
        taken.add(name)
        named[label] = name
    return named


def _study(board: Board, plan: StudyPlan, tuned: str) -> StudyOutcome:
    study, finished = board.load(plan), board.standing(plan).finished
    trials = tuple(_trial(trial) for trial in finished)
    shares = _importances(study, finished, plan)
    sign = 1 if plan.metric.better == "lower" else -1
    completed = [trial for trial in trials if trial.state == "completed" and trial.value is not None]
    best = min(completed, key=lambda trial: (sign * (trial.value or 0.0), trial.slot), default=None)
    spec = plan.spec
    return StudyOutcome(
        cell=plan.cell,
        objective=spec.objective.label,
        tuned=tuned,
        architecture=spec.architecture.label,
        dataset=spec.dataset.label,
        metric=plan.metric.name,
        space=spec.evaluation.space,
        parameters=tuple(
            ParameterOutcome(
                path=parameter.path,
                low=parameter.search.low,
                high=parameter.search.high,
                log=parameter.search.log,
                step=parameter.search.step,
                choices=parameter.search.choices,
                origin=parameter.origin,
                default=parameter.value,
                importance=shares.get(parameter.path),
            )
            for parameter in plan.parameters
        ),
        trials=trials,
        best=None if best is None else best.slot,
    )


def _trial(trial: FrozenTrial) -> TrialOutcome:
    attributes, state = trial.user_attrs, _STATES[trial.state]
    evaluations = sorted(trial.intermediate_values.items())
    return TrialOutcome(
        slot=int(attributes[SLOT]),
        state=state,
        status=str(attributes.get(STATUS, state)),
        reason=attributes.get(REASON),
        value=_finite(trial.value) if trial.state is TrialState.COMPLETE else None,
        settings=trial.params,
        images=int(attributes.get(IMAGES, 0)),
        seconds=float(attributes.get(SECONDS, 0.0)),
        evaluations=tuple((step, _finite(value)) for step, value in evaluations),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _importances(study: optuna.Study, finished: Sequence[FrozenTrial], plan: StudyPlan) -> dict[str, float]:
    """The share of the variance that each parameter explains, over the completed trials; empty where none can be told.

    Of the logarithm of a metric that is told on such a scale.

    Source: Hutter, Hoos & Leyton-Brown 2014 (fANOVA), as Optuna has it.
    """
    completed = [trial for trial in finished if trial.state is TrialState.COMPLETE]
    values = [_worth(trial, plan.metric) for trial in completed]
    if len(completed) < FEWEST_TRIALS or None in values or len(set(values)) < 2:
        return {}
    try:
        shares = get_param_importances(
            study,
            evaluator=FanovaImportanceEvaluator(seed=0),
            target=lambda trial: _worth(trial, plan.metric) or 0.0,
        )
    except (RuntimeError, ValueError):  # values that do not vary
        return {}
    return {path: share for path, share in shares.items() if math.isfinite(share)}


def _worth(trial: FrozenTrial, metric: Metric) -> float | None:
    value = _finite(trial.value)
    if value is None or not metric.log_scale:
        return value
    return math.log(value) if value > 0 else None
