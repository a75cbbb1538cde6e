"""Which objectives, architectures and batch sizes go together: told before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.catalog import architectures, losses, penalties, stabilisers
from bench.errors import MIXED_SAMPLES, CatalogError
from bench.matching import energy_of, find_feature_conflicts, find_stabiliser_contradictions
from bench.spec import Choice, ObjectiveSpec

if TYPE_CHECKING:
    from bench.architectures.base import Architecture

NORMALISATION = "discriminator_normalisation"


def create_architecture(objective: ObjectiveSpec, architecture: Choice) -> Architecture:
    """The architecture, with the discriminator's normalisation that the objective chooses.

    Raises:
        CatalogError: it has no such setting, or does not take this value.
    """
    changed = objective.discriminator_normalisation
    change = {} if changed == "unchanged" else {NORMALISATION: changed}
    return architectures.create(architecture.name, **{**architecture.settings, **change})


def find_contradictions(objective: ObjectiveSpec) -> list[str]:
    """Why the objective cannot be played with any players, a sentence each."""
    contradictions = []
    for penalty in objective.penalties:
        if getattr(penalties.entry(penalty.name).factory, "needs_codes", False) and energy_of(objective.loss) is None:
            able = [name for name in losses.names() if getattr(losses.entry(name).factory, "energy", None) is not None]
            contradictions.append(
                f"objective '{objective.label}' has the penalty '{penalty.name}', which needs a discriminator that is "
                f"an autoencoder: give it one of the losses {', '.join(able)}"
            )
    if objective.discriminator_normalisation == "batch" and _needs_independent_samples(objective):
        contradictions.append(MIXED_SAMPLES.format(objective=objective.label))
    return [*contradictions, *find_stabiliser_contradictions(objective)]


def find_conflicts(objective: ObjectiveSpec, architecture: Choice) -> list[str]:
    """Why the objective cannot be played with the architecture's players, a sentence each."""
    builder = architectures.entry(architecture.name).factory
    named = f"objective '{objective.label}'"
    conflicts = []
    if energy_of(objective.loss) is not None and not hasattr(builder, "autoencoder"):
        able = [name for name in architectures.names() if hasattr(architectures.entry(name).factory, "autoencoder")]
        conflicts.append(
            f"{named} needs a discriminator that is an autoencoder, which architecture '{architecture.name}' does not "
            f"have; these have one: {', '.join(able)}"
        )
    conflicts += find_feature_conflicts(objective, architecture)
    changed = objective.discriminator_normalisation
    if changed != "unchanged":
        try:
            create_architecture(objective, architecture)
        except CatalogError as error:
            conflicts.append(
                f"{named} sets discriminator_normalisation = \"{changed}\", which architecture '{architecture.name}' "
                f'does not take ({error}): choose another architecture, or discriminator_normalisation = "unchanged"'
            )
    elif architecture.settings.get(NORMALISATION) == "batch" and _needs_independent_samples(objective):
        conflicts.append(MIXED_SAMPLES.format(objective=objective.label))
    return conflicts


def _needs_independent_samples(objective: ObjectiveSpec) -> bool:
    factories = [penalties.entry(penalty.name).factory for penalty in objective.penalties]
    return any(getattr(factory, "needs_independent_samples", False) for factory in factories)


def find_batch_conflicts(objective: ObjectiveSpec, batch_size: int) -> list[str]:
    """Why the objective cannot be played with batches of this size, a sentence each."""
    conflicts = []
    tricks = [stabilisers.create(choice.name, **choice.settings) for choice in objective.stabilisers]
    scores = batch_size
    for trick in tricks:  # what comes after packs is given as many scores as there are packs
        try:
            if hasattr(trick, "check"):
                trick.check(
                    scores if hasattr(trick, "present") or getattr(trick, "mixes_samples", False) else batch_size
                )
            scores //= getattr(trick, "samples_per_score", 1)
        except CatalogError as error:
            conflicts.append(f"objective '{objective.label}': {error}")
    return conflicts
