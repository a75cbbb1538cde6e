"""Which objectives, architectures and batch sizes go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bench.catalog import CATALOGS, architectures, objectives
from bench.compatibility import find_batch_conflicts, find_conflicts, find_contradictions
from bench.spec import Choice
from tests.specs import choice, objective


@pytest.fixture
def plain_architecture() -> Iterator[Choice]:
    """An architecture of a plugin: no autoencoder, no choice of normalisation."""
    before = [(catalog.names(), dict(catalog._entries)) for catalog in CATALOGS]

    class Plain:
        latent_dim: int = 2

        def check(self, shape: Any) -> None: ...

        def generator(self, shape: Any) -> Any: ...

        def discriminator(self, shape: Any) -> Any: ...

    architectures.register("plain", formula="f", source="s")(Plain)
    yield choice(architectures, "plain")
    for catalog, (_, entries) in zip(CATALOGS, before, strict=True):
        catalog._entries = entries


@pytest.mark.parametrize("name", objectives.names())
def test_named_objectives_go_with_the_built_in_architectures(name: str) -> None:
    for architecture in ("mlp", "dcgan"):
        assert find_conflicts(objective(name), choice(architectures, architecture)) == []
    assert find_contradictions(objective(name)) == []
    assert find_batch_conflicts(objective(name), 120) == []


def test_energies_need_an_autoencoder(plain_architecture: Choice) -> None:
    (conflict,) = find_conflicts(objective("began"), plain_architecture)
    assert "objective 'began' needs a discriminator that is an autoencoder, which architecture 'plain'" in conflict
    assert "these have one: autoencoder, dcgan, infogan, mlp" in conflict


def test_a_normalisation_needs_the_setting(plain_architecture: Choice) -> None:
    (conflict,) = find_conflicts(objective("sngan"), plain_architecture)
    assert "which architecture 'plain' does not take (architecture 'plain' has no setting" in conflict
    assert find_conflicts(objective("hinge"), plain_architecture) == []


@pytest.mark.parametrize("kind", ["none", "batch", "layer", "instance", "group", "spectral"])
@pytest.mark.parametrize("name", ["wgan-gp", "r3gan", "dragan", "nsgan", "lecam"])
def test_batch_normalisation_is_refused_by_penalties_on_single_scores_whoever_sets_it(name: str, kind: Any) -> None:
    refused = kind == "batch" and name not in ("nsgan", "lecam")
    by_architecture = choice(architectures, "mlp", discriminator_normalisation=kind)
    assert bool(find_conflicts(objective(name), by_architecture)) == refused
    by_objective = objective(name).model_copy(update={"discriminator_normalisation": kind})
    assert bool(find_contradictions(by_objective)) == refused
    assert find_conflicts(by_objective, choice(architectures, "mlp")) == []
    # what the objective sets takes the place of the architecture's
    changed = objective(name).model_copy(update={"discriminator_normalisation": "layer"})
    assert find_conflicts(changed, by_architecture) == []


@pytest.mark.parametrize(("batch_size", "advice"), [(128, "such as 126 or 129"), (2, "such as 3"), (3, None)])
def test_packs_are_whole(batch_size: int, advice: str | None) -> None:
    conflicts = find_batch_conflicts(objective("pacgan3"), batch_size)
    assert bool(conflicts) == (advice is not None)
    assert advice is None or advice in conflicts[0]
