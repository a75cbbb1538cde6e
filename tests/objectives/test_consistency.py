"""Consistency: which augmentations there are, and that scores are held to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.catalog import penalties
from bench.objectives import Consistency, Packing
from tests.objectives.critics import FAKE, REAL, Linear, Quadratic, random, score

Move = tuple[int, int, bool]


def rearranged(image: np.ndarray, move: Move) -> np.ndarray:
    """The image mirrored or not, shifted, its edge repeated; ``(channels, height, width)``."""
    down, right, mirrored = move
    _, height, width = image.shape
    source = image[:, :, ::-1] if mirrored else image
    padded = np.pad(source, ((0, 0), (height, height), (width, width)), mode="edge")
    return padded[:, height + down : 2 * height + down, width + right : 2 * width + right]


def moves(images: Tensor, augmented: Tensor, farthest: tuple[int, int]) -> list[Move]:
    """What was done to each image; fails where it is none of the moves."""
    down, right = farthest
    possible = [
        (i, j, mirrored) for i in range(-down, down + 1) for j in range(-right, right + 1) for mirrored in (False, True)
    ]
    found = []
    for image, changed in zip(images.numpy(), augmented.numpy(), strict=True):
        (move,) = (move for move in possible if np.array_equal(rearranged(image, move), changed))
        found.append(move)
    return found


@pytest.fixture
def images() -> Tensor:
    """No two pixels alike, no two sides alike."""
    return torch.randperm(400 * 3 * 8 * 5, generator=random()).reshape(400, 3, 8, 5).float()


def test_images_are_flipped_and_shifted_each_on_its_own(images: Tensor) -> None:
    done = moves(images, Consistency(shift=0.25).augment(images, random()), farthest=(2, 1))
    assert set(done) == {(i, j, mirrored) for i in range(-2, 3) for j in (-1, 0, 1) for mirrored in (False, True)}
    assert 160 < sum(mirrored for _, _, mirrored in done) < 240


@pytest.mark.parametrize(("shift", "flip", "kinds"), [(0.0, False, 1), (0.0, True, 2), (0.25, False, 15)])
def test_settings_leave_out_flips_and_shifts(images: Tensor, shift: float, flip: bool, kinds: int) -> None:
    done = moves(images, Consistency(shift=shift, flip=flip).augment(images, random()), farthest=(2, 1))
    assert len(set(done)) == kinds
    assert any(mirrored for _, _, mirrored in done) == flip


def test_a_pack_is_moved_as_one_image(images: Tensor) -> None:
    """T is what happens to an input of the discriminator: the images of a pack share one flip and one shift."""
    packs = Packing(2).present(images)
    augmented = Consistency(shift=0.25).augment(packs, random())
    done = moves(packs, augmented, farthest=(2, 1))
    assert len(set(done)) == 5 * 3 * 2
    for first in (0, 3):  # the channels of either image
        assert moves(packs[:, first : first + 3], augmented[:, first : first + 3], farthest=(2, 1)) == done


def test_each_point_of_a_pack_gets_noise_of_its_own() -> None:
    packs = Packing(2).present(torch.zeros(10_000, 2))
    added = Consistency(noise=0.3).augment(packs, random()).numpy()
    np.testing.assert_allclose(np.cov(added.T), 0.09 * np.eye(4), atol=0.01)


def test_points_get_normal_noise() -> None:
    points = torch.randn((5000, 2), generator=random(1))
    added = (Consistency(noise=0.3).augment(points, random()) - points).numpy()
    assert added.mean() == pytest.approx(0, abs=0.01)
    assert added.std() == pytest.approx(0.3, rel=0.03)
    assert (added**4).mean() / added.var() ** 2 == pytest.approx(3, rel=0.1)  # the kurtosis of a normal distribution
    assert np.corrcoef(added.T)[0, 1] == pytest.approx(0, abs=0.05)
    assert torch.equal(Consistency(noise=0.0).augment(points, random()), points)


def test_scores_are_held_to_those_of_their_augmentations() -> None:
    critic = Quadratic()
    value = Consistency(weight=2.0, noise=0.5).term(score(critic)).item()
    real, fake, changed_real, changed_fake = (((seen.numpy() ** 2).sum(1)) / 2 for seen in critic.seen)
    assert value == pytest.approx(2 * (((real - changed_real) ** 2).mean() + ((fake - changed_fake) ** 2).mean()))
    assert not np.allclose(changed_real, real)


def test_unbalanced_consistency_is_of_real_samples_alone() -> None:
    critic, penalty = Quadratic(), penalties.create("consistency", weight=2.0, noise=0.5, generated=False)
    value = penalty.term(score(critic)).item()
    real, _, changed_real = (((seen.numpy() ** 2).sum(1)) / 2 for seen in critic.seen)
    assert value == pytest.approx(2 * ((real - changed_real) ** 2).mean())
    assert penalty.term(score(critic, REAL, FAKE + 5)).item() == value


def test_consistency_under_noise_punishes_steepness() -> None:
    """Of a linear critic E(d(x) − d(x + δ))² is σ²‖w‖²: R1 and R2 with γ = 2λσ², on average."""
    real, fake = (torch.randn((20_000, 2), generator=random(seed), dtype=torch.float64) for seed in (1, 2))
    value = Consistency(weight=10.0, noise=0.05).term(score(Linear([3.0, 4.0]), real, fake)).item()
    assert value == pytest.approx(2 * 10 * 0.05**2 * 25, rel=0.03)


def test_a_critic_that_does_not_see_mirroring_pays_nothing_for_it(images: Tensor) -> None:
    class Sum(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1).sum(1)

    flips, shifts = Consistency(shift=0.0), Consistency(flip=False, shift=0.25)
    batch = score(Sum(), images.double(), images.double().flip(0))
    assert flips.term(batch).item() == 0
    assert shifts.term(batch).item() > 0
