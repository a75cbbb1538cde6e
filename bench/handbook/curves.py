"""What a loss costs the players over the score, and how hard it pulls: the catalogue's own losses through autograd."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.catalog import losses

if TYPE_CHECKING:
    from bench.objectives import Loss

SURENESS = (0, 5, 10, 30)
"""How far on the fake side the score of a generated sample lies in the table of gradients."""

VANISHED = 0.01
"""Below this share of its size at a score of 0 the generator's gradient counts as gone."""

MEMORIES: dict[str, Mapping[str, float]] = {"boundary-equilibrium": {"k": 0.5}}
"""What losses remember when they are drawn, where it is not what they begin with: at k = 0 no fake score counts."""


@dataclass(frozen=True)
class Variant:
    """A loss with one choice for each of its settings that are choices; numbers keep their defaults."""

    loss: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def choice(self) -> str:
        """What it chooses, in short: ``kl, trick``; with what it remembers."""
        chosen = [key if value is True else str(value) for key, value in self.settings.items() if value is not False]
        return ", ".join(chosen + [f"{name} = {value:g}" for name, value in MEMORIES.get(self.loss, {}).items()])

    def __str__(self) -> str:
        return f"{self.loss} ({self.choice})" if self.choice else self.loss

    @cached_property
    def built(self) -> Loss:
        """The loss itself."""
        import torch

        loss: Any = losses.create(self.loss, **self.settings)
        if memory := MEMORIES.get(self.loss):
            loss.load_state_dict({name: torch.tensor(value, dtype=torch.float64) for name, value in memory.items()})
        return loss  # type: ignore[no-any-return]

    @property
    def of_energies(self) -> bool:
        """Whether its scores are energies: at least 0, and low where samples are real."""
        return getattr(self.built, "energy", None) is not None


@dataclass(frozen=True)
class Curves:
    """Losses and gradients over one score, while every score of the other side is 0.

    Attributes:
        scores: shape ``(points,)``, as all others.
        of_real: L_D as a function of the real score.
        of_fake: L_D as a function of the fake score.
        generator: L_G as a function of the fake score.
        pull: how hard the generator is pulled to where real scores are (−∂L_G/∂f; of energies ∂L_G/∂e): negative
            where it is pushed away from there.
    """

    scores: np.ndarray
    of_real: np.ndarray
    of_fake: np.ndarray
    generator: np.ndarray
    pull: np.ndarray


def curves(variant: Variant, scores: Sequence[float] | np.ndarray) -> Curves:
    """Sampled at ``scores``, in float64; every score stands for a batch whose samples all have it."""
    import torch
    from torch import Tensor

    loss = variant.built
    along = torch.as_tensor(np.asarray(scores), dtype=torch.float64).requires_grad_()
    held = torch.zeros(1, dtype=torch.float64)

    def values(player: Any, real: Tensor | None, fake: Tensor | None) -> Tensor:
        pairs = ((held if real is None else r[None], held if fake is None else r[None]) for r in along)
        return torch.stack([player(*pair) for pair in pairs])

    generator = values(loss.generator, None, along)
    (gradient,) = torch.autograd.grad(generator.sum(), along)
    with torch.no_grad():
        of_real, of_fake = values(loss.discriminator, along, None), values(loss.discriminator, None, along)
    towards_real = 1.0 if variant.of_energies else -1.0
    as_arrays = (one.detach().numpy() for one in (along, of_real, of_fake, generator, towards_real * gradient))
    return Curves(*as_arrays)


def sure_scores(variant: Variant) -> list[float]:
    """The scores of the table: fake ones of which the discriminator is ever surer."""
    return [0.0 + sureness if variant.of_energies else 0.0 - sureness for sureness in SURENESS]


def scores_of(variant: Variant, points: int = 201) -> np.ndarray:
    """The range that is drawn, from where the discriminator is sure of a fake to where it is sure of a real sample."""
    return np.linspace(15.0, 0.0, points) if variant.of_energies else np.linspace(-10.0, 10.0, points)


def vanishes_until(drawn: Curves) -> float | None:
    """The score up to which, from the sure side on, the generator's gradient has gone; None if it is there.

    Gone is what is below 1 % of its size at a score of 0.
    """
    reference = abs(float(drawn.pull[np.argmin(abs(drawn.scores))]))
    gone = abs(drawn.pull) < VANISHED * reference
    return None if not gone[0] else float(drawn.scores[np.argmin(gone) - 1])


def variants() -> list[Variant]:
    """All built-in losses in all their choices, but for choices that change nothing: losses of energies come last,
    those of many choices before them."""
    per_loss = [distinct(name) for name in losses.names() if losses.entry(name).plugin is None]
    per_loss.sort(key=lambda some: (some[0].of_energies, len(some), some[0].loss))
    return [variant for some in per_loss for variant in some]


def distinct(name: str) -> list[Variant]:
    """A loss in all its choices that differ in their curves."""
    options: dict[str, list[Any]] = {}
    for setting in losses.describe(name).settings:
        if setting.type == "true | false":
            options[setting.name] = [False, True]
        elif setting.type == "text" and setting.allowed:
            options[setting.name] = setting.allowed.split(" | ")
    found: list[tuple[Variant, Curves]] = []
    for choice in itertools.product(*options.values()):
        variant = Variant(name, dict(zip(options, choice, strict=True)))
        drawn = curves(variant, scores_of(variant, 41))
        if not any(_proportion(drawn, other) == 1 for _, other in found):
            found.append((variant, drawn))
    kept = [variant for variant, _ in found]
    telling = [key for key in options if len({variant.settings[key] for variant in kept}) > 1]
    return [Variant(name, {key: variant.settings[key] for key in telling}) for variant in kept]


@dataclass(frozen=True)
class Panel:
    """One panel of the figure.

    Attributes:
        variant: whose curves they are.
        drawn: its curves.
        trick: those of the same loss with the same L_D and another L_G, where there is one.
        equals: other losses with the same curves up to a factor, and that factor.
    """

    variant: Variant
    drawn: Curves
    trick: Curves | None = None
    equals: tuple[tuple[Variant, float], ...] = ()


def panels() -> list[Panel]:
    """A panel for each set of curves that no other panel shows."""
    found: list[Panel] = []
    for variant in variants():
        drawn = curves(variant, scores_of(variant))
        for i, panel in enumerate(found):
            factor = _proportion(drawn, panel.drawn)
            if factor is not None:
                equals = (*panel.equals, (variant, factor))
                found[i] = Panel(panel.variant, panel.drawn, panel.trick, equals)
                break
            if panel.variant.loss == variant.loss and np.allclose(panel.drawn.of_fake, drawn.of_fake, rtol=1e-12):
                found[i] = Panel(panel.variant, panel.drawn, drawn, panel.equals)
                break
        else:
            found.append(Panel(variant, drawn))
    return found


def _proportion(one: Curves, other: Curves) -> float | None:
    """How many times the other's the curves are, if they are proportional."""
    stacked = [np.concatenate([some.of_real, some.of_fake, some.generator]) for some in (one, other)]
    if one.scores[0] != other.scores[0]:
        return None
    factor = float(stacked[0] @ stacked[1] / (stacked[1] @ stacked[1]))
    same = np.allclose(stacked[0], factor * stacked[1], rtol=1e-9, atol=1e-12)
    return round(factor, 9) if same else None


def pulls() -> Iterator[tuple[Variant, list[float]]]:
    """The table: of each variant the pull on the generator at scores of which the discriminator is ever surer."""
    for variant in variants():
        yield variant, curves(variant, sure_scores(variant)).pull.tolist()
