"""Older files of a results folder, as they would stand in today's layout: changed on reading, never on disk.

One small function a version, applied in a chain. Each knows the layout of its own version alone and is given whatever a
file of that version held: what it does not find it leaves, for validation to name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Plain = dict[str, Any]
"""A record, a reference or a throughput measurement, as JSON tells it."""

FIRST_IDENTIFIED_VERSION = 2
"""Version 1 knew fewer parts of a spec's identity: the id of such a run is the one it had, not one made of its spec."""


def add_stabilisers(plain: Plain) -> None:
    """Version 1 to 2: objectives have stabilisers and a normalisation of their own."""
    objective = _part(_part(plain, "spec"), "objective")
    if objective:
        objective.setdefault("stabilisers", [])
        objective.setdefault("discriminator_normalisation", "unchanged")


def add_execution(plain: Plain) -> None:
    """Version 2 to 3: a spec says in a part of its own how a run is carried out; an environment names its source."""
    spec, environment = _part(plain, "spec"), _part(plain, "environment")
    if spec:
        spec.setdefault("execution", {"timeout_seconds": spec.pop("timeout_seconds", None)})
    if environment:
        environment.setdefault("source", None)


def add_digests(plain: Plain) -> None:
    """Version 3 to 4: a reference names the weights of its space itself, whatever space it is."""
    classifier = _part(plain, "classifier")
    if classifier:
        plain.setdefault("space_sha256", classifier.get("sha256", ""))


def add_precision(plain: Plain) -> None:
    """Version 4 to 5: a spec says in which precision and memory format the players compute."""
    training = _part(_part(plain, "spec"), "training")
    if training:
        training.setdefault("precision", "float32")
        training.setdefault("memory_format", "contiguous")


MIGRATIONS: Mapping[int, Callable[[Plain], None]] = {
    1: add_stabilisers,
    2: add_execution,
    3: add_digests,
    4: add_precision,
}
"""By the version that they start from."""


def migrate(plain: Plain, version: int) -> None:
    """Bring a file's content from ``version`` to the newest one, in place."""
    while version in MIGRATIONS:
        MIGRATIONS[version](plain)
        version += 1
    plain["schema_version"] = version


def _part(plain: Plain, key: str) -> Plain:
    """The object at ``key``; an empty one where there is none."""
    found = plain.get(key)
    return found if isinstance(found, dict) else {}
