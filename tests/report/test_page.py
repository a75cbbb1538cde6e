"""A page stands alone: one file, one script that its policy names, every reference answered."""

import base64
import dataclasses
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pytest

from bench.report.blocks import Cell, Page, Row, Section, Table, Text
from bench.report.legible import csv_shown
from bench.report.page import tables, write_page

ROWS = (
    Row((Cell("nsgan"), Cell("2.60", "[1.0–3.0]", best=True), Cell("–"), Cell("told apart")), color="#0072b2"),
    Row((Cell("wgan"), Cell("11.0"), Cell("41k"), Cell("–"))),
    Row((Cell("noise"), Cell("∞"), Cell("–"), Cell("–")), "reference"),
)
TABLE = Table("FID", "Lower is better.", ("", "FID", "images/s", "verdict"), ROWS, frozenset({0, 3}))


def page(*blocks):
    return Page("A title", "A summary.", (Section("answer", "The answer", blocks),), {})


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def written(tmp_path):
    other = Table("FID", "Of another task.", ("", "a"), (Row((Cell("x"), Cell("1"))),), sortable=False, collapsed=True)
    path = write_page(page(Text(("Said.",)), TABLE, other), tmp_path)
    elements = Elements()
    elements.feed(path.read_text(encoding="utf-8"))
    return path, elements.found


def test_the_policy_names_the_one_script(written):
    path, elements = written
    (script,) = re.findall(r"<script>(.*?)</script>", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    (policy,) = [named["content"] for _, named in elements if "default-src" in named.get("content", "")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; script-src 'sha256-{digest}';" in policy
    assert [tag for tag, named in elements if any(name.startswith("on") for name in named)] == []


def test_the_script_fetches_keeps_and_makes_no_markup(written):
    (script,) = re.findall(r"<script>(.*?)</script>", written[0].read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(
        r"fetch|XMLHttp|import|eval|Function|innerHTML|outerHTML|insertAdjacent|Storage|cookie", script
    )


def test_nothing_lies_outside_of_the_page(written):
    path, elements = written
    links = [named[name] for _, named in elements for name in ("href", "src", "xlink:href", "action") if name in named]
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"@import|url\((?!#)|//[a-z0-9-]+\.[a-z]", path.read_text(encoding="utf-8"))


def test_every_reference_is_answered_once(written):
    elements = written[1]
    ids = [named["id"] for _, named in elements if "id" in named]
    assert len(set(ids)) == len(ids)
    for _, named in elements:
        asked = [named.get("href", "").removeprefix("#"), named.get("aria-describedby"), named.get("aria-labelledby")]
        assert {name for name in asked if name} <= set(ids)


def test_headings_and_landmarks_are_in_order(written):
    tags = [tag for tag, _ in written[1]]
    assert [tag for tag in tags if tag in ("header", "nav", "main", "footer")] == ["header", "nav", "main", "footer"]
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert tags.count("caption") == tags.count("table") == 2


def test_a_table_says_what_its_columns_are_sorted_by(written):
    text = written[0].read_text(encoding="utf-8")
    assert re.findall(r'data-sort="([^"]*)"', text) == ["2.6", "11", "41000", "Infinity", "1"]
    assert re.findall(r'<table class="([^"]*)"', text) == ["plain sortable", "plain"]
    assert '<tr class="reference">' in text
    assert "<button" not in text  # the script makes them: without it there is nothing to press


def test_every_table_has_a_file_for_latex_and_one_for_spreadsheets(written):
    names = sorted(path.name for path in (written[0].parent / "tables").iterdir())
    assert names == ["fid-2.csv", "fid-2.tex", "fid.csv", "fid.tex"]
    lines = (written[0].parent / "tables" / "fid.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == [",FID,images/s,verdict", "nsgan,2.60 [1.0–3.0],–,told apart"]
    assert r"\label{tab:fid-2}" in (written[0].parent / "tables" / "fid-2.tex").read_text(encoding="utf-8")
    assert 'id="table-fid-2"' in written[0].read_text(encoding="utf-8")


def test_a_table_as_it_is_shown_calculates_nothing_in_a_spreadsheet():
    shown = csv_shown(("", "=a", "x", "x"), [["-", "+1", "\x1b[31mred", "2"]]).to_csv(index=False)
    assert shown.splitlines() == [",'=a,x,x", "'-,'+1,red,2"]


def test_nothing_of_a_former_page_is_left(tmp_path):
    mine = [tmp_path / "figures" / "mine.svg", tmp_path / "tables" / "mine.csv"]
    for path in mine:
        path.parent.mkdir()
        path.write_text("mine")
    other = dataclasses.replace(TABLE, title="Of before")
    write_page(page(TABLE, other), tmp_path)
    assert all(path.is_file() for path in mine)  # there was no page: they are of somebody else
    (tmp_path / "tables" / "notes.md").write_text("mine")
    (tmp_path / "figures" / "fid.csv").write_text("mine")
    write_page(page(TABLE), tmp_path)
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == ["fid.csv", "fid.tex", "notes.md"]
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["fid.csv"]


def test_names_of_tables_are_their_own():
    def named(*titles):
        return [name for name, _ in tables(page(*(Table(title, "", ("",), ()) for title in titles)))]

    assert named("FID", "fid!", "FID-2", "FID") == ["fid", "fid-2", "fid-2-2", "fid-3"]
    assert [name for name, _ in tables(page(Table("Long title", "", ("",), (), name="short")))] == ["short"]
