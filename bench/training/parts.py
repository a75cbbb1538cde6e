"""An objective's loss, penalties and stabilisers, made and sorted by when they act."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from bench.catalog import losses, penalties, stabilisers
from bench.objectives.base import Batch, Joint, Memory
from bench.spec import ObjectiveSpec


class Parts:
    """What the two players minimise, and what is done beside it.

    Args:
        objective: names the parts.
        device: where those that remember something do so.
    """

    def __init__(self, objective: ObjectiveSpec, device: torch.device) -> None:
        self.loss = losses.create(objective.loss.name, **objective.loss.settings)
        regularisers: list[Any] = [penalties.create(choice.name, **choice.settings) for choice in objective.penalties]
        self._terms = [penalty for penalty in regularisers if hasattr(penalty, "term")]
        self._generator_terms = [penalty for penalty in regularisers if hasattr(penalty, "generator_term")]
        self._joint_terms = [penalty for penalty in regularisers if hasattr(penalty, "joint_term")]
        self._projections = [penalty for penalty in regularisers if hasattr(penalty, "project")]
        self._stabilisers = [stabilisers.create(choice.name, **choice.settings) for choice in objective.stabilisers]
        self._memories = [part for part in (self.loss, *regularisers, *self._stabilisers) if isinstance(part, Memory)]
        self._device = device
        self.load_state_dict(self.state_dict())
        self.generator_uses_real: bool = getattr(self.loss, "generator_uses_real", True)
        self.low_is_real = getattr(self.loss, "energy", None) is not None
        self.needs_independent_samples = any(
            getattr(penalty, "needs_independent_samples", False) for penalty in regularisers
        )
        self.differentiates = {side for penalty in self._terms for side in getattr(penalty, "differentiates", ())}
        self.has_joint_terms = bool(self._joint_terms)

    def present(self, samples: Tensor) -> Tensor:
        """What the discriminator is shown of them."""
        for stabiliser in self._stabilisers:
            samples = stabiliser.present(samples)
        return samples

    def discriminator_penalty(self, batch: Batch) -> Tensor:
        """What is added to the discriminator's loss."""
        return _add(batch.fake_scores, (penalty.term(batch) for penalty in self._terms))

    def generator_penalty(self, batch: Batch) -> Tensor:
        """What is added to the generator's loss."""
        return _add(batch.fake_scores, (penalty.generator_term(batch) for penalty in self._generator_terms))

    def joint_penalty(self, joint: Joint) -> Tensor:
        """What is added to either player's loss."""
        return _add(joint.generator_loss, (penalty.joint_term(joint) for penalty in self._joint_terms))

    def project(self, discriminator: nn.Module) -> None:
        """Change the discriminator's weights after its update."""
        for penalty in self._projections:
            penalty.project(discriminator)

    def observe(self, batch: Batch) -> None:
        """Let those that remember something take in the scores of a discriminator's update."""
        for memory in self._memories:
            memory.observe(batch.real_scores.detach(), batch.fake_scores.detach())

    def memory_tensors(self) -> Iterator[Tensor]:
        """What is remembered, itself and no copy of it: changed in place by every update."""
        for memory in self._memories:
            yield from memory.tensors()

    def state_dict(self) -> list[dict[str, Tensor]]:
        """What is remembered."""
        return [memory.state_dict() for memory in self._memories]

    def load_state_dict(self, state: list[dict[str, Tensor]]) -> None:
        """Go on from there."""
        for memory, numbers in zip(self._memories, state, strict=True):
            memory.load_state_dict({name: number.to(self._device) for name, number in numbers.items()})


def _add(like: Tensor, terms: Iterable[Tensor]) -> Tensor:
    """The sum of scalars; 0 of none."""
    return sum(terms, start=like.new_zeros(()))
