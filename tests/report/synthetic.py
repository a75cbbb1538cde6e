"""A results folder as a real suite leaves it, made up in a second: for the report's tests and for looking at it.

`python -m tests.report.synthetic FOLDER` writes ``FOLDER/losses``.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.record import Classifier, Draw, Environment, Measurement, Record, Reference, Status, Throughput, Timings
from bench.spec import Budget, Choice, EvaluationSpec, ObjectiveSpec, RunSpec, TrainingSpec
from bench.store import Store


@dataclasses.dataclass(frozen=True)
class Character:
    """How an objective behaves in this made-up world."""

    loss: str
    quality: float
    """Multiplies the metric that is better when low: 1 is the best there is."""
    coverage: float
    n_critic: int = 1
    penalty_cost: float = 0.0
    penalties: tuple[Choice, ...] = ()
    fails: float = 0.0


def choice(name: str, **settings: Any) -> Choice:
    return Choice(name=name, label=name, settings=settings)


CHARACTERS = {
    "minimax": Character("minimax", 6.0, 0.45, fails=0.3),
    "nsgan": Character("non-saturating", 2.6, 0.75),
    "lsgan": Character("least-squares", 2.4, 0.8, fails=0.1),
    "wgan": Character("wasserstein", 3.4, 0.95, 5, 0.05, (choice("weight-clip", limit=0.01),)),
    "wgan-gp": Character("wasserstein", 1.35, 1.0, 5, 1.1, (choice("gradient-penalty", weight=10.0, center=1.0),)),
    "hinge": Character("hinge", 2.5, 0.7),
    "nsgan-r1": Character("non-saturating", 1.45, 1.0, 1, 0.8, (choice("r1", gamma=10.0),)),
    "r3gan": Character("relativistic-pairing", 1.2, 1.0, 1, 1.5, (choice("r1", gamma=1.0), choice("r2", gamma=1.0))),
}
MODES = {"ring": 8, "grid": 25, "digits": 10}
SIGMA = {"ring": 0.02, "grid": 0.05}
ARCHITECTURE = {"ring": "mlp", "grid": "mlp", "digits": "dcgan"}
SPACE = {"ring": "raw", "grid": "raw", "digits": "classifier"}
SAMPLES, STEPS, BATCH = 450, 4000, 128

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


def centers(dataset: str) -> np.ndarray:
    if dataset == "ring":
        angles = np.arange(8) * 2 * math.pi / 8
        return 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    line = 2.0 * (np.arange(5) - 2)
    return np.array([(x, y) for x in line for y in line])


@functools.cache
def digit_images() -> np.ndarray:
    from sklearn.datasets import load_digits

    return np.asarray((load_digits().images * (255 / 16)).round(), dtype=np.float64)


def draw(dataset: str, n: int, coverage: float, blur: float, random: np.random.Generator) -> np.ndarray:
    """Samples as a generator of that coverage and blur would make them."""
    if dataset == "digits":
        images = digit_images()[random.integers(0, int(1797 * max(0.05, coverage)), n)]
        noisy = images + random.normal(0, 20 * (blur - 0.9), images.shape)
        return noisy.clip(0, 255).astype(np.uint8)[:, None]
    modes = centers(dataset)
    kept = modes[: max(1, round(coverage * len(modes)))]
    points = kept[random.integers(0, len(kept), n)] + SIGMA[dataset] * blur * random.normal(size=(n, 2))
    stray = random.random(n) < 0.04 * (blur - 1)
    points[stray] = random.normal(0, 1.5, (int(stray.sum()), 2))
    return points.astype(np.float32)


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


def metrics(dataset: str, quality: float, coverage: float, random: np.random.Generator) -> dict[str, float | None]:
    """Every metric of the dataset's space for a generator of that quality (1 is perfect)."""
    factor = quality * math.exp(random.normal(0, 0.12))
    share = min(1.0, coverage * math.exp(random.normal(0, 0.04)))
    covered = float(round(share * MODES[dataset]))
    values: dict[str, float | None] = {
        "kid": 0.002 * (factor - 0.95) + random.normal(0, 0.0003),
        "precision": max(0.02, 0.95 - 0.09 * (factor - 1)),
        "recall": max(0.02, min(0.97, share - 0.05 * factor)),
        "modes_covered": covered,
        "reverse_kl": None if covered == 0 else max(0.004, -math.log(max(share, 0.05)) + 0.01 * factor),
        "total_variation": max(0.01, 1 - share + 0.02 * factor),
    }
    if SPACE[dataset] == "raw":
        values["sliced_wasserstein"] = (0.012 if dataset == "ring" else 0.03) * factor
        values["high_quality_share"] = max(0.0, min(0.99, 0.99 - 0.1 * (factor - 1)))
    else:
        values["fid"] = 0.9 * factor**1.4
        values["inception_score"] = 9.6 * math.exp(-0.09 * (factor - 1))
    return values


def history(dataset: str, character: Character, last: int, speed: float, random: np.random.Generator) -> pd.DataFrame:
    """Training and evaluation rows up to step ``last``."""
    rows: list[tuple[int, int, float, str, str, float]] = []
    images = BATCH * character.n_critic
    for step in range(50, last + 1, 50):
        at = (step, step * images, step / speed)
        decay = math.exp(-step / 900)
        level = -2 * decay if character.loss == "wasserstein" else 1.2 - 0.5 * decay
        train = {
            "discriminator_loss": level + random.normal(0, 0.06),
            "generator_loss": 0.7 + 0.9 * (1 - decay) + random.normal(0, 0.15),
            "discriminator_penalty": 0.4 * decay + abs(random.normal(0, 0.02)) if character.penalties else 0.0,
            "discriminator_gradient_norm": math.exp(random.normal(-0.5 + decay, 0.2)),
            "generator_gradient_norm": math.exp(random.normal(-1.5 + decay, 0.3)),
        }
        rows += [(*at, "train", name, value) for name, value in train.items()]
    for step in range(0, last + 1, 500):
        at = (step, step * images, step / speed)
        quality = character.quality * (1 + 40 * math.exp(-step / 600))
        measured = metrics(dataset, quality, character.coverage * (1 - math.exp(-(step + 20) / 500)), random)
        rows += [(*at, "test", name, math.nan if value is None else value) for name, value in measured.items()]
        name = "sliced_wasserstein" if SPACE[dataset] == "raw" else "fid"
        rows.append((*at, "validation", name, (measured[name] or 0.0) * math.exp(random.normal(0, 0.05))))
    return pd.DataFrame(rows, columns=["step", "images", "seconds", "split", "name", "value"])


def measurements(
    dataset: str, values: dict[str, float | None], step: int, random: np.random.Generator
) -> list[Measurement]:
    made = []
    for selection, factor in (("final", 1.0), ("best_on_validation", 0.97), ("oracle_best", 0.92)):
        for name, value in values.items():
            if selection != "final" and value is not None:
                value *= factor ** (1 if name in ("fid", "sliced_wasserstein", "kid", "reverse_kl") else 0)
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
    store.write_history(run.run_id, history(dataset, character, last, speed, random))
    if completed:
        samples = draw(dataset, SAMPLES, character.coverage, character.quality**0.8, random)
        store.write_samples(run.run_id, samples, b"")
    store.write_record(record)
    return record


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
