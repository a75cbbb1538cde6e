"""The interface of losses and penalties, and the objective that puts them together.

Each can be used alone in a training loop of your own; nothing here knows of suites, runs or files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

from pydantic import Field

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch.nn import Module


@runtime_checkable
class Loss(Protocol):
    """The pair of functions that the players minimise, of raw discriminator scores alone.

    Both methods take scores of real and of generated samples, shape ``(batch,)`` each, and return a scalar.
    The class attribute ``generator_uses_real`` may be set to False by a loss whose ``generator`` ignores the
    real scores; they are not computed then, and an empty tensor stands for them.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss."""
        ...

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The generator's loss."""
        ...


@dataclasses.dataclass(frozen=True)
class DiscriminatorBatch:
    """What a penalty may look at: one batch of the discriminator's update.

    ``real`` and ``fake`` have the shape ``(batch, *data)``, the scores ``(batch,)``. Where a penalty names
    ``"real"`` or ``"fake"`` in its class attribute ``differentiates``, that input carries gradients and its
    scores were computed from it, so that no second forward pass is needed.
    """

    discriminator: Callable[[Tensor], Tensor]
    real: Tensor
    fake: Tensor
    real_scores: Tensor
    fake_scores: Tensor
    random: Generator

    @classmethod
    def score(
        cls, discriminator: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, random: Generator
    ) -> DiscriminatorBatch:
        """Score both inputs such that every penalty can be computed from the result."""
        real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
        return cls(discriminator, real, fake, discriminator(real), discriminator(fake), random)


class Penalty(Protocol):
    """A term added to the discriminator's loss (`term`), a projection after its update (`project`), or both.

    The class attribute ``needs_independent_samples`` is True where the term takes the gradient of each sample's own
    score: it is refused with a discriminator whose batch normalisation mixes samples.
    """

    def term(self, batch: DiscriminatorBatch) -> Tensor:
        """The scalar that is added to the discriminator's loss."""
        ...

    def project(self, discriminator: Module) -> None:
        """Change the discriminator's weights in place, after its optimizer's step."""
        ...


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
    """Loss, penalties, update schedule and optimizers: what a name such as ``wgan-gp`` stands for.

    A named objective is a subclass that sets the defaults.
    """

    loss: Annotated[Pick, Field(description="the pair of functions both players minimise")]
    penalties: Annotated[tuple[Pick, ...], Field(description="regularisers of the discriminator")] = ()
    n_critic: Annotated[int, Field(ge=1, description="discriminator updates per generator update")] = 1
    generator_optimizer: Annotated[Pick, Field(description="optimizer of the generator")] = Pick("adam")
    discriminator_optimizer: Annotated[Pick, Field(description="optimizer of the discriminator")] = Pick("adam")
