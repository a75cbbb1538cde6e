"""The swiss roll is scikit-learn's, as WGAN-GP has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from sklearn.datasets import make_swiss_roll

from bench.catalog import datasets


@pytest.mark.parametrize("noise", [0.0, 0.25, 1.0])
def test_it_is_distributed_as_scikit_learns_first_and_third_coordinate(noise: float) -> None:
    ours = datasets.create("swiss-roll", noise=noise, train=5000).load(Path()).train.numpy()
    theirs = make_swiss_roll(n_samples=5000, noise=noise, random_state=0)[0][:, [0, 2]] / 7.5
    views = {"x": [1, 0], "y": [0, 1], "across": [0.6, 0.8]}
    for along in views.values():
        assert ks_2samp(ours @ np.array(along), theirs @ np.array(along)).pvalue > 1e-3
    assert ks_2samp(np.hypot(*ours.T), np.hypot(*theirs.T)).pvalue > 1e-3


def test_without_noise_the_radius_is_the_angle() -> None:
    points = datasets.create("swiss-roll", noise=0, train=1000).load(Path()).train.double()
    radius = 7.5 * points.norm(dim=1)
    angle = torch.atan2(points[:, 1], points[:, 0])
    turns = (radius - angle) / (2 * torch.pi)
    assert (turns - turns.round()).abs().max() < 1e-5
    assert radius.min() >= 1.5 * torch.pi - 1e-4
    assert radius.max() <= 4.5 * torch.pi + 1e-4


def test_it_has_no_modes_and_its_scale_is_about_one() -> None:
    data = datasets.create("swiss-roll").load(Path())
    assert data.modes is None
    assert ((data.train.std(0) > 0.8) & (data.train.std(0) < 1)).all()  # "stdev plus a little"
