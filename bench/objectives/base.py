"""The interface of losses and penalties, and the objective that puts them together; of stabilisers: `hooks`.

Each can be used alone in a training loop of your own; nothing here knows of suites, runs or files.

One discriminator update asks them in this order: stabilisers present the samples, the discriminator scores them,
the loss and the penalties' terms are added up and minimised, projections are applied, and whatever has a memory
takes in the scores (`Memory.observe`).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol, runtime_checkable

from pydantic import Field

from bench.lazy import torch
from bench.settings import Search
from bench.spec import NormalisationChange

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch.nn import Module


@runtime_checkable
class Loss(Protocol):
    """The pair of functions that the players minimise, of raw discriminator scores alone.

    Both methods take scores of real and of generated samples, shape ``(batch,)`` each, and return a scalar.
    Class attributes say more, where the defaults do not hold:

    - ``generator_uses_real`` (True): set to False by a loss whose ``generator`` ignores the real scores; they are
      not computed then, and an empty tensor stands for them.
    - ``energy`` (None): which error of an autoencoder the scores are, ``"euclidean"``, ``"absolute"`` or
      ``"squared"``; the discriminator is the architecture's autoencoder then, and low scores are real.
    - ``compares_pairs`` (False): the i-th real score is held against the i-th fake one.

    A loss whose discriminator tells real from fake by labels also has the methods ``as_real(scores)`` and
    ``as_fake(scores)``: what it pays on average for scores of samples that it is to call real, or fake, so that
    ``L_D = as_real(real) + as_fake(fake)``. Its labels can be smoothed.

    A loss that remembers something between updates derives from `Memory`.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss."""
        ...

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The generator's loss."""
        ...


@dataclasses.dataclass(frozen=True)
class Batch:
    """What a penalty may look at: one batch of a player's update.

    ``real`` and ``fake`` are what the discriminator was shown, shape ``(batch, *data)``, the scores ``(batch,)``.

    - In the discriminator's update ``fake`` is detached from the generator. Where a penalty names ``"real"`` or
      ``"fake"`` in its class attribute ``differentiates``, that input carries gradients and its scores were computed
      from it, so that no second forward pass is needed.
    - In the generator's update ``fake`` leads back to the generator, and ``real_scores`` is empty if the loss ignores
      them.
    """

    discriminator: Module
    real: Tensor
    fake: Tensor
    real_scores: Tensor
    fake_scores: Tensor
    random: Generator

    @classmethod
    def score(cls, discriminator: Module, real: Tensor, fake: Tensor, random: Generator) -> Batch:
        """The batch of a discriminator's update, such that every penalty's ``term`` can be computed from it."""
        real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
        return cls(discriminator, real, fake, discriminator(real), discriminator(fake), random)

    @classmethod
    def generated(cls, discriminator: Module, real: Tensor, fake: Tensor, random: Generator) -> Batch:
        """The batch of a generator's update, for ``generator_term``; ``fake`` leads back to the generator."""
        with torch.no_grad():
            real_scores = discriminator(real)
        return cls(discriminator, real, fake, real_scores, discriminator(fake), random)


@dataclasses.dataclass(frozen=True)
class Joint:
    """Both players' losses on one batch, with the graph to both players' weights."""

    discriminator_loss: Tensor
    generator_loss: Tensor
    discriminator_weights: tuple[Tensor, ...]
    generator_weights: tuple[Tensor, ...]

    @classmethod
    def score(cls, loss: Loss, discriminator: Module, generator: Module, real: Tensor, fake: Tensor) -> Joint:
        """Of a batch that the discriminator is shown; ``fake`` leads back to the generator."""
        real_scores, fake_scores = discriminator(real), discriminator(fake)
        return cls(
            discriminator_loss=loss.discriminator(real_scores, fake_scores),
            generator_loss=loss.generator(real_scores, fake_scores),
            discriminator_weights=tuple(discriminator.parameters()),
            generator_weights=tuple(generator.parameters()),
        )


