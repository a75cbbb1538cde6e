"""Packs; the other stabilisers are proved in the game, in `tests/training`."""

from __future__ import annotations

import pytest
import torch

from bench.catalog import stabilisers
from bench.errors import CatalogError

SHAPES = [(2,), (3, 8, 8)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_packs_of_one_are_the_samples(shape: tuple[int, ...]) -> None:
    packing, samples = stabilisers.create("packing", samples=1), torch.rand(6, *shape)
    assert packing.shape(shape) == shape
    assert torch.equal(packing.present(samples), samples)


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_neighbours_are_packed_along_their_channels(shape: tuple[int, ...], size: int) -> None:
    packing, samples = stabilisers.create("packing", samples=size), torch.rand(12, *shape)
    packed = packing.present(samples)
    assert packed.shape == (12 // size, *packing.shape(shape))
    assert packing.shape(shape) == (size * shape[0], *shape[1:])
    for index, pack in enumerate(packed):
        assert torch.equal(pack, torch.cat(tuple(samples[size * index : size * (index + 1)])))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_packs_of_packs_are_packs_of_all_their_samples(shape: tuple[int, ...]) -> None:
    samples = torch.rand(12, *shape)
    two, three, six = (stabilisers.create("packing", samples=size) for size in (2, 3, 6))
    assert three.shape(two.shape(shape)) == six.shape(shape)
    assert torch.equal(three.present(two.present(samples)), six.present(samples))


def test_packs_lead_back_to_every_sample() -> None:
    samples = torch.rand(4, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(stabilisers.create("packing").present(samples).square().sum(), samples)
    torch.testing.assert_close(gradient, 2 * samples.detach())


def test_a_batch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(CatalogError, match="7 samples cannot be packed by 2"):
        stabilisers.create("packing", samples=2).present(torch.rand(7, 2))
