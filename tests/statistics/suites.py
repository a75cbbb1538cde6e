"""Simulated suites: how often intervals cover, how often what is equal is told apart, how often what differs is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bench import statistics
from bench.statistics import Interval, Pair, Values

Floats = NDArray[np.float64]
DISTRIBUTIONS = {
    "normal": stats.norm(),
    "log-normal ½": stats.lognorm(0.5),
    "log-normal 1": stats.lognorm(1.0),
    "exponential": stats.expon(),
    "t₃": stats.t(3),
}
NOISE = 0.4
"""Spread of the logarithm of a metric among the seeds of a cell."""


def by_seed(values: Sequence[float] | Floats) -> Values:
    return dict(enumerate(float(value) for value in values))


def pair_of(gains: Floats) -> Pair:
    """A pair of which the improvements are these."""
    return Pair(by_seed(-gains), by_seed(np.zeros(len(gains))), "lower", "difference")


def margin(suites: int, rate: float = 0.05) -> float:
    """How far a share of so many suites may lie from the rate by chance: 2.58 standard errors, 1 time in 100."""
    return 2.58 * math.sqrt(rate * (1 - rate) / suites)


@dataclasses.dataclass(frozen=True)
class Design:
    """Tasks by the means of their improvements, in standard deviations, and the seeds of each."""

    seeds: int
    means: tuple[float, ...] = (0.0,)

    @property
    def name(self) -> str:
        tasks = "1 task" if len(self.means) == 1 else f"{len(self.means)} tasks"
        apart = "" if len(set(self.means)) == 1 else f", means {min(self.means):g} to {max(self.means):g}"
        return f"{tasks} × {self.seeds} seeds{apart}"


def true_improvement(design: Design, distribution: str, trimmed: float | None = None) -> float:
    """The mean of the middle of the tasks' joint distribution: what is left after the share that the runs lose."""
    runs, grid = design.seeds * len(design.means), 200_000
    share = runs // 4 / runs if trimmed is None else trimmed
    quantiles = DISTRIBUTIONS[distribution].ppf((np.arange(grid) + 0.5) / grid)
    joint = np.sort(np.concatenate([quantiles + mean for mean in design.means]))
    cut = round(share * joint.size)
    return float(joint[cut : joint.size - cut].mean())


def coverage_of_improvement(
    design: Design,
    distribution: str,
    suites: int,
    *,
    interval: Callable[[Sequence[Pair], int], Interval] = lambda pairs, seed: statistics.improvement(pairs, seed=seed),
    trimmed: float | None = None,
) -> float:
    """Share of the suites in which the interval holds the true interquartile mean."""
    random = np.random.default_rng([design.seeds, len(design.means), list(DISTRIBUTIONS).index(distribution)])
    truth = true_improvement(design, distribution, trimmed)
    covered = 0
    for suite in range(suites):
        drawn = DISTRIBUTIONS[distribution].rvs((len(design.means), design.seeds), random_state=random)
        found = interval([pair_of(runs + mean) for runs, mean in zip(drawn, design.means, strict=True)], suite)
        covered += found.low <= truth <= found.high
    return covered / suites


def coverage_of_probability(seeds: int, tasks: int, probability: float, kind: str, suites: int) -> float:
    """Share of the suites in which the interval holds the true probability of improvement, the same in all tasks."""
    random = np.random.default_rng([seeds, tasks, round(100 * probability)])
    size = (suites, tasks, seeds)
    if kind == "exponential":
        x = random.exponential((1 - probability) / probability, size)
        y = random.exponential(1.0, size)
    else:
        spread = {"normal": 1.0, "normal, 3 × spread": 3.0}[kind]
        x = random.normal(size=size)
        y = random.normal(stats.norm.ppf(probability) * math.hypot(1, spread), spread, size)
    covered = 0
    for values, baselines in zip(x, y, strict=True):
        pairs = [Pair(by_seed(a), by_seed(b), "lower", "difference") for a, b in zip(values, baselines, strict=True)]
        found = statistics.probability_of_improvement(pairs)
        covered += found.low <= probability <= found.high
    return covered / suites


