"""A results folder as a real suite leaves it, made up in a second: for the report's tests and for looking at it.

`python -m tests.report.synthetic FOLDER` writes ``FOLDER/losses``.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.record import Classifier, Draw, Environment, Measurement, Record, Reference, Status, Throughput, Timings
from bench.spec import Budget, EvaluationSpec, ObjectiveSpec, RunSpec, TrainingSpec
from bench.store import Store
from tests.report.characters import (
    ARCHITECTURE,
    BATCH,
    CHARACTERS,
    SIGMA,
    SPACE,
    Character,
    centers,
    choice,
    draw,
    film,
    history,
    metrics,
)

SAMPLES, STEPS = 450, 4000
SMALL = ("fid", "sliced_wasserstein", "wasserstein", "kid", "mmd", "reverse_kl")
"""Metrics that get smaller where a checkpoint is chosen by them."""

ENVIRONMENT = Environment(
    ganbench="0.1.0",
    source=None,
    python="3.11.9",
    platform="Linux-6.8-x86_64",
    packages={"torch": "2.11.0", "numpy": "2.3.1", "torch-fidelity": "0.4.0"},
    commit="6fa18cb0d3f14b8c5f2f9d7d3f3d9d0f6f1b2c3d",
    dirty=True,
    device="cpu",
    processor="AMD EPYC 7763 64-Core Processor",
    cores=2,
    memory_bytes=8 << 30,
    driver=None,
)
SUITE = """title = "GAN objectives on small data"
seeds = 5

[training]
steps = 4000
batch_size = 128

