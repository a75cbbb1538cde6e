"""What README shows works as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import bench
from bench.catalog import CATALOGS, losses, objectives, penalties
from bench.datasets.base import Data
from bench.evaluation.spaces import open_space
from bench.plan import Plan
from bench.plugins import load_plugin
from bench.spec import Choice
from bench.suite import load_suite

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with README's plugin; the catalogue is put back afterwards."""
    before = [dict(catalog._entries) for catalog in CATALOGS]
    losses.names()
    (plugin,) = (block for block in blocks("python") if block.startswith("# my_loss.py"))
    (tmp_path / "my_loss.py").write_text(plugin)
    yield tmp_path
    for catalog, entries in zip(CATALOGS, before, strict=True):
        if entries:
            catalog._entries = entries


def test_the_loss_is_about_ten_lines(folder: Path) -> None:
    lines = [line for line in (folder / "my_loss.py").read_text().splitlines() if line.strip() and line[0] != "#"]
    assert len(lines) <= 10


@pytest.mark.parametrize("suite", blocks("toml"))
def test_suites_can_be_planned(suite: str, folder: Path) -> None:
    (folder / "suite.toml").write_text(suite)
    plan = load_suite(folder / "suite.toml")
    assert any(spec.objective.loss.name == "gap" for spec in plan.specs)
    assert all(bool(spec.plugins) == (spec.objective.loss.name == "gap") for spec in plan.specs)


def test_objectives_work_in_a_training_loop_of_ones_own() -> None:
    """README's loop, as it stands, moves the generator onto the data."""
    (loop,) = (block for block in blocks("python") if block.startswith("# my_training.py"))
    torch.manual_seed(0)
    found: dict[str, Any] = {}
    exec(compile(loop, "my_training.py", "exec"), found)
    samples = found["generator"](torch.randn(1000, 2))
    assert (samples.mean(0) - 1).abs().max() < 0.3


def test_the_catalogue_is_as_large_as_it_says() -> None:
    counted = [
        sum(catalog.entry(name).plugin is None for name in catalog.names())
        for catalog in (objectives, losses, penalties)
    ]
    assert f"{counted[0]} named objectives of {counted[1]} losses, {counted[2]} penalties" in README


@pytest.mark.parametrize("path", sorted((ROOT / "suites").glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_suites_can_be_planned(path: Path) -> None:
    assert load_suite(path).specs


def test_losses_suite_gives_every_objective_the_same_images() -> None:
    specs = load_suite(ROOT / "suites" / "losses.toml").specs
    assert len(specs) == 144
    for dataset in ("ring", "grid", "digits"):
        cells = {spec.objective.label: spec for spec in specs if spec.dataset.label == dataset}
        assert len(cells) == 8
        assert len({(spec.total_steps or 0) * spec.images_per_step for spec in cells.values()}) == 1


def test_commands_of_the_table_exist() -> None:
    from typer.main import get_command

    from bench.cli import app

    commands = set(re.findall(r"`ganbench (\w+)", README))
    assert commands <= set(get_command(app).commands)  # type: ignore[attr-defined]
    assert {"plan", "run", "status", "report", "list", "describe", "schema", "doctor"} <= commands


def test_a_feature_space_of_ones_own_can_be_opened(folder: Path, digits_like: Data) -> None:
    (plugin,) = (block for block in blocks("python") if block.startswith("# my_space.py"))
    (folder / "my_space.py").write_text(plugin)
    load_plugin(folder / "my_space.py")
    dataset = Choice(name="array", label="array")
    space = open_space("mean-colours", digits_like, dataset, folder)
    features = space.extract(digits_like.decode(digits_like.test[:])).features
    assert features.shape == (4, 3)
    assert torch.allclose(features[:, 0], digits_like.test[:].float().mean(dim=(1, 2, 3)), atol=0.5)


@pytest.fixture
def digits_like() -> Data:
    images = torch.randint(256, (4, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Data(train=images, validation=images, test=images)


PUBLISHED = "results/published/losses.zip"


def test_the_notebook_works_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (notebook,) = (block for block in blocks("python") if block.startswith("# my_notebook.py"))
    assert PUBLISHED in notebook
    (tmp_path / "results").symlink_to(ROOT / "results")
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(compile(notebook, "my_notebook.py", "exec"), found)
    assert len(found["runs"]) == 144
    assert found["medians"].loc[("digits", "nsgan"), "fid"] > 0
    assert set(found["digits"]["task"]) == {"digits"}
    assert (tmp_path / "against-nsgan.pdf").stat().st_size > 5000


def test_the_table_is_of_the_published_results() -> None:
    runs = bench.load_results(ROOT / PUBLISHED)
    names = ["modes_covered", "high_quality_share", "fid", "seconds_training"]
    medians = runs.groupby(["dataset", "objective"])[names].median()
    rows = re.findall(
        r"^\| ([a-z0-9-]+) \| ([^|]*%) \| ([^|]*%) \| ([^|]*) \| ([^|]* s / [^|]* s) \|$", README, re.MULTILINE
    )
    assert [row[0] for row in rows] == list(dict.fromkeys(spec.objective.label for spec in losses_suite().specs))
    for name, *said in rows:
        points = [medians.loc[dataset, name] for dataset in ("ring", "grid")]
        digits = medians.loc["digits", name]
        expected = [f"{of.modes_covered:g}, {100 * of.high_quality_share:.0f} %" for of in points]
        expected += [f"{digits.fid:.2f}", f"{points[0].seconds_training:.1f} s / {digits.seconds_training:.1f} s"]
        assert said == expected, name


def test_the_answer_is_the_published_report_s() -> None:
    report = (ROOT / "reports/published/losses/report.md").read_text(encoding="utf-8")
    said = [line.removeprefix("> ").rstrip() for line in README.splitlines() if line.startswith("> ")]
    assert said
    for sentence in said:
        assert sentence.removeprefix("**").removesuffix("**") in report, sentence


def test_the_figure_is_the_published_report_s() -> None:
    (path,) = re.findall(r"!\[[^]]{40,}\]\((reports/published/[^)]+\.png)\)", README)
    assert (ROOT / path).is_file()


def losses_suite() -> Plan:
    return load_suite(ROOT / "suites" / "losses.toml")
