"""Datasets: training data in memory, and what is known of it."""

from bench.datasets.base import Data, Dataset, Modes, Samples, Split

__all__ = ["Data", "Dataset", "Modes", "Samples", "Split"]
