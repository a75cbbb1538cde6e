"""Mixtures given in a suite: where their points lie, how rare each mode is, and what a slip is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.catalog import datasets
from bench.datasets.mixtures import Mixture
from bench.errors import CatalogError, SuiteError
from bench.suite import load_suite

coordinates = st.floats(-100, 100, allow_subnormal=False)
weights = st.floats(1e-3, 1e3)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 4).flatmap(lambda dim: st.lists(st.tuples(*[coordinates] * dim), min_size=1, max_size=5)))
def test_modes_are_those_that_were_given(means: list[tuple[float, ...]]) -> None:
    data = datasets.create("mixture", means=means, train=10).load(Path())
    assert data.modes is not None
    assert data.shape == (len(means[0]),)
    torch.testing.assert_close(data.modes.centers, torch.tensor(means))
    torch.testing.assert_close(data.modes.weights, torch.full((len(means),), 1 / len(means)))


@settings(deadline=None, max_examples=40)
@given(st.lists(weights, min_size=1, max_size=6), st.floats(1e-3, 1e3))
def test_weights_count_by_their_shares_alone(given_weights: list[float], factor: float) -> None:
    means = [[float(i)] for i in range(len(given_weights))]
    scaled = [weight * factor for weight in given_weights]
    one, other = (
        datasets.create("mixture", means=means, weights=w, train=10).load(Path()) for w in (given_weights, scaled)
    )
    assert one.modes is not None
    assert other.modes is not None
    torch.testing.assert_close(one.modes.weights, other.modes.weights)
    assert one.modes.weights.sum().item() == pytest.approx(1)


def test_a_mode_is_as_rare_as_its_weight_says() -> None:
    means = [[0.0, 0.0, 0.0], [5.0, 0.0, 0.0], [0.0, 5.0, 0.0]]
    data = datasets.create("mixture", means=means, weights=[89, 10, 1], sigma=0.1, train=50_000).load(Path())
    assert data.modes is not None
    nearest = torch.cdist(data.train, data.modes.centers).min(1)
    shares = nearest.indices.bincount(minlength=3) / len(data.train)
    torch.testing.assert_close(shares, torch.tensor([0.89, 0.10, 0.01]), atol=0.006, rtol=0)
    # the squared distance to a Gaussian's centre is σ²χ² of as many degrees of freedom as it has dimensions
    assert nearest.values.square().mean().item() == pytest.approx(3 * 0.1**2, rel=0.02)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"means": [[0, 0], [1]]}, "'means': points of equally many coordinates, at least 1; got 2, 1"),
        ({"means": [[]]}, "'means': points of equally many coordinates, at least 1; got 0"),
        ({"means": []}, "'means': points of equally many coordinates, at least 1; got 0"),
        ({"means": [0, 1]}, "'means.0': expected a list, got integer 0"),
        ({"weights": [1, 2]}, "'weights': one for each of the 4 points of 'means', or none for equal ones; got 2"),
        ({"weights": [1, 1, 0, 1]}, "'weights': all are > 0; got 0.0"),
        ({"sigma": 0}, "'sigma': expected a value > 0"),
    ],
)
def test_slips_are_told_by_setting(settings: dict[str, object], says: str) -> None:
    with pytest.raises(CatalogError, match="dataset 'mixture', setting ") as raised:
        datasets.create("mixture", **settings)
    assert says in str(raised.value)


def test_all_faults_are_told_at_once_and_without_the_catalogue_too() -> None:
    with pytest.raises(CatalogError) as raised:
        Mixture(means=((0.0, 0.0), (1.0,)), weights=(1.0,))
    assert [fault.split(":")[0] for fault in raised.value.faults] == [
        "dataset 'mixture', setting 'means'",
        "dataset 'mixture', setting 'weights'",
    ]


def test_a_slip_in_a_suite_is_told_with_its_line(tmp_path: Path) -> None:
    suite = tmp_path / "rare.toml"
    suite.write_text(
        '[[grid]]\nobjectives = ["nsgan"]\ndatasets = [{ name = "mixture", means = [[0, 0], [1, 1]], weights = [1] }]\n'
    )
    with pytest.raises(SuiteError) as raised:
        load_suite(suite)
    (fault,) = raised.value.faults
    assert "rare.toml:3" in fault
    assert "grid[0].datasets[0].weights" in fault
    assert "one for each of the 2 points" in fault
