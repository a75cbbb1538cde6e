"""What datasets of the user's own share: what they are, where they lie, and their random splits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from bench.datasets.base import SMALLEST_SPLIT, SPLITS, Split
from bench.datasets.splitting import hold_out
from bench.errors import DataError
from bench.lazy import np

OwnPath = Annotated[str, Field(description="where it lies; a relative path starts at the data root, ~ is your home")]
Share = Annotated[float, Field(gt=0, lt=0.5, description="share of the samples that is held out for this split")]


class OwnImages:
    """Square images whose settings tell what they are before anything is read."""

    size: int
    channels: int
    labels: bool

    @property
    def space(self) -> str:
        """That of a classifier where there are labels to train one with."""
        return "classifier" if self.labels else "inception"

    @property
    def shape(self) -> tuple[int, ...]:
        """As the settings tell."""
        return (self.channels, self.size, self.size)


def find_path(path: str, root: Path, what: str) -> Path:
    """The absolute path that a setting stands for.

    Raises:
        DataError: nothing lies there; tells where was looked.
    """
    if not path:
        raise DataError(f"{what}: its setting 'path' is empty; name what is to be read")
    found = (root / Path(path).expanduser()).absolute()  # an absolute path takes no root
    if not found.exists():
        here = Path(path).absolute()
        hint = (
            f"; did you mean '{here}'? A relative path starts at the data root"
            if here.exists()
            else (
                "; a relative path starts at the data root, which --data-root or GANBENCH_DATA names"
                if not Path(path).expanduser().is_absolute()
                else ""
            )
        )
        raise DataError(f"{what}: '{found}' does not exist{hint}")
    return found


def split_at_random(
    n: int, validation: float, test: float, labels: np.ndarray | None, what: str
) -> dict[Split, np.ndarray]:
    """Indices of three splits, with the same shares of each class; always the same for so many samples.

    Raises:
        DataError: there are too few samples, all in all or of a class.
    """
    sizes = {"validation": round(n * validation), "test": round(n * test)}
    sizes["train"] = n - sum(sizes.values())
    if min(sizes.values()) < SMALLEST_SPLIT:
        told = ", ".join(f"{sizes[split]} {split}" for split in SPLITS)
        raise DataError(
            f"{what}: {n:,} samples are too few: they would be split into {told}; each needs at least {SMALLEST_SPLIT}"
        )
    try:
        rest, held = hold_out(n, sizes["test"], labels)
        kept, other = hold_out(len(rest), sizes["validation"], None if labels is None else labels[rest])
    except ValueError as error:  # scikit-learn's, of classes that are too small
        smallest = "" if labels is None else f"; the smallest class has {np.bincount(labels).min():,} samples"
        raise DataError(f"{what}: its classes cannot be split in equal shares{smallest}: {error}") from None
    return {"train": rest[kept], "validation": rest[other], "test": held}
