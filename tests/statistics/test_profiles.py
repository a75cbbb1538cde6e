"""Performance ratios and profiles, Dolan & Moré's."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import statistics

INF, NAN = math.inf, math.nan


def test_ratios_are_to_the_best_of_each_row():
    frame = pd.DataFrame({"a": [1.0, 6.0], "b": [2.0, 3.0], "c": [NAN, 4.0]})
    ratios = statistics.performance_ratios(frame, "lower")
    assert ratios.to_numpy().tolist() == [[1.0, 2.0, INF], [2.0, 1.0, pytest.approx(4 / 3)]]
    higher = statistics.performance_ratios(frame, "higher")
    assert higher.to_numpy().tolist() == [[2.0, 1.0, INF], [1.0, 2.0, 1.5]]


def test_every_row_has_a_direction_of_its_own():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [4.0, 8.0]}, index=["fid", "modes"])
    ratios = statistics.performance_ratios(frame, ["lower", "higher"])
    assert ratios.to_numpy().tolist() == [[1.0, 4.0], [4.0, 1.0]]


def test_runs_never_made_are_no_failures():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [NAN, NAN]})
    made = pd.DataFrame({"a": [True, True], "b": [False, True]})
    ratios = statistics.performance_ratios(frame, "lower", made=made)
    assert math.isnan(ratios.loc[0, "b"])
    assert ratios.loc[1, "b"] == INF
    shares = statistics.performance_profiles(ratios, [1.0, 1e9])
    assert shares["b"].tolist() == [0.0, 0.0]
    assert shares["a"].tolist() == [1.0, 1.0]


def test_rows_in_which_nobody_has_a_value_are_left_out():
    frame = pd.DataFrame({"a": [NAN, 1.0], "b": [INF, 2.0]}, index=["lost", "kept"])
    assert list(statistics.performance_ratios(frame, "lower").index) == ["kept"]
    assert statistics.performance_ratios(frame.loc[["lost"]], "lower").empty


def test_a_value_of_zero_is_infinitely_better_or_worse():
    frame = pd.DataFrame({"a": [0.0, 0.0], "b": [1.0, 0.0]})
    assert statistics.performance_ratios(frame, "lower").to_numpy().tolist() == [[1.0, INF], [1.0, 1.0]]
    assert statistics.performance_ratios(frame, "higher").to_numpy().tolist() == [[INF, 1.0], [1.0, 1.0]]


def test_negative_values_have_no_ratios():
    with pytest.raises(ValueError, match="negative"):
        statistics.performance_ratios(pd.DataFrame({"kid": [-0.1, 0.2]}), "lower")


def test_profiles_are_shares_of_the_rows_within_a_factor():
    ratios = pd.DataFrame({"a": [1.0, 1.0, 2.0, INF], "b": [1.5, 3.0, 1.0, 1.0], "never": [NAN] * 4})
    shares = statistics.performance_profiles(ratios, [1.0, 2.0, 3.0])
    assert shares.index.tolist() == [1.0, 2.0, 3.0]
    assert shares["a"].tolist() == [0.5, 0.75, 0.75]
    assert shares["b"].tolist() == [0.5, 0.75, 1.0]
    assert shares["never"].isna().all()


@given(seed=st.integers(0, 1000), factor=st.floats(0.01, 100), better=st.sampled_from(["lower", "higher"]))
@settings(max_examples=30, deadline=None)
def test_profiles_rise_from_the_rows_won_to_one_less_failures_and_do_not_know_the_unit(seed, factor, better):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.lognormal(size=(6, 3)))
    frame = frame.where(random.random((6, 3)) > 0.2)
    ratios = statistics.performance_ratios(frame, better)
    pd.testing.assert_frame_equal(ratios, statistics.performance_ratios(factor * frame, better))
    assert (ratios.min(axis=1) == 1).all()
    shares = statistics.performance_profiles(ratios, np.geomspace(1, 1e9, 30).tolist())
    assert (shares.diff().dropna() >= 0).all(axis=None)
    assert shares.iloc[-1].tolist() == pytest.approx((~np.isinf(ratios)).mean().tolist())
