"""Text of others in Markdown and CSV: shown, never obeyed."""

import io
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.legible import csv_table, legible, markdown_text, slug


def written(*texts):
    return csv_table(pd.DataFrame({"reason": texts, "step": range(len(texts))})).to_csv(index=False)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r\n=1", "\x00=1", " =1", "＝1"]
)
def test_no_text_is_a_formula(text):
    (entry,) = pd.read_csv(io.StringIO(written(text)))["reason"]
    assert entry.startswith("'")
    assert legible(text) in entry


def test_numbers_and_plain_text_stand_as_they_are():
    table = pd.DataFrame({"value": [-1.5, 2.0], "count": [-3, 4], "best": [True, False], "name": ["wgan-gp", "a=b"]})
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(csv_table(table).to_csv(index=False))), table)


@given(st.text())
def test_any_text_comes_back_from_a_file_without_anything_to_obey(text):
    entry = pd.read_csv(io.StringIO(written(text)), keep_default_na=False, dtype=str)["reason"][0]
    assert not re.match(r"\s*[=+\-@]", entry)
    assert entry.removeprefix("'").split() == legible(text).removeprefix("'").split()


@pytest.mark.parametrize(
    "text",
    ["[x](javascript:alert(1))", "![x](http://x/y.png)", "www.evil.com", "http://evil", "a@b.com", "<img src=x>",
     "1. x", "# x", "- x", "> x", "a | b", "`x`", "~~x~~", "$x$", "**x**", "&lt;b&gt;"],
)  # fmt: skip
def test_markdown_marks_nothing(text):
    marked = markdown_text(text)
    unescaped = re.sub(r"\\[^\w\s]|&[#\w]+;", "", marked)
    assert not re.search(r"[\[\]`*_#|~$<>@]|://|www\.|^[-+>]|^\d+[.)] ", unescaped)


def test_names_of_files_are_plain():
    assert slug("Objectives × tasks") == "objectives-tasks"
    assert slug("../../etc/passwd") == "etc-passwd"
    assert slug("FID∞ (é) W₁") == "fid-e-w1"
    assert slug("中文") == "table"
    assert len(slug("x" * 500)) == 60


@given(st.text())
def test_a_name_never_leads_elsewhere(text):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(text))
