"""Which objectives, architectures and batch sizes go together: told before anything is trained."""

from __future__ import annotations

from bench.catalog import architectures, losses, penalties, stabilisers
from bench.errors import MIXED_SAMPLES, CatalogError
from bench.spec import Choice, ObjectiveSpec

NORMALISATION = "discriminator_normalisation"


def find_conflicts(objective: ObjectiveSpec, architecture: Choice) -> list[str]:
    """Why the objective cannot be played with the architecture's players, a sentence each."""
    builder = architectures.entry(architecture.name).factory
    energy = getattr(losses.create(objective.loss.name, **objective.loss.settings), "energy", None)
    factories = [penalties.entry(penalty.name).factory for penalty in objective.penalties]
    named = f"objective '{objective.label}'"
    conflicts = []
    if energy is not None and not hasattr(builder, "autoencoder"):
        able = [name for name in architectures.names() if hasattr(architectures.entry(name).factory, "autoencoder")]
        conflicts.append(
            f"{named} needs a discriminator that is an autoencoder, which architecture '{architecture.name}' does not "
            f"have; these have one: {', '.join(able)}"
        )
    for penalty, factory in zip(objective.penalties, factories, strict=True):
        if getattr(factory, "needs_codes", False) and energy is None:
            able = [name for name in losses.names() if getattr(losses.entry(name).factory, "energy", None) is not None]
            conflicts.append(
                f"{named} has the penalty '{penalty.name}', which needs a discriminator that is an autoencoder: "
                f"give it one of the losses {', '.join(able)}"
            )
    changed = objective.discriminator_normalisation
    if changed != "unchanged" and NORMALISATION not in architecture.settings:
        conflicts.append(
            f"{named} sets discriminator_normalisation = \"{changed}\", but architecture '{architecture.name}' has no "
            'such setting: choose another architecture, or discriminator_normalisation = "unchanged"'
        )
    effective = architecture.settings.get(NORMALISATION) if changed == "unchanged" else changed
    if effective == "batch" and any(getattr(factory, "needs_independent_samples", False) for factory in factories):
        conflicts.append(MIXED_SAMPLES.format(objective=objective.label))
    return conflicts


def find_batch_conflicts(objective: ObjectiveSpec, batch_size: int) -> list[str]:
    """Why the objective cannot be played with batches of this size, a sentence each."""
    conflicts = []
    for choice in objective.stabilisers:
        try:
            stabilisers.create(choice.name, **choice.settings).check(batch_size)
        except CatalogError as error:
            conflicts.append(f"objective '{objective.label}': {error}")
    return conflicts
