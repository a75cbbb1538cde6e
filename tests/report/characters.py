"""The made-up world of `tests.report.synthetic`: how objectives behave there, and what their runs make and measure."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import numpy as np
import pandas as pd

from bench.measured import Film
from bench.spec import Choice


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
BATCH = 128
ARCHITECTURE = {"ring": "mlp", "grid": "mlp", "digits": "dcgan"}
SPACE = {"ring": "raw", "grid": "raw", "digits": "classifier"}


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


def metrics(dataset: str, quality: float, coverage: float, random: np.random.Generator) -> dict[str, float | None]:
    """Every metric of the dataset's space for a generator of that quality (1 is perfect)."""
    factor = quality * math.exp(random.normal(0, 0.12))
    share = min(1.0, coverage * math.exp(random.normal(0, 0.04)))
    covered = float(round(share * MODES[dataset]))
    noise = random.normal(0, 0.0003)
    recall = max(0.02, min(0.97, share - 0.05 * factor))
    values: dict[str, float | None] = {
        "fid": 0.9 * factor**1.4,
        "fid_infinity": 0.9 * factor**1.4 - 0.4,
        "precision": max(0.02, 0.95 - 0.09 * (factor - 1)),
        "recall": recall,
        "density": max(0.01, 1.1 - 0.12 * factor),
        "coverage": 0.95 * recall,
        "modes_covered": covered,
        "reverse_kl": None if covered == 0 else max(0.004, -math.log(max(share, 0.05)) + 0.01 * factor),
        "total_variation": max(0.01, 1 - share + 0.02 * factor),
    }
    if SPACE[dataset] == "raw":
        distance = (0.012 if dataset == "ring" else 0.03) * factor
        values["sliced_wasserstein"] = distance
        values["wasserstein"] = 1.6 * distance
        values["mmd"] = 0.0004 * (factor - 0.95) + noise
        values["high_quality_share"] = max(0.0, min(0.99, 0.99 - 0.1 * (factor - 1)))
    else:
        values["kid"] = 0.002 * (factor - 0.95) + noise
        values["memorised_share"] = 0.01 + 0.04 * (1 - share)
        values["inception_score"] = 9.6 * math.exp(-0.09 * (factor - 1))
    return values


def dynamics(character: Character, step: int, random: np.random.Generator) -> dict[str, float]:
    """How the players fare at a step: minimax's generator saturates, hinge's discriminator half does."""
    learned = 1 - math.exp(-step / 900)
    accurate, of_discriminator, of_generator = {
        "minimax": (0.998, 0.9, 0.97),
        "hinge": (0.8, 0.45, 0.0),
        "wasserstein": (0.62, 0.0, 0.0),
        "relativistic-pairing": (0.6, 0.02, 0.02),
    }.get(character.loss, (0.72, 0.12, 0.04))
    told = {
        "discriminator_accuracy": 0.5 + (accurate - 0.5) * learned + random.normal(0, 0.01),
        "discriminator_saturation": of_discriminator * learned + random.normal(0, 0.01) * bool(of_discriminator),
        "generator_saturation": of_generator * learned + random.normal(0, 0.01) * bool(of_generator),
    }
    return {name: min(1.0, max(0.0, value)) for name, value in told.items()}


def history(dataset: str, character: Character, last: int, speed: float, random: np.random.Generator) -> pd.DataFrame:
    """Training and evaluation rows up to step ``last``."""
    rows: list[tuple[int, int, float, str, str, float]] = []
    images, other = BATCH * character.n_critic, np.random.default_rng(last)
    for step in range(50, last + 1, 50):
        at = (step, step * images, step / speed)
        decay = math.exp(-step / 900)
        level = -2 * decay if character.loss == "wasserstein" else 1.2 - 0.5 * decay
        train = {
            "discriminator_loss": level + random.normal(0, 0.06),
            "generator_loss": 0.7 + 0.9 * (1 - decay) + random.normal(0, 0.15),
            "discriminator_penalty": 0.4 * decay + abs(random.normal(0, 0.02)) if character.penalties else 0.0,
            "discriminator_gradient_norm": math.exp(random.normal(-0.5 + decay, 0.2)),
            "generator_penalty": 0.0,
            "generator_gradient_norm": math.exp(random.normal(-1.5 + decay, 0.3))
            * (1e-3 ** (1 - decay) if character.loss == "minimax" else 1.0),
        }
        rows += [(*at, "train", name, value) for name, value in (train | dynamics(character, step, other)).items()]
    for step in range(0, last + 1, 500):
        at = (step, step * images, step / speed)
        quality = character.quality * (1 + 40 * math.exp(-step / 600))
        measured = metrics(dataset, quality, character.coverage * (1 - math.exp(-(step + 20) / 500)), random)
        rows += [(*at, "test", name, math.nan if value is None else value) for name, value in measured.items()]
        name = "sliced_wasserstein" if SPACE[dataset] == "raw" else "fid"
        rows.append((*at, "validation", name, (measured[name] or 0.0) * math.exp(random.normal(0, 0.05))))
    return pd.DataFrame(rows, columns=["step", "images", "seconds", "split", "name", "value"])


def film(dataset: str, character: Character, last: int, seed: int) -> Film:
    """What its generator makes at every evaluation up to step ``last``, of the same latents."""
    steps, frames = list(range(0, last + 1, 500)), []
    for step in steps:
        blur = character.quality**0.8 * (1 + 12 * math.exp(-step / 600))
        coverage = character.coverage * (1 - math.exp(-(step + 100) / 500))
        frames.append(draw(dataset, 16 if dataset == "digits" else 400, coverage, blur, np.random.default_rng(seed)))
    samples = np.stack(frames)
    return Film(np.array(steps), samples if dataset == "digits" else samples.astype(np.float16))
