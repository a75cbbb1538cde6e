"""The penalties on the discriminator's gradient with respect to its input: how steep its scores may be, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from bench.catalog import Search, Unit, penalties
from bench.lazy import torch

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch.nn import Module

    from bench.objectives.base import Batch

STEEPNESS = Unit("score/data")
SEARCH = Search(1e-3, 100.0, log=True)
GAMMA = Annotated[float, Unit("loss/(score/data)²"), Field(ge=0, description="γ, weight of the term"), SEARCH]
WEIGHT = Annotated[float, Unit("loss/(score/data)²"), Field(ge=0, description="λ, weight of the term"), SEARCH]


def squared_gradient_norms(scores: Tensor, inputs: Tensor) -> Tensor:
    """‖∇d‖² of each sample over all its elements, shape ``(batch,)``, itself differentiable.

    Args:
        scores: d(inputs), shape ``(batch,)``; a sample's score must not depend on the other samples, or the
            gradient of the sum is not the gradient of the sample (so no batch normalisation).
        inputs: shape ``(batch, *data)``, with ``requires_grad``.

    Raises:
        ValueError: ``inputs`` carry no gradients.
    """
    if not inputs.requires_grad:
        raise ValueError(
            "the samples carry no gradients: make the batch with Batch.score(discriminator, real, fake, …)"
        )
    (gradients,) = torch.autograd.grad(scores.sum(), inputs, create_graph=True)
    return gradients.flatten(1).square().sum(1)


def squared_gradient_norms_at(points: Tensor, discriminator: Module) -> Tensor:
    """‖∇d‖² at points other than the batch's own samples, shape ``(batch,)``."""
    points = points.detach().requires_grad_()
    return squared_gradient_norms(discriminator(points), points)


def root(squared_norms: Tensor) -> Tensor:
    """‖∇d‖ of ‖∇d‖²; where it is zero, so is its own gradient."""
    # √0 has no finite gradient; the smallest normal number shifts no norm that float32 can tell from it
    return squared_norms.clamp_min(torch.finfo(squared_norms.dtype).tiny).sqrt()


def between(fake: Tensor, real: Tensor, random: Generator) -> Tensor:
    """x̂ = εx + (1 − ε)G(z), with an ε ~ U[0, 1] of its own for every sample."""
    per_sample = (len(real),) + (1,) * (real.dim() - 1)
    mix = torch.rand(per_sample, generator=random, device=real.device, dtype=real.dtype)
    return torch.lerp(fake.detach().to(real.dtype), real.detach(), mix)  # autocast makes samples of half precision


@penalties.register(
    "gradient-penalty",
    formula="λ E(‖∇d(x̂)‖₂ − k)²,  x̂ = εx + (1 − ε)G(z),  ε ~ U[0, 1] per sample; side one: λ E max(0, ‖∇d(x̂)‖₂ − k)²",
    latex=r"\lambda\,\mathbb{E}\,(\lVert\nabla d(\hat{x})\rVert_2 - k)^2, "
    r"\quad \hat{x} = \varepsilon x + (1-\varepsilon)G(z), \; \varepsilon \sim U[0, 1]",
    optimum="k = 1: zero if the gradient has norm 1 (one-sided: at most 1) between real and generated samples",
    source="Gulrajani et al. 2017, eq. 3; side one: Petzka et al. 2018; k = 0: Thanh-Tung et al. 2019",
)
@dataclass(frozen=True)
class GradientPenalty:
    """The critic's gradient is to have norm k (one-sided: at most k) at points between real and fake samples."""

    weight: WEIGHT = 10.0
    center: Annotated[float, STEEPNESS, Field(ge=0, description="k, the norm that is aimed at")] = 1.0
    side: Annotated[Literal["both", "one"], Field(description="whether norms below k cost as well")] = "both"
    needs_independent_samples: ClassVar[bool] = True

    def term(self, batch: Batch) -> Tensor:
        """The penalty at one random point per pair."""
        points = between(batch.fake, batch.real, batch.random)
        squared = squared_gradient_norms_at(points, batch.discriminator)
        if self.center == 0:  # no root to take: smooth where the critic is flat as well
            return self.weight * squared.mean()
        excess = root(squared) - self.center
        if self.side == "one":
            excess = excess.relu()
        return self.weight * excess.square().mean()


@penalties.register(
    "r1",
    formula="½γ E‖∇d(x)‖²",
    latex=r"\tfrac{\gamma}{2}\,\mathbb{E}\,\lVert\nabla d(x)\rVert^2",
    optimum="zero if the scores are flat at real samples",
    source="Mescheder et al. 2018, eq. 9",
)
@dataclass(frozen=True)
class R1:
    """Flat scores at real samples: what makes the game converge locally."""

    gamma: GAMMA = 10.0
    differentiates: ClassVar[tuple[str, ...]] = ("real",)
    needs_independent_samples: ClassVar[bool] = True

    def term(self, batch: Batch) -> Tensor:
        """The penalty at the batch's real samples."""
        return 0.5 * self.gamma * squared_gradient_norms(batch.real_scores, batch.real).mean()


@penalties.register(
    "r2",
    formula="½γ E‖∇d(G(z))‖²",
    latex=r"\tfrac{\gamma}{2}\,\mathbb{E}\,\lVert\nabla d(G(z))\rVert^2",
    optimum="zero if the scores are flat at generated samples",
    source="Mescheder et al. 2018, eq. 10",
)
@dataclass(frozen=True)
class R2:
    """Flat scores at generated samples."""

    gamma: GAMMA = 10.0
    differentiates: ClassVar[tuple[str, ...]] = ("fake",)
    needs_independent_samples: ClassVar[bool] = True

    def term(self, batch: Batch) -> Tensor:
        """The penalty at the batch's generated samples."""
        return 0.5 * self.gamma * squared_gradient_norms(batch.fake_scores, batch.fake).mean()


@penalties.register(
    "dragan",
    formula="λ E(‖∇d(x + δ)‖₂ − 1)²,  δ = c·std(x)·u,  u ~ U[0, 1] per element",
    latex=r"\lambda\,\mathbb{E}\,(\lVert\nabla d(x + \delta)\rVert_2 - 1)^2, "
    r"\quad \delta = c\,\mathrm{std}(x)\,u, \; u \sim U[0, 1]",
    optimum="zero if the gradient has norm 1 around real samples",
    source="Kodali et al. 2017; the noise as in their code, without its interpolation towards the data",
)
@dataclass(frozen=True)
class Dragan:
    """The discriminator's gradient is to have norm 1 around real samples, so that sharp local optima are smoothed."""

    weight: WEIGHT = 10.0
    spread: Annotated[
        float, Unit("standard deviations of the batch"), Field(ge=0, description="c, how far points lie from the data")
    ] = 0.5
    needs_independent_samples: ClassVar[bool] = True

    def term(self, batch: Batch) -> Tensor:
        """The penalty at one perturbed point per real sample."""
        real = batch.real.detach()
        uniform = torch.rand(real.shape, generator=batch.random, device=real.device, dtype=real.dtype)
        points = real + self.spread * real.std(correction=0) * uniform
        norms = root(squared_gradient_norms_at(points, batch.discriminator))
        return self.weight * (norms - 1).square().mean()
