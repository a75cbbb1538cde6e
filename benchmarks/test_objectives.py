"""What each loss, penalty and stabiliser costs: its updates beside those of the bare non-saturating game, as ratios.

``nox -s benchmarks -- benchmarks/test_objectives.py`` prints them. The bare game's updates and those of the entry take
turns in one process; a ratio of 1.00 means that the entry costs nothing. ``n_critic`` is no part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from bench.catalog import architectures, datasets, losses, optimizers, penalties, stabilisers
from bench.evaluation.throughput import time_calls
from bench.execution.determinism import prepare_torch
from bench.spec import Budget, Choice, EvaluationSpec, ObjectiveSpec, RunSpec, TrainingSpec
from bench.training.game import Game

CPU = torch.device("cpu")
ROWS: list[tuple[str, str, float, float]] = []
BASES = [{"base": base} for base in ("logistic", "least-squares", "hinge")]
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "relativistic-average": BASES,
    "relativistic-pairing": BASES,
    "f-divergence": [{"kind": kind} for kind in ("kl", "pearson", "jensen-shannon", "total-variation")],
    "non-saturating": [{}, {"real_label": 0.9}],
}
CASES = [
    *(("loss", name, settings) for name in losses.names() for settings in VARIANTS.get(name, [{}])),
    *(("penalty", name, {}) for name in penalties.names()),
    ("penalty", "gradient-penalty", {"side": "one"}),
    ("normalisation", "spectral", {}),
    *(("stabiliser", name, {}) for name in stabilisers.names() if name != "lazy-penalties"),
]


def choose(catalog: Any, name: str, settings: dict[str, Any]) -> Choice:
    return Choice(name=name, label=name, settings=catalog.settings(name, settings))


def make_game(dataset: str, kind: str = "", name: str = "", settings: dict[str, Any] | None = None) -> Game:
    """The non-saturating game (of energies where the entry needs them) with the entry in its place."""
    settings = settings or {}
    adam = choose(optimizers, "adam", {})
    codes = kind == "penalty" and getattr(penalties.entry(name).factory, "needs_codes", False)
    loss = ("energy", {}) if codes else (name, settings) if kind == "loss" else ("non-saturating", {})
    architecture = {"ring": ("mlp", {}), "digits": ("dcgan", {"width": 16, "latent_dim": 16})}[dataset]
    return Game(
        RunSpec(
            objective=ObjectiveSpec(
                label="measured",
                loss=choose(losses, *loss),
                penalties=(choose(penalties, name, settings),) if kind == "penalty" else (),
                stabilisers=(choose(stabilisers, name, settings),) if kind == "stabiliser" else (),
                discriminator_normalisation="spectral" if kind == "normalisation" else "unchanged",
                n_critic=1,
                generator_optimizer=adam,
                discriminator_optimizer=adam,
            ),
            architecture=choose(architectures, *architecture),
            dataset=choose(datasets, dataset, {}),
            seed=0,
            training=TrainingSpec(
                budget=Budget(unit="steps", amount=1000),
                batch_size=128,
                ema_images=0,
                learning_rate_decay="none",
                threads=1,
            ),
            evaluation=EvaluationSpec(samples=1000, every=1000, space="raw"),
        ),
        datasets.create(dataset).load(Path()),
        CPU,
    )


@pytest.fixture(scope="module", autouse=True)
def _table() -> Iterator[None]:
    yield
    print("\n\nCost beside the bare non-saturating game (batch 128, one thread, median of 3 ratios)")
    print(f"{'':10}{'':52}{'D update':>10}{'G update':>10}")
    for dataset, entry, discriminator, generator in ROWS:
        print(f"{dataset:10}{entry:52}{discriminator:10.2f}{generator:10.2f}")


@pytest.mark.parametrize("dataset", ["ring", "digits"])
@pytest.mark.parametrize(("kind", "name", "settings"), CASES, ids=lambda value: str(value) if value else "")
def test_updates_against_the_bare_game(
    benchmark: BenchmarkFixture, dataset: str, kind: str, name: str, settings: dict[str, Any]
) -> None:
    prepare_torch("cpu", threads=1)
    benchmark.group = f"discriminator updates, {dataset}"
    bare, game = make_game(dataset), make_game(dataset, kind, name, settings)
    real = game.draw_real()
    ratios = []
    for _ in range(3):
        d, d_bare, g, g_bare = time_calls(
            [
                lambda: game.update_discriminator(real.detach()),
                lambda: bare.update_discriminator(real.detach()),
                lambda: game.update_generator(real),
                lambda: bare.update_generator(real),
            ],
            CPU,
        )
        ratios.append((d.median / d_bare.median, g.median / g_bare.median))
    discriminator, generator = (sorted(side)[1] for side in zip(*ratios, strict=True))
    shown = ", ".join(f"{key}={value}" for key, value in settings.items())
    ROWS.append((dataset, f"{kind} {name}({shown})" if shown else f"{kind} {name}", discriminator, generator))
    benchmark.extra_info |= {"discriminator_ratio": discriminator, "generator_ratio": generator}
    benchmark.pedantic(lambda: game.update_discriminator(real.detach()), rounds=30, warmup_rounds=3)
