"""The stabilisers that change what the players minimise: the loss, or a term beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from pydantic import Field

from bench.catalog import Unit, stabilisers
from bench.errors import CatalogError
from bench.lazy import torch
from bench.objectives.hooks import Remembering

if TYPE_CHECKING:
    from torch import Tensor

    from bench.objectives.base import Loss
    from bench.objectives.hooks import Turn


@dataclass(frozen=True)
class Changed:
    """A loss of which a stabiliser changes one or both functions; the rest is the loss's own."""

    loss: Any

    @property
    def generator_uses_real(self) -> bool:
        """As the loss does."""
        return getattr(self.loss, "generator_uses_real", True)

    @property
    def energy(self) -> str | None:
        """As the loss's."""
        return getattr(self.loss, "energy", None)

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The loss's own."""
        return cast("Tensor", self.loss.discriminator(real, fake))

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The loss's own."""
        return cast("Tensor", self.loss.generator(real, fake))


@stabilisers.register(
    "label-smoothing",
    formula="L_D = t E a(r) + (1 − t) E b(r) + E b(f),  where the loss is L_D = E a(r) + E b(f)",
    latex=r"L_D = t\,\mathbb{E}\,a(r) + (1-t)\,\mathbb{E}\,b(r) + \mathbb{E}\,b(f)",
    optimum="of the logistic losses: σ(d*) = t p/(p + q), which stays away from 1",
    source="Salimans et al. 2016, sec. 3.4; Goodfellow 2016, sec. 4.2 (one-sided: of fake labels it would reward what "
    "the generator does now)",
)
@dataclass(frozen=True)
class LabelSmoothing:
    """Real samples are called real by a share t alone, fake ones remain fake: the discriminator is never too sure.

    For losses with labels: minimax, non-saturating (whose ``real_label`` is the same), least-squares and hinge.
    """

    real_label: Annotated[float, Field(gt=0, le=1, description="t, label of real samples; 1 switches it off")] = 0.9
    needs_labels: ClassVar[bool] = True
    once: ClassVar[bool] = True

    def around(self, loss: Loss, progress: float) -> Loss:
        """The loss with smooth labels of real samples."""
        return Smoothed(loss, self.real_label)


@dataclass(frozen=True)
class Smoothed(Changed):
    """A loss with labels, those of real samples being ``real_label``."""

    real_label: float

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """With real samples taken for fake by what the label lacks of 1."""
        told, taken = self.loss.as_real(real), self.loss.as_fake(real)
        return cast("Tensor", self.real_label * told + (1 - self.real_label) * taken + self.loss.as_fake(fake))


@stabilisers.register(
    "top-k",
    formula="L_G over the k generated samples of a batch with the best scores,  k/n = max(ν, ν^(t/a)),  "
    "t the share of the budget that is spent",
    latex=r"L_G(r, f_{(1)}, \dots, f_{(k)}), \quad k/n = \max(\nu, \nu^{t/a})",
    optimum="at a perfect generator the best scores differ from the others by chance alone",
    source="Sinha et al. 2020, sec. 3 (ν = ½, k falling by a constant factor per epoch)",
)
@dataclass(frozen=True)
class TopK:
    """The generator learns from those of its samples that look most real; the discriminator from all of them.

    Best are the highest scores, of energies the lowest.
    """

    share: Annotated[
        float,
        Unit("of the batch"),
        Field(gt=0, le=1, description="ν, share that is left in the end; 1 switches it off"),
    ] = 0.5
    anneal: Annotated[
        float,
        Unit("of the budget"),
        Field(gt=0, le=1, description="a, share of training after which ν is reached"),
    ] = 0.5
    breaks_pairs: ClassVar[bool] = True
    once: ClassVar[bool] = True

    def around(self, loss: Loss, progress: float) -> Loss:
        """The loss whose generator sees its best samples alone."""
        return Best(loss, max(self.share, self.share ** (progress / self.anneal)))


@dataclass(frozen=True)
class Best(Changed):
    """A loss whose generator sees ``share`` of its scores, the best."""

    share: float

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Of the best scores; of real ones all."""
        k = max(1, round(self.share * len(fake)))
        if k < len(fake):
            fake = fake.topk(k, largest=self.energy is None).values
        return super().generator(real, fake)


@stabilisers.register(
    "feature-matching",
    formula="L_G ← (1 − λ) L_G + λ ‖E φ(x) − E φ(G(z))‖²,  φ the features that the discriminator's last layer scores",
    latex=r"L_G \leftarrow (1-\lambda)\,L_G + \lambda\,\lVert \mathbb{E}\,\varphi(x) - \mathbb{E}\,\varphi(G(z)) "
    r"\rVert^2",
    optimum="λ = 1: zero where the mean features agree, which p = q is sufficient for, not necessary",
    source="Salimans et al. 2016, sec. 3.1 (λ = 1)",
)
@dataclass(frozen=True)
class FeatureMatching:
    """The generator matches the mean of the discriminator's features, in place of (a share of) its loss."""

    weight: Annotated[
        float, Field(ge=0, le=1, description="λ, share of the matching in what G minimises; 0 switches it off")
    ] = 1.0
    needs_features: ClassVar[bool] = True
    once: ClassVar[bool] = True

    def around(self, loss: Loss, progress: float) -> Loss:
        """The loss with its generator's part scaled down."""
        return Scaled(loss, 1 - self.weight)

    def generator_term(self, turn: Turn) -> Tensor:
        """The squared distance of mean features of what the discriminator is shown; real ones are given."""
        from bench.objectives.features import features_of

        batch = turn.batch
        with torch.no_grad():
            wanted = features_of(batch.discriminator, batch.real).mean(0)
        made = features_of(batch.discriminator, batch.fake).mean(0)
        return self.weight * (made - wanted).square().sum()


