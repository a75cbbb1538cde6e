"""From the catalogue to `objectives.md` and its figure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from bench.catalog import Catalog, losses, objectives, penalties, stabilisers
from bench.files import write_atomically
from bench.handbook.curves import SURENESS, VANISHED, Variant, panels, pulls
from bench.handbook.figure import draw_losses, to_files
from bench.handbook.markdown import cell_code, display, escape, heading, link, number, paper
from bench.objectives.base import Objective, Pick
from bench.settings import SettingDescription
from bench.symbols import SYMBOLS

KINDS = (losses, penalties, stabilisers, objectives)


def write_handbook(folder: Path) -> Iterator[Path]:
    """Write everything; yields the path of each file once it is there."""
    svg, png = to_files(draw_losses(panels()))
    for name, content in (
        ("figures/losses.svg", svg),
        ("figures/losses.png", png),
        ("objectives.md", objectives_page().encode()),
    ):
        write_atomically(folder / name, content)
        yield folder / name


def objectives_page() -> str:
    """The page as Markdown that GitHub renders, formulas included."""
    template = resources.files("bench.handbook") / "objectives.md.j2"
    environment = Environment(
        loader=FunctionLoader(lambda _: template.read_text(encoding="utf-8")),
        autoescape=False,  # Markdown, of the catalogue's own words
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"md": escape, "code": cell_code, "paper": paper, "display": display, "allowed": allowed}
    environment.globals |= {"link": link, "heading": heading}
    text = environment.get_template("").render(
        **{catalog.kind: [catalog.describe(name) for name in built_in(catalog)] for catalog in KINDS},
        symbols=SYMBOLS,
        common=_common_settings(),
        presets={name: preset(name) for name in built_in(objectives)},
        sureness=SURENESS,
        pulls=[Row.of(variant, pull) for variant, pull in pulls()],
    )
    return text.strip() + "\n"


def built_in(catalog: Catalog[Any]) -> list[str]:
    """The names that the page has: plugins may be loaded, but are none of it."""
    return [name for name in catalog.names() if catalog.entry(name).plugin is None]


def allowed(setting: SettingDescription) -> str:
    """What a setting can be."""
    return (setting.allowed or setting.type).replace(" | ", ", ").replace("list of entry", "entries")


# named objectives


@dataclass(frozen=True)
class Preset:
    """What an objective is made of, in Markdown.

    Attributes:
        loss: a link to it.
        regularisers: its penalties, stabilisers and change of normalisation.
        n_critic: discriminator updates per generator update.
        rows: setting and default of all that is not as in every objective.
    """

    loss: str
    regularisers: str
    n_critic: int
    rows: list[tuple[str, str]]


def preset(name: str) -> Preset:
    """Of a named objective, the defaults."""
    objective = objectives.create(name)
    rows = [("loss", _linked(objective.loss, "loss"))]
    regularisers = []
    for catalog, picks in ((penalties, objective.penalties), (stabilisers, objective.stabilisers)):
        if picks:
            rows.append((catalog.kind, ", ".join(_linked(pick, catalog.singular) for pick in picks)))
            regularisers += [link(pick.name, catalog.singular) for pick in picks]
    change = objective.discriminator_normalisation
    if change != "unchanged":
        rows.append(("discriminator_normalisation", change))
        regularisers.append(f"{change} normalisation")
    rows += [("n_critic", str(objective.n_critic)), *_optimizers(objective)]
    return Preset(link(objective.loss.name, "loss"), ", ".join(regularisers) or "–", objective.n_critic, rows)


def _linked(pick: Pick, kind: str) -> str:
    return " ".join([link(pick.name, kind), *_settings(pick)])


def _settings(pick: Pick) -> list[str]:
    """As a suite writes them."""
    settings = ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in pick.settings.items())
    return [cell_code(settings)] if settings else []


def _optimizers(objective: Objective) -> list[tuple[str, str]]:
    generator, discriminator = (
        " ".join([pick.name, *_settings(pick)])
        for pick in (objective.generator_optimizer, objective.discriminator_optimizer)
    )
    if generator == discriminator:
        return [("both optimizers", generator)]
    return [("generator_optimizer", generator), ("discriminator_optimizer", discriminator)]


def _common_settings() -> list[SettingDescription]:
    """Of every objective, with the defaults that most of them keep; loss and optimizers have none of that kind."""
    own = {"loss", "generator_optimizer", "discriminator_optimizer"}
    described = objectives.describe("nsgan").settings  # which changes nothing but those
    return [replace(one, default="the objective's") if one.name in own else one for one in described]


# the table of gradients


@dataclass(frozen=True)
class Row:
    """One variant of a loss in the table of gradients, in Markdown."""

    loss: str
    choice: str
    pull: list[str]
    verdict: str

    @classmethod
    def of(cls, variant: Variant, pull: list[float]) -> Row:
        """With numbers as the table shows them."""
        return cls(link(variant.loss, "loss"), variant.choice or "–", [number(value) for value in pull], verdict(pull))


def verdict(pull: list[float]) -> str:
    """What becomes of the gradient from an undecided to a sure discriminator."""
    undecided, sure = pull[0], pull[-1]
    if abs(sure) < VANISHED * abs(undecided):
        return "**vanishes**"
    if sure < 0:
        return "**turns away**"
    return "stays" if sure <= 3 * undecided else "grows"
