"""What images architectures make, and how often their pixels double."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.architectures.shapes import check_images, count_doublings, first_size
from bench.errors import CatalogError


@given(st.integers(1, 1000), st.integers(1, 16))
def test_doublings_lead_from_the_first_pixels_to_the_last(size: int, at_least: int) -> None:
    first = first_size(size, at_least)
    assert first * 2 ** count_doublings(size, at_least) == size
    assert first >= min(size, at_least)
    assert first % 2 or first // 2 < at_least


@pytest.mark.parametrize(("size", "first"), [(8, 4), (16, 4), (28, 7), (32, 4), (48, 6), (64, 4)])
def test_generators_begin_with_four_pixels_or_as_near_as_can_be(size: int, first: int) -> None:
    assert first_size(size) == first


def test_the_sentence_says_what_is_allowed_and_what_to_take_instead() -> None:
    with pytest.raises(CatalogError) as refused:
        check_images("name", (2,), (8, 16, 28))
    assert str(refused.value) == (
        "architecture 'name' makes square images of 8, 16 or 28 pixels with 1 or 3 channels, not samples of shape 2; "
        "for points use 'mlp'"
    )
    with pytest.raises(CatalogError, match="not samples of shape 1×8×9; images of other shapes are made by 'mlp'"):
        check_images("name", (1, 8, 9), (8, 16))
