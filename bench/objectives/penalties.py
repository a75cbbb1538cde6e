"""The penalties on scores, weights and codes; those on the discriminator's gradient are in `gradient_penalties`.

A formula is what is added to the discriminator's loss, unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from pydantic import Field

from bench.catalog import Search, Unit, penalties
from bench.lazy import functional, torch
from bench.objectives.base import Memory

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch.nn import Module

    from bench.objectives.base import Batch, Joint


def layers_of(discriminator: Module) -> Iterator[Module]:
    """Its linear and convolutional layers; the scales and shifts of normalisation layers are none of them."""
    kinds = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)
    return (layer for layer in discriminator.modules() if isinstance(layer, kinds))


def matrices_of(discriminator: Module) -> Iterator[Tensor]:
    """The weight of each layer as a matrix of one row per output unit or filter.

    Under spectral normalisation it is the trained weight, before it is divided.
    """
    for layer in layers_of(discriminator):
        (weight,) = (parameter for parameter in layer.parameters() if parameter.dim() > 1)
        transposed = isinstance(layer, torch.nn.modules.conv._ConvTransposeNd)
        yield (weight.transpose(0, 1) if transposed else weight).flatten(1)


@penalties.register(
    "weight-clip",
    formula="after each update w ← clip(w, −c, c)",
    latex=r"w \leftarrow \mathrm{clip}(w, -c, c)",
    optimum="the critic is Lipschitz, with a constant that c, width and depth decide",
    source="Arjovsky et al. 2017, algorithm 1",
)
@dataclass(frozen=True)
class WeightClip:
    """Keeps every weight and bias of linear and convolutional layers in a box, so that the critic is Lipschitz.

    Scales and shifts of normalisation layers are left alone.
    """

    limit: Annotated[
        float, Unit("weight"), Field(gt=0, description="c, the largest absolute weight"), Search(1e-3, 1.0, log=True)
    ] = 0.01

    def project(self, discriminator: Module) -> None:
        """Clip in place."""
        # under spectral normalisation a layer's parameter is the weight that it divides
        weights: list[Tensor] = [parameter for layer in layers_of(discriminator) for parameter in layer.parameters()]
        if not weights:
            return
        with torch.no_grad():
            torch._foreach_clamp_min_(weights, -self.limit)
            torch._foreach_clamp_max_(weights, self.limit)


@penalties.register(
    "lecam",
    formula="λ(E(r − α_F)² + E(f − α_R)²),  α_R, α_F moving averages of the real and the fake scores",
    latex=r"\lambda\,(\mathbb{E}\,(r - \alpha_F)^2 + \mathbb{E}\,(f - \alpha_R)^2)",
    optimum="with the Wasserstein loss and averages that stand still at α_R = −α_F = α: "
    "−(L_D + term)* = λ(1/(2λ) − α)² Σ(p − q)²/(p + q) − 2λα², a Le Cam divergence",
    source="Tseng et al. 2021, sec. 3 and proposition 1; both sides squared, as there (their code: one side)",
)
@dataclass(frozen=True)
class LeCam(Memory):
    """Scores are anchored to the moving average of the other side's: for little data.

    The averages take in the batch at hand; until 1/(1 − decay) batches have been seen they are plain means. In a
    training loop of your own, call ``observe(real_scores, fake_scores)`` after each discriminator update.
    """

    weight: Annotated[
        float, Unit("loss/score²"), Field(ge=0, description="λ, weight of the term"), Search(1e-3, 10.0, log=True)
    ] = 0.3
    decay: Annotated[float, Field(ge=0, lt=1, description="share of an average that is kept per update")] = 0.99
    initial: ClassVar[Mapping[str, float]] = {"real": 0.0, "fake": 0.0, "updates": 0.0}

    def term(self, batch: Batch) -> Tensor:
        """Squared distances of the scores from the other side's average."""
        real, fake = batch.real_scores, batch.fake_scores
        average_real, average_fake = self._average("real", real), self._average("fake", fake)
        return self.weight * ((real - average_fake).square().mean() + (fake - average_real).square().mean())

    def observe(self, real: Tensor, fake: Tensor) -> None:
        """Move the averages."""
        real, fake = real.double(), fake.double()
        averages = self._average("real", real), self._average("fake", fake)
        self.remember("real", averages[0])
        self.remember("fake", averages[1])
        self.remember("updates", self.recall("updates", real) + 1)

    def _average(self, name: str, scores: Tensor) -> Tensor:
        """The average with ``scores`` taken in."""
        scores = scores.detach()
        new_share = (1 / (self.recall("updates", scores) + 1)).clamp_min(1 - self.decay)
        return torch.lerp(self.recall(name, scores), scores.mean(), new_share)


