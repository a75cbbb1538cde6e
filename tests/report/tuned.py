"""Results of a tuned suite, made up in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.store import Store
from bench.tuned import FILE, ParameterOutcome, StudyOutcome, TrialOutcome, Tuning
from tests.report.synthetic import make_results

OBJECTIVES = ("nsgan", "wgan-gp")
TASKS = {"ring": ("mlp", "sliced_wasserstein", "raw"), "digits": ("dcgan", "fid", "classifier")}


def make_study(objective: str, dataset: str, trials: int, seed: int) -> StudyOutcome:
    """Random trials of which a few diverged."""
    architecture, metric, space = TASKS[dataset]
    random = np.random.default_rng(seed)
    made = []
    for slot in range(trials):
        diverged = slot % 7 == 6
        rate, n_critic = float(10 ** random.uniform(-5, -2)), int(random.choice([1, 2, 5]))
        value = None if diverged else float(random.lognormal())
        made.append(
            TrialOutcome(
                slot=slot,
                state="pruned" if diverged else "completed",
                status="diverged" if diverged else "completed",
                reason="a loss or a weight was not finite at step 3" if diverged else None,
                value=value,
                settings={"optimizer.learning_rate": rate, "n_critic": n_critic},
                images=32 if diverged else 64_000,
                seconds=2.5,
                evaluations=((1, value),),
            )
        )
    best = min((trial for trial in made if trial.value is not None), key=lambda trial: trial.value or 0.0)
    rates = {"low": 1e-5, "high": 1e-2, "log": True, "step": None, "choices": ()}
    counts = {"low": None, "high": None, "log": False, "step": None, "choices": (1, 2, 5)}
    return StudyOutcome(
        cell=f"{objective}_{architecture}_{dataset}",
        objective=objective,
        tuned=f"{objective}-tuned",
        architecture=architecture,
        dataset=dataset,
        metric=metric,
        space=space,
        parameters=(
            ParameterOutcome(
                path="optimizer.learning_rate", origin="optimizer 'adam'", default=2e-4, importance=0.75, **rates
            ),
            ParameterOutcome(path="n_critic", origin="[tune.space]", default=1, importance=0.25, **counts),
        ),
        trials=tuple(made),
        best=best.slot,
    )


def make_tuning(trials: int = 20, sampler: str = "RandomSampler") -> Tuning:
    studies = [
        make_study(objective, dataset, trials, seed)
        for seed, (dataset, objective) in enumerate((d, o) for d in TASKS for o in OBJECTIVES)
    ]
    return Tuning(
        suite="small",
        trials=trials,
        seconds=None,
        sampler=sampler,
        pruner="NopPruner",
        seeds=(0,),
        fresh_seeds=(1, 2, 3, 4, 5, 6),
        storage="postgresql://me@host/db",
        studies=tuple(studies),
    )


def make_tuned(folder: Path) -> Store:
    """Results of both the default and the tuned objectives, and the studies beside them."""
    names = [name for objective in OBJECTIVES for name in (objective, f"{objective}-tuned")]
    store = make_results(folder, names, list(TASKS), 6)
    (store.folder / FILE).write_text(make_tuning().model_dump_json())
    return store