class Penalty(Protocol):
    """What regularises the players; at least one of these methods, each called once per update.

    - ``term(batch: Batch) -> Tensor``: a scalar added to the discriminator's loss.
    - ``generator_term(batch: Batch) -> Tensor``: a scalar added to the generator's loss.
    - ``joint_term(joint: Joint) -> Tensor``: a scalar added to either player's loss in its update.
    - ``project(discriminator: Module) -> None``: changes the discriminator's weights in place, after its optimizer's
      step.

    Class attributes: ``differentiates`` (see `Batch`); ``needs_independent_samples`` is True where a term
    differentiates each sample's own score, or compares it with that of another sample: it is refused with a
    discriminator whose batch normalisation mixes samples; ``needs_codes`` is True where the discriminator must have
    the method ``encode`` of an autoencoder.

    A penalty that remembers something between updates derives from `Memory`.
    """


class Memory:
    """Base of losses and penalties that carry numbers from one update to the next; checkpoints hold them.

    A subclass names its numbers and their first values in ``initial`` and changes them in `observe` alone, so that
    calling a loss twice changes nothing. In a training loop of your own, call `observe` after each discriminator
    update. All of it stays on the device of the scores; nothing waits for it.
    """

    initial: ClassVar[Mapping[str, float]]

    def observe(self, real: Tensor, fake: Tensor) -> None:
        """Take in the scores of one discriminator update, shape ``(batch,)`` each."""
        raise NotImplementedError

    @functools.cached_property
    def _memory(self) -> dict[str, Tensor]:
        # of 64 bits: averages over thousands of updates are not to drift with the precision of the scores
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in self.initial.items()}

    def recall(self, name: str, like: Tensor) -> Tensor:
        """The number ``name`` as a scalar of the type and on the device of ``like``."""
        held = self._memory[name]
        if held.device != like.device:
            held = self._memory[name] = held.to(like.device)
        return held.to(like.dtype)

    def remember(self, name: str, value: Tensor) -> None:
        """Hold the scalar ``value`` as the number ``name``, in place."""
        self.recall(name, value)  # moves it to the device of the scores, the first time
        self._memory[name].copy_(value.detach())

    def tensors(self) -> Iterator[Tensor]:
        """The numbers themselves, which `remember` changes in place."""
        return iter(self._memory.values())

    def state_dict(self) -> dict[str, Tensor]:
        """The numbers."""
        return {name: held.clone() for name, held in self._memory.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from there.

        Raises:
            KeyError: a number is missing.
        """
        for name in self._memory:
            self._memory[name] = state[name].detach().clone()


@dataclasses.dataclass(frozen=True)
class Pick:
    """A catalogue entry by name, and those of its settings that differ from their defaults."""

    name: str
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self.settings.items())
        return f"{self.name}({settings})" if settings else self.name


def pick(name: str, **settings: Any) -> Pick:
    """Short for ``Pick(name, settings)``."""
    return Pick(name, settings)


@dataclasses.dataclass(frozen=True)
class Objective:
    """Loss, penalties, stabilisers, update schedule and optimizers: what a name such as ``wgan-gp`` stands for.

    A named objective is a subclass that sets the defaults.
    """

    loss: Annotated[Pick, Field(description="the pair of functions both players minimise")]
    penalties: Annotated[tuple[Pick, ...], Field(description="regularisers of the players")] = ()
    stabilisers: Annotated[tuple[Pick, ...], Field(description="tricks beside loss and penalties")] = ()
    discriminator_normalisation: Annotated[
        NormalisationChange, Field(description="in place of the architecture's; unchanged: as the architecture has it")
    ] = "unchanged"
    n_critic: Annotated[
        int, Field(ge=1, description="discriminator updates per generator update"), Search(choices=(1, 2, 5))
    ] = 1
    generator_optimizer: Annotated[Pick, Field(description="optimizer of the generator")] = Pick("adam")
    discriminator_optimizer: Annotated[Pick, Field(description="optimizer of the discriminator")] = Pick("adam")
