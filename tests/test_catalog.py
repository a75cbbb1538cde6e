"""The catalogue: names, settings, messages, and what plugins may do to it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import Field

from bench.catalog import (
    CATALOGS,
    Catalog,
    architectures,
    datasets,
    losses,
    objectives,
    penalties,
    registered_by,
    registering,
    stabilisers,
)
from bench.errors import CatalogError
from bench.objectives import GradientPenalty, Objective, RelativisticPairing
from bench.spec import PluginSpec

PLUGIN = PluginSpec(name="mine", sha256="0" * 64)


class Gap:
    def discriminator(self, real: Any, fake: Any) -> Any:
        return real - fake

    def generator(self, real: Any, fake: Any) -> Any:
        return fake - real


@pytest.fixture(autouse=True)
def _same_catalogue_afterwards() -> Iterator[None]:
    before = [(catalog.names(), dict(catalog._entries)) for catalog in CATALOGS]
    yield
    for catalog, (_, entries) in zip(CATALOGS, before, strict=True):
        catalog._entries = entries


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda catalog: catalog.kind)
def test_every_entry_is_described_with_formula_source_and_settings(catalog: Catalog[Any]) -> None:
    assert catalog.names()
    for name in catalog.names():
        description = catalog.describe(name)
        assert description.summary
        assert description.formula
        assert description.source
        assert all(setting.meaning for setting in description.settings), name


NAMED = {
    "minimax", "nsgan", "lsgan", "lsgan-pearson", "wgan", "wgan-gp", "wgan-lp", "hinge", "sngan", "dragan", "nsgan-r1",
    "nsgan-zero-gp", "rasgan", "ralsgan", "rahinge", "rpgan", "r3gan", "ebgan", "began", "lecam",
    "pacgan2", "pacgan3", "pacgan4", "fgan-kl", "fgan-reverse-kl", "fgan-pearson", "fgan-neyman",
    "fgan-squared-hellinger", "fgan-jensen-shannon", "fgan-total-variation",
}  # fmt: skip


def test_every_objective_that_the_field_names_is_there() -> None:
    assert {name for name in objectives.names() if objectives.entry(name).plugin is None} == NAMED


@pytest.mark.parametrize("catalog", [losses, penalties, stabilisers, objectives], ids=lambda catalog: catalog.kind)
def test_formulas_are_told_in_latex_too_with_what_is_reached_at_the_optimum(catalog: Catalog[Any]) -> None:
    for name in catalog.names():
        if catalog.entry(name).plugin is None:
            description = catalog.describe(name)
            assert description.latex
            assert description.latex.count("{") == description.latex.count("}")
            assert description.optimum


def test_listing_needs_no_torch() -> None:
    code = (
        "import sys, bench.catalog as c; [k.describe(n) for k in c.CATALOGS for n in k.names()]; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name_is_answered_with_the_nearest_and_all_valid_ones() -> None:
    with pytest.raises(CatalogError, match=r"unknown loss 'hing'; did you mean 'hinge'\? valid: boundary-"):
        losses.create("hing")


def test_an_unknown_setting_is_answered_with_the_nearest_and_all_valid_ones() -> None:
    with pytest.raises(CatalogError, match=r"architecture 'mlp' has no setting 'widht'; did you mean 'width'\?"):
        architectures.create("mlp", widht=3)
    with pytest.raises(CatalogError, match="has no setting 'self'"):
        architectures.create("mlp", **{"self": 3, "name": 4})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": "x"}, "setting 'width': expected an integer, got text \"x\""),
        ({"width": True}, "setting 'width': expected an integer, got true"),
        ({"width": 1.5}, "setting 'width': expected an integer, got number 1.5"),
        ({"width": 0}, "setting 'width': expected a value ≥ 1, got integer 0"),
        ({"generator_normalisation": "batsch"}, "expected 'none', 'batch', 'layer', 'instance', 'group' or 'spectral'"),
    ],
)
def test_a_wrong_value_is_answered_with_what_is_expected(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message.replace("(", r"\(")):
        architectures.create("mlp", **settings)


def test_settings_are_complete_and_typed() -> None:
    settings = losses.settings("least-squares", {"real_target": 1})
    assert settings == {"fake_target": 0.0, "real_target": 1.0, "generator_target": 1.0}
    assert isinstance(settings["real_target"], float)


def test_named_objectives_name_entries_that_exist() -> None:
    for name in objectives.names():
        objective = objectives.create(name)
        losses.create(objective.loss.name, **objective.loss.settings)
        for catalog, picks in ((penalties, objective.penalties), (stabilisers, objective.stabilisers)):
            for pick in picks:
                catalog.create(pick.name, **pick.settings)


def test_a_class_becomes_an_entry_with_its_fields_as_settings() -> None:
    class Margin(Gap):
        margin: Annotated[float, Field(gt=0, description="m")] = 1.0

    losses.register("margin", formula="f", source="s")(Margin)
    assert losses.settings("margin", {}) == {"margin": 1.0}
    with pytest.raises(CatalogError, match="expected a value > 0, got integer -1"):
        losses.create("margin", margin=-1)


def test_settings_are_checked_however_an_entry_is_made() -> None:
    """In a training loop of one's own the classes are called, and no catalogue."""
    with pytest.raises(CatalogError, match="loss 'relativistic-pairing', setting 'base': expected 'logistic'"):
        RelativisticPairing(base="ls")  # type: ignore[arg-type]
    with pytest.raises(CatalogError, match="penalty 'gradient-penalty', setting 'weight': expected a value ≥ 0"):
        GradientPenalty(weight=-1.0)
    assert GradientPenalty(2.0, 0.0) == penalties.create("gradient-penalty", weight=2, center=0)


