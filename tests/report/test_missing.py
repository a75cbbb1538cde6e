"""What failed and why: counts by status, planned runs without a record, why they have none, what they are part of."""

import json
import re

import pytest

from bench.record import Status
from bench.report.asked import Labels, labels_of
from bench.report.blocks import Picture, Table, Text, Verbatim
from bench.report.missing import Why
from bench.report.reader import read_material
from bench.store import Store
from tests.report.pages import blocks, page_of, rows, table
from tests.report.synthetic import make_run, spec
from tests.report.unfinished import INTERRUPTED_AT, ON_RING, begin_to_run, make_unfinished, plan_text


@pytest.fixture(scope="module")
def page(unfinished):
    return page_of(unfinished)


def test_counts_of_every_cell_with_anything_not_completed(page):
    found = table(page, "How the planned runs ended")
    assert found.columns == ("cell", "planned", *map(str, Status), "missing", "failure rate")
    cells = {name: [cell.text for cell in cells] for name, cells in rows(found).items()}
    assert "ring: nsgan" not in cells
    assert cells["ring: wgan"] == ["5", "–", "1", "1", "1", "1", "1", "–", "100\u00a0%"]
    assert cells["ring: wgan-gp"] == ["5", "2", "–", "–", "–", "–", "–", "3", "0\u00a0%"]
    assert cells["ring: minimax"] == ["5", "3", "1", "–", "–", "1", "–", "–", "40\u00a0%"]
    assert cells["ring: r3gan"] == ["5", "–", "–", "–", "–", "–", "–", "5", "–"]
    assert cells["digits: nsgan"][-2:] == ["5", "–"]
    assert rows(found)["ring: wgan-gp"][-1].detail == "0 of 2"
    assert "of the 1 other every planned run did" in found.caption


def test_log_tails_are_shown_with_the_runs_status(page):
    run = spec("minimax", "ring", 3)
    titles = [block.title for block in blocks(page, Verbatim, "failures")]
    assert any(re.match(rf"Last lines of {run.run_id}, crashed at step [\d,]+$", title) for title in titles)


def test_missing_runs_are_told_with_why(unfinished, page):
    missing = read_material([unfinished.folder]).missing.set_index(["task", "objective", "seed"])
    whys = {seed: missing.loc[("ring", "wgan-gp", seed), "why"] for seed in (2, 3, 4)}
    assert whys == {2: Why.INTERRUPTED, 3: Why.BEGUN, 4: Why.NOT_BEGUN}
    assert missing.loc[("ring", "wgan-gp", 2), "step"] == INTERRUPTED_AT
    said = [tuple(cell.text for cell in row.cells) for row in table(page, "Planned runs without a record").rows]
    assert said[:3] == [
        ("ring: wgan-gp", "interrupted; the next run goes on from there", "1", "2 at step 1,200"),
        ("ring: wgan-gp", "begun, no checkpoint yet", "1", "3"),
        ("ring: wgan-gp", "not begun", "1", "4"),
    ]
    assert ("ring: r3gan", "not begun", "5", "0–4") in said
    assert ("digits: nsgan", "not begun", "5", "0–4") in said
    (notice,) = blocks(page, Text, "answer")
    assert notice.paragraphs[0].startswith(
        "33 of 50 planned runs have no record yet (1 interrupted; 1 begun, no checkpoint yet; 31 not begun)"
    )


def test_a_report_of_a_suite_being_run_says_so_before_anything_else(tmp_path):
    store = make_unfinished(tmp_path / "results")
    begin_to_run(store, [spec("wgan-gp", "ring", 2), spec("r3gan", "ring", 0)])
    page = page_of(store)
    first = page.sections[0].blocks[0]
    assert isinstance(first, Text)
    said = r"This report is of \d{4}-\d\d-\d\d \d\d:\d\d UTC, made while the suite was being run: 2 runs are under way"
    assert re.match(said, first.paragraphs[0])
    assert "17 of 40 tasks of its phase “runs” are done" in first.paragraphs[0]
    said = [tuple(cell.text for cell in row.cells) for row in table(page, "Planned runs without a record").rows]
    assert ("ring: wgan-gp", "under way", "1", "2 at step 1,200 (40\u00a0%)") in said
    assert ("ring: r3gan", "under way", "1", "0 at step 1,200 (40\u00a0%)") in said


