from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.datasets.base import Data, Modes
from bench.evaluation.modes import class_counts, class_coverage, point_coverage


def test_a_perfect_sampler_in_the_plane_has_1_minus_exp_of_minus_4_5_of_its_samples_within_3_sigma(ring: Data) -> None:
    assert ring.draw is not None
    assert ring.modes is not None
    n = 200_000
    coverage = point_coverage(ring.draw(n, torch.Generator().manual_seed(1)), ring.modes)
    share = 1 - math.exp(-4.5)
    assert coverage.modes_covered == 8
    assert coverage.high_quality_share == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / n))
    # n·2·KL of a sampled histogram is χ² with modes − 1 degrees of freedom
    assert coverage.reverse_kl is not None
    assert 2 * n * coverage.reverse_kl < 30


def test_a_sampler_collapsed_onto_one_of_8_modes_has_reverse_kl_log_8(ring: Data) -> None:
    assert ring.modes is not None
    coverage = point_coverage(ring.modes.centers[:1].repeat(100, 1), ring.modes)
    assert coverage.modes_covered == 1
    assert coverage.high_quality_share == 1
    assert coverage.reverse_kl == pytest.approx(math.log(8))
    assert coverage.total_variation == pytest.approx(7 / 8)


def test_a_mode_counts_from_one_sample_within_3_sigma_on() -> None:
    modes = Modes(torch.tensor([[0.0, 0.0], [100.0, 0.0]]), 0.01, torch.tensor([0.5, 0.5]))
    inside, outside = [100.0, 0.0299], [0.0, 0.0301]
    coverage = point_coverage(torch.tensor([inside, outside]), modes)
    assert coverage.modes_covered == 1
    assert coverage.high_quality_share == 0.5
    assert coverage.reverse_kl == pytest.approx(math.log(2))


def test_without_a_high_quality_sample_the_histogram_is_undefined(ring: Data) -> None:
    assert ring.modes is not None
    coverage = point_coverage(torch.zeros(10, 2), ring.modes)
    assert (coverage.modes_covered, coverage.high_quality_share) == (0, 0)
    assert coverage.reverse_kl is None
    assert coverage.total_variation is None


def test_true_weights_are_what_the_histogram_is_held_against() -> None:
    modes = Modes(torch.tensor([[0.0, 0.0], [9.0, 0.0]]), 0.1, torch.tensor([0.75, 0.25]))
    points = modes.centers[[0, 0, 0, 1]]
    coverage = point_coverage(points, modes)
    assert coverage.reverse_kl == pytest.approx(0, abs=1e-7)
    assert coverage.total_variation == pytest.approx(0, abs=1e-7)


def test_images_belong_to_the_most_likely_class() -> None:
    logits = torch.tensor([[5.0, 0, 0], [4.0, 0, 1], [0, 0, 2.0], [0, 0.1, 3.0]])
    coverage = class_coverage(logits, class_counts(torch.tensor([0, 1, 1, 2]), 3))
    assert coverage.modes_covered == 2
    assert coverage.high_quality_share is None
    assert coverage.reverse_kl == pytest.approx(math.log(2))
    assert coverage.total_variation == pytest.approx(0.5)


def test_a_class_that_the_real_samples_lack_leaves_the_divergence_undefined() -> None:
    coverage = class_coverage(torch.tensor([[0.0, 1.0]]), torch.tensor([3, 0]))
    assert coverage.reverse_kl is None
    assert coverage.total_variation == 1


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_order_of_samples_does_not_matter_and_distances_have_their_ranges(chosen: list[int], random: object) -> None:
    modes = Modes(torch.arange(10.0).reshape(5, 2) * 10, 0.1, torch.full((5,), 0.2))
    points = modes.centers[chosen]
    coverage = point_coverage(points, modes)
    random.shuffle(chosen)  # type: ignore[attr-defined]
    assert point_coverage(modes.centers[chosen], modes) == coverage
    assert coverage.reverse_kl is not None
    assert coverage.total_variation is not None
    assert 0 <= coverage.reverse_kl <= math.log(5) + 1e-9
    assert 2 * coverage.total_variation**2 <= coverage.reverse_kl + 1e-9  # Pinsker's inequality
