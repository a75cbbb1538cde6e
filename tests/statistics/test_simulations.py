"""Simulated suites: intervals cover, what is equal is not told apart, what differs is found as often as theory says.

Shares are of 150 to 1,000 suites, and held to within `suites.margin`: a true rate at the bound fails 1 time in 200.
``python -m tests.statistics.simulate`` prints the full tables.
"""

import math

import numpy as np
import pytest

from bench import statistics
from bench.statistics import Interval, Pair
from tests.statistics import suites
from tests.statistics.suites import Design

LOWEST, HIGHEST = 0.93, 0.97


@pytest.mark.parametrize(
    ("design", "distribution"),
    [
        (Design(5), "normal"),
        (Design(5), "exponential"),
        (Design(6), "log-normal 1"),
        (Design(8), "log-normal ½"),
        (Design(10), "t₃"),
        (Design(20), "exponential"),
        (Design(5, (0.0,) * 3), "log-normal 1"),
        (Design(5, (0.0, 0.5, 2.0)), "exponential"),
        (Design(5, (0.0,) * 8), "t₃"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_interval_of_improvement_covers_at_its_nominal_rate(design, distribution):
    number = 400
    covered = suites.coverage_of_improvement(design, distribution, number)
    assert LOWEST - suites.margin(number, 0.07) <= covered <= HIGHEST + suites.margin(number, 0.03)


def test_plain_percentiles_do_not_cover():
    """What the interval would be without expansion: the simulation finds it out."""

    def plain(pairs, seed):
        random = np.random.default_rng(seed)
        tasks = [statistics.gains(pair) for pair in pairs]
        drawn = [task[random.integers(0, task.size, (1000, task.size))] for task in tasks]
        low, high = np.percentile(statistics.interquartile_mean(np.concatenate(drawn, axis=1)), [2.5, 97.5])
        return Interval(0.0, low, high, 15)

    design = Design(5, (0.0, 0.5, 2.0))
    covered = suites.coverage_of_improvement(design, "log-normal ½", 400, interval=plain)
    assert covered < LOWEST - suites.margin(400, 0.07)


def test_five_seeds_cover_as_the_range_of_five_does():
    """Exactly 1 − p⁵ − (1 − p)⁵, where p of the runs lie below the true value: the limit for five seeds."""
    truth = suites.true_improvement(Design(5), "log-normal 1")
    below = float(suites.DISTRIBUTIONS["log-normal 1"].cdf(truth))
    exact = 1 - below**5 - (1 - below) ** 5
    assert 0.93 < exact < 0.9375
    covered = suites.coverage_of_improvement(Design(5), "log-normal 1", 400)
    assert covered == pytest.approx(exact, abs=suites.margin(400, 0.07))


@pytest.mark.parametrize("kind", ["normal", "exponential"])
@pytest.mark.parametrize(("seeds", "tasks", "probability"), [(5, 1, 0.5), (5, 1, 0.95), (10, 1, 0.8), (5, 3, 0.8)])
def test_the_interval_of_the_probability_covers_or_is_wider(seeds, tasks, probability, kind):
    covered = suites.coverage_of_probability(seeds, tasks, probability, kind, 400)
    assert covered >= LOWEST - suites.margin(400, 0.07)


@pytest.mark.parametrize(("datasets", "tasks"), [(3, 2), (8, 1)])
def test_the_interval_over_datasets_covers_what_others_would_do(datasets, tasks):
    covered = suites.coverage_over_datasets(datasets, tasks, 5, 200)
    assert covered >= LOWEST - suites.margin(200, 0.07)


def test_mean_ranks_over_eight_datasets_are_covered():
    covered = suites.coverage_of_ranks(8, 1, 200)
    assert covered >= LOWEST - suites.margin(200, 0.07)


@pytest.mark.parametrize(("seeds", "tasks", "failing"), [(5, 1, 0.0), (10, 1, 0.0), (5, 3, 0.0), (5, 3, 0.2)])
def test_one_objective_under_two_names_is_told_apart_in_at_most_five_percent(seeds, tasks, failing):
    number = 1000 if seeds == 5 and not failing else 400
    told = suites.told_of_one_under_two_names(seeds, tasks, number, failing=failing)
    assert told <= 0.05 + suites.margin(number)


def test_equal_objectives_are_told_from_a_baseline_in_at_most_five_percent():
    assert suites.told_of_equal_against_a_baseline(4, 6, 1, 300) <= 0.05 + suites.margin(300)


def test_the_best_of_eight_equal_objectives_is_told_apart_in_at_most_five_percent():
    assert suites.told_of_equal_best(5, 1000) <= 0.05 + suites.margin(1000)


def test_the_best_of_four_good_ones_among_bad_ones_is_told_apart_in_at_most_five_percent():
    assert suites.told_of_equal_best(5, 300, good=4, bad=4) <= 0.05 + suites.margin(300)


def test_without_correction_the_best_is_told_apart_far_too_often():
    """The same simulation of the same suites: a rule that forgets how the best was chosen is found out."""

    def naive(order):
        (_, best), *others = order.items()
        pairs = {name: [Pair(best, of, "lower", "difference")] for name, of in others}
        return {name: statistics.rank_sum_test(pair) <= 0.05 for name, pair in pairs.items()}

    assert suites.told_of_equal_best(5, 200, rule=naive) > 0.05 + suites.margin(200)


@pytest.mark.parametrize(("seeds", "tasks"), [(5, 1), (10, 1), (20, 1), (5, 3)])
def test_a_difference_of_one_standard_deviation_is_found_as_often_as_theory_says(seeds, tasks):
    """Theory is asymptotic (3/π, efficiency of a trimmed mean) down to five seeds: within 6 % of the suites."""
    number = 300
    found, theory = suites.power(seeds, tasks, number), suites.power_in_theory(seeds, tasks)
    assert found.test == pytest.approx(theory.test, abs=0.06 + suites.margin(number, theory.test))
    assert found.interval == pytest.approx(theory.interval, abs=0.06 + suites.margin(number, theory.interval))
    assert found.both <= theory.both + 0.06 + suites.margin(number, theory.both)
    assert found.both >= theory.both - 0.12 - suites.margin(number, theory.both)


def test_theory_of_the_rank_sum_test_has_the_level_of_its_few_values():
    assert suites.attainable_level(5, 1) == pytest.approx(8 / 252)
    assert suites.attainable_level(20, 1) == pytest.approx(0.05, abs=0.005)
    assert suites.trimmed_efficiency(0.25) == pytest.approx(0.84, abs=0.01)
    assert suites.trimmed_efficiency(1e-9) == pytest.approx(1.0)
    assert math.isclose(suites.margin(1000), 0.0178, abs_tol=1e-4)
