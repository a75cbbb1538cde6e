"""The report's chapter on tuning: only where there was any, told rightly, and safe from what a file says."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from bench import archive, report
from bench.errors import UsageError
from bench.report import build, figures
from bench.report.style import looks
from bench.report.tuned_tables import budgets, gains
from bench.report.tuning import tables_of, tuning_blocks
from bench.store import Store
from bench.tuned import FILE, read_tuning
from tests.report.tuned import make_tuned, make_tuning

pytestmark = pytest.mark.filterwarnings("ignore:constrained_layout not applied", "ignore:Throughput was measured")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_tuned(tmp_path_factory.mktemp("results") / "small.tuned")


@pytest.fixture(scope="module")
def page(tuned: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build([tuned.folder], tmp_path_factory.mktemp("reports") / "small.tuned", command="ganbench run")


def test_a_report_of_untuned_results_has_no_such_chapter(small: Store) -> None:
    material = report.load(small.folder)
    assert tuning_blocks(material, looks(material.objectives)) == ()
    assert tables_of(material) == {}
    with pytest.raises(UsageError, match="not of a suite that `ganbench tune` has written"):
        figures.best_against_budget(material)


def test_the_chapter_has_its_figures_and_tables(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    assert 'id="tuning"' in html
    for title in ("Tuned against default", "Budgets", "Settings that won", "Importance of settings"):
        assert title in html
    for name in ("best-against-budget", "slices-1-ring", "slices-2-digits"):
        assert (page.parent / "figures" / f"{name}.svg").is_file()
    trials = pd.read_csv(page.parent / "tables" / "tuning-trials.csv")
    assert len(trials) == 80
    assert trials["status"].value_counts().to_dict() == {"completed": 72, "diverged": 8}


def test_tuned_is_held_against_default_by_seed(tuned: Store) -> None:
    material = report.load(tuned.folder)
    table = gains(material, material.tunings[0])
    assert list(zip(table["task"], table["objective"], strict=True)) == [
        ("ring", "nsgan"),
        ("ring", "wgan-gp"),
        ("digits", "nsgan"),
        ("digits", "wgan-gp"),
    ]
    assert (table["seeds"] >= 5).all()  # one run of these results has no record
    for line in table.to_dict("records"):
        default = material.cell(line["task"], line["objective"], line["metric"])
        other = material.cell(line["task"], line["tuned"], line["metric"])
        assert line["default_median"] == pytest.approx(pd.Series(default).median())
        assert line["tuned_median"] == pytest.approx(pd.Series(other).median())
        assert line["improvement_low"] <= line["improvement"] <= line["improvement_high"]
        assert line["p_adjusted"] >= line["p"]


def test_budgets_are_added_up_over_tasks() -> None:
    table = budgets(make_tuning())
    assert table["trials"].tolist() == [40, 40]
    assert table["diverged"].tolist() == [4, 4]
    assert table["images"].tolist() == [36 * 64_000 + 4 * 32] * 2
    assert table["seconds"].tolist() == [100.0, 100.0]


def test_only_random_trials_have_bands(tuned: Store) -> None:
    material = report.load(tuned.folder)
    random = figures.best_against_budget(material)
    assert random.get_suptitle() == "Expected best of k random trials"
    assert all(axes.collections for axes in random.axes)
    learning = material.tunings[0].model_copy(update={"sampler": "TPESampler"})
    object.__setattr__(material, "tunings", (learning,))
    other = figures.best_against_budget(material)
    assert other.get_suptitle() == "Best so far"
    assert not any(axes.collections for axes in other.axes)
    with pytest.raises(UsageError, match="did you mean 'ring'"):
        figures.slices(material, "rings")


def test_before_the_tuned_suite_is_run_the_trials_are_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "results" / "small.tuned")
    store.prepare()
    (store.folder / FILE).write_text(make_tuning().model_dump_json())
    page = build([store.folder], tmp_path / "report", command="ganbench run")
    html = page.read_text(encoding="utf-8")
    assert "is not known yet" in html
    assert "Settings that won" in html


def test_studies_without_any_value_make_no_figures(tmp_path: Path) -> None:
    plain = json.loads(make_tuning(3).model_dump_json())
    plain |= {"suite": "<script>alert(1)</script>", "storage": "<script>alert(2)</script>"}
    for study in plain["studies"]:
        study["best"] = None
        for trial in study["trials"]:
            trial |= {"state": "failed", "status": "crashed", "value": None, "reason": "<script>alert(3)</script>"}
    store = Store(tmp_path / "small.tuned")
    store.prepare()
    (store.folder / FILE).write_text(json.dumps(plain))
    page = build([store.folder], tmp_path / "report", command="ganbench run")
    assert "no trial completed" in page.read_text(encoding="utf-8")
    assert not list((page.parent / "figures").glob("best-against*"))
    assert "<script>alert" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"schema_version": 1}', make_tuning(2).model_dump_json().replace("ring", "<b>").encode()],
    ids=["empty", "torn", "list", "incomplete", "markup for a label"],
)
def test_a_file_that_cannot_be_trusted_is_named_and_skipped(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    rejected: list[str] = []
    assert read_tuning(tmp_path, rejected) is None
    assert len(rejected) == 1
    assert FILE in rejected[0]


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    newer = make_tuning(2).model_copy(update={"schema_version": 2})
    (tmp_path / FILE).write_text(newer.model_dump_json())
    rejected: list[str] = []
    assert read_tuning(tmp_path, rejected) is None
    assert "of version 2" in rejected[0]


def test_packed_results_keep_their_tuning(tuned: Store, tmp_path: Path) -> None:
    packed = archive.pack(tuned.folder, tmp_path / "small.tuned.zip").path
    material = report.load(packed)
    assert material.tunings == report.load(tuned.folder).tunings
    assert not math.isnan(gains(material, material.tunings[0])["improvement"].iloc[0])
