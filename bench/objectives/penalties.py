"""The penalties: terms added to the discriminator's loss, and projections of its weights after an update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bench.catalog import penalties
from bench.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from bench.objectives.base import DiscriminatorBatch


def squared_gradient_norms(scores: Tensor, inputs: Tensor) -> Tensor:
    """‖∇d‖² of each sample over all its elements, shape ``(batch,)``, itself differentiable.

    Args:
        scores: d(inputs), shape ``(batch,)``; a sample's score must not depend on the other samples, or the
            gradient of the sum is not the gradient of the sample (so no batch normalisation).
        inputs: shape ``(batch, *data)``, with ``requires_grad``.
    """
    (gradients,) = torch.autograd.grad(scores.sum(), inputs, create_graph=True)
    return gradients.flatten(1).square().sum(1)


@penalties.register(
    "weight-clip",
    formula="after each update w ← clip(w, −c, c)",
    source="Arjovsky et al. 2017, algorithm 1",
)
@dataclass(frozen=True)
class WeightClip:
    """Keeps every weight and bias of linear and convolutional layers in a box, so that the critic is Lipschitz.

    Scales and shifts of normalisation layers are left alone.
    """

    limit: Annotated[float, Field(gt=0, description="c, the largest absolute weight")] = 0.01

    def project(self, discriminator: Module) -> None:
        """Clip in place."""
        layers = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)
        weights: list[Tensor] = [
            parameter
            for layer in discriminator.modules()
            if isinstance(layer, layers)
            for parameter in layer.parameters()  # under spectral normalisation, the weight that it divides
        ]
        if not weights:
            return
        with torch.no_grad():
            torch._foreach_clamp_min_(weights, -self.limit)
            torch._foreach_clamp_max_(weights, self.limit)


@penalties.register(
    "gradient-penalty",
    formula="λ E(‖∇d(x̂)‖₂ − k)²,  x̂ = εx + (1 − ε)G(z),  ε ~ U[0, 1] per sample",
    source="Gulrajani et al. 2017, eq. 3",
)
@dataclass(frozen=True)
class GradientPenalty:
    """Two-sided: the critic's gradient is to have norm k at points between real and fake samples."""

    weight: Annotated[float, Field(ge=0, description="λ")] = 10.0
    center: Annotated[float, Field(ge=0, description="k, the norm that is aimed at")] = 1.0
    needs_independent_samples: ClassVar[bool] = True

    def term(self, batch: DiscriminatorBatch) -> Tensor:
        """The penalty at one random point per pair."""
        per_sample = (len(batch.real),) + (1,) * (batch.real.dim() - 1)
        mix = torch.rand(per_sample, generator=batch.random, device=batch.real.device, dtype=batch.real.dtype)
        between = torch.lerp(batch.fake.detach(), batch.real.detach(), mix).requires_grad_()
        squared = squared_gradient_norms(batch.discriminator(between), between)
        # √0 has no finite gradient; the smallest normal number shifts no norm that float32 can tell from it
        norms = squared.clamp_min(torch.finfo(squared.dtype).tiny).sqrt()
        return self.weight * (norms - self.center).square().mean()


@penalties.register("r1", formula="½γ E‖∇d(x)‖²", source="Mescheder et al. 2018, eq. 9")
@dataclass(frozen=True)
class R1:
    """Flat scores at real samples: what makes the game converge locally."""

    gamma: Annotated[float, Field(ge=0, description="γ")] = 10.0
    differentiates: ClassVar[tuple[str, ...]] = ("real",)
    needs_independent_samples: ClassVar[bool] = True

    def term(self, batch: DiscriminatorBatch) -> Tensor:
        """The penalty at the batch's real samples."""
        return 0.5 * self.gamma * squared_gradient_norms(batch.real_scores, batch.real).mean()


@penalties.register("r2", formula="½γ E‖∇d(G(z))‖²", source="Mescheder et al. 2018, eq. 10")
@dataclass(frozen=True)
class R2:
    """Flat scores at generated samples."""

    gamma: Annotated[float, Field(ge=0, description="γ")] = 10.0
    differentiates: ClassVar[tuple[str, ...]] = ("fake",)
    needs_independent_samples: ClassVar[bool] = True

    def term(self, batch: DiscriminatorBatch) -> Tensor:
        """The penalty at the batch's generated samples."""
        return 0.5 * self.gamma * squared_gradient_norms(batch.fake_scores, batch.fake).mean()
