"""`ganbench list` and `ganbench describe` on terminals wide and narrow."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from bench.catalog import CATALOGS, Description
from bench.errors import PluginError
from bench.listing import find_descriptions, parts_of, print_catalogue, print_descriptions, select_catalogs, values_of
from bench.symbols import symbols_of

EVERYTHING = [catalog.describe(name) for catalog in CATALOGS for name in catalog.names()]


def described(*entries: Description, width: int = 80) -> str:
    written = io.StringIO()
    print_descriptions(Console(file=written, width=width, highlight=False), entries, as_json=False)
    return written.getvalue()


def listed(kind: str | None, width: int = 80) -> str:
    written = io.StringIO()
    print_catalogue(Console(file=written, width=width, highlight=False), select_catalogs(kind), as_json=False)
    return written.getvalue()


@pytest.mark.parametrize("width", [50, 80, 120])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    pages = [described(*EVERYTHING, width=width), listed(None, width)]
    pages += [listed(catalog.kind, width) for catalog in CATALOGS]
    for page in pages:
        for line in page.splitlines():
            assert cell_len(line) <= width
            assert line == line.rstrip()


def test_a_description_has_it_all() -> None:
    (entry,) = find_descriptions("gradient-penalty")
    page = described(entry, width=200)
    assert "  λ E(‖∇d(x̂)‖₂ − k)²\n  x̂ = εx + (1 − ε)G(z)\n" in page
    assert "optimum   k = 1: zero if the gradient has norm 1" in page
    assert r"LaTeX     \lambda\,\mathbb{E}\,(\lVert\nabla d(\hat{x})\rVert_2 - k)^2" in page
    assert "source    Gulrajani et al. 2017, eq. 3" in page
    assert "  center = 1.0\n      number ≥ 0 [score/data]: k, the norm that is aimed at\n" in page
    assert "  side = both\n      both | one: whether norms below k cost as well\n" in page


def test_an_entry_without_latex_or_optimum_shows_no_empty_lines_of_them() -> None:
    plain = Description("loss", "gap", "A gap.", "L_D = E f", "", "", "mine", (), "plugin my_loss")
    assert described(plain) == (
        "gap  (loss, plugin my_loss)\nA gap.\n\n  L_D = E f\n\n"
        "L_D, L_G  what the discriminator and the generator minimise\n"
        "f         score of a generated (fake) sample G(z)\n"
        "E         mean over the batch\n\n"
        "source    mine\n\nno settings\n"
    )


def test_the_latex_that_is_shown_can_be_pasted() -> None:
    (entry,) = (entry for entry in EVERYTHING if (entry.kind, entry.name) == ("objective", "r3gan"))
    _, after = described(entry).split("LaTeX     ")
    shown, _ = after.split("source    ")
    assert " ".join(shown.split()) == " ".join(entry.latex.split())


def test_objectives_name_their_parts() -> None:
    parts = {entry.name: parts_of(entry) for entry in EVERYTHING if entry.kind == "objective"}
    assert parts["r3gan"] == ["relativistic-pairing", "r1", "r2", "adam"]
    assert parts["wgan"] == ["wasserstein", "weight-clip", "rmsprop"]
    assert not any(parts_of(entry) for entry in EVERYTHING if entry.kind != "objective")


def test_symbols_are_those_of_the_formula() -> None:
    symbols = {
        name: [s.plain for s in symbols_of(find_descriptions(name)[0])] for name in ("hinge", "f-divergence", "r1")
    }
    assert symbols["hinge"] == ["L_D, L_G", "r", "f", "E", "d*, L_D*", "p, q", "TV"]
    assert "T, f*" in symbols["f-divergence"]
    assert symbols["r1"] == ["d", "E", "∇d"]
    assert symbols_of(find_descriptions("mlp")[0]) == []


def test_what_a_setting_can_be() -> None:
    settings = {s.name: values_of(s) for entry in EVERYTHING for s in entry.settings if entry.name == "consistency"}
    assert settings["weight"] == "number ≥ 0 [loss/score²]"
    assert settings["flip"] == "true | false"
    assert settings["shift"] == "number ≥ 0, < 1 [of the image's side]"


def test_lists_of_one_kind_have_formulas() -> None:
    losses = listed("losses")
    assert "  L_D = −E r + E f,  L_G = −E f\n" in losses
    assert "Arjovsky et al. 2017, eqs. 2 and 3" in losses
    assert "L_G = −E f\n" not in listed(None)
    assert listed("loss") == losses
    assert "at the optimum: d* = sign(p − q)" in losses
    assert "settings: margin = 10.0 [energy], energy = euclidean" in losses


def test_json_has_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    print_descriptions(Console(), find_descriptions("dragan"), as_json=True)
    (penalty, objective) = json.loads(capsys.readouterr().out)
    assert set(penalty) == {field.name for field in dataclasses.fields(Description)}
    assert (penalty["kind"], objective["kind"]) == ("penalty", "objective")
    assert penalty["latex"].startswith(r"\lambda")
    assert penalty["settings"][0]["unit"] == "loss/(score/data)²"


def test_a_plugins_file_is_described_by_what_it_registers(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from bench.catalog import losses\n"
        '@losses.register("described", formula="L_D = 0", source="mine")\n'
        "class Described:\n"
        '    """Nothing."""\n'
        "    def discriminator(self, real, fake): return real.sum() * 0\n"
        "    def generator(self, real, fake): return fake.sum() * 0\n"
    )
    before = [(catalog.names(), dict(catalog._entries)) for catalog in CATALOGS]
    try:
        (entry,) = find_descriptions(str(tmp_path / "mine.py"))
        assert (entry.kind, entry.name, entry.origin) == ("loss", "described", "plugin mine")
    finally:
        for catalog, (_, entries) in zip(CATALOGS, before, strict=True):
            catalog._entries = entries
    with pytest.raises(PluginError, match="does not exist"):
        find_descriptions("nowhere.py")
