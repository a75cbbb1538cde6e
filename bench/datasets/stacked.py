"""Stacked MNIST: three digits as the channels of one image, a thousand modes that a classifier can tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bench.catalog import datasets
from bench.datasets.base import Data
from bench.datasets.downloads import SourceFile
from bench.datasets.mnist import SIDE, Mnist
from bench.datasets.samples import Stacked
from bench.lazy import torch

if TYPE_CHECKING:
    from torch import Generator, Tensor

CHANNELS, DIGITS = 3, 10
HELD_OUT = 26_000
"""Triples in validation and in test: as many as are drawn from a generator to count its modes."""
TRIPLES_SEED = 171_204_086
"""Of the triples: the same for every run, so that seeds differ in training alone."""


@datasets.register(
    "stacked-mnist",
    formula="three random digits as red, green and blue, 28×28 pixels; class 100r + 10g + b, 1,000 modes",
    source="Metz et al. 2017, sec. 3.3.2; Srivastava et al. 2017; Lin et al. 2018, sec. 4.2 (128,000 fixed triples)",
)
@dataclass(frozen=True)
class StackedMnist:
    """Fixed triples of MNIST digits, put together as they are drawn; no digit is in two splits.

    PacGAN draws its triples from all 70,000 digits. Here those of the training split are of 50,000 training digits,
    the 26,000 each of validation and test of 10,000 held-out digits each. The perfect sampler draws fresh triples of
    the validation digits: not those it is measured against.

    Modes are compared with equal weights, as in all papers. MNIST has not equally many of each digit, which adds about
    0.004 to the KL divergence of even a perfect sampler.
    """

    train: Annotated[int, Field(ge=1000, le=10_000_000, description="training triples")] = 128_000
    space: ClassVar[str] = "classifier"
    files: ClassVar[tuple[SourceFile, ...]] = Mnist.files

    @property
    def shape(self) -> tuple[int, ...]:
        """Colour images of 28×28 pixels."""
        return (CHANNELS, SIDE, SIDE)

    def load(self, root: Path) -> Data:
        """Of ``MNIST/raw`` under the data root."""
        digits = Mnist().load(root)
        random = torch.Generator().manual_seed(TRIPLES_SEED)
        train = _stack(digits.train, self.train, random)
        validation = _stack(digits.validation, HELD_OUT, random)
        test = _stack(digits.test, HELD_OUT, random)

        def draw(n: int, random: Generator) -> Tensor:
            return _stack(digits.validation, n, random)[:]

        return Data(
            train=train,
            validation=validation,
            test=test,
            train_labels=_classes(train, digits.train_labels),
            validation_labels=_classes(validation, digits.validation_labels),
            test_labels=_classes(test, digits.test_labels),
            classes=DIGITS**CHANNELS,
            class_weights=torch.full((DIGITS**CHANNELS,), DIGITS**-CHANNELS),
            stacked_from=digits,
            draw=draw,
        )


def _stack(digits: object, n: int, random: Generator) -> Stacked:
    assert isinstance(digits, torch.Tensor)
    return Stacked(digits, torch.randint(len(digits), (n, CHANNELS), generator=random))


def _classes(stacked: Stacked, labels: Tensor | None) -> Tensor:
    """The first channel's digit is the most significant."""
    assert labels is not None
    places = DIGITS ** torch.arange(CHANNELS - 1, -1, -1)
    return (labels[stacked.chosen] * places).sum(dim=1)
