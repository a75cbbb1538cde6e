"""Features → metrics: every function of a set of samples that a record names.

Each takes features that are already extracted, computes in float64, and returns None where the metric is undefined or
not finite: a record holds no NaN. Options are fixed, so that a name means one number. What depends on the real samples
alone is an object of its own, made once: `Gaussian`, `Extrapolation`, `Neighbourhoods`, `GaussianKernels`.
"""

from bench.evaluation.frechet import Extrapolation, Gaussian, can_extrapolate, fid, fit_gaussian
from bench.evaluation.inception_score import inception_score
from bench.evaluation.kernels import GaussianKernels, kid
from bench.evaluation.neighbours import BallShares, Neighbourhoods
from bench.evaluation.transport import project, sliced_wasserstein, wasserstein
from bench.evaluation.values import all_finite, finite

__all__ = [
    "BallShares",
    "Extrapolation",
    "Gaussian",
    "GaussianKernels",
    "Neighbourhoods",
    "all_finite",
    "can_extrapolate",
    "fid",
    "finite",
    "fit_gaussian",
    "inception_score",
    "kid",
    "project",
    "sliced_wasserstein",
    "wasserstein",
]
