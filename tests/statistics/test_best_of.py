"""The expected best of k trials: held against every subset, and against what order cannot change."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.statistics import best_so_far, expected_best
from tests.examples import examples

TRIALS = st.lists(st.one_of(st.none(), st.floats(0.01, 100)), min_size=1, max_size=7)


@settings(max_examples=examples(60), deadline=None)
@given(TRIALS, st.sampled_from(["lower", "higher"]))
def test_it_is_the_mean_over_all_subsets(values: list[float | None], better: str) -> None:
    found = expected_best(values, better, resamples=20)  # type: ignore[arg-type]
    assert len(found) == len(values)
    pick = min if better == "lower" else max
    for k, interval in enumerate(found, start=1):
        bests = [
            pick(v for v in subset if v is not None)
            for subset in itertools.combinations(values, k)
            if any(v is not None for v in subset)
        ]
        if not bests:
            assert math.isnan(interval.estimate)
            continue
        assert interval.estimate == pytest.approx(np.mean(bests))


@settings(max_examples=examples(40), deadline=None)
@given(TRIALS, st.randoms())
def test_order_does_not_matter_and_all_of_them_give_the_best(values: list[float | None], random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = expected_best(values, "lower", resamples=10), expected_best(shuffled, "lower", resamples=10)
    np.testing.assert_allclose([i.estimate for i in one], [i.estimate for i in other])
    known = [value for value in values if value is not None]
    if known:
        assert one[-1].estimate == pytest.approx(min(known))
        assert best_so_far(shuffled, "lower")[-1] == min(known)


def test_more_trials_are_no_worse_where_all_have_a_value() -> None:
    values = np.random.default_rng(0).lognormal(size=30).tolist()
    estimates = [interval.estimate for interval in expected_best(values, "lower")]
    assert all(b <= a for a, b in itertools.pairwise(estimates))
    assert estimates[0] == pytest.approx(np.mean(values))


def test_the_band_covers_the_expectation_it_is_of() -> None:
    """95 % bands of 20 trials about the best of 5, whose expectation is known: of uniform values it is 1/6."""
    random, covered = np.random.default_rng(1), 0
    for _ in range(300):
        interval = expected_best(random.uniform(size=20).tolist(), "lower", resamples=400)[4]
        covered += interval.low <= 1 / 6 <= interval.high
    assert covered >= 260  # a percentile bootstrap of 20 values is a little narrow


def test_best_so_far_keeps_the_order() -> None:
    np.testing.assert_equal(best_so_far([None, 3.0, 5.0, None, 1.0], "lower"), [math.nan, 3, 3, 3, 1])
    np.testing.assert_equal(best_so_far([2.0, 3.0, None], "higher"), [2, 3, 3])
    assert best_so_far([], "lower") == []
    assert expected_best([], "lower") == []