def equal_cells(random: np.random.Generator, objectives: int, seeds: int, failing: float = 0.0) -> Floats:
    """Runs of objectives that do not differ: objective × seed, NaN where a run failed."""
    runs = random.lognormal(0, NOISE, (objectives, seeds))
    return np.where(random.random(runs.shape) < failing, np.nan, runs)


def told_of_one_under_two_names(seeds: int, tasks: int, suites: int, *, failing: float = 0.0) -> float:
    """Share of A/A suites in which an objective is told apart from itself."""
    random, told = np.random.default_rng([1, seeds, tasks]), 0
    for _ in range(suites):
        cells = [equal_cells(random, 2, seeds, failing) for _ in range(tasks)]
        pairs = [Pair(by_seed(a), by_seed(b), "lower", "log-ratio") for a, b in cells]
        told += statistics.compare_each({"b": pairs})["b"].told_apart
    return told / suites


def told_of_equal_against_a_baseline(objectives: int, seeds: int, tasks: int, suites: int) -> float:
    """Share of suites of equal objectives in which any is told apart from the baseline, the first of them."""
    random, told = np.random.default_rng([2, objectives, seeds, tasks]), 0
    for _ in range(suites):
        cells = [equal_cells(random, objectives, seeds) for _ in range(tasks)]
        family = {
            str(other): [Pair(by_seed(cell[other]), by_seed(cell[0]), "lower", "log-ratio") for cell in cells]
            for other in range(1, objectives)
        }
        told += any(comparison.told_apart for comparison in statistics.compare_each(family).values())
    return told / suites


def told_of_equal_best(
    seeds: int,
    suites: int,
    *,
    good: int = 8,
    bad: int = 0,
    rule: Callable[[dict[str, Values]], dict[str, bool]] | None = None,
) -> float:
    """Share of suites in which the best is told apart from any other of the good ones, all of which are equal."""
    random, told = np.random.default_rng([3, seeds, good, bad]), 0
    for _ in range(suites):
        runs = equal_cells(random, good + bad, seeds)
        runs[good:] *= 20.0
        order = [int(place) for place in np.argsort(np.median(runs, axis=1))]
        apart = (rule or best_told_apart)({str(place): by_seed(runs[place]) for place in order})
        told += any(apart.get(str(place), False) for place in range(good))
    return told / suites


def best_told_apart(order: dict[str, Values]) -> dict[str, bool]:
    """The report's rule; where the step-down test finds nothing the rest need not be reckoned."""
    stepped = statistics.step_down_test([list(values.values()) for values in order.values()], better="lower")
    if min(stepped) > 0.05:
        return {}
    compared = statistics.compare_best(order, better="lower", scale="log-ratio")
    return {name: comparison.told_apart for name, comparison in compared.items()}


@dataclasses.dataclass(frozen=True)
class Power:
    """Shares of suites in which a true difference was found, by each part of the decision and by both."""

    test: float
    interval: float
    both: float


def power(seeds: int, tasks: int, suites: int, *, effect: float = 1.0) -> Power:
    """How often a difference of ``effect`` standard deviations is found, in every task, normal runs."""
    random = np.random.default_rng([4, seeds, tasks])
    tested = excluded = both = 0
    for _ in range(suites):
        x, y = random.normal(-effect, 1, (tasks, seeds)), random.normal(0, 1, (tasks, seeds))
        pairs = [Pair(by_seed(a), by_seed(b), "lower", "difference") for a, b in zip(x, y, strict=True)]
        found = statistics.compare_each({"x": pairs})["x"]
        tested += found.p <= 0.05
        excluded += found.improvement.excludes_zero
        both += found.told_apart
    return Power(tested / suites, excluded / suites, both / suites)


