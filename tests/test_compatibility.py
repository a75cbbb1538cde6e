"""Which objectives, architectures and batch sizes go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bench.catalog import CATALOGS, architectures, objectives, optimizers, stabilisers
from bench.compatibility import find_batch_conflicts, find_conflicts, find_contradictions
from bench.matching import without_penalties
from bench.spec import Choice, ObjectiveSpec
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


# stabilisers


def with_stabilisers(base: str, *names: str, **changes: Any) -> ObjectiveSpec:
    tricks = tuple(choice(stabilisers, name) for name in names)
    return objective(base).model_copy(update={"stabilisers": tricks, **changes})


def adams(name: str) -> dict[str, Choice]:
    return {player: choice(optimizers, name) for player in ("generator_optimizer", "discriminator_optimizer")}


REFUSED: list[tuple[ObjectiveSpec, str]] = [
    (with_stabilisers("wgan-gp", "minibatch-stddev"), "and the penalty 'gradient-penalty' on each sample's own score"),
    (with_stabilisers("r3gan", "minibatch-discrimination"), "and the penalties 'r1' and 'r2' on each sample's own"),
    (with_stabilisers("wgan", "label-smoothing"), "take one of hinge, least-squares, minimax, non-saturating"),
    (with_stabilisers("rasgan", "label-smoothing"), "no labels of real and fake"),
    (with_stabilisers("fgan-kl", "label-smoothing"), "no labels of real and fake"),
    (with_stabilisers("began", "label-smoothing"), "no labels of real and fake"),
    (with_stabilisers("began", "feature-matching"), "with the loss 'boundary-equilibrium' it is an autoencoder"),
    (with_stabilisers("ebgan", "minibatch-stddev"), "with the loss 'energy' it is an autoencoder"),
    (with_stabilisers("rpgan", "top-k"), "holds each against a real one: take 'relativistic-average'"),
    (with_stabilisers("nsgan", "lazy-penalties"), "nothing can be computed less often"),
    (with_stabilisers("wgan", "lazy-penalties"), "nothing can be computed less often"),
    (with_stabilisers("nsgan", "unrolling", **adams("optimistic-adam")), "those of 'optimistic-adam' cannot be"),
    (with_stabilisers("nsgan", "top-k", "top-k"), "has the stabiliser 'top-k' 2 times"),
    (with_stabilisers("nsgan", "update-order", "generator-steps"), "both players move at once, or one several times"),
    (with_stabilisers("nsgan", n_critic=5, **adams("extragradient-adam")), "and n_critic = 5: set n_critic = 1"),
    (with_stabilisers("nsgan", "update-order", **adams("extragradient-sgd")), "which says otherwise"),
    (
        with_stabilisers("nsgan", "adaptive-balance", **adams("extragradient-adam")),
        "and the stabiliser 'adaptive-balance'",
    ),
]


@pytest.mark.parametrize(("refused", "reason"), REFUSED, ids=[f"{o.loss.name}-{i}" for i, (o, _) in enumerate(REFUSED)])
def test_what_contradicts_itself_is_refused_with_the_reason(refused: ObjectiveSpec, reason: str) -> None:
    (contradiction,) = find_contradictions(refused)
    assert contradiction.startswith(f"objective '{refused.label}' has the ")
    assert reason in contradiction


@pytest.mark.parametrize("name", stabilisers.names())
def test_every_stabiliser_goes_with_the_objective_that_most_papers_call_gan(name: str) -> None:
    base = "nsgan-r1" if name == "lazy-penalties" else "nsgan"
    spec = with_stabilisers(base, name)
    assert find_contradictions(spec) == []
    assert find_batch_conflicts(spec, 128) == []
    for architecture in architectures.names():
        assert find_conflicts(spec, choice(architectures, architecture)) == []


def test_all_that_go_together_are_taken_together() -> None:
    order = (
        "several-generators",
        "minibatch-stddev",
        "experience-replay",
        "instance-noise",
        "packing",
        "label-smoothing",
    )
    spec = with_stabilisers("nsgan", *order, "top-k", "mode-seeking", "unrolling", "adaptive-balance", "generator-ema")
    assert find_contradictions(spec) == []
    assert find_batch_conflicts(spec, 128) == []


def test_features_need_an_architecture_that_says_it_has_some(plain_architecture: Choice) -> None:
    (conflict,) = find_conflicts(with_stabilisers("nsgan", "feature-matching"), plain_architecture)
    assert (
        "architecture 'plain' does not say that its does (has_features = True); these do: autoencoder, dcgan"
        in conflict
    )


@pytest.mark.parametrize(
    ("name", "settings", "batch_size", "advice"),
    [
        (
            "several-generators",
            {"count": 3},
            128,
            "shared out among 3 generators: set batch_size to a multiple, such as 126",
        ),
        ("minibatch-stddev", {"group": 5}, 128, "split into groups of 5"),
        ("experience-replay", {"capacity": 10}, 128, "set capacity to 64 or more"),
        ("mode-seeking", {}, 1, "has no pairs"),
        ("minibatch-discrimination", {}, 1, "score 2 or more at once"),
    ],
)
def test_batches_that_do_not_fit_are_refused(name: str, settings: dict[str, Any], batch_size: int, advice: str) -> None:
    spec = objective("nsgan").model_copy(update={"stabilisers": (choice(stabilisers, name, **settings),)})
    (conflict,) = find_batch_conflicts(spec, batch_size)
    assert advice in conflict


def test_what_comes_after_packs_is_given_packs() -> None:
    groups = choice(stabilisers, "minibatch-stddev", group=8)
    packs = choice(stabilisers, "packing", samples=4)
    spec = objective("nsgan").model_copy(update={"stabilisers": (packs, groups)})
    assert find_batch_conflicts(spec, 64) == []
    assert "a batch of 4 samples cannot be split into groups of 8" in find_batch_conflicts(spec, 16)[0]
    twice = objective("nsgan").model_copy(update={"stabilisers": (packs, packs)})
    assert "a batch of 2 samples cannot be packed by 4" in find_batch_conflicts(twice, 8)[0]


def test_without_penalties_every_objective_can_still_be_played() -> None:
    named = tuple(choice(stabilisers, name) for name in ("lazy-penalties", "top-k"))
    lazy = objective("nsgan-r1").model_copy(update={"stabilisers": named})
    assert find_contradictions(lazy) == []
    bare = without_penalties(lazy)
    assert (bare.penalties, [choice.name for choice in bare.stabilisers]) == ((), ["top-k"])
    assert find_contradictions(bare) == []
