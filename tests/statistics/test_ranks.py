"""Mean ranks over cells, Friedman's test, the critical difference, and the bootstrap over datasets."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench import statistics
from bench.statistics.ranks import ranks_of

NAN = math.nan


def test_mean_ranks_share_ties_and_put_failures_last():
    frame = pd.DataFrame({"a": [1.0, 1.0], "b": [2.0, 1.0], "c": [NAN, 5.0], "d": [NAN, 0.5]})
    ranks = statistics.mean_ranks(frame, "lower")
    assert ranks.to_dict() == {"a": 1.75, "b": 2.25, "c": 3.75, "d": 2.25}
    flipped = statistics.mean_ranks(frame, "higher")
    assert flipped["c"] == (3.5 + 1) / 2


def test_every_row_may_have_a_direction_of_its_own():
    frame = pd.DataFrame({"fid": [1.0, 2.0], "modes": [8.0, 3.0]}, index=["x", "y"]).T
    assert ranks_of(frame, ["lower", "higher"]).to_numpy().tolist() == [[1, 2], [1, 2]]
    with pytest.raises(ValueError, match="zip"):
        ranks_of(frame, ["lower"])


@given(seed=st.integers(0, 1000), blocks=st.integers(1, 6), objectives=st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_ranks_of_a_row_add_up_and_do_not_know_the_unit(seed, blocks, objectives):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.integers(1, 6, (blocks, objectives)).astype(float))
    ranks = statistics.mean_ranks(frame, "lower")
    assert ranks.sum() == pytest.approx(objectives * (objectives + 1) / 2)
    pd.testing.assert_series_equal(ranks, statistics.mean_ranks(np.log(frame), "lower"))
    pd.testing.assert_series_equal(ranks, objectives + 1 - statistics.mean_ranks(frame, "higher"))


@given(seed=st.integers(0, 1000), place=st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_a_failure_never_improves_a_rank(seed, place):
    frame = pd.DataFrame(np.random.default_rng(seed).normal(size=(4, 4)))
    before = statistics.mean_ranks(frame, "lower")
    frame.iloc[place, 0] = NAN
    after = statistics.mean_ranks(frame, "lower")
    assert after[0] >= before[0]
    assert (after[1:] <= before[1:]).all()


def test_friedman_test_of_many_blocks_is_scipys():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.integers(0, 8, (20, 4)) + np.array([0, 0, 1, 3]), dtype=float)
    expected = stats.friedmanchisquare(*frame.to_numpy().T).pvalue
    assert statistics.friedman_test(frame, "lower") == pytest.approx(expected)
    assert statistics.friedman_test(frame, "higher") == pytest.approx(expected)


def test_friedman_test_of_few_blocks_is_near_the_count_of_all_permutations():
    frame = pd.DataFrame([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [1.0, 2.0, 3.0], [2.0, 1.0, 3.0]])
    rows = [list(itertools.permutations(row)) for row in frame.to_numpy()]
    spreads = [np.var(np.sum(of, axis=0)) for of in itertools.product(*rows)]
    expected = np.mean(np.array(spreads) >= np.var(frame.sum(axis=0)) - 1e-9)
    assert statistics.friedman_test(frame, "lower") == pytest.approx(expected, abs=0.02)
    assert statistics.friedman_test(frame, "lower") == statistics.friedman_test(frame, "lower")


def test_friedman_test_of_two_objectives_is_a_sign_test():
    frame = pd.DataFrame({"a": np.arange(12.0), "b": np.arange(12.0) + 1})
    assert statistics.friedman_test(frame, "lower") == pytest.approx(2 / 2**12, abs=0.001)


def test_friedman_test_of_what_does_not_differ():
    assert statistics.friedman_test(pd.DataFrame(np.ones((5, 3))), "lower") == 1.0
    assert statistics.friedman_test(pd.DataFrame([[1.0, 2.0, 3.0]]), "lower") == 1.0
    assert math.isnan(statistics.friedman_test(pd.DataFrame({"a": [1.0, 2.0]}), "lower"))
    assert math.isnan(statistics.friedman_test(pd.DataFrame(), "lower"))


def test_friedman_test_finds_equal_objectives_different_in_one_of_twenty():
    random = np.random.default_rng(1)
    frames = [pd.DataFrame(random.normal(size=(5, 4))) for _ in range(400)]
    found = np.mean([statistics.friedman_test(frame, "lower", resamples=400) <= 0.05 for frame in frames])
    assert found <= 0.05 + 2.58 * math.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize(("objectives", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (8, 3.031), (10, 3.164)])
def test_critical_difference_is_demsars_table(objectives, q):
    """Demšar 2006, table 5a: q at 0.05."""
    expected = q * math.sqrt(objectives * (objectives + 1) / (6 * 14))
    assert statistics.critical_difference(objectives, 14) == pytest.approx(expected, rel=1e-3)


def test_critical_difference_is_where_nemenyis_p_is_five_percent():
    posthocs = pytest.importorskip("scikit_posthocs")
    random = np.random.default_rng(2)
    frame = pd.DataFrame(random.normal(size=(14, 5)) + np.arange(5) / 2)
    p = posthocs.posthoc_nemenyi_friedman(frame).to_numpy()
    ranks = statistics.mean_ranks(frame, "lower").to_numpy()
    apart = np.abs(ranks[:, None] - ranks[None, :]) > statistics.critical_difference(5, 14)
    off = ~np.eye(5, dtype=bool)
    assert 0 < apart.sum() < 20
    assert ((p <= 0.05)[off] == apart[off]).all()


def test_critical_difference_of_nothing():
    assert math.isnan(statistics.critical_difference(1, 12))
    assert math.isnan(statistics.critical_difference(3, 0))


def test_rows_of_one_dataset_are_drawn_together():
    """Ten tasks of two datasets that disagree: any mean rank between is possible, where ten cells would seem sure."""
    ranks = pd.DataFrame({"a": [1.0] * 9 + [2.0], "b": [2.0] * 9 + [1.0]})
    shared = statistics.rank_intervals(ranks, ["ring"] * 9 + ["digits"])
    assert shared["mean_rank"].tolist() == pytest.approx([1.1, 1.9])
    assert shared.loc["a", ["low", "high"]].tolist() == [1.0, 2.0]
    own = statistics.rank_intervals(ranks, list(range(10)))
    assert own.loc["a", "high"] < 1.5
    pd.testing.assert_frame_equal(own, statistics.rank_intervals(ranks, list(range(10))))


def test_one_dataset_leaves_ranks_without_interval():
    alone = statistics.rank_intervals(pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 1.0]}), ["ring", "ring"])
    assert alone["mean_rank"].tolist() == [1.5, 1.5]
    assert alone[["low", "high"]].isna().all(axis=None)


def test_datasets_may_be_called_as_objectives_are():
    ranks = pd.DataFrame([[1.0, 2.0], [2.0, 1.0]])
    pd.testing.assert_frame_equal(
        statistics.rank_intervals(ranks, [0, 1]), statistics.rank_intervals(ranks, ["ring", "digits"])
    )