@penalties.register(
    "consistency",
    formula="λ E(d(x) − d(T(x)))² + λ E(d(G(z)) − d(T(G(z))))²,  T: random flip and shift (points: noise)",
    latex=r"\lambda\,\mathbb{E}\,(d(x) - d(T(x)))^2 + \lambda\,\mathbb{E}\,(d(G(z)) - d(T(G(z))))^2",
    optimum="zero if the scores do not tell a sample from its augmentation",
    source="Zhang et al. 2020 (CR-GAN); Zhao et al. 2021 (balanced: bCR)",
)
@dataclass(frozen=True)
class Consistency:
    """A sample and its augmentation are to score alike."""

    weight: Annotated[
        float, Unit("loss/score²"), Field(ge=0, description="λ, weight of each term"), Search(0.1, 100.0, log=True)
    ] = 10.0
    generated: Annotated[
        bool, Field(description="whether generated samples are held to it too (balanced), or real ones alone")
    ] = True
    flip: Annotated[bool, Field(description="images: mirror half of them left to right")] = True
    shift: Annotated[
        float, Unit("of the image's side"), Field(ge=0, lt=1, description="images: farthest shift in each direction")
    ] = 0.125
    noise: Annotated[float, Unit("data"), Field(ge=0, description="points: standard deviation of what is added")] = 0.05
    needs_independent_samples: ClassVar[bool] = True

    def term(self, batch: Batch) -> Tensor:
        """Squared differences of the scores of samples and of their augmentations."""
        total = self._difference(batch, batch.real, batch.real_scores)
        if self.generated:
            total = total + self._difference(batch, batch.fake, batch.fake_scores)
        return self.weight * total

    def _difference(self, batch: Batch, samples: Tensor, scores: Tensor) -> Tensor:
        others: Tensor = batch.discriminator(self.augment(samples.detach(), batch.random))
        return (scores - others).square().mean()

    def augment(self, samples: Tensor, random: Generator) -> Tensor:
        """T: each sample (of packs, each pack) changed at random, on its own; images beyond their edge repeat it."""
        if samples.dim() != 4:
            draw = torch.randn(samples.shape, generator=random, device=samples.device, dtype=samples.dtype)
            return samples + self.noise * draw
        n, _, height, width = samples.shape
        rows = self._indices(n, height, random, samples.device)
        columns = self._indices(n, width, random, samples.device)
        if self.flip:
            mirrored = torch.rand((n, 1), generator=random, device=samples.device) < 0.5
            columns = torch.where(mirrored, width - 1 - columns, columns)
        image = torch.arange(n, device=samples.device)[:, None, None]
        # indices around the channels' slice come out in front of it
        arranged: Tensor = samples[image, :, rows[:, :, None], columns[:, None, :]]
        return arranged.movedim(3, 1)

    def _indices(self, n: int, size: int, random: Generator, device: Any) -> Tensor:
        """Of each sample, the rows (or columns) in the order in which it shows them, ``(n, size)``."""
        farthest = int(self.shift * size)
        moved = torch.randint(-farthest, farthest + 1, (n, 1), generator=random, device=device)
        return (torch.arange(size, device=device) + moved).clamp(0, size - 1)


@penalties.register(
    "l2",
    formula="λ Σ‖W‖², W the weights of linear and convolutional layers",
    latex=r"\lambda \sum_W \lVert W \rVert_F^2",
    optimum="zero if all weights are",
    source="Tikhonov 1963; weight decay of Krogh & Hertz 1991, as a term of the loss",
)
@dataclass(frozen=True)
class L2:
    """Small weights."""

    weight: Annotated[
        float, Unit("loss/weight²"), Field(ge=0, description="λ, weight of the term"), Search(1e-6, 1e-2, log=True)
    ] = 1e-4

    def term(self, batch: Batch) -> Tensor:
        """The sum of all squared weights; biases are free."""
        return self.weight * cast("Tensor", sum(w.square().sum() for w in matrices_of(batch.discriminator)))