def power_in_theory(seeds: int, tasks: int, *, effect: float = 1.0) -> Power:
    """Of the rank-sum test: a t test with 3/π as many runs, at the level that the exact test has; of the interval: a
    paired t test of a trimmed mean, with its efficiency; of both at most the weaker. Five seeds of one task: all five
    improvements are positive, or none.
    """
    level, runs = attainable_level(seeds, tasks), 3 / math.pi * seeds * tasks
    tested = _t_power(effect * math.sqrt(runs / 2), 2 * runs - 2 * tasks, level)
    if seeds * tasks == 5:
        positive = float(stats.norm.cdf(effect / math.sqrt(2)))
        excluded = positive**5 + (1 - positive) ** 5
    else:
        pairs = seeds * tasks
        efficiency = trimmed_efficiency(pairs // 4 / pairs)
        excluded = _t_power(effect / math.sqrt(2) * math.sqrt(efficiency * pairs), pairs - tasks, 0.05)
    return Power(tested, excluded, min(tested, excluded))


def attainable_level(seeds: int, tasks: int) -> float:
    """The largest level up to 5 % that the rank-sum test can have without ties: its p values are few."""
    places = np.arange(1, 2 * seeds + 1)
    ways = np.zeros((seeds + 1, places.sum() + 1))
    ways[0, 0] = 1
    for place in places:
        ways[1:, place:] += ways[:-1, :-place].copy()
    one = ways[seeds] / math.comb(2 * seeds, seeds)
    every = np.ones(1)
    for _ in range(tasks):
        every = np.convolve(every, one)
    distance = np.abs(np.arange(every.size) - tasks * seeds * (2 * seeds + 1) / 2)
    levels = [float(every[distance >= reached].sum()) for reached in np.unique(distance)]
    return max(level for level in levels if level <= 0.05 + 1e-12)


def trimmed_efficiency(share: float) -> float:
    """Variance of the mean over that of the trimmed mean, of normal values (Lehmann 1983, sec. 5.4)."""
    end = float(stats.norm.ppf(1 - share))
    inner = (1 - 2 * share) - 2 * end * float(stats.norm.pdf(end)) + 2 * share * end**2
    return (1 - 2 * share) ** 2 / inner


def _t_power(noncentrality: float, freedom: float, level: float) -> float:
    quantile = stats.t.ppf(1 - level / 2, freedom)
    return float(stats.nct.sf(quantile, freedom, noncentrality) + stats.nct.cdf(-quantile, freedom, noncentrality))


def coverage_over_datasets(datasets: int, tasks: int, seeds: int, suites: int, *, between: float = 1.0) -> float:
    """Share of the suites in which the interval for other datasets holds the mean over all that there could be."""
    random, covered = np.random.default_rng([5, datasets, tasks, seeds]), 0
    for suite in range(suites):
        means = random.normal(0, between, datasets)
        sampled = [[pair_of(random.normal(mean, 1, seeds)) for _ in range(tasks)] for mean in means]
        found = statistics.improvement_over_datasets(sampled, resamples=2000, seed=suite)
        covered += found.low <= 0 <= found.high
    return covered / suites


def coverage_of_ranks(datasets: int, tasks: int, suites: int) -> float:
    """The same of the mean rank of one of four objectives: datasets differ in which objective suits them."""
    random, covered, truth = np.random.default_rng([6, datasets, tasks]), 0, 2.5
    for suite in range(suites):
        suits = np.repeat(random.normal(0, 1, (datasets, 4)), tasks, axis=0)
        ranks = stats.rankdata(suits + random.normal(0, 1, suits.shape), axis=1)
        of = [dataset for dataset in range(datasets) for _ in range(tasks)]
        found = statistics.rank_intervals(pd.DataFrame(ranks), of, resamples=2000, seed=suite)
        covered += found.loc[0, "low"] <= truth <= found.loc[0, "high"]
    return covered / suites
