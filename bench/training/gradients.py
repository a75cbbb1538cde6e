"""What the two players descend: the gradients of one update of each, left at its weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bench.architectures.layers import SpectralNorm, advance
from bench.objectives.base import Batch, Joint
from bench.objectives.hooks import Turn
from bench.training.dynamics import Update, accuracy, saturation
from bench.training.parts import Parts
from bench.training.streams import Streams
from bench.training.unrolling import look_ahead


class Gradients:
    """What `bench.training.game.Game` differentiates; it makes the attributes."""

    parts: Parts
    streams: Streams
    generator: nn.Module
    discriminator: nn.Module
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    _generator_weights: list[nn.Parameter]
    _discriminator_weights: list[nn.Parameter]
    _generator_norms: list[tuple[SpectralNorm, Tensor]]
    _discriminator_norms: list[tuple[SpectralNorm, Tensor]]
    _discriminator_updates: int
    _mixed: bool

    def differentiate_discriminator(
        self, real: Tensor, latents: Tensor, *, watched: bool = False
    ) -> tuple[Update, Batch]:
        """The gradients of what the discriminator descends, left at its weights, and the batch that they are of."""
        parts = self.parts
        advance(self._discriminator_norms)
        with torch.set_grad_enabled(parts.has_joint_terms):
            generated = self.generator(latents)
        factor = parts.penalty_factor(self._discriminator_updates)
        shown, fake = parts.present(real), parts.present(parts.replay(generated.detach()))
        batch = self._score(shown, fake, parts.differentiates if factor else set())
        loss = parts.loss.discriminator(batch.real_scores, batch.fake_scores)
        # of the loss that is descended, not of a second one: a plugin's may draw random numbers
        scores = (batch.real_scores, batch.fake_scores)
        seen = (accuracy(*scores, low_is_real=parts.low_is_real), saturation(loss, *scores)) if watched else ()
        terms = parts.discriminator_terms(batch, factor, self._discriminator_weights)
        if parts.has_joint_terms:
            terms.append(parts.joint_term(self._play_jointly(real, generated)))
        # nothing is accumulated in the samples, which carry gradients for the penalties alone
        penalty = _differentiate(self.discriminator_optimizer, self._discriminator_weights, loss, terms)
        return Update(loss.detach(), penalty, seen), batch

    def differentiate_generator(self, real: Tensor, latents: Tensor, *, watched: bool = False) -> Update:
        """The gradients of what the generator descends, left at its weights."""
        parts = self.parts
        advance(self._generator_norms)
        generated = self.generator(latents)
        fake, shown = parts.present(generated), parts.present(real.detach())
        critic = look_ahead(
            self.discriminator, self.discriminator_optimizer, parts.loss, shown, fake, parts.unrolled_steps
        )
        fake_scores = critic(fake)
        if parts.generator_uses_real:
            with torch.set_grad_enabled(parts.unrolled_steps > 0):
                real_scores = critic(shown)
        else:
            real_scores = fake_scores.new_empty(0)
        loss = parts.loss.generator(real_scores, fake_scores)
        seen = (saturation(loss, fake_scores),) if watched else ()
        batch = Batch(self.discriminator, shown, fake, real_scores, fake_scores, self.streams.penalty)
        terms = parts.generator_terms(Turn(batch, latents, generated), self._generator_weights)
        if parts.has_joint_terms:
            terms.append(parts.joint_term(self._play_jointly(real, generated)))
        # no gradients of the discriminator's weights are computed
        penalty = _differentiate(self.generator_optimizer, self._generator_weights, loss, terms)
        return Update(loss.detach(), penalty, seen)

    def _score(self, real: Tensor, fake: Tensor, differentiated: set[str]) -> Batch:
        """A batch of the discriminator's update; where nobody differentiates by samples, in one pass over both halves,
        unless it mixes samples."""
        if not differentiated and not self._mixed:
            real_scores, fake_scores = self.discriminator(torch.cat((real, fake))).chunk(2)
        else:
            real_scores = self.discriminator(real.requires_grad_("real" in differentiated))
            fake_scores = self.discriminator(fake.requires_grad_("fake" in differentiated))
        return Batch(self.discriminator, real, fake, real_scores, fake_scores, self.streams.penalty)

    def _play_jointly(self, real: Tensor, generated: Tensor) -> Joint:
        """Both players' losses, of scores that lead back to both."""
        shown, fake = self.parts.present(real.detach()), self.parts.present(generated)
        return Joint.score(self.parts.loss, self.discriminator, self.generator, shown, fake)


def _differentiate(
    optimizer: Optimizer, weights: list[nn.Parameter], loss: Tensor, terms: Sequence[Tensor]
) -> Tensor | None:
    """Leave the gradients of the loss and what is added to it at ``weights``, and nowhere else; tell what was added."""
    penalty = sum(terms, start=loss.new_zeros(())) if terms else None  # in the precision of the loss
    optimizer.zero_grad()
    (loss if penalty is None else loss + penalty).backward(inputs=weights)  # type: ignore[no-untyped-call]
    return None if penalty is None else penalty.detach()
