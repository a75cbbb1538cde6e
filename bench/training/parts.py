"""An objective's loss, penalties and stabilisers, made and sorted by when they act."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bench.catalog import losses, penalties, stabilisers
from bench.objectives.base import Batch, Joint, Loss, Memory
from bench.objectives.hooks import Remembering, Turn
from bench.spec import ObjectiveSpec
from bench.training.streams import Streams


class Parts:
    """What the two players minimise, and what is done beside it.

    Args:
        objective: names the parts.
        device: where those that remember something do so.
        streams: the run's; each stabiliser that draws has one of its own.
    """

    def __init__(self, objective: ObjectiveSpec, device: torch.device, streams: Streams) -> None:
        self._loss = losses.create(objective.loss.name, **objective.loss.settings)
        regularisers: list[Any] = [penalties.create(choice.name, **choice.settings) for choice in objective.penalties]
        self._terms = [penalty for penalty in regularisers if hasattr(penalty, "term")]
        self._generator_terms = [penalty for penalty in regularisers if hasattr(penalty, "generator_term")]
        self._joint_terms = [penalty for penalty in regularisers if hasattr(penalty, "joint_term")]
        self._projections = [penalty for penalty in regularisers if hasattr(penalty, "project")]

        self._stabilisers: list[Any] = [
            stabilisers.create(choice.name, **choice.settings) for choice in objective.stabilisers
        ]
        self._random = streams.of_stabilisers([choice.name for choice in objective.stabilisers])
        self._wrappers = self._with("around")
        self._turn_terms = self._with("generator_term")
        self._weights_terms = self._with("weights_term")
        self._balances = self._with("movers")
        self._lazy = self._with("penalty_factor")
        self._schedules = self._with("rate_factor")
        self.generator_updates: int = self._only("generator_updates", 1)
        self.simultaneous: bool = self._only("simultaneous", False)
        self.unrolled_steps: int = self._only("unrolled_steps", 0)
        self.ema_images: float | None = self._only("ema_images", None)

        memories = [part for part in (self._loss, *regularisers, *self._stabilisers) if isinstance(part, Memory)]
        self._observers = memories
        self._remembering: list[Memory | Remembering] = [
            *memories,
            *(part for part in self._stabilisers if isinstance(part, Remembering)),
        ]
        self._device = device
        self.load_state_dict(self.state_dict())
        self.progress = 0.0
        """Share of the budget that is spent: how far what is annealed has come."""
        self.generator_uses_real: bool = getattr(self._loss, "generator_uses_real", True)
        self.low_is_real = getattr(self._loss, "energy", None) is not None
        self.needs_independent_samples = any(
            getattr(penalty, "needs_independent_samples", False) for penalty in regularisers
        )
        self.differentiates = {side for penalty in self._terms for side in getattr(penalty, "differentiates", ())}
        self.has_joint_terms = bool(self._joint_terms)

    def _with(self, hook: str) -> list[Any]:
        return [stabiliser for stabiliser in self._stabilisers if hasattr(stabiliser, hook)]

    def _only(self, name: str, without: Any) -> Any:
        """What the stabiliser that says so has for ``name``."""
        return next((getattr(stabiliser, name) for stabiliser in self._with(name)), without)

    @property
    def loss(self) -> Loss:
        """The loss, as stabilisers change it at this point of training."""
        loss = self._loss
        for stabiliser in self._wrappers:
            loss = stabiliser.around(loss, self.progress)
        return loss

    def present(self, samples: Tensor) -> Tensor:
        """What the discriminator is shown of them."""
        for stabiliser, random in zip(self._stabilisers, self._random, strict=True):
            if hasattr(stabiliser, "present"):
                samples = stabiliser.present(samples)
            elif hasattr(stabiliser, "perturb"):
                samples = stabiliser.perturb(samples, random, self.progress)
        return samples

    def replay(self, fake: Tensor) -> Tensor:
        """What the discriminator's update takes for generated samples, given those that were made, detached."""
        for stabiliser, random in zip(self._stabilisers, self._random, strict=True):
            if hasattr(stabiliser, "replay"):
                fake = stabiliser.replay(fake, random)
        return fake

    def rate_factor(self) -> float:
        """What learning rates are multiplied by at this point of training."""
        return math.prod(float(stabiliser.rate_factor(self.progress)) for stabiliser in self._schedules)

    def penalty_factor(self, update: int) -> int:
        """What the discriminator's penalties are multiplied by in its update of this number; 0: they are left out."""
        factor = 1
        for stabiliser in self._lazy:
            factor *= stabiliser.penalty_factor(update)
        return factor

    @property
    def penalty_cycle(self) -> int:
        """Updates of the discriminator after which `penalty_factor` repeats, as far as stabilisers say so."""
        told = (getattr(stabiliser, "every", 1) for stabiliser in self._lazy)
        return math.lcm(*(every for every in told if isinstance(every, int) and every >= 1))

    def discriminator_terms(self, batch: Batch, factor: int, weights: Sequence[Tensor]) -> list[Tensor]:
        """What is added to the discriminator's loss: scalars, none where the objective has none."""
        terms = [penalty.term(batch) for penalty in self._terms] if factor else []
        return [*(factor * term if factor > 1 else term for term in terms), *self._of_weights("discriminator", weights)]

    def generator_terms(self, turn: Turn, weights: Sequence[Tensor]) -> list[Tensor]:
        """What is added to the generator's loss: scalars, none where the objective has none."""
        return [
            *(penalty.generator_term(turn.batch) for penalty in self._generator_terms),
            *(stabiliser.generator_term(turn) for stabiliser in self._turn_terms),
            *self._of_weights("generator", weights),
        ]

    def _of_weights(self, player: str, weights: Sequence[Tensor]) -> Iterator[Tensor]:
        return (stabiliser.weights_term(player, weights) for stabiliser in self._weights_terms)

    def joint_term(self, joint: Joint) -> Tensor:
        """What is added to either player's loss where `has_joint_terms`."""
        terms = (penalty.joint_term(joint) for penalty in self._joint_terms)
        return sum(terms, start=joint.generator_loss.new_zeros(()))

    def project(self, discriminator: nn.Module) -> None:
        """Change the discriminator's weights after its update."""
        for penalty in self._projections:
            penalty.project(discriminator)

    def observe(self, batch: Batch) -> None:
        """Let those that remember something take in the scores of a discriminator's update."""
        for memory in self._observers:
            memory.observe(batch.real_scores.detach(), batch.fake_scores.detach())

    def memory_tensors(self) -> Iterator[Tensor]:
        """What is remembered, itself and no copy of it: changed in place by every update."""
        for memory in self._observers:
            yield from memory.tensors()

    def observe_weights(self, player: str, weights: Sequence[Tensor]) -> None:
        """Let those that remember them take in a player's weights after its update."""
        for stabiliser in self._weights_terms:
            stabiliser.observe_weights(player, weights)

    @property
    def balances(self) -> bool:
        """Whether the discriminator's accuracy decides who is updated."""
        return bool(self._balances)

    def observe_accuracy(self, accuracy: Tensor) -> None:
        """Let those that decide by it take in the accuracy of a discriminator's batch."""
        for stabiliser in self._balances:
            stabiliser.observe_accuracy(accuracy)

    def moves(self, player: str) -> Tensor | None:
        """Whether the player is updated, true or false on the device; None: it is."""
        answers = [stabiliser.movers()[player == "generator"] for stabiliser in self._balances]
        return torch.stack(answers).all() if answers else None

    def state_dict(self) -> list[dict[str, Tensor]]:
        """What is remembered."""
        return [part.state_dict() for part in self._remembering]

    def load_state_dict(self, state: list[dict[str, Tensor]]) -> None:
        """Go on from there."""
        for part, held in zip(self._remembering, state, strict=True):
            part.load_state_dict({name: tensor.to(self._device) for name, tensor in held.items()})
