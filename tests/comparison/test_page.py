"""The page of a comparison and its files: everything that is said stands there, and what was measured beside it."""

from __future__ import annotations

from pathlib import Path

import markupsafe
import pandas as pd
import pytest

from bench.comparison import words, write_comparison
from bench.comparison.frames import frames
from bench.record import Record
from bench.report.view import ReportWarning
from bench.store import Store
from tests.comparison.changed import change, noisy, on, with_spec
from tests.comparison.made import compare
from tests.report.synthetic import make_results


def test_the_page_tells_everything(earlier: Store, tmp_path: Path) -> None:
    later = change(
        earlier, tmp_path / "later", noisy(0.2, 1, {"hinge": 3.0}), on(processor="<script>alert(1)</script>")
    )
    compared = compare(earlier, later)
    page = write_comparison(compared, tmp_path / "page", command="ganbench compare A B")
    html = page.read_text()
    assert words.closing(compared) in html.replace("&nbsp;", "\u00a0")
    assert "<script>alert(1)</script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert (tmp_path / "page" / "figures" / "improvement.svg").is_file()
    tables = tmp_path / "page" / "tables"
    assert {path.stem for path in tables.glob("*.tex")} <= {path.stem for path in tables.glob("*.csv")}
    assert (tables / "settings.csv").read_text() == "setting,a,b,cells\n"
    environments = pd.read_csv(tables / "environments.csv").set_index("field")
    assert environments.loc["hardware", "b"] == "cpu · <script>alert(1)</script> · 2 cores"
    cells = pd.read_csv(tables / "cells.csv").set_index("objective")
    assert list(cells.index) == ["nsgan", "wgan-gp", "hinge"]
    assert (cells["floor_low"] < cells["floor_median"]).all()
    assert (cells["median_b"] / cells["median_a"]).idxmax() == "hinge"
    assert set(pd.read_csv(tables / "speed.csv")["cell"]) == {f"{name} on ring (mlp)" for name in cells.index}
    assert "ganbench compare A B" in (tmp_path / "page" / "report.md").read_text()


def test_settings_that_differ_are_a_table_of_their_own_file(earlier: Store, tmp_path: Path) -> None:
    fewer = with_spec(training=lambda training: training.model_copy(update={"batch_size": 64}))
    compared = compare(earlier, change(earlier, tmp_path / "later", fewer))
    (line,) = frames(compared)["settings"].to_dict("records")
    assert (line["setting"], line["a"], line["b"]) == ("batch_size", "128", "64")
    assert line["cells"] == "nsgan on ring (mlp); wgan-gp on ring (mlp); hinge on ring (mlp)"


def test_the_perfect_sampler_has_a_row_on_each_task(earlier: Store, tmp_path: Path) -> None:
    compared = compare(earlier, earlier)
    (reference,) = earlier.references()
    drawn = [d.value for d in reference.draws if (d.kind, d.metric) == ("perfect sampler", "sliced_wasserstein")]
    assert {(cell.floor.low, cell.floor.high) for cell in compared.cells if cell.floor} == {(min(drawn), max(drawn))}
    markdown = write_comparison(compared, tmp_path / "page", command="x").with_name("report.md").read_text()
    (row,) = [line for line in markdown.splitlines() if "ring: perfect sampler" in line]
    assert row.count(f"{min(drawn):.4f}–{max(drawn):.4f}") == 2
    alone = make_results(tmp_path / "alone", ["nsgan"], ["ring"], 2, references=False)
    assert [cell.floor for cell in compare(alone, alone).cells] == [None]


def test_warnings_are_told_apart_and_stand_on_the_page(earlier: Store, tmp_path: Path) -> None:
    def partly_elsewhere(record: Record) -> Record:
        return on(processor="Another")(record) if record.spec.seed == 0 else record

    later = change(earlier, tmp_path / "later", partly_elsewhere)
    with pytest.warns(ReportWarning, match=r"^B: .*different hardware"):
        compared = compare(earlier, later)
    with pytest.warns(ReportWarning) as caught:
        compare(later, later)
    assert {str(warning.message)[:3] for warning in caught} == {"A: ", "B: "}
    html = write_comparison(compared, tmp_path / "page", command="x").read_text()
    (warning,) = compared.after.notices
    assert str(markupsafe.escape(f"B: {warning}")) in html
    assert compared.to_plain()["b"]["notices"] == (warning,)
