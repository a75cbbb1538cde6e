"""What runs logged and why they failed is shown as text, whatever it holds and however much there is of it."""

import re

import pandas as pd
import pytest

from bench.record import Status
from bench.report import build
from bench.report.legible import legible
from bench.store import Store
from tests.report.synthetic import make_run, spec
from tests.report.test_report import Outline, read
from tests.report.unfinished import HOSTILE, plan_text


def crashed(folder, reason, log_tail):
    """The report of one run that crashed with this."""
    store = Store(folder / "results")
    store.prepare()
    record = make_run(store, spec("nsgan", "ring", 0), Status.CRASHED)
    store.write_record(record.model_copy(update={"reason": reason, "log_tail": log_tail}))
    page = build([store.folder], folder / "report", command="x")
    return page, (folder / "report" / "report.md").read_text(encoding="utf-8")


def test_text_loses_what_a_terminal_would_obey():
    assert legible("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x07 \x1b(Bplain") == "red link plain"
    assert legible("a\r\nb\rc\td") == "a\nb\nc\td"
    assert legible("nul \x00 bell \x07 turned \u202e half \ud800") == "nul � bell � turned � half �"
    for text in ("Wasserstein₁ – 3σ ✓ 中文", "one\u00a0unit", "soft\u00adhyphen", "joined 👩\u200d🔬"):
        assert legible(text) == text


def test_unfinished_escape_sequences_do_not_swallow_the_rest():
    assert legible("\x1b[31\nrest") == "�[31\nrest"
    assert legible("\x1b]0;no end\nnext line") == "�]0;no end\nnext line"
    assert legible("\x1b") == "�"


@pytest.mark.parametrize("where", ["reason", "log_tail"])
def test_control_characters_break_neither_page_nor_markdown_nor_csv(where, tmp_path):
    texts = {"reason": "none", "log_tail": "none"} | {where: HOSTILE * 3}
    page, markdown = crashed(tmp_path, **texts)
    text, outline = read(page)
    assert "<b>bad</b>" not in text
    assert "&lt;b&gt;bad&lt;/b&gt;" in text
    csv = (tmp_path / "report" / "tables" / "failures.csv").read_text(encoding="utf-8")
    for written in (text, markdown, csv):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", written)
        assert "[31m" not in written
        assert "RuntimeError" in written
    assert len(pd.read_csv(tmp_path / "report" / "tables" / "failures.csv")) == 1
    assert outline.tags.count("script") == 1


def test_a_table_of_markdown_keeps_its_columns_whatever_the_reason(tmp_path):
    _, markdown = crashed(tmp_path, "a | b\n| c |\r\n\x0b| d", "tail")
    (line,) = [line for line in markdown.splitlines() if line.startswith("| nsgan\\_mlp")]
    assert len(re.findall(r"(?<!\\)\|", line)) == 5


def test_a_very_long_reason_is_cut_and_kept_whole_in_the_file(tmp_path):
    page, _ = crashed(tmp_path, "x" * 100_000, "tail")
    text, _ = read(page)
    assert "99,700 more letters in tables/failures.csv" in text
    assert "x" * 301 not in text
    failures = pd.read_csv(tmp_path / "report" / "tables" / "failures.csv")
    assert failures["reason"].str.len().tolist() == [100_000]


def test_a_thousand_missing_runs_stay_readable(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    specs = [spec(f"objective-{index:02}", "ring", seed) for seed in range(25) for index in range(40)]
    make_run(store, specs[0], Status.COMPLETED)
    store.write_suite("", plan_text(specs))
    page = build([store.folder], tmp_path / "report", command="x")
    text, outline = read(page)
    assert "999 of 1,000 planned runs have no record yet (999 not begun)" in text
    assert "<summary>Planned runs without a record (40 rows)</summary>" in text
    assert "<summary>How the planned runs ended (40 rows)</summary>" in text
    assert "<summary>999 planned runs without a record, by id</summary>" in text
    assert "… and 949 more, all in tables/missing.csv" in text
    assert sum(run.run_id in text for run in specs) == 50
    assert outline.tags.count("details") < 10
    assert len(pd.read_csv(tmp_path / "report" / "tables" / "missing.csv")) == 999
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "<details><summary>Planned runs without a record (40 rows)</summary>" in markdown
    assert len(markdown.splitlines()) < 600


def test_of_many_failures_a_few_logs_are_shown_one_of_each_kind_first(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    for seed in range(30):
        make_run(store, spec("nsgan", "ring", seed), Status.CRASHED if seed < 29 else Status.TIMED_OUT)
    text, outline = read(build([store.folder], tmp_path / "report", command="x"))
    shown = re.findall(r"Last lines of (\S+), (\S+) at step", text)
    assert len(shown) == 12
    assert {status for _, status in shown} == {"crashed", "timed-out"}
    assert "The last lines of 18 other runs are in tables/failures.csv." in text
    assert isinstance(outline, Outline)
