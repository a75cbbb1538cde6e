"""The stabilisers that change what the players are: layers that see the batch, several generators, an average."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from bench.catalog import Unit, stabilisers
from bench.errors import CatalogError
from bench.objectives.stabilisers import refuse_parts

if TYPE_CHECKING:
    from torch.nn import Module


@stabilisers.register(
    "minibatch-discrimination",
    formula="the last layer scores (φ_i, o_i),  o_ib = 1/(n − 1) Σ_{j≠i} exp(−‖M_ib − M_jb‖₁),  M_i = T φ_i of B×C, "
    "φ_i the features of sample i",
    latex=r"o_{ib} = \frac{1}{n-1} \sum_{j \neq i} \exp(-\lVert M_{ib} - M_{jb} \rVert_1), "
    r"\quad M_i = T\varphi_i \in \mathbb{R}^{B \times C}",
    optimum="a batch of samples that are too alike is told from a real one",
    source="Salimans et al. 2016, sec. 3.2 (B = 100, C = 5 in their code); the mean over the others in place of the "
    "sum",
)
@dataclass(frozen=True)
class MinibatchDiscrimination:
    """The discriminator sees, beside each sample's features, how close the other samples of its batch are.

    Real and generated samples make batches of their own, as in every loop that scores them apart.
    """

    kernels: Annotated[
        int, Unit("statistics"), Field(ge=0, le=4096, description="B, statistics per sample; 0 switches it off")
    ] = 8
    dimensions: Annotated[
        int, Unit("dimensions"), Field(ge=1, le=4096, description="C, of the space in which samples are compared")
    ] = 4
    mixes_samples: ClassVar[bool] = True
    needs_features: ClassVar[bool] = True

    def check(self, batch_size: int) -> None:
        """At least two samples."""
        _refuse_single(batch_size)

    def extend_discriminator(self, discriminator: Module) -> Module:
        """With the layer before its last one."""
        from bench.objectives.features import Closeness, WithStatistics, last_layer

        if not self.kernels:
            return discriminator
        width = last_layer(discriminator).in_features
        return WithStatistics(discriminator, Closeness(width, self.kernels, self.dimensions), self.kernels)


@stabilisers.register(
    "minibatch-stddev",
    formula="the last layer scores (φ_i, s),  s = mean over features of the standard deviation over the batch (or a "
    "group "
    "of it),  φ_i the features of sample i",
    latex=r"s = \frac{1}{F} \sum_f \sqrt{\mathrm{Var}_i\,\varphi_{if} + 10^{-8}}",
    optimum="a batch that varies less than a real one is told from it",
    source="Karras et al. 2018 (progressive GAN), sec. 3; there before the last two layers, here before the last one",
)
@dataclass(frozen=True)
class MinibatchStddev:
    """The discriminator sees, beside each sample's features, how much they vary over the batch."""

    group: Annotated[
        int,
        Unit("samples"),
        Field(ge=0, le=4096, description="neighbours that vary together; 0: the whole batch, 1 switches it off"),
    ] = 0
    mixes_samples: ClassVar[bool] = True
    needs_features: ClassVar[bool] = True

    def check(self, batch_size: int) -> None:
        """Whole groups of at least two samples."""
        _refuse_single(batch_size)
        if self.group:
            refuse_parts(batch_size, self.group, f"split into groups of {self.group}")

    def extend_discriminator(self, discriminator: Module) -> Module:
        """With the statistic before its last layer."""
        from bench.objectives.features import Deviation, WithStatistics

        if self.group == 1:
            return discriminator
        return WithStatistics(discriminator, Deviation(self.group), 1)


def _refuse_single(batch_size: int) -> None:
    if batch_size < 2:
        raise CatalogError("a batch of 1 score has nothing to be held against: score 2 or more at once")


@stabilisers.register(
    "several-generators",
    formula="q = 1/K Σ_k q_k,  q_k the distribution of generator k; each makes every K-th sample of a batch",
    latex=r"q = \frac{1}{K} \sum_{k=1}^{K} q_k",
    optimum="q = p, whichever part of p each generator makes",
    source="Arora et al. 2017 (MIX+GAN), sec. 4, with equal weights and one discriminator; Hoang et al. 2018 (MGAN) "
    "and "
    "Ghosh et al. 2018 (MAD-GAN), without their classifiers of the generators",
)
@dataclass(frozen=True)
class SeveralGenerators:
    """A mixture of generators of the architecture, each with initial weights of its own: modes can be shared out.

    The number of weights grows K-fold, the number of samples that are made does not.
    """

    count: Annotated[int, Unit("generators"), Field(ge=1, le=64, description="K, generators; 1 switches it off")] = 4
    once: ClassVar[bool] = True

    def check(self, batch_size: int) -> None:
        """As many samples of each."""
        refuse_parts(batch_size, self.count, f"shared out among {self.count} generators")

    def build_generator(self, build: Callable[[], Module]) -> Module:
        """K generators as one."""
        from bench.objectives.mixture import Mixture

        return Mixture([build() for _ in range(self.count)]) if self.count > 1 else build()


@stabilisers.register(
    "generator-ema",
    formula="w̄ ← β w̄ + (1 − β) w,  β = 2^(−n/min(h, 0.05 N)),  n images of the update, N so far; samples are made by w̄",
    latex=r"\bar{w} \leftarrow \beta\bar{w} + (1-\beta)\,w, \quad \beta = 2^{-n/\min(h,\,0.05 N)}",
    optimum="of players that circle the equilibrium, the mean is nearer to it than either",
    source="Yazıcı et al. 2019; half-life in images: Karras et al. 2020, app. B; start: Karras et al. 2022",
)
@dataclass(frozen=True)
class GeneratorEma:
    """Samples are made by a moving average of the generator, batch statistics included; training does not see it.

    It takes the place of the run's ``training.ema_images``, so that a suite can put averaging on an axis.
    """

    images: Annotated[
        float,
        Unit("images"),
        Field(ge=0, description="h, half-life in real images shown to the discriminator; 0 switches it off"),
    ] = 10_000.0
    once: ClassVar[bool] = True

    @property
    def ema_images(self) -> float:
        """The half-life."""
        return self.images
