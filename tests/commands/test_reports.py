"""`ganbench report`, `compare` and `pack`, as their users meet them."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bench.report
from bench import cli
from bench.commands.reports import is_current, name_report
from bench.files import write_atomically
from bench.report import View, load
from bench.store import Store
from tests.report.synthetic import make_results

SUITE = 'objectives = ["nsgan", "wgan-gp"]\ndatasets = ["ring"]\nseeds = 2\n'
KEPT = "ganbench run one.toml  # the suite below, kept as one.toml"


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

    def build(results: Sequence[Path], reports: Path, *, command: str, view: View, shown: Sequence[str]) -> Path:
        records = load(*results, view=view, shown=shown).records
        write_atomically(reports / "index.html", "\n".join([command, *records]).encode())
        return reports / "index.html"

    monkeypatch.setattr(bench.report, "build", build)


@pytest.fixture
def ganbench(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def said(*arguments: str, code: int = 0) -> pytest.CaptureResult[str]:
        monkeypatch.setattr(sys, "argv", ["ganbench", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        said = capsys.readouterr()
        assert (caught.value.code or 0) == code, said
        assert "Traceback" not in said.err
        return said

    def run(*arguments: str, code: int = 0) -> str:
        found = said(*arguments, code=code)
        return found.err if code else found.out

    run.said = said
    return run


def test_a_suite_its_folder_and_its_packed_file_are_one_and_the_same(here: Path, ganbench, quick: None) -> None:
    assert "4 runs in" in ganbench("pack", "one.toml")
    pages = []
    for what, name in (("one.toml", "one"), ("results/one", "one"), ("one.zip", f"one.zip-of-{here.name}")):
        assert ganbench("report", what) == f"report: reports/{name}/index.html\n"
        pages.append((here / "reports" / name / "index.html").read_text().split("\n", 1))
    assert [command for command, _ in pages] == ["ganbench run one.toml", *[KEPT] * 2]
    assert len({records for _, records in pages}) == 1


def test_results_from_elsewhere_do_not_take_the_place_of_a_suites_own_report(here: Path, ganbench, quick: None) -> None:
    ganbench("report", "one.toml")
    own = (here / "reports" / "one" / "index.html").read_bytes()
    shutil.copytree(here / "results" / "two", here / "server" / "one")
    ganbench("pack", "server/one", "server/one.zip")
    said = [ganbench("report", f"server/{what}") for what in ("one", "one.zip")]
    assert said == [f"report: reports/{name}-of-server/index.html\n" for name in ("one", "one.zip")]
    assert (here / "reports" / "one" / "index.html").read_bytes() == own
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here / "results" / "one")
        assert "reports/one/" in ganbench("report", ".", "--results", "..", "--reports", "../../reports")


def test_a_page_of_other_results_is_not_a_suites_own(here: Path, ganbench, quick: None) -> None:
    page, folder = here / "reports" / "one" / "index.html", here / "results" / "one"
    assert not is_current(page, folder)
    ganbench("report", "one.toml")
    assert is_current(page, folder)
    for other in (("results/two",), ("one.toml", "--only", "wgan*")):
        ganbench("report", *other, "--name", "one")
        assert not is_current(page, folder)
    ganbench("report", "results/one")
    assert is_current(page, folder)
    page.write_text("of others, by a script")
    assert not is_current(page, folder)
    ganbench("report", "results/one")
    later = page.stat().st_mtime + 5
    os.utime(next(folder.rglob("record.json")), (later, later))
    assert not is_current(page, folder)


def test_a_finished_suite_takes_no_page_of_other_results_for_its_own(
    here: Path, ganbench, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.execution import conduct

    summary = conduct.Summary(Counter(), 0, 0, 0, 0, 1.0, interrupted=False, warnings=())
    monkeypatch.setattr(conduct, "conduct", lambda *_: summary)
    run = ("run", "one.toml")
    assert ganbench(*run).splitlines()[-1] == "report: reports/one/index.html"
    assert ganbench(*run).splitlines()[-1] == "report, as it was: reports/one/index.html"
    ganbench("report", "results/two", "--name", "one")
    assert ganbench(*run).splitlines()[-1] == "report: reports/one/index.html"
    assert "hinge_" not in (here / "reports" / "one" / "index.html").read_text()


def test_packed_results_are_called_what_the_user_called_them(here: Path, ganbench) -> None:
    run = next((here / "results" / "one" / "runs").iterdir())
    (run / "film.npz").write_bytes(b"torn")
    (run / "history.parquet").write_bytes(b"torn")
    ganbench("pack", "one.toml", "kept/before.zip")
    ganbench("report", "kept/before.zip", "results/two", "--name", "mine")
    text = (here / "reports" / "mine" / "report.md").read_text()
    assert "ganbench-" not in text
    assert "kept/before.zip/runs/" in text
    assert "(kept/before.zip), “GAN objectives on small data” (results/two)" in text
    assert "ganbench run before.toml  # the suite below, kept as before.toml" in text


def test_results_that_contradict_each_other_are_called_what_the_user_called_them(
    here: Path, ganbench, quick: None
) -> None:
    ganbench("pack", "one.toml")
    store = Store(here / "results" / "one")
    record = next(iter(store.records()))
    store.write_record(record.model_copy(update={"measurements": ()}))
    said = ganbench("report", "one.toml", "one.zip", code=2)
    assert "has different results in 'results/one' and 'one.zip'" in said
    assert said.endswith("ganbench compare results/one one.zip compares them\n")


def test_a_terminal_obeys_nothing_that_stands_in_results(here: Path, ganbench, quick: None) -> None:
    text = 'title = "one\\u001b]0;mine\\u0007"\n[report]\nbaseline = "none\\u001b[2J"\n'
    (here / "results" / "one" / "suite.toml").write_text(text)
    said = ganbench.said("report", "results/one").err
    assert "\\x1b]0;mine" in said
    assert "none\\x1b[2J" in said
    assert "\x1b" not in said
    assert "\x1b" not in ganbench("report", "one.toml", "--baseline", "\x1b[2J", code=2)


def test_several_make_one_report(here: Path, ganbench, quick: None) -> None:
    assert "report: reports/one+two/index.html" in ganbench("report", "results/one", "results/two")
    text = (here / "reports" / "one+two" / "index.html").read_text()
    assert all(name in text for name in ("nsgan_", "wgan-gp_", "hinge_"))
    commands = [KEPT, KEPT.replace("one", "two"), "ganbench report results/one results/two"]
    assert text.startswith("\n".join([*commands, ""]))


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
        (("pack", "one.toml", "before"), "end in .zip: name them before.zip"),
        (("pack", "one.toml", "empty"), "'empty' is a folder: name a file, such as empty/results.zip"),
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
    assert ganbench("report", "kept/all.zip") == "report: reports/all.zip-of-kept/index.html\n"