def test_a_class_with_an_init_of_its_own_is_refused() -> None:
    class Own(Gap):
        margin: float = 1.0

        def __init__(self) -> None:
            self.margin = 5.0

    with pytest.raises(CatalogError, match="has an __init__ of its own: settings are fields"):
        losses.register("own", formula="f", source="s")(Own)


def test_a_plugins_loss_cannot_hide_behind_a_built_in_objective() -> None:
    with pytest.raises(CatalogError, match="'nsgan' is called as an objective"), registering(PLUGIN):
        losses.register("nsgan", formula="f", source="s")(Gap)
    with registering(PLUGIN):  # but an objective of its own may be called as its loss
        objectives.register("mine", formula="f", source="s")(Objective)
        losses.register("mine", formula="f", source="s")(Gap)


def test_a_name_can_be_taken_once() -> None:
    with pytest.raises(CatalogError, match="loss 'hinge' is registered twice"):
        losses.register("hinge", formula="f", source="s")(Gap)


@pytest.mark.parametrize("name", ["", "my loss", "my_loss", "../x", "ä", "x" * 41])
def test_a_name_can_stand_in_run_ids(name: str) -> None:
    with pytest.raises(CatalogError, match="cannot be called so"):
        losses.register(name, formula="f", source="s")(Gap)


def test_a_class_without_the_methods_of_its_kind_is_refused() -> None:
    class Half:
        def discriminator(self, real: Any, fake: Any) -> Any:
            return real

    with pytest.raises(CatalogError, match=r"loss 'half' \(Half\) lacks the method 'generator'"):
        losses.register("half", formula="f", source="s")(Half)
    with pytest.raises(CatalogError, match="dataset 'half'"):
        datasets.register("half", formula="f", source="s")(Half)


def test_what_a_plugin_registers_is_its_own_and_replaces_what_it_registered_before() -> None:
    with registering(PLUGIN):
        losses.register("gap", formula="first", source="s")(Gap)
        losses.register("gone", formula="first", source="s")(Gap)
    with registering(PLUGIN):
        losses.register("gap", formula="second", source="s")(Gap)
    assert losses.describe("gap").formula == "second"
    assert losses.describe("gap").origin == "plugin mine"
    assert [entry.name for entry in registered_by(PLUGIN)] == ["gap"]
    assert "gone" not in losses.names()


def test_a_plugin_that_fails_leaves_the_catalogue_as_it_was() -> None:
    with registering(PLUGIN):
        losses.register("gap", formula="first", source="s")(Gap)

    def fail() -> None:
        with registering(PLUGIN):
            losses.register("new", formula="second", source="s")(Gap)
            losses.register("hinge", formula="second", source="s")(Gap)

    with pytest.raises(CatalogError):
        fail()
    assert losses.describe("gap").formula == "first"
    assert "new" not in losses.names()


def test_a_plugins_settings_are_looked_at_when_it_registers() -> None:
    class Odd(Gap):
        thing: object() = 1  # type: ignore[valid-type]

    with pytest.raises(CatalogError, match="settings of loss 'odd' cannot be used"), registering(PLUGIN):
        losses.register("odd", formula="f", source="s")(Odd)
