"""Specs for tests, made from the catalogue."""

from __future__ import annotations

from typing import Any

from bench.catalog import Catalog, architectures, datasets, losses, objectives, optimizers, penalties, stabilisers
from bench.spec import Budget, Choice, EvaluationSpec, ObjectiveSpec, RunSpec, TrainingSpec


def choice(catalog: Catalog[Any], name: str, **settings: Any) -> Choice:
    return Choice(name=name, label=name, settings=catalog.settings(name, settings))


def objective(name: str, **settings: Any) -> ObjectiveSpec:
    preset = objectives.create(name, **settings)
    return ObjectiveSpec(
        label=name,
        loss=choice(losses, preset.loss.name, **preset.loss.settings),
        penalties=tuple(choice(penalties, pick.name, **pick.settings) for pick in preset.penalties),
        stabilisers=tuple(choice(stabilisers, pick.name, **pick.settings) for pick in preset.stabilisers),
        discriminator_normalisation=preset.discriminator_normalisation,
        n_critic=preset.n_critic,
        generator_optimizer=choice(optimizers, preset.generator_optimizer.name, **preset.generator_optimizer.settings),
        discriminator_optimizer=choice(
            optimizers, preset.discriminator_optimizer.name, **preset.discriminator_optimizer.settings
        ),
    )


def run_spec(
    name: str = "nsgan",
    dataset: str = "ring",
    architecture: Choice | None = None,
    *,
    seed: int = 0,
    unit: str = "steps",
    amount: float = 20,
    every: float = 10,
    batch_size: int = 16,
    ema_images: int = 200,
    samples: int = 200,
    decay: str = "none",
) -> RunSpec:
    points = dataset != "digits"
    if architecture is None:
        architecture = (
            choice(architectures, "mlp", width=16)
            if points
            else choice(architectures, "dcgan", width=8, discriminator_normalisation="none")
        )
    return RunSpec(
        objective=objective(name),
        architecture=architecture,
        dataset=choice(datasets, dataset, train=1000) if points else choice(datasets, dataset),
        seed=seed,
        training=TrainingSpec(
            budget=Budget(unit=unit, amount=amount),
            batch_size=batch_size,
            ema_images=ema_images,
            learning_rate_decay=decay,
            threads=1,
        ),
        evaluation=EvaluationSpec(samples=samples, every=every, space="raw" if points else "classifier"),
    )
