"""While runs are missing or failed the report says which and why, and no number stands without what it is of."""

import re

import numpy as np
import pandas as pd
import pytest

from bench.record import Status
from bench.report import build, significance, tables
from bench.report.answer import answer
from bench.report.blocks import Finding, Text
from bench.report.reader import read_material
from bench.store import Store
from tests.report.pages import across_tasks, blocks, page_of, picture, rows, table, words
from tests.report.synthetic import make_run, spec
from tests.report.unfinished import ON_RING, make_unfinished, plan_text

WGAN = "1 diverged, 1 out-of-memory, 1 timed-out, 1 crashed, 1 failed"
BESIDE = {
    "nsgan": "",
    "wgan": f"0 of 5: {WGAN}",
    "wgan-gp": "2 of 5: 3 missing",
    "minimax": "3 of 5: 1 diverged, 1 crashed",
    "r3gan": "0 of 5: 5 missing",
}
"""What stands beside a number of each objective on the ring."""
PARTIAL = (
    f"wgan 0 of 5 ({WGAN}); wgan-gp 2 of 5 (3 missing); minimax 3 of 5 (1 diverged, 1 crashed); "
    "r3gan 0 of 5 (5 missing)"
)


@pytest.fixture(scope="module")
def page(unfinished):
    return page_of(unfinished)


