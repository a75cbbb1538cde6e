"""The stabilisers: tricks beside loss and penalties that change what the discriminator is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bench.catalog import Unit, stabilisers
from bench.errors import CatalogError

if TYPE_CHECKING:
    from torch import Tensor


@stabilisers.register(
    "packing",
    formula="the discriminator scores m samples at once, d(x₁, …, x_m), all real or all generated",
    latex=r"d(x_1, \dots, x_m)",
    optimum="the divergence of the m-fold products pᵐ and qᵐ, which tells a collapsed generator more easily",
    source="Lin et al. 2018 (PacGAN), sec. 3",
)
@dataclass(frozen=True)
class Packing:
    """Samples are joined along their channels (of points, their coordinates); a batch holds 1/m as many packs."""

    capturable: ClassVar[bool] = True
    samples: Annotated[int, Unit("samples"), Field(ge=1, le=64, description="m, samples of one pack")] = 2

    def check(self, batch_size: int) -> None:
        """Only whole packs."""
        if batch_size % self.samples:
            near = batch_size - batch_size % self.samples
            fitting = " or ".join(str(size) for size in (near, near + self.samples) if size)
            raise CatalogError(
                f"a batch of {batch_size} samples cannot be packed by {self.samples}: set batch_size to a multiple, "
                f"such as {fitting}"
            )

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """m times the channels."""
        return (self.samples * shape[0], *shape[1:])

    def present(self, samples: Tensor) -> Tensor:
        """Neighbours in the batch make a pack: ``(batch, channels, …)`` → ``(batch / m, m · channels, …)``.

        Raises:
            CatalogError: the batch is no multiple of m.
        """
        self.check(len(samples))
        return samples.reshape(-1, *self.shape(tuple(samples.shape[1:])))
