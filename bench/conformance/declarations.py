"""The laws of what a penalty says of itself: which inputs it differentiates, and what it needs of a discriminator."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.conformance.arena import BOTH, Arena
from bench.conformance.laws import Law, Trial, UntriedError
from bench.conformance.terms import SMALL_BATCH, SampleGradients, cases, seeded, shapes_taken, terms, weight_gradients
from bench.objectives.base import Penalty


def differentiates_what_it_names(trial: Trial[Penalty]) -> str | None:
    """`differentiates` names the inputs that must carry gradients, and no others."""
    penalty: Any = trial.create()
    named = getattr(penalty, "differentiates", ())
    if not isinstance(named, tuple) or set(named) - set(BOTH):
        return f"`differentiates` is {named!r}; it is a tuple of 'real' and 'fake', as (\"real\",)"
    if not hasattr(penalty, "term"):
        return "`differentiates` is for `term`, which it has not" if named else None
    arena = Arena.build(shapes_taken(trial)[0], SMALL_BATCH)

    def learnt(differentiates: tuple[str, ...]) -> list[Tensor] | str:
        try:
            value = penalty.term(arena.critic_batch(seeded(), differentiates))
            return weight_gradients(value, list(arena.critic.parameters()))
        except (RuntimeError, AttributeError, TypeError, ValueError) as error:
            return " ".join(str(error).split())

    expected, found = learnt(BOTH), learnt(named)
    again = learnt(BOTH)
    if isinstance(expected, str) or isinstance(again, str) or not all(map(torch.equal, expected, again)):
        raise UntriedError("it fails with gradients of both inputs, or is another at every call")
    if isinstance(found, str):
        return f"with gradients of {' and '.join(named) or 'neither input'}, as `differentiates` asks: {found}"
    if any(not torch.equal(one, other) for one, other in zip(expected, found, strict=True)):
        return f"with gradients of {' and '.join(named) or 'neither input'}, as `differentiates` asks, it is another"
    for side in named:
        fewer = learnt(tuple(other for other in named if other != side))
        if not isinstance(fewer, str) and all(map(torch.equal, fewer, found)):
            return f"`differentiates` names '{side}', but it works as well without; each costs a pass of its own"
    return None


def says_whether_samples_must_be_independent(trial: Trial[Penalty]) -> str | None:
    """`needs_independent_samples` is set where gradients of scores by samples are taken."""
    for penalty, arena, name, term in cases(trial):
        watch = SampleGradients(arena)
        with watch:
            term(penalty, arena, seeded())
        if watch.taken and not getattr(penalty, "needs_independent_samples", False):
            return (
                f"{name} differentiates scores by samples, which has no meaning where batch normalisation mixes them: "
                "set `needs_independent_samples: ClassVar[bool] = True`"
            )
    return None


def says_whether_it_needs_codes(trial: Trial[Penalty]) -> str | None:
    """`needs_codes` is set where the discriminator must have the method `encode` of an autoencoder."""
    penalty: Any = trial.create()
    arena, asked = Arena.build(shapes_taken(trial)[0], SMALL_BATCH, coding=False), False
    try:
        for _, term in terms(penalty):
            term(penalty, arena, seeded())
    except AttributeError as error:
        if error.name != "encode":
            raise UntriedError(f"it fails for want of '{error.name}'") from error
        asked = True
    said = getattr(penalty, "needs_codes", False)
    if asked and not said:
        return "it asks the discriminator to `encode`: set `needs_codes: ClassVar[bool] = True`"
    return "`needs_codes` is set, but it does without `encode`" if said and not asked else None


LAWS: tuple[Law, ...] = (
    differentiates_what_it_names,
    says_whether_samples_must_be_independent,
    says_whether_it_needs_codes,
)