@pytest.fixture(scope="module")
def reports(unfinished, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports") / "unfinished"
    build([unfinished.folder], folder, command="x")
    return folder


# beside the numbers


def test_overview_says_of_how_many_planned_runs_each_median_is_and_why(page):
    found = rows(table(page, "Objectives × tasks"))
    assert {name: found[name][0].counted for name in ON_RING} == BESIDE
    assert [found[name][0].text == "–" for name in ON_RING] == [False, True, False, False, True]


def test_a_task_that_has_not_begun_has_a_column_and_a_finding(page):
    overview = table(page, "Objectives × tasks")
    assert overview.columns == ("objective", "ring: Sliced W₁", "digits: no record yet")
    found = rows(overview)
    assert {(found[name][1].text, found[name][1].counted) for name in ON_RING} == {("–", "0 of 5: 5 missing")}
    _, digits = blocks(page, Finding)
    assert (digits.subject, digits.lead) == ("digits", "None of 25 planned runs has a record yet.")


@pytest.mark.parametrize("title", ["Objectives × tasks", "ring", "Selection protocols"])
def test_no_number_of_some_runs_stands_alone(page, title):
    found = table(page, title)
    rest = found.columns.index("not completed") if "not completed" in found.columns else None
    for row in found.rows:
        name = row.cells[0].text.removeprefix("ring: ")
        if BESIDE.get(name):
            for index, cell in enumerate(row.cells[1:], start=1):
                if index != rest and cell.text != "–":
                    assert re.match(r"\d of 5", cell.counted), (name, found.columns[index])


def test_task_table_counts_what_did_not_complete_by_status_and_missing(page):
    found = table(page, "ring")
    at = found.columns.index("not completed") - 1
    cells = {name: (cell[at].text, cell[at].counted) for name, cell in rows(found).items() if name in ON_RING}
    assert cells == {
        "nsgan": ("0 of 5", ""),
        "wgan": ("5 of 5", WGAN),
        "wgan-gp": ("3 of 5", "3 missing"),
        "minimax": ("2 of 5", "1 diverged, 1 crashed"),
        "r3gan": ("5 of 5", "5 missing"),
    }
    seconds = {name: cell[at + 1].counted for name, cell in rows(found).items() if name in ON_RING}
    assert seconds == {"nsgan": "", "wgan": "0 of 5", "wgan-gp": "2 of 5", "minimax": "3 of 5", "r3gan": "0 of 5"}


def test_missing_runs_do_not_rank_and_take_no_rank_from_others(unfinished):
    ranks = tables.ranks(read_material([unfinished.folder])).set_index("objective")
    assert list(ranks.index) == ["nsgan", "wgan", "wgan-gp", "minimax"]
    assert set(zip(ranks["seeds"], ranks["planned"], strict=True)) == {(2, 5)}
    assert ranks["mean_rank"].idxmax() == "wgan"


def test_a_crashed_run_ranks_last_where_a_missing_one_would_not(tmp_path):
    medians = {}
    for status in (Status.CRASHED, None):
        store = Store(tmp_path / str(status))
        store.prepare()
        specs = [spec("nsgan", "ring", seed) for seed in range(4)]
        for run, ended in zip(specs, [Status.COMPLETED] * 2 + [status] * 2, strict=True):
            if ended is not None:
                make_run(store, run, ended)
        store.write_suite("", plan_text(specs))
        summary = tables.summary(read_material([store.folder])).set_index("metric")
        medians[status] = summary.loc["sliced_wasserstein", "ranking"]
    assert medians[Status.CRASHED] == np.inf
    assert np.isfinite(medians[None])


def test_mean_rank_over_some_of_the_planned_seeds_says_so(page):
    found = table(page, "ring")
    at = found.columns.index("mean rank") - 1
    assert {rows(found)[name][at].counted for name in ("nsgan", "wgan-gp")} == {"2 of 5 seeds"}
    assert "have a record of: 2 of 5." in found.caption


def test_answer_says_which_runs_it_rests_on_and_why_not_on_all(page):
    ring, _ = blocks(page, Finding)
    assert "over the 2 of 5 runs that have one (3 missing)" in ring.evidence[0]
    assert f"Completed, of the planned runs: {PARTIAL}; of all others every run." in ring.evidence
    assert "preliminary: 8 of 25 runs missing" in ring.tags
    assert any("per run (2 of 5 completed)" in sentence for sentence in ring.evidence)


def test_answer_without_any_value_counts_what_happened(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    specs = [spec("wgan", "ring", seed) for seed in range(3)]
    make_run(store, specs[0], Status.CRASHED)
    store.write_suite("", plan_text(specs))
    material = read_material([store.folder])
    finding, *_ = answer(material, significance.best_comparisons(material), *across_tasks(material))
    assert finding.lead == "None of 3 runs has a value of Sliced W₁."
    assert finding.evidence[0] == "Completed, of the planned runs: wgan 0 of 3 (1 crashed, 2 missing)."


def test_every_figure_counts_planned_runs(page):
    points = picture(page, "metric-sliced-wasserstein")
    assert [word for word in words(points.figure) if "of" in word.split()] == ["0 of 5", "2 of 5", "3 of 5", "0 of 5"]
    assert re.search(r"wgan – \(0 of 5\), wgan-gp [\d.]+ \(2 of 5\), minimax [\d.]+ \(3 of 5\)", points.alternative)
    cost = picture(page, "quality-cost")
    assert sorted(words(cost.figure)) == ["2 of 5", "2 of 5", "3 of 5", "3 of 5"]
    assert PARTIAL in cost.caption
    assert [word for word in words(picture(page, "comparisons").figure) if word] == ["2 of 5", "2 of 5"]
    assert words(picture(page, "selection").figure) == ["0 of 5", "2 of 5", "3 of 5", "0 of 5"]


def test_curves_count_the_fewest_runs_of_a_point(page):
    found = picture(page, "curves-1")
    (legend,) = found.figure.legends
    named = dict(text.get_text().partition(": ")[::2] for text in legend.get_texts())
    assert named["nsgan"] == ""
    assert (named["wgan-gp"], named["minimax"]) == ("2 of 5", "3 of 5")
    assert named["wgan"] in ("3 of 5", "4 of 5")
    assert PARTIAL in found.caption
    assert {ax.get_xlabel() for ax in found.figure.axes} == {
        "real images shown",
        "generator steps",
        "seconds of training",
    }
    panels = picture(page, "players-1").figure.axes
    titles = {ax.get_title(loc="left"): ax.get_title(loc="right") for ax in panels if ax.get_title(loc="left")}
    assert (titles["nsgan"], titles["wgan-gp"], titles["minimax"]) == ("", "2 of 5", "3 of 5")


def test_samples_say_that_a_seed_has_no_record_yet(page):
    said = [" ".join(word.split()) for word in words(picture(page, "samples-1").figure)]
    assert "no record of this seed yet" in said


def test_comparisons_say_which_runs_stand_on_either_side(page):
    found = table(page, "The best against each other")
    cells = {name: cells[-1] for name, cells in rows(found).items()}
    cell = cells["ring: wgan-gp over minimax"]
    assert (cell.text, cell.detail) == ("2 of 5; 3 of 5", "2 seeds in common")
    assert cell.counted == "wgan-gp: 3 missing; minimax: 1 diverged, 1 crashed"
    assert f"in no row: wgan on ring 0 of 5 ({WGAN}); r3gan on ring 0 of 5 (5 missing)." in found.caption


def test_a_metric_without_a_value_of_a_completed_run_is_undefined(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    specs = [spec("nsgan", "ring", seed) for seed in range(3)]
    for run in specs[:2]:
        record = make_run(store, run, Status.COMPLETED)
    none = tuple(m.model_copy(update={"value": None}) for m in record.measurements)
    store.write_record(record.model_copy(update={"measurements": none}))
    store.write_suite("", plan_text(specs))
    summary = tables.summary(read_material([store.folder])).set_index("metric")
    line = summary.loc["sliced_wasserstein"]
    assert (line["finished"], line["runs"], line["planned"]) == (1, 2, 3)
    assert line["without"] == "1 undefined, 1 missing"


def test_first_line_counts_planned_runs(page):
    assert page.summary == (
        "5 objectives on 2 tasks, 5 seeds each: 50 runs, 10 completed, 2 diverged, 1 out-of-memory, 1 timed-out, "
        "2 crashed, 1 failed, 33 missing."
    )


def test_a_suite_without_any_record_names_its_cells(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    store.write_suite("", plan_text([spec(name, "ring", seed) for name in ("nsgan", "wgan") for seed in range(3)]))
    page = page_of(store)
    assert page.summary == "None of 6 planned runs has a record yet."
    assert [finding.lead for finding in blocks(page, Finding)] == ["None of 6 planned runs has a record yet."]
    cells = {name: cells[0].counted for name, cells in rows(table(page, "Objectives × tasks")).items()}
    assert cells == {"nsgan": "0 of 3: 3 missing", "wgan": "0 of 3: 3 missing"}


# protocol


def test_runs_that_cannot_be_repeated_and_resumed_runs_are_told(tmp_path):
    store = make_unfinished(tmp_path / "results")
    for seed in (0, 1):
        record = store.record(spec("minimax", "ring", seed).run_id)
        store.write_record(record.model_copy(update={"nondeterministic": ("scatter_add",)}))
    for name, seed in (("nsgan", 0), ("minimax", 1)):
        record = store.record(spec(name, "ring", seed).run_id)
        timings = record.timings.model_copy(update={"resumptions": 2})
        store.write_record(record.model_copy(update={"timings": timings}))
    said = [sentence for block in blocks(page_of(store), Text, "protocol") for sentence in block.paragraphs]
    assert any(
        sentence.startswith("2 of 17 recorded runs cannot be repeated bit for bit")
        and "(scatter_add: minimax)" in sentence
        for sentence in said
    )
    assert any(
        sentence.startswith("2 of 17 recorded runs were interrupted and resumed")
        and "their seconds add up over the parts. Not so 1 of them" in sentence
        for sentence in said
    )


def test_protocol_is_silent_where_all_can_be_repeated(page):
    said = " ".join(sentence for block in blocks(page, Text, "protocol") for sentence in block.paragraphs)
    assert "bit for bit" not in said
    assert "resumed" not in said


# the files


def test_files_beside_the_page_count_planned_runs(reports):
    summary = pd.read_csv(reports / "tables" / "summary.csv").set_index(["task", "objective", "metric"])
    line = summary.loc[("ring", "minimax", "sliced_wasserstein")]
    assert (line["finished"], line["runs"], line["planned"]) == (3, 5, 5)
    assert line["without"] == "1 diverged, 1 crashed"
    line = summary.loc[("ring", "r3gan", "sliced_wasserstein")]
    assert (line["finished"], line["runs"], line["planned"], line["without"]) == (0, 0, 5, "5 missing")
    statuses = pd.read_csv(reports / "tables" / "statuses.csv").set_index(["task", "objective"])
    assert len(statuses) == 10
    assert statuses.loc[("ring", "minimax"), ["planned", "recorded", "crashed", "missing"]].tolist() == [5, 5, 1, 0]
    assert statuses.loc[("ring", "minimax"), "failure_rate"] == pytest.approx(0.4)
    assert statuses.loc[("digits", "r3gan"), "missing"] == 5
    missing = pd.read_csv(reports / "tables" / "missing.csv")
    assert len(missing) == 33
    assert set(missing["why"]) == {"interrupted", "begun, no checkpoint yet", "not begun"}
    for name in ("selection", "comparisons", "ranks"):
        assert any("planned" in column for column in pd.read_csv(reports / "tables" / f"{name}.csv").columns)


def test_markdown_says_the_same(reports):
    markdown = (reports / "report.md").read_text(encoding="utf-8")
    assert "<sub>(3 of 5: 1 diverged, 1 crashed)</sub>" in markdown
    assert "<sub>(0 of 5: 5 missing)</sub>" in markdown
    assert "33 of 50 planned runs have no record yet" in markdown
    assert "2 at step 1,200" in markdown
    assert markdown.count("<details>") == markdown.count("</details>") > 0
