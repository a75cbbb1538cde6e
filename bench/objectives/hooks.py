"""The interface of stabilisers: what the players are, what is shown, what is minimised, who is updated."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from bench.objectives.base import Batch


class Stabiliser(Protocol):
    """A trick beside loss and penalties; at least one of these hooks, which are asked in the order of the list.

    What the players are:

    - ``build_generator(build: Callable[[], Module]) -> Module``: the generator, made of networks that ``build`` makes.
    - ``extend_discriminator(discriminator: Module) -> Module``: the discriminator with something added, which draws its
      weights from torch's global random state.
    - ``ema_images: float``: half-life of the generator's moving average, in place of the run's.

    What the discriminator is shown:

    - ``shape(shape) -> shape`` and ``present(samples) -> Tensor``: what it is shown of a batch, real or generated,
      ``(batch, *shape)``, and the shape of one such sample; they come together.
    - ``perturb(samples, random: Generator, progress: float) -> Tensor``: the same with random numbers, shapes kept.
    - ``replay(fake, random: Generator) -> Tensor``: the generated samples of a discriminator's update, detached,
      ``(batch, *shape)`` before they are presented.

    What is minimised:

    - ``around(loss: Loss, progress: float) -> Loss``: the loss with something changed.
    - ``generator_term(turn: Turn) -> Tensor``: a scalar added to the generator's loss.
    - ``weights_term(player: str, weights) -> Tensor``: a scalar added to the loss of ``"generator"`` or
      ``"discriminator"``, of its weights, which ``observe_weights(player, weights)`` takes in after each update.

    Who is updated, and when:

    - ``penalty_factor(update: int) -> int``: by what the discriminator's penalties are multiplied in its update of this
      number, from 0 on; where it is 0 they are not computed. With ``every: int``, updates after which it repeats.
    - ``generator_updates: int``: generator updates per step.
    - ``rate_factor(progress: float) -> float``: by what both learning rates are multiplied.
    - ``simultaneous: bool``: whether both players move from where both stood.
    - ``unrolled_steps: int``: discriminator updates that the generator looks ahead.
    - ``observe_accuracy(accuracy: Tensor)`` and ``movers() -> tuple[Tensor, Tensor]``: what the discriminator's
      accuracy makes of who is updated, the discriminator and the generator, each true or false on the device.

    And of any of them:

    - ``check(batch_size: int)``: raises CatalogError, saying what is allowed, for batches that it cannot take.

    ``progress`` is the share of the budget that is spent, from 0 to 1. Random numbers come from ``random`` alone: a
    stream of this stabiliser's own, which checkpoints hold. Class attributes say what it does not go with:

    - ``mixes_samples``: a sample's score depends on the others of its batch, which penalties on single scores do not
      bear.
    - ``needs_features``: the discriminator must end in one linear layer, from features to the score.
    - ``needs_labels``: the loss must have ``as_real`` and ``as_fake`` (see `bench.objectives.base.Loss`).
    - ``breaks_pairs``: real and generated scores are no longer pairs.
    - ``once``: a second of its kind would take the place of the first.

    A setting cannot be called as a hook. One that carries tensors from update to update derives from `Remembering`.
    """


@dataclasses.dataclass(frozen=True)
class Turn:
    """What a stabiliser may look at in the generator's update.

    ``batch`` is what a penalty's ``generator_term`` is given. ``samples``, ``(batch, *shape)``, were generated from
    ``latents``, ``(batch, latent_dim)``, and lead back to the generator; ``batch.fake`` is what was shown of them.
    """

    batch: Batch
    latents: Tensor
    samples: Tensor


class Remembering:
    """Base of stabilisers that carry tensors from update to update; checkpoints hold them.

    All of it stays on the device of what is remembered; nothing waits for it.
    """

    initial: ClassVar[Mapping[str, float]] = {}
    """Numbers that are there from the start; other tensors come as they are remembered."""

    @functools.cached_property
    def held(self) -> dict[str, Tensor]:
        """What is remembered, by name."""
        from bench.lazy import torch

        return {name: torch.tensor(value) for name, value in self.initial.items()}

    def state_dict(self) -> dict[str, Tensor]:
        """What is remembered."""
        return {name: tensor.clone() for name, tensor in self.held.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from there."""
        self.held.clear()
        self.held.update({name: tensor.detach().clone() for name, tensor in state.items()})
