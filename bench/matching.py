"""What stabilisers go with: losses, penalties, optimizers, architectures and each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bench.catalog import Catalog, architectures, losses, optimizers, penalties, stabilisers
from bench.spec import Choice, ObjectiveSpec

if TYPE_CHECKING:
    from bench.architectures.base import EnergyKind

DIFFERENTIABLE_OPTIMIZERS = ("adam", "momentum", "rmsprop", "sgd")
"""Those whose updates `bench.training.unrolling` can differentiate."""


def energy_of(loss: Choice) -> EnergyKind | None:
    """Which error of an autoencoder the loss's scores are; None for ordinary scores."""
    return getattr(losses.create(loss.name, **loss.settings), "energy", None)


def find_stabiliser_contradictions(objective: ObjectiveSpec) -> list[str]:
    """Why its stabilisers cannot be played with the rest of the objective, whatever the players; a sentence each."""
    names = [choice.name for choice in objective.stabilisers]
    found = [
        f"has the stabiliser '{name}' {count} times, where one would take the other's place: name it once"
        for name, count in Counter(names).items()
        if count > 1 and _says(stabilisers, name, "once")
    ]
    for name in dict.fromkeys(names):
        found += _misfits(objective, name)
    return [f"objective '{objective.label}' {reason}" for reason in (*found, *_schedule_misfits(objective))]


def find_feature_conflicts(objective: ObjectiveSpec, architecture: Choice) -> list[str]:
    """Why its stabilisers cannot be played with the architecture's discriminator, a sentence each."""
    if _says(architectures, architecture.name, "has_features"):
        return []
    able = ", ".join(name for name in architectures.names() if _says(architectures, name, "has_features"))
    return [
        f"objective '{objective.label}' has the stabiliser '{choice.name}', which needs a discriminator that ends "
        f"in one linear layer; architecture '{architecture.name}' does not say that its does "
        f"(has_features = True); these do: {able}"
        for choice in objective.stabilisers
        if _says(stabilisers, choice.name, "needs_features")
    ]


def without_penalties(objective: ObjectiveSpec) -> ObjectiveSpec:
    """The same with no penalties, nor stabilisers that need one: what is left when their cost is measured."""
    kept = tuple(choice for choice in objective.stabilisers if not _says(stabilisers, choice.name, "needs_penalty"))
    return objective.model_copy(update={"penalties": (), "stabilisers": kept})


def _says(catalog: Catalog[Any], name: str, attribute: str) -> Any:
    """What the entry's class says of itself; False where it says nothing."""
    return getattr(catalog.entry(name).factory, attribute, False)


def _misfits(objective: ObjectiveSpec, name: str) -> Iterator[str]:
    """What one stabiliser cannot go with."""
    loss = objective.loss.name
    has = f"has the stabiliser '{name}'"
    if _says(stabilisers, name, "mixes_samples"):
        alone = [
            choice.name for choice in objective.penalties if _says(penalties, choice.name, "needs_independent_samples")
        ]
        if alone:
            yield (
                f"{has}, under which a sample's score depends on its batch, and {_listed('penalt', alone)} on each "
                "sample's own score or its gradient, which has no meaning there: leave one of them out"
            )
    if _says(stabilisers, name, "needs_labels") and not _says(losses, loss, "as_real"):
        able = ", ".join(other for other in losses.names() if _says(losses, other, "as_real"))
        yield f"{has}, but the loss '{loss}' has no labels of real and fake to be smoothed: take one of {able}"
    if _says(stabilisers, name, "needs_features") and energy_of(objective.loss) is not None:
        yield (
            f"{has}, which needs a discriminator that scores features; with the loss '{loss}' it is an autoencoder: "
            "take a "
            "loss of ordinary scores"
        )
    if _says(stabilisers, name, "breaks_pairs") and _says(losses, loss, "compares_pairs"):
        yield (
            f"{has}, which leaves some generated scores out, but the loss '{loss}' holds each against a real one: take "
            "'relativistic-average', or a loss that scores samples one by one"
        )
    if _says(stabilisers, name, "needs_penalty") and not any(
        _says(penalties, choice.name, "term") for choice in objective.penalties
    ):
        yield (f"{has}, but no penalty that is added to the discriminator's loss: nothing can be computed less often")
    if (
        _says(stabilisers, name, "unrolled_steps")
        and objective.discriminator_optimizer.name not in DIFFERENTIABLE_OPTIMIZERS
    ):
        yield (
            f"{has}, which differentiates through the discriminator's updates; those of "
            f"'{objective.discriminator_optimizer.name}' cannot be: give discriminator_optimizer one of "
            f"{', '.join(DIFFERENTIABLE_OPTIMIZERS)}"
        )


def _schedule_misfits(objective: ObjectiveSpec) -> Iterator[str]:
    """Who is updated when, said twice and differently."""
    ahead = dict.fromkeys(
        choice.name
        for choice in (objective.generator_optimizer, objective.discriminator_optimizer)
        if _says(optimizers, choice.name, "extrapolates")
    )
    orders = [
        choice.name
        for choice in objective.stabilisers
        if any(_says(stabilisers, choice.name, hook) for hook in ("simultaneous", "generator_updates", "movers"))
    ]
    for optimizer in ahead:
        if objective.n_critic > 1:
            yield (
                f"has the optimizer '{optimizer}', which moves both players once per step, and n_critic = "
                f"{objective.n_critic}: set n_critic = 1"
            )
        if orders:
            yield (
                f"has the optimizer '{optimizer}', which moves both players once per step, and "
                f"{_listed('stabiliser', orders)}"
                ", which says otherwise: leave one of them out"
            )
    several = [choice.name for choice in objective.stabilisers if _says(stabilisers, choice.name, "generator_updates")]
    order = [choice.name for choice in objective.stabilisers if _says(stabilisers, choice.name, "simultaneous")]
    if several and order:
        yield (
            f"has the stabilisers '{order[0]}' and '{several[0]}', but both players move at once, or one several "
            "times: leave one of them out"
        )


def _listed(kind: str, names: list[str]) -> str:
    quoted = " and ".join(f"'{name}'" for name in names)
    if kind == "penalt":
        return f"the penalt{'y' if len(names) == 1 else 'ies'} {quoted}"
    return f"the {kind}{'' if len(names) == 1 else 's'} {quoted}"
