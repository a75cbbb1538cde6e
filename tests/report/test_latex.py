r"""Tables as LaTeX: whatever their text is, they compile as far as it can be told without TeX.

What TeX obeys stands escaped, groups and environments are closed, and every row has as many cells as there are columns.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.blocks import Cell, Row, Table
from bench.report.latex import latex_table, latex_text
from bench.report.page import tables
from tests.report.pages import page_of
from tests.report.unfinished import HOSTILE

LETTERS = list("\\{}$&#_%~^<>|\"'`-[]*\n\t a₁²σ×–“\u00a0\x00\u202e")
TEXTS = st.text(st.one_of(st.sampled_from(LETTERS), st.characters()))
OF_TEXT = r"\textbackslash \textasciitilde \textasciicircum \textless \textgreater \textbar \textasciigrave \ldots"
COMMANDS = frozenset(OF_TEXT.split())
ATTACKS = [
    r"\input{/etc/passwd}",
    r"$\input{x}$",
    r"\write18{rm -rf}",
    r"\immediate\write18{id}",
    r"}\end{tabular}\input|id",
    "^^5cinput x",
    "100% sure\n\\def\\x{",
    r"a & b \\ \hline #1 ~",
    HOSTILE,
]


def tokens(tex):
    r"""Control words and symbols, and single letters, as TeX reads them: a comment ends its line."""
    return re.findall(r"\\(?:[A-Za-z]+|.)|%[^\n]*|.", tex, flags=re.DOTALL)


def commands(tex):
    return {token for token in tokens(tex) if token.startswith("\\") and token[1:].isalpha()}


def check_text(tex):
    """The text is inert: no command that is not its own, no comment, alignment, parameter, and all groups closed."""
    depth = 0
    formula = False
    for token in tokens(tex):
        assert token[0] not in "%&#", token
        assert not (token in "^_" and not formula)
        if token == "$":
            formula = not formula
        depth += {"{": 1, "}": -1}.get(token, 0)
        assert depth >= 0
        if token.startswith("\\") and token[1:].isalpha() and not formula:
            assert token in COMMANDS, token
    assert depth == 0
    assert not formula
    assert "^^" not in tex
    assert "\n" not in tex
    assert not re.search(r"[\x00-\x1f\x7f\u202a-\u202e]", tex)


@pytest.mark.parametrize("text", ATTACKS)
def test_no_text_is_a_command(text):
    check_text(latex_text(text))


@given(TEXTS)
def test_any_text_is_inert(text):
    check_text(latex_text(text))


def test_text_is_set_as_it_stands():
    assert latex_text("Sliced W₁, 3σ, 5 %, n_critic & {x}") == r"Sliced W$_1$, 3$\sigma$, 5 \%, n\_critic \& \{x\}"
    assert latex_text("1.2\u00a0s – “k of N”…") == r"1.2~s -- ``k of N''\ldots{}"
    assert latex_text("a--b---c ''") == "a-{}-b-{}-{}-c '{}'"
    assert latex_text("−∞ × ±") == r"$-$$\infty$ $\times$ $\pm$"
    assert latex_text("two\n lines") == "two lines"
    assert latex_text("中文 é") == "中文 é"


def check_table(tex, table, name):
    plain = [line for line in tex.splitlines() if not line.startswith("%")]
    environments = re.findall(r"\\(begin|end)\{(\w+)\}", "\n".join(plain))
    assert environments == [("begin", "table"), ("begin", "tabular"), ("end", "tabular"), ("end", "table")]
    (alignment,) = [line for line in plain if line.startswith(r"\begin{tabular}")]
    letters = re.sub(r"p\{[\d.]+\\linewidth\}", "p", alignment.removeprefix(r"\begin{tabular}"))
    assert re.fullmatch(rf"\{{[lrp]{{{len(table.columns)}}}\}}", letters)
    lines = [line for line in plain if line.endswith(r" \\")]
    assert len(lines) == len(table.rows) + 1
    for line in lines:
        assert tokens(line).count("&") == len(table.columns) - 1
        assert not line.lstrip().startswith(("[", "*"))
    assert [plain.index(rf"\{rule}rule") for rule in ("top", "mid", "bottom")] == sorted(
        plain.index(rf"\{rule}rule") for rule in ("top", "mid", "bottom")
    )
    assert rf"\label{{tab:{name}}}" in plain
    depth = 0
    for token in tokens("\n".join(plain)):
        depth += {"{": 1, "}": -1}.get(token, 0)
        assert depth >= 0
    assert depth == 0
    outside = [re.sub(r"\$[^$]*\$", "", line.replace(r"\$", "")) for line in lines]
    assert commands("\n".join(outside)) <= COMMANDS | {r"\textbf", r"\textit", r"\scriptsize"}


@given(st.data())
def test_any_table_is_well_formed(data):
    width = data.draw(st.integers(1, 5))
    cells = st.builds(Cell, TEXTS, TEXTS, st.booleans(), TEXTS)
    rows = st.builds(Row, st.tuples(*[cells] * width), st.sampled_from(["measured", "reference"]), st.just("#0072b2"))
    table = Table(
        data.draw(TEXTS),
        data.draw(TEXTS),
        data.draw(st.tuples(*[TEXTS] * width)),
        tuple(data.draw(st.lists(rows, max_size=4))),
    )
    check_table(latex_table(table, "name"), table, "name")


def test_every_table_of_a_report_is_well_formed(unfinished):
    found = tables(page_of(unfinished))
    assert len(found) > 5
    assert len({name for name, _ in found}) == len(found)
    for name, table in found:
        assert re.fullmatch(r"[a-z0-9-]+", name)
        check_table(latex_table(table, name), table, name)


def test_best_is_bold_and_references_are_italic():
    rows = (
        Row((Cell("nsgan"), Cell("0.1", "[0.0–0.2]", best=True, counted="4 of 5"))),
        Row((Cell("noise"), Cell("9.0")), "reference"),
    )
    tex = latex_table(Table("FID", "Lower is better.", ("", "FID"), rows), "fid")
    assert r"nsgan & \textbf{0.1}\,$\star$ {\scriptsize [0.0--0.2]} {\scriptsize (4 of 5)} \\" in tex
    assert r"\textit{noise} & \textit{9.0} \\" in tex


def test_wide_tables_are_set_smaller():
    def made(columns, letters=8):
        row = Row(tuple(Cell("9" * letters) for _ in range(columns)))
        return latex_table(Table("x", "y", ("c",) * columns, (row,)), "x")

    assert r"\small" not in made(4)
    assert r"\small" in made(8)
    assert r"\scriptsize" in made(14)
    assert r"p{" in latex_table(Table("x", "y", ("c",), (Row((Cell("word " * 20),)),)), "x")
