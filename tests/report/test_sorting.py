"""Columns are sorted by what their cells mean, however these are written."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.metrics import METRICS
from bench.report import sorting
from bench.report.blocks import Cell, Row, Table
from bench.report.style import plain, share, short, shown
from bench.report.wording import readable_seconds

FINITE = st.floats(0, 1e12, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.0138", 0.0138),
        ("−0.5", -0.5),
        ("-0.5", -0.5),
        ("∞", math.inf),
        ("−∞", -math.inf),
        ("44\u00a0%", 44),
        ("1.25 ×", 1.25),
        ("41k", 41_000),
        ("1.5M", 1.5e6),
        ("1e+03k", 1e6),
        ("12,345", 12_345),
        ("1 of 5", 1),
        ("5 each", 5),
        ("14 of 15 seeds", 14),
        ("412 MiB", 412),
        ("1.5 GiB", 1536),
        ("850\u00a0ms", 0.85),
        ("2.5\u00a0min", 150),
        ("2.0 h", 7200),
        ("<0.001", 0.001),
        ("–", None),
        ("", None),
        ("within the floor", None),
        ("3σ", None),
        ("0, 1, 2", None),
        ("1,2345", None),
    ],
)
def test_number_of_a_text(text, value):
    assert sorting.number(text) == value


@pytest.mark.parametrize("write", [short, plain, readable_seconds, share], ids=lambda write: write.__name__)
@given(one=FINITE, other=FINITE)
def test_what_is_larger_is_never_sorted_before_what_is_smaller(write, one, other):
    low, high = sorted((one, other))
    keys = [sorting.number(write(value)) for value in (low, high)]
    assert keys[0] <= keys[1] * (1 + 1e-12)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
@given(one=st.floats(-1e6, 1e6), other=st.floats(-1e6, 1e6))
def test_values_of_every_metric_keep_their_order(metric, one, other):
    low, high = sorted((one, other))
    assert sorting.number(shown(low, metric)) <= sorting.number(shown(high, metric))


def table(*rows, words=frozenset({0})):
    cells = [tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows]
    return Table("x", "y", ("", "a"), tuple(Row(row) for row in cells), words)


def column(found):
    return [row[1] for row in sorting.keys(found)]


def test_a_column_of_numbers_may_have_gaps():
    assert column(table(("a", "3"), ("b", "–"), ("c", "12k"))) == [3, None, 12_000]


def test_one_word_makes_a_column_one_of_words():
    assert column(table(("a", "3"), ("b", "no record yet"))) == [None, None]


def test_columns_of_words_stay_words_even_of_digits():
    assert column(table(("a", "0–4"), ("b", "3"), words=frozenset({0, 1}))) == [None, None]


def test_a_cell_may_say_what_it_is_sorted_by():
    exact = table(("a", Cell("0.01", sort=0.0123)), ("b", Cell("0.01", sort=0.0121)), ("c", Cell("–", sort=math.nan)))
    assert column(exact) == [0.0123, 0.0121, None]


def test_a_cell_without_rows_has_no_keys():
    assert sorting.keys(table()) == ()
