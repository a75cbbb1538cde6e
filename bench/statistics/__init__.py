"""What can be said of a few seeds: medians, intervals, tests, families of comparisons, ranks, profiles. No torch.

Everywhere a run without a value (failed, diverged, metric undefined) is NaN or None and counts as **last**: worse than
any value, equal to another such run. Runs that were never made are left out of the input, not passed as NaN. Nothing
has to be rectangular, whatever is random is seeded, and small samples are counted rather than approximated.
"""

from bench.statistics.families import Comparison, compare_best, compare_each, holm, step_down_test
from bench.statistics.intervals import improvement, improvement_over_datasets, probability_of_improvement
from bench.statistics.profiles import performance_profiles, performance_ratios
from bench.statistics.ranks import FEWEST_CELLS, critical_difference, friedman_test, mean_ranks, rank_intervals
from bench.statistics.tests import EXACT_RUNS, is_exact, rank_sum_test, smallest_p
from bench.statistics.values import (
    DESCRIPTIVE_BELOW,
    Better,
    Interval,
    Pair,
    Scale,
    Summary,
    Values,
    gains,
    interquartile_mean,
    summarise,
)

__all__ = [
    "DESCRIPTIVE_BELOW",
    "EXACT_RUNS",
    "FEWEST_CELLS",
    "Better",
    "Comparison",
    "Interval",
    "Pair",
    "Scale",
    "Summary",
    "Values",
    "compare_best",
    "compare_each",
    "critical_difference",
    "friedman_test",
    "gains",
    "holm",
    "improvement",
    "improvement_over_datasets",
    "interquartile_mean",
    "is_exact",
    "mean_ranks",
    "performance_profiles",
    "performance_ratios",
    "probability_of_improvement",
    "rank_intervals",
    "rank_sum_test",
    "smallest_p",
    "step_down_test",
    "summarise",
]
