"""A run's identity: complete, declared field by field, independent of where the spec came from."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import pytest
from pydantic import ValidationError

import bench.spec
from bench.spec import (
    Budget,
    Choice,
    EvaluationSpec,
    ExecutionSpec,
    Frozen,
    Identity,
    ObjectiveSpec,
    PluginSpec,
    RunSpec,
    TrainingSpec,
    field_identity,
    identity,
)

MODELS = [
    model
    for _, model in inspect.getmembers(bench.spec, inspect.isclass)
    if issubclass(model, Frozen) and model is not Frozen
]


def choice(name: str, label: str | None = None, **settings: Any) -> Choice:
    return Choice(name=name, label=label or name, settings=settings)


SPEC = RunSpec(
    objective=ObjectiveSpec(
        label="wgan-gp",
        loss=choice("wasserstein"),
        penalties=(choice("gradient-penalty", weight=10.0, center=1.0),),
        stabilisers=(choice("packing", samples=2),),
        discriminator_normalisation="unchanged",
        n_critic=5,
        generator_optimizer=choice("adam", learning_rate=1e-4),
        discriminator_optimizer=choice("adam", learning_rate=1e-4),
    ),
    architecture=choice("mlp", width=128, depth=3),
    dataset=choice("ring", modes=8),
    seed=3,
    training=TrainingSpec(
        budget=Budget(unit="steps", amount=2000),
        batch_size=128,
        ema_images=10_000,
        learning_rate_decay="none",
        threads=1,
    ),
    evaluation=EvaluationSpec(samples=2500, every=200, space="raw"),
    plugins=(PluginSpec(name="mine", sha256="0" * 64, path=Path("/a/mine.py")),),
    execution=ExecutionSpec(timeout_seconds=60, memory_limit_gib=2),
)


def test_every_spec_model_is_looked_at() -> None:
    assert {RunSpec, Choice, PluginSpec, Budget} <= set(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_every_field_is_declared_as_part_of_the_identity_or_not(model: type[Frozen]) -> None:
    assert set(field_identity(model)) == set(model.model_fields)


def test_a_field_that_is_not_declared_is_refused() -> None:
    class Forgotten(Frozen):
        declared: Annotated[int, Identity.PART] = 0
        forgotten: int = 0

    with pytest.raises(TypeError, match=r"Forgotten\.forgotten"):
        field_identity(Forgotten)


def test_a_later_field_leaves_earlier_ids_alone() -> None:
    class Later(Frozen):
        known: Annotated[int, Identity.PART] = 0
        asked_for: Annotated[str, Identity.PART_UNLESS_DEFAULT] = "as ever"

    assert identity(Later()) == {"known": 0}
    assert identity(Later(asked_for="as ever")) == {"known": 0}
    assert identity(Later(asked_for="another")) == {"known": 0, "asked_for": "another"}


def test_a_later_field_needs_a_default() -> None:
    class Required(Frozen):
        asked_for: Annotated[str, Identity.PART_UNLESS_DEFAULT]

    with pytest.raises(TypeError, match=r"Required\.asked_for has no default"):
        field_identity(Required)


def leaves(model: Frozen, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], bool]]:
    """Every plain field below ``model``, and whether it is part of the identity all the way down."""
    found: list[tuple[tuple[str | int, ...], bool]] = []
    for name, mark in field_identity(type(model)).items():
        value = getattr(model, name)
        items = enumerate(value) if isinstance(value, tuple) else [(None, value)]
        for index, item in items:
            place = (*path, name) if index is None else (*path, name, index)
            below = leaves(item, place) if isinstance(item, Frozen) else [(place, True)]
            found += [(leaf, part and mark is not Identity.NOT_PART) for leaf, part in below]
    return found


def changed(plain: Any, path: tuple[str | int, ...]) -> Any:
    """The same data with another value at ``path``."""
    if not path:
        if isinstance(plain, dict):
            return plain | {"another": 1}
        if isinstance(plain, str):
            others = {"steps": "images", "raw": "classifier", "none": "linear", "unchanged": "spectral"}
            others |= {"float32": "bfloat16", "contiguous": "channels-last"}
            return others.get(plain, plain + "x")
        return plain + 1
    head, *rest = path
    copy = dict(plain) if isinstance(plain, dict) else list(plain)
    copy[head] = changed(plain[head], tuple(rest))  # type: ignore[index,call-overload]
    return copy


@pytest.mark.parametrize(("path", "part"), leaves(SPEC), ids=lambda value: str(value))
def test_the_id_changes_with_every_part_of_the_identity_and_with_nothing_else(
    path: tuple[str | int, ...], part: bool
) -> None:
    other = RunSpec.model_validate_json(json.dumps(changed(SPEC.model_dump(mode="json"), path)))
    assert other != SPEC
    assert (other.run_id != SPEC.run_id) == part
    assert (other.cell_id != SPEC.cell_id) == (part and path != ("seed",))


def test_the_id_names_the_cell_and_the_seed() -> None:
    assert re.fullmatch(r"wgan-gp_mlp_ring_s3_[0-9a-f]{8}", SPEC.run_id)


def test_the_id_survives_json_and_the_order_of_settings() -> None:
    assert RunSpec.model_validate_json(SPEC.model_dump_json()).run_id == SPEC.run_id
    reordered = choice("mlp", depth=3, width=128)
    assert SPEC.model_copy(update={"architecture": reordered}).run_id == SPEC.run_id


def test_the_id_is_the_same_as_ever() -> None:
    """Results of earlier versions are found again by it; change it and they are made anew."""
    assert SPEC.run_id == "wgan-gp_mlp_ring_s3_877c1cc2"


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        SPEC.seed = 4  # type: ignore[misc]
    assert isinstance(SPEC.architecture.settings, MappingProxyType)


@pytest.mark.parametrize("label", ["", "a b", "a_b", "../a", "a/b", "-a", ".a", "a\n", "ä", "a" * 41, "a\0", "*"])
def test_labels_cannot_leave_a_folder_or_break_an_id(label: str) -> None:
    with pytest.raises(ValidationError):
        choice("mlp").model_validate({"name": "mlp", "label": label})


@pytest.mark.parametrize("label", ["a", "wgan-gp", "lr1e-3", "R1+R2", "v1.0", "a" * 40])
def test_labels_of_letters_digits_dot_plus_and_minus(label: str) -> None:
    assert choice("mlp", label).label == label


def test_a_budget_counts_in_steps() -> None:
    assert Budget(unit="steps", amount=10).steps(640) == 10
    assert Budget(unit="images", amount=641).steps(640) == 2
    assert Budget(unit="seconds", amount=10).steps(640) is None


def test_the_identity_holds_no_paths_and_no_timeouts() -> None:
    assert "path" not in identity(SPEC)["plugins"][0]
    assert "execution" not in identity(SPEC)
