from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.datasets.base import Data, Modes
from bench.datasets.mixtures import load_mixture
from bench.evaluation.modes import class_counts, class_coverage, high_quality_radius, point_coverage


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


@pytest.mark.parametrize(("dimensions", "n"), [(1, 200_000), (2, 200_000), (3, 200_000), (700, 20_000)])
def test_a_perfect_sampler_has_the_same_share_of_high_quality_in_all_dimensions(dimensions: int, n: int) -> None:
    centers = torch.zeros(2, dimensions)
    centers[1] = 50
    modes = Modes(centers, 0.5, torch.tensor([0.5, 0.5]))
    points = load_mixture(modes, n, held_out=2).train
    share = 1 - math.exp(-4.5)
    assert point_coverage(points, modes).high_quality_share == pytest.approx(
        share, abs=4 * math.sqrt(share * (1 - share) / n)
    )


def test_in_the_plane_the_radius_is_3_sigma_to_the_last_bit() -> None:
    assert high_quality_radius(2) == 3.0


def test_on_a_line_and_in_space_the_radius_holds_what_3_sigma_hold_in_the_plane() -> None:
    share = 1 - math.exp(-4.5)
    line, space = high_quality_radius(1), high_quality_radius(3)
    assert math.erf(line / math.sqrt(2)) == pytest.approx(share, abs=1e-12)
    within = math.erf(space / math.sqrt(2)) - math.sqrt(2 / math.pi) * space * math.exp(-(space**2) / 2)
    assert within == pytest.approx(share, abs=1e-12)  # Maxwell's distribution


@settings(deadline=None)
@given(st.integers(1, 3000))
def test_the_radius_grows_with_the_dimensions_and_lies_beyond_the_shell_of_samples(dimensions: int) -> None:
    assert high_quality_radius(dimensions) < high_quality_radius(dimensions + 1)
    assert high_quality_radius(dimensions) > math.sqrt(dimensions)


def test_a_flat_mode_has_the_radius_of_its_own_dimensions() -> None:
    modes = Modes(torch.zeros(1, 3), 1.0, torch.ones(1), spanned=1)
    inside, outside = [2.5, 0.0, 0.0], [2.6, 0.0, 0.0]
    assert point_coverage(torch.tensor([inside, outside]), modes).high_quality_share == 0.5
    assert modes.to(torch.device("cpu")).dimensions == 1


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
