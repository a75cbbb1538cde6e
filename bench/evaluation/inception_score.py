"""The inception score: a typed door to torch-fidelity's own function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric

from bench.evaluation.values import finite

if TYPE_CHECKING:
    from torch import Tensor

INCEPTION_SPLIT_SIZE = 5000
INCEPTION_SPLITS = 10
_SEED = 2020  # torch-fidelity's default, for its shuffle


def inception_splits(samples: int) -> int:
    """Chunks over which the inception score is averaged: one per 5,000 samples, from 1 to 10.

    The score of a small chunk is biased, since its average posterior is that of few samples. This is the usual
    protocol (10 chunks of 5,000) at 50,000 samples, and a single chunk below 10,000.
    """
    return max(1, min(INCEPTION_SPLITS, samples // INCEPTION_SPLIT_SIZE))


def inception_score(logits: Tensor) -> float | None:
    """exp E KL(p(y|x) ‖ p(y)) (Salimans et al. 2016), from 1 to the number of classes; logits ``(n, classes)``."""
    score = isc_features_to_metric(logits, splits=inception_splits(len(logits)), shuffle=True, rng_seed=_SEED)
    return finite(score[KEY_METRIC_ISC_MEAN])