@penalties.register(
    "orthogonal",
    formula="λ Σ‖W Wᵀ ⊙ (1 − I)‖², a row of W for each unit or filter",
    latex=r"\lambda \sum_W \lVert W W^\top \odot (\mathbf{1} - I) \rVert_F^2",
    optimum="zero if the filters of each layer are orthogonal, whatever their lengths",
    source="Brock et al. 2017; off-diagonal alone: Brock et al. 2019 (BigGAN), there on the generator",
)
@dataclass(frozen=True)
class Orthogonal:
    """Filters of a layer that differ from each other."""

    weight: Annotated[
        float, Unit("loss/weight⁴"), Field(ge=0, description="λ, weight of the term"), Search(1e-6, 1e-2, log=True)
    ] = 1e-4

    def term(self, batch: Batch) -> Tensor:
        """The squared products of different filters of each layer."""
        total: Any = 0.0
        for matrix in matrices_of(batch.discriminator):
            products = matrix @ matrix.T
            # not the whole less the diagonal: that is a difference of large numbers
            total = total + products.square().masked_fill(torch.eye(len(matrix), device=matrix.device).bool(), 0).sum()
        return self.weight * cast("Tensor", total)


@penalties.register(
    "consensus",
    formula="½γ‖v‖²,  v = (∇_φ L_D, ∇_θ L_G), φ and θ the discriminator's and the generator's weights; "
    "added to both losses",
    latex=r"\tfrac{\gamma}{2}\,\lVert v(\theta, \varphi) \rVert^2, "
    r"\quad v = (\nabla_\varphi L_D, \nabla_\theta L_G)",
    optimum="zero wherever both losses are stationary",
    source="Mescheder et al. 2017, algorithm 2",
)
@dataclass(frozen=True)
class Consensus:
    """Both players also descend to where the gradients of both losses vanish (the losses alone, without penalties).

    In a training loop of your own: ``consensus.joint_term(Joint.score(…))``, added to either loss in its update.
    """

    gamma: Annotated[
        float, Field(ge=0, description="γ, weight of the term against the losses"), Search(1e-3, 10.0, log=True)
    ] = 0.1

    def joint_term(self, joint: Joint) -> Tensor:
        """The squared length of the joint gradient field."""
        players = (
            (joint.discriminator_loss, joint.discriminator_weights),
            (joint.generator_loss, joint.generator_weights),
        )
        gradients = [
            gradient
            for loss, weights in players
            for gradient in torch.autograd.grad(loss, weights, create_graph=True, materialize_grads=True)
        ]
        return 0.5 * self.gamma * cast("Tensor", sum(gradient.square().sum() for gradient in gradients))


@penalties.register(
    "pulling-away",
    formula="λ Σ_{i≠j} cos²(s_i, s_j) / (N(N − 1)),  s the codes of generated samples; added to the generator's loss",
    latex=r"\frac{\lambda}{N(N-1)} \sum_{i \neq j} "
    r"\left(\frac{s_i^\top s_j}{\lVert s_i \rVert \lVert s_j \rVert}\right)^2",
    optimum="zero if the codes of a batch are orthogonal",
    source="Zhao et al. 2016 (EBGAN-PT), sec. 2.4",
)
@dataclass(frozen=True)
class PullingAway:
    """Codes of generated samples are to differ; for discriminators that are autoencoders, with a method ``encode``.

    In a training loop of your own: ``pulling_away.generator_term(Batch.generated(…))``.
    """

    weight: Annotated[
        float, Unit("loss"), Field(ge=0, description="λ, weight of the term"), Search(1e-3, 10.0, log=True)
    ] = 0.1
    needs_codes: ClassVar[bool] = True

    def generator_term(self, batch: Batch) -> Tensor:
        """The mean squared cosine of pairs of codes; of a single sample, 0."""
        encode: Any = batch.discriminator.encode
        codes = functional.normalize(encode(batch.fake), dim=1)
        n = len(codes)
        squared = (codes @ codes.T).square().masked_fill(torch.eye(n, device=codes.device).bool(), 0)
        return self.weight * squared.sum() / max(1, n * (n - 1))
