"""How often intervals cover, and how often equal and different objectives are told apart: full tables, in minutes.

``python -m tests.statistics.simulate [SUITES]``: 1,000 simulated suites per line by default.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.statistics import suites
from tests.statistics.suites import DISTRIBUTIONS, Design

DESIGNS = (
    *(Design(seeds) for seeds in (5, 6, 8, 10, 20)),
    Design(5, (0.0,) * 3),
    Design(5, (0.0,) * 8),
    Design(5, (0.0, 0.5, 2.0)),
    Design(5, (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5)),
    Design(5, (0.0, 1.0, 10.0)),
)


def coverage_of_improvement(number: int) -> Iterator[str]:
    yield f"coverage of the 95 % interval of improvement, %; ± {100 * suites.margin(number):.1f} by chance"
    yield f"{'':38}" + "".join(f"{name:>14}" for name in DISTRIBUTIONS)
    for design in DESIGNS:
        shares = [suites.coverage_of_improvement(design, name, number) for name in DISTRIBUTIONS]
        yield f"{design.name:38}" + "".join(f"{100 * share:14.1f}" for share in shares)


def coverage_of_probability(number: int) -> Iterator[str]:
    yield f"coverage of the 95 % interval of the probability of improvement, %; ± {100 * suites.margin(number):.1f}"
    chances = (0.5, 0.8, 0.95)
    yield f"{'':44}" + "".join(f"P = {p:<4}".rjust(10) for p in chances)
    for tasks in (1, 3, 8):
        for seeds in (5, 10, 20):
            for kind in ("normal", "exponential", "normal, 3 × spread"):
                found = [suites.coverage_of_probability(seeds, tasks, p, kind, number) for p in chances]
                named = f"{tasks} tasks × {seeds:2} seeds, {kind}"
                yield named.ljust(44) + "".join(f"{100 * share:10.1f}" for share in found)


def coverage_over_datasets(number: int) -> Iterator[str]:
    yield f"coverage of the 95 % intervals for other datasets, %; ± {100 * suites.margin(number):.1f} by chance"
    yield f"{'':34}{'improvement':>14}{'mean rank':>12}"
    for datasets, tasks in ((2, 1), (3, 1), (3, 2), (5, 1), (5, 2), (8, 1), (12, 1)):
        gain = suites.coverage_over_datasets(datasets, tasks, 5, number)
        rank = suites.coverage_of_ranks(datasets, tasks, number)
        yield f"{datasets:2} datasets × {tasks} tasks × 5 seeds".ljust(34) + f"{100 * gain:14.1f}{100 * rank:12.1f}"


def false_alarms(number: int) -> Iterator[str]:
    yield f"suites in which anything equal is told apart, %; at most 5, ± {100 * suites.margin(number):.1f} by chance"
    for seeds, tasks in ((3, 1), (4, 1), (5, 1), (10, 1), (5, 3), (5, 8)):
        share = suites.told_of_one_under_two_names(seeds, tasks, number)
        yield f"one under two names, {tasks} × {seeds} seeds".ljust(60) + f"{100 * share:6.1f}"
    share = suites.told_of_one_under_two_names(5, 3, number, failing=0.2)
    yield "one under two names, 3 × 5 seeds, 20 % of the runs fail".ljust(60) + f"{100 * share:6.1f}"
    for seeds, tasks in ((6, 1), (10, 1), (5, 3)):
        share = suites.told_of_equal_against_a_baseline(8, seeds, tasks, number)
        yield f"8 equal, 7 of them against the first, {tasks} × {seeds} seeds".ljust(60) + f"{100 * share:6.1f}"
    for seeds in (3, 5, 10):
        share = suites.told_of_equal_best(seeds, number)
        yield f"8 equal, the best against the others, {seeds} seeds".ljust(60) + f"{100 * share:6.1f}"
    for seeds in (5, 10):
        share = suites.told_of_equal_best(seeds, number, good=4, bad=4)
        yield f"4 equal good and 4 bad, the best against the good, {seeds} seeds".ljust(60) + f"{100 * share:6.1f}"


def powers(number: int) -> Iterator[str]:
    yield f"a difference of one standard deviation is found, %; ± {100 * suites.margin(number, 0.5):.1f} by chance"
    yield f"{'':24}{'test':>8}{'theory':>8}{'interval':>10}{'theory':>8}{'both':>8}{'at most':>9}"
    for tasks, seeds in ((1, 5), (1, 10), (1, 20), (3, 5), (3, 10), (3, 20)):
        found, theory = suites.power(seeds, tasks, number), suites.power_in_theory(seeds, tasks)
        shares = (
            f"{100 * found.test:8.1f}{100 * theory.test:8.1f}{100 * found.interval:10.1f}{100 * theory.interval:8.1f}"
        )
        whole = f"{100 * found.both:8.1f}{100 * theory.both:9.1f}"
        yield f"{tasks} tasks × {seeds:2} seeds".ljust(24) + shares + whole


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for table in (false_alarms, powers, coverage_of_improvement, coverage_of_probability, coverage_over_datasets):
        for line in table(number):
            print(line, flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
