"""The stabilisers that change what the discriminator is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bench.catalog import Unit, stabilisers
from bench.errors import CatalogError
from bench.lazy import torch
from bench.objectives.hooks import Remembering

if TYPE_CHECKING:
    from torch import Generator, Tensor


def refuse_parts(batch_size: int, parts: int, words: str) -> None:
    """Raise CatalogError unless the batch is a multiple of ``parts``; ``words`` say what cannot be done with it."""
    if batch_size % parts:
        near = batch_size - batch_size % parts
        fitting = " or ".join(str(size) for size in (near, near + parts) if size)
        raise CatalogError(
            f"a batch of {batch_size} samples cannot be {words}: set batch_size to a multiple, such as {fitting}"
        )


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

    @property
    def samples_per_score(self) -> int:
        """m: of a batch come 1/m as many scores."""
        return self.samples

    def check(self, batch_size: int) -> None:
        """Only whole packs."""
        refuse_parts(batch_size, self.samples, f"packed by {self.samples}")

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


@stabilisers.register(
    "instance-noise",
    formula="the discriminator is shown x + ε and G(z) + ε,  ε ~ N(0, σ_t² I),  σ_t = σ max(0, 1 − t/a),  "
    "t the share of the budget that is spent",
    latex=r"x + \varepsilon, \; G(z) + \varepsilon, \quad \varepsilon \sim \mathcal{N}(0, \sigma_t^2 I), "
    r"\quad \sigma_t = \sigma \max(0, 1 - t/a)",
    optimum="the divergence of p and q, both blurred by N(0, σ_t² I): finite and smooth where p and q do not overlap",
    source="Sønderby et al. 2017; Arjovsky & Bottou 2017, sec. 3; convergence: Mescheder et al. 2018, sec. 3",
)
@dataclass(frozen=True)
class InstanceNoise:
    """Noise on all that the discriminator sees, drawn anew for each sample and update, that fades over training."""

    sigma: Annotated[
        float, Unit("data"), Field(ge=0, description="σ, standard deviation at the start; 0 switches it off")
    ] = 0.1
    anneal: Annotated[
        float,
        Unit("of the budget"),
        Field(gt=0, le=1, description="a, share of training after which none is left"),
    ] = 1.0

    def perturb(self, samples: Tensor, random: Generator, progress: float) -> Tensor:
        """The samples with noise, ``(batch, *shape)``."""
        sigma = self.sigma * max(0.0, 1 - progress / self.anneal)
        noise = torch.randn(samples.shape, generator=random, device=samples.device, dtype=samples.dtype)
        return samples + sigma * noise


@stabilisers.register(
    "experience-replay",
    formula="of the generated samples that the discriminator's update is shown, a share ρ comes from a buffer of "
    "earlier ones, each of which is replaced by a new one",
    latex=r"f = d(\tilde{x}), \quad \tilde{x} \sim (1-\rho)\,q_t + \frac{\rho}{B} \sum_{b=1}^{B} \delta_{x_b}",
    optimum="the divergence of p from a mixture of what the generator makes and what it has made",
    source="Shrivastava et al. 2017, sec. 2.3 (half of a batch, replaced at random)",
)
@dataclass(frozen=True)
class ExperienceReplay(Remembering):
    """The discriminator is reminded of what the generator made before, so that neither forgets and comes back to it.

    Until the buffer is full, new samples are put into it and shown as they are. Then ρ of them change places with as
    many of the buffer's, drawn without replacement. They carry no gradient: the generator's own update is shown none of
    them.
    """

    share: Annotated[
        float, Unit("of the batch"), Field(ge=0, le=1, description="ρ, share that is replayed; 0 switches it off")
    ] = 0.5
    capacity: Annotated[
        int, Unit("samples"), Field(ge=1, le=2**20, description="B, generated samples that the buffer holds")
    ] = 4096
    once: ClassVar[bool] = True

    def check(self, batch_size: int) -> None:
        """A buffer that can fill the share of a batch."""
        if self._replayed(batch_size) > self.capacity:
            raise CatalogError(
                f"a buffer of {self.capacity} samples cannot fill {self.share:g} of a batch of {batch_size}: set "
                f"capacity to {self._replayed(batch_size)} or more"
            )

    def replay(self, fake: Tensor, random: Generator) -> Tensor:
        """The batch with its first samples exchanged for earlier ones, ``(batch, *shape)``."""
        replayed = self._replayed(len(fake))
        if not replayed:
            return fake
        fake = fake.detach()
        buffer = self.held.get("buffer", fake[:0])
        if len(buffer) < self.capacity:
            self.held["buffer"] = torch.cat((buffer, fake[: self.capacity - len(buffer)]))
            return fake
        places = torch.randperm(len(buffer), generator=random, device=fake.device)[:replayed]
        earlier = buffer[places]
        buffer[places] = fake[:replayed]
        return torch.cat((earlier, fake[replayed:]))

    def _replayed(self, batch_size: int) -> int:
        return round(self.share * batch_size)
