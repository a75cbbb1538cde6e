"""What can be said of a few seeds: medians, intervals, tests, families of comparisons, ranks, profiles. No torch.

Everywhere a run without a value (failed, diverged, metric undefined) is NaN or None and counts as **last**: worse than
any value, equal to another such run. Runs that were never made are left out of the input, not passed as NaN. Nothing
has to be rectangular, whatever is random is seeded, and small samples are counted rather than approximated.
"""

from bench.levels import DESCRIPTIVE_BELOW, LEVEL
from bench.statistics.best_of import best_so_far, expected_best
from bench.statistics.families import Comparison, compare_best, compare_each, holm, step_down_test
from bench.statistics.intervals import (
    attainable_coverage,
    estimable,
    improvement,
    improvement_over_datasets,
    probability_of_improvement,
)
from bench.statistics.medians import median_interval
from bench.statistics.profiles import performance_profiles, performance_ratios
from bench.statistics.ranks import FEWEST_CELLS, critical_difference, friedman_test, mean_ranks, rank_intervals
from bench.statistics.tests import EXACT_RUNS, is_exact, rank_sum_test, smallest_p
from bench.statistics.values import (
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
    "LEVEL",
    "Better",
    "Comparison",
    "Interval",
    "Pair",
    "Scale",
    "Summary",
    "Values",
    "attainable_coverage",
    "best_so_far",
    "compare_best",
    "compare_each",
    "critical_difference",
    "estimable",
    "expected_best",
    "friedman_test",
    "gains",
    "holm",
    "improvement",
    "improvement_over_datasets",
    "interquartile_mean",
    "is_exact",
    "mean_ranks",
    "median_interval",
    "performance_profiles",
    "performance_ratios",
    "probability_of_improvement",
    "rank_intervals",
    "rank_sum_test",
    "smallest_p",
    "step_down_test",
    "summarise",
]