@dataclass(frozen=True)
class Scaled(Changed):
    """A loss whose generator's part counts by ``share``."""

    share: float

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """A share of it."""
        return self.share * super().generator(real, fake)


def ratios(turn: Turn) -> Tensor:
    """Of the i-th samples of both halves of the batch, mean |G(z) − G(z′)| over mean |z − z′|, ``(batch // 2,)``."""
    half = len(turn.latents) // 2
    samples = turn.samples[:half] - turn.samples[half : 2 * half]
    latents = turn.latents[:half] - turn.latents[half : 2 * half]
    return samples.flatten(1).abs().mean(1) / latents.abs().mean(1).clamp_min(torch.finfo(latents.dtype).tiny)


class _OfPairs:
    """What compares the two halves of a batch."""

    def check(self, batch_size: int) -> None:
        """At least one pair."""
        if batch_size < 2:
            raise CatalogError("a batch of 1 sample has no pairs to tell apart: set batch_size to 2 or more")


@stabilisers.register(
    "mode-seeking",
    formula="λ / (E ρ + 10⁻⁵),  ρ = |G(z) − G(z′)| / |z − z′| (mean absolute values) over the pairs of two halves "
    "of the "
    "batch; added to the generator's loss",
    latex=r"\frac{\lambda}{\mathbb{E}\,\rho + 10^{-5}}, "
    r"\quad \rho = \frac{\lVert G(z) - G(z') \rVert_1}{\lVert z - z' \rVert_1}",
    optimum="none: it pulls different latents to different samples against the loss",
    source="Mao et al. 2019 (MSGAN), sec. 3.2, inverted as in their code",
)
@dataclass(frozen=True)
class ModeSeeking(_OfPairs):
    """Latents that differ are to make samples that differ."""

    weight: Annotated[
        float, Unit("loss·data/latent"), Field(ge=0, description="λ, weight of the term; 0 switches it off")
    ] = 1.0

    def generator_term(self, turn: Turn) -> Tensor:
        """The inverse of the mean ratio."""
        return self.weight / (ratios(turn).mean() + 1e-5)


@stabilisers.register(
    "diversity",
    formula="−λ E min(ρ, τ),  ρ = |G(z) − G(z′)| / |z − z′| (mean absolute values) over the pairs of two halves of the "
    "batch; added to the generator's loss",
    latex=r"-\lambda\,\mathbb{E}\min(\rho, \tau), "
    r"\quad \rho = \frac{\lVert G(z) - G(z') \rVert_1}{\lVert z - z' \rVert_1}",
    optimum="−λτ where every pair is τ times as far apart as its latents",
    source="Yang et al. 2019 (DSGAN), eq. 2, there on conditional generators",
)
@dataclass(frozen=True)
class Diversity(_OfPairs):
    """Samples are to be as far apart as their latents, up to a bound past which nothing is gained."""

    weight: Annotated[
        float, Unit("loss·latent/data"), Field(ge=0, description="λ, weight of the term; 0 switches it off")
    ] = 1.0
    bound: Annotated[float, Unit("data/latent"), Field(gt=0, description="τ, ratio past which nothing is gained")] = 1.0

    def generator_term(self, turn: Turn) -> Tensor:
        """The mean bounded ratio, negated."""
        return -self.weight * ratios(turn).clamp_max(self.bound).mean()


@stabilisers.register(
    "historical-averaging",
    formula="λ ‖w − (1/t) Σ_{s ≤ t} w_s‖²,  w a player's weights, w_s those after its update s; added to each player's "
    "loss",
    latex=r"\lambda\,\Big\lVert w - \frac{1}{t} \sum_{s \le t} w_s \Big\rVert^2",
    optimum="zero for a player that stands still",
    source="Salimans et al. 2016, sec. 3.3",
)
@dataclass(frozen=True)
class HistoricalAveraging(Remembering):
    """Each player is drawn back to the mean of where it has been, so that circles become spirals inwards."""

    weight: Annotated[
        float, Unit("loss/weight²"), Field(ge=0, description="λ, weight of the term; 0 switches it off")
    ] = 0.01
    once: ClassVar[bool] = True

    def weights_term(self, player: str, weights: Sequence[Tensor]) -> Tensor:
        """Squared distance of the player's weights from their mean so far; 0 before its first update."""
        far = [
            (weight - mean).square().sum() for weight, mean in zip(weights, self._means(player, weights), strict=True)
        ]
        return self.weight * torch.stack(far).sum()

    def observe_weights(self, player: str, weights: Sequence[Tensor]) -> None:
        """Take the weights after an update into their mean."""
        means = self._means(player, weights)
        seen = self.held[f"{player} updates"]
        seen += 1
        with torch.no_grad():
            for mean, weight in zip(means, weights, strict=True):
                mean.lerp_(weight, (1 / seen).to(weight.dtype))

    def _means(self, player: str, weights: Sequence[Tensor]) -> list[Tensor]:
        if f"{player} updates" not in self.held:
            self.held[f"{player} updates"] = torch.zeros((), device=weights[0].device)
            for index, weight in enumerate(weights):
                self.held[f"{player} {index}"] = weight.detach().clone()
        return [self.held[f"{player} {index}"] for index in range(len(weights))]
