"""`ganbench report`, `compare` and `pack`, as their users meet them."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bench.report
from bench import cli
from bench.commands.reports import name_report
from bench.files import write_atomically
from bench.report import View, load
from bench.store import Store
from tests.report.synthetic import make_results

SUITE = 'objectives = ["nsgan", "wgan-gp"]\ndatasets = ["ring"]\nseeds = 2\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make_results(folder / "one", ["nsgan", "wgan-gp"], ["ring"], 2)
    make_results(folder / "two", ["hinge"], ["ring"], 2)
    return folder


@pytest.fixture
def here(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two suites, their results, and one of them packed."""
    shutil.copytree(made, tmp_path / "results")
    (tmp_path / "one.toml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports that are read and checked as ever, and of which the runs and the command alone are written."""

    def build(results: Sequence[Path], reports: Path, *, command: str, view: View) -> Path:
        write_atomically(reports / "index.html", "\n".join([command, *load(*results, view=view).records]).encode())
        return reports / "index.html"

    monkeypatch.setattr(bench.report, "build", build)


@pytest.fixture
def ganbench(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def run(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["ganbench", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        said = capsys.readouterr()
        assert (caught.value.code or 0) == code, said
        assert "Traceback" not in said.err
        return said.err if code else said.out

    return run


def test_a_suite_its_folder_and_its_packed_file_are_one_and_the_same(here: Path, ganbench, quick: None) -> None:
    assert "4 runs in" in ganbench("pack", "one.toml")
    pages = []
    for what in ("one.toml", "results/one", "one.zip"):
        assert ganbench("report", what) == "report: reports/one/index.html\n"
        pages.append((here / "reports" / "one" / "index.html").read_text())
    assert len(set(pages)) == 1
    assert pages[0].startswith("ganbench run one.toml\nnsgan")


def test_several_make_one_report(here: Path, ganbench, quick: None) -> None:
    assert "report: reports/one+two/index.html" in ganbench("report", "results/one", "results/two")
    text = (here / "reports" / "one+two" / "index.html").read_text()
    assert all(name in text for name in ("nsgan_", "wgan-gp_", "hinge_"))
    commands = "ganbench run one.toml\nganbench run two.toml\nganbench report results/one results/two\n"
    assert text.startswith(commands)


def test_a_report_of_some_runs_does_not_take_the_place_of_the_whole_one(here: Path, ganbench, quick: None) -> None:
    ganbench("report", "one.toml")
    whole = (here / "reports" / "one" / "index.html").read_bytes()
    assert ganbench("report", "one.toml", "--only", "wgan*") == "report: reports/one-only-wgan_/index.html\n"
    assert "nsgan" not in (here / "reports" / "one-only-wgan_" / "index.html").read_text()
    assert "by-recall" in ganbench("report", "one.toml", "--metric", "recall", "--baseline", "wgan-gp")
    assert ganbench("report", "one.toml", "--only", "wgan*", "--name", "mine") == "report: reports/mine/index.html\n"
    assert (here / "reports" / "one" / "index.html").read_bytes() == whole


VIEWS = st.builds(
    View,
    only=st.lists(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1), max_size=3).map(tuple),
    baseline=st.none() | st.sampled_from(["nsgan", "wgan-gp"]),
    metric=st.none() | st.sampled_from(["fid", "recall"]),
)


@given(views=st.tuples(VIEWS, VIEWS))
def test_reports_of_different_things_have_names_of_their_own(views: tuple[View, View]) -> None:
    names = [name_report(["losses"], view) for view in views]
    assert (names[0] == names[1]) == (views[0] == views[1])
    assert all(re.fullmatch(r"[A-Za-z0-9._+-]{1,100}", name) for name in names)
    assert (names[0] == "losses") == (views[0] == View())


@given(patterns=st.lists(st.text(), min_size=1))
def test_no_pattern_makes_a_name_that_leads_elsewhere(patterns: list[str]) -> None:
    name = name_report(["losses"], View(only=tuple(patterns)))
    assert re.fullmatch(r"losses-only-[A-Za-z0-9._+-]{0,88}", name)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("report", "results"), "name them, such as results/one"),
        (("report", "reslts/one"), "did you mean 'results/one'?"),
        (("report", "none.toml"), "there is no such file; did you mean 'one.toml'?"),
        (("report", "."), "holds no results"),
        (("report", "torn.zip"), "is no packed results"),
        (("report", "one.toml", "--results", "elsewhere"), "holds no results of one.toml"),
        (("report", "one.toml", "--only", "wgn*"), "--only 'wgn*' matches no run"),
        (("report", "one.toml", "--baseline", "wgan-pg"), "did you mean 'wgan-gp'?"),
        (("report", "one.toml", "--metric", "recal"), "did you mean 'recall'?"),
        (("report", "one.toml", "--name", "../x"), "cannot name a folder"),
        (("compare", "results/one", "results/two"), "have no run in common"),
        (("compare", "results/one", "none.zip"), "there is no such suite file, results folder or packed results"),
        (("compare", "results/one", "results/one", "--metric", "inception_score"), "was not measured"),
        (("compare", "results/one", "results/one", "--name", "a/b"), "cannot name a folder"),
        (("compare", "results/one"), "Missing argument 'B'"),
        (("pack", "empty"), "holds no results"),
        (("pack", "torn.zip"), "is packed already"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(here: Path, ganbench, arguments: tuple[str, ...], says: str) -> None:
    (here / "empty").mkdir()
    (here / "torn.zip").write_bytes(b"PK torn")
    before = set(here.rglob("*"))
    assert says in ganbench(*arguments, code=2)
    assert set(here.rglob("*")) == before


def test_a_comparison_of_two_results(here: Path, ganbench) -> None:
    said = ganbench("compare", "one.toml", "results/one")
    assert "2 of 2 objectives: no difference, of which 2 identical." in said
    assert said.splitlines()[-1] == "report: reports/compare-one-one/index.html"
    assert (here / "reports" / "compare-one-one" / "index.html").is_file()


def test_a_comparison_that_finds_something_ends_well_too(here: Path, ganbench) -> None:
    store = Store(here / "results" / "one")
    shutil.copytree(store.folder, here / "worse")
    for record in Store(here / "worse").records():
        factor = 9.0 if record.spec.objective.label == "nsgan" else 1.0
        measurements = tuple(m.model_copy(update={"value": factor * (m.value or 0.0)}) for m in record.measurements)
        Store(here / "worse").write_record(record.model_copy(update={"measurements": measurements}))
    ganbench("pack", "worse", "worse.zip")
    said = ganbench("compare", "results/one", "worse.zip", "--only", "nsgan", "-q")
    assert said.splitlines()[0] == "1 of 1 objective: too few runs to tell any difference."
    plain = json.loads(ganbench("compare", "results/one", "worse.zip", "--json", "--name", "mine"))
    assert plain["b"]["name"] == "worse.zip"
    assert plain["report"] == "reports/mine/index.html"
    assert [verdict["outcome"] for verdict in plain["objectives"]] == ["too few runs", "identical"]


def test_packed_results_say_what_they_are(here: Path, ganbench, quick: None) -> None:
    said = ganbench("pack", "results/two", "kept/all.zip")
    assert re.fullmatch(r"kept/all\.zip: 2 runs in \d+ files, 0\.\d MB\n", said)
    assert ganbench("report", "kept/all.zip") == "report: reports/all/index.html\n"