[[grid]]
objectives    = ["minimax", "nsgan", "lsgan", "wgan", "wgan-gp", "hinge", "nsgan-r1", "r3gan"]
architectures = ["mlp"]
datasets      = ["ring", "grid"]
"""


def spec(objective: str, dataset: str, seed: int, architecture: str | None = None, steps: int = STEPS) -> RunSpec:
    character = CHARACTERS.get(objective, Character("hinge", 2.0, 0.9))
    adam = choice("adam", learning_rate=1e-4 if character.n_critic > 1 else 2e-4, beta1=0.5, beta2=0.999)
    return RunSpec(
        objective=ObjectiveSpec(
            label=objective,
            loss=choice(character.loss),
            penalties=character.penalties,
            stabilisers=(),
            discriminator_normalisation="unchanged",
            n_critic=character.n_critic,
            generator_optimizer=adam,
            discriminator_optimizer=adam,
        ),
        architecture=choice(architecture or ARCHITECTURE[dataset], width=128, latent=64),
        dataset=choice(dataset),
        seed=seed,
        training=TrainingSpec(
            budget=Budget(unit="steps", amount=steps),
            batch_size=BATCH,
            ema_images=10_000,
            learning_rate_decay="none",
            threads=1,
        ),
        evaluation=EvaluationSpec(samples=SAMPLES, every=500, space=SPACE[dataset]),
    )


def measurements(
    dataset: str, values: dict[str, float | None], step: int, random: np.random.Generator
) -> list[Measurement]:
    made = []
    for selection, factor in (("final", 1.0), ("best_on_validation", 0.97), ("oracle_best", 0.92)):
        for name, value in values.items():
            if selection != "final" and value is not None:
                value *= factor ** (1 if name in SMALL else 0)
                value *= math.exp(random.normal(0, 0.01)) if name in ("fid", "sliced_wasserstein") else 1
            made.append(
                Measurement.model_validate(
                    {
                        "metric": name,
                        "value": value,
                        "space": SPACE[dataset],
                        "split": "test",
                        "generated": SAMPLES,
                        "real": SAMPLES,
                        "weights": "ema",
                        "step": step,
                        "selection": selection,
                    }
                )
            )
    return made


def make_run(store: Store, run: RunSpec, status: Status | None = None, *, reason: str | None = None) -> Record:
    """Write one run's files; its status is drawn after its objective's character where none is given."""
    dataset = run.dataset.label
    character = CHARACTERS.get(run.objective.label, Character("hinge", 2.0, 0.9))
    random = np.random.default_rng([run.seed, *map(ord, run.cell_name)])
    total = int(run.training.budget.amount)
    if status is None:
        status = Status.DIVERGED if random.random() < character.fails else Status.COMPLETED
    last = total if status is Status.COMPLETED else int(total * random.uniform(0.2, 0.7) / 500) * 500
    speed = steps_per_second(character, dataset) / 1.9 * math.exp(random.normal(0, 0.05))
    completed = status is Status.COMPLETED
    values = metrics(dataset, character.quality, character.coverage, random)
    if reason is None and not completed:
        reason = {
            Status.DIVERGED: f"the discriminator's loss is not finite at step {last + 17}",
            Status.CRASHED: "killed by signal SIGSEGV",
            Status.TIMED_OUT: "took longer than 600 s",
        }.get(status, f"{status}: no memory for 512 MiB")
    record = Record(
        run_id=run.run_id,
        spec=run,
        status=status,
        reason=reason,
        log_tail=None if completed else "step 1000  D 0.61  G 1.2\nstep 1500  D nan  G nan\n",
        steps=last,
        images=last * run.images_per_step,
        measurements=tuple(measurements(dataset, values, last, random)) if completed else (),
        parameters={"generator": 52_482, "discriminator": 33_281},
        samples={"train": 100_000, "validation": 10_000, "test": 10_000},
        timings=Timings(total=last / speed + 3, start=0.6, training=last / speed, evaluation=2.1, files=0.1),
        peak_memory_bytes=412 << 20,
        environment=ENVIRONMENT,
        started_at="2026-11-20T10:00:00Z",
    )
    store.write_spec(run)
    store.write_history(run.run_id, to_table(history(dataset, character, last, speed, random)))
    store.write_film(run.run_id, film(dataset, character, last, run.seed))
    if completed:
        samples = draw(dataset, SAMPLES, character.coverage, character.quality**0.8, random)
        store.write_samples(run.run_id, samples, b"")
    store.write_record(record)
    return record


def to_table(history: pd.DataFrame) -> pa.Table:
    """A history as the store takes it."""
    return pa.Table.from_pandas(history, preserve_index=False)


def steps_per_second(character: Character, dataset: str) -> float:
    slow = 6.0 if dataset == "digits" else 1.0
    return 560 / slow / (0.5 + character.n_critic * (0.5 + 0.5 * character.penalty_cost))


def make_reference(store: Store, dataset: str) -> None:
    random = np.random.default_rng(7)
    draws = [
        Draw.model_validate(
            {"kind": kind, "draw": index, "metric": name, "value": value, "generated": SAMPLES, "real": SAMPLES}
        )
        for kind, quality, coverage in (("perfect sampler", 1.0, 1.0), ("noise", 60.0, 0.3))
        for index in range(5)
        for name, value in metrics(dataset, quality, coverage, random).items()
    ]
    points = SPACE[dataset] == "raw"
    reference = Reference(
        dataset=choice(dataset),
        space=SPACE[dataset],
        samples=SAMPLES,
        sampler="fresh draws of the mixture" if points else "held-out real images in random halves",
        noise="a single Gaussian of the data's mean and covariance" if points else "uniform pixels",
        draws=tuple(draws),
        modes=tuple(map(tuple, centers(dataset).tolist())) if points else (),
        sigma=SIGMA.get(dataset),
        classifier=None if points else Classifier(accuracy=0.981, sha256="ab" * 32, features=64, parameters=21_000),
        space_sha256="" if points else "ab" * 32,
        environment=ENVIRONMENT,
        seconds=3.2,
    )
    store.write_reference(reference)
    store.write_reference_samples(reference.key, draw(dataset, SAMPLES, 1.0, 1.0, random))


def make_throughput(store: Store, run: RunSpec) -> None:
    character = CHARACTERS.get(run.objective.label, Character("hinge", 2.0, 0.9))
    speed = steps_per_second(character, run.dataset.label)
    store.write_throughput(
        Throughput(
            cell_id=run.cell_id,
            cell_name=run.cell_name,
            objective=run.objective.label,
            architecture=run.architecture.label,
            dataset=run.dataset.label,
            batch_size=BATCH,
            n_critic=character.n_critic,
            steps_per_second=speed,
            images_per_second=speed * BATCH * character.n_critic,
            step_seconds=1 / speed,
            discriminator_seconds=0.5 * character.n_critic / 560,
            penalty_seconds=0.5 * character.n_critic * character.penalty_cost / 560,
            generator_seconds=0.5 / 560,
            repeats=5,
            spread=0.03,
            flops_per_step=2.8e7 * character.n_critic,
            peak_flops_per_second=6.5e10,
            peak_memory_bytes=None,
            environment=ENVIRONMENT,
        )
    )


def make_results(
    folder: Path,
    objectives: Sequence[str] = tuple(CHARACTERS),
    datasets: Sequence[str] = ("ring", "grid", "digits"),
    seeds: int = 5,
    *,
    references: bool = True,
    throughputs: bool = True,
) -> Store:
    """A whole suite: every objective on every dataset; one run crashed, one timed out, one still to be made."""
    store = Store(folder)
    store.prepare()
    specs = [spec(o, d, s) for o in objectives for d in datasets for s in range(seeds)]
    store.write_suite(SUITE, json.dumps({"runs": [run.run_id for run in specs]}))
    whole = len(specs) > 20
    for index, run in enumerate(specs[:-1] if whole else specs):
        status = {17: Status.CRASHED, 42: Status.TIMED_OUT}.get(index) if whole else Status.COMPLETED
        make_run(store, run, status)
    for dataset in datasets if references else ():
        make_reference(store, dataset)
    for run in specs if throughputs else ():
        if run.seed == 0:
            make_throughput(store, run)
    return store


if __name__ == "__main__":
    make_results(Path(sys.argv[1]) / "losses")