def test_what_another_machine_told_is_told_with_its_time(tmp_path):
    store = make_unfinished(tmp_path / "results")
    begin_to_run(store, [spec("r3gan", "ring", 0)], host="elsewhere")
    said = page_of(store).sections[0].blocks[0].paragraphs[0]
    assert "1 run is under way" in said
    assert "So elsewhere told at 2026-11-21 12:00 UTC." in said


def test_nothing_is_said_of_a_suite_that_is_not_being_run(page, small):
    assert not any("This report is of" in said for block in blocks(page, Text) for said in block.paragraphs)
    whole = page_of(small)
    assert blocks(whole, Text, "answer") == []
    assert [block.title for block in blocks(whole, Table, "failures")] == []
    assert not any(cell.counted for found in blocks(whole, Table) for row in found.rows for cell in row.cells)
    assert not any("planned runs:" in found.caption for found in blocks(whole, Picture))


def test_a_planned_run_whose_record_is_torn_is_not_called_begun(tmp_path):
    store = make_unfinished(tmp_path / "results")
    run = spec("nsgan", "ring", 0)
    (store.run_folder(run.run_id) / "record.json").write_text("{")
    missing = read_material([store.folder]).missing.set_index("run_id")
    assert missing.loc[run.run_id, "why"] == Why.UNTRUSTED


# which cell a missing run is of


def test_a_run_id_tells_its_labels():
    assert labels_of("wgan-gp_mlp_ring_s12_0123abcd") == Labels("wgan-gp", "mlp", "ring", 12)
    assert labels_of(spec("nsgan", "digits", 3).run_id) == Labels("nsgan", "dcgan", "digits", 3)
    for foreign in ("<img src=x>", "a_b_s1_0123abcd", "a_b_c_s1_0123abcd\n", "../a_b_c_s1_0123abcd"):
        assert labels_of(foreign) is None


def test_runs_that_no_id_places_are_counted_and_listed(tmp_path):
    store = make_unfinished(tmp_path / "results")
    run = spec("nsgan", "ring", 0).run_id
    store.write_suite("", json.dumps({"runs": [run, "of another making"]}))
    page = page_of(store)
    assert "1 of 2 planned runs has no record yet" in blocks(page, Text, "answer")[0].paragraphs[0]
    said = [tuple(cell.text for cell in row.cells) for row in table(page, "Planned runs without a record").rows]
    assert said == [("not told by its id", "not begun", "1", "–")]


def test_a_cell_of_two_possible_tasks_stands_in_neither(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    recorded = [spec("nsgan", "ring", 0), spec("wgan", "ring", 0, steps=2000)]
    for run in recorded:
        make_run(store, run, Status.COMPLETED)
    store.write_suite("", plan_text([*recorded, spec("wgan", "ring", 1, steps=2000), spec("r3gan", "ring", 0)]))
    material = read_material([store.folder])
    placed = material.missing.set_index("objective")["task"].to_dict()
    assert placed == {"wgan": "ring, 2,000 steps", "r3gan": "ring, mlp"}
    assert material.unbegun == ("ring, mlp",)


def test_colours_do_not_change_when_a_record_comes_in(tmp_path):
    store = make_unfinished(tmp_path / "results")
    before = read_material([store.folder]).objectives
    make_run(store, spec("r3gan", "digits", 0), Status.COMPLETED)
    make_run(store, spec("r3gan", "ring", 0), Status.COMPLETED)
    assert read_material([store.folder]).objectives == before == tuple(ON_RING)
