"""The report's pages in a real browser: accessible, sortable, as wide as the screen, whole on paper, alone."""

from __future__ import annotations

import io
import itertools
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest

from bench.comparison import compare_results, write_comparison
from bench.report import build
from bench.spec import Frozen
from tests.comparison.changed import change, failed, noisy, on, with_spec
from tests.report.synthetic import make_results
from tests.report.unfinished import make_unfinished
from tests.web.browser import Browser

PUBLISHED = sorted((Path(__file__).parents[2] / "reports" / "published").glob("**/index.html"))
VIEWS = {
    "light": {"width": 1400},
    "dark": {"width": 1400, "scheme": "dark"},
    "phone": {"width": 320},
    "phone-dark": {"width": 320, "scheme": "dark"},
    "print": {"width": 1000, "media": "print"},
}


class Reports(dict[str, Path]):
    """Pages by name: a whole suite, one left half-way and a comparison, made when first asked for, and the published
    ones.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__({f"published-{page.parent.name}": page for page in PUBLISHED})
        self.folder = folder

    def __missing__(self, name: str) -> Path:
        if name == "comparison":
            self[name] = make_comparison(self.folder / name, self.folder / "reports" / name)
            return self[name]
        make = {"whole": make_results, "unfinished": make_unfinished}[name]
        store = make(self.folder / name)
        self[name] = build([store.folder], self.folder / "reports" / name, command="ganbench run suites/losses.toml")
        return self[name]


def make_comparison(folder: Path, reports: Path) -> Path:
    """Two whole suites: other noise, other software, one objective worse and one of other settings that failed."""

    def slower(objective: Frozen) -> Frozen:
        return objective.model_copy(update={"n_critic": 3})

    earlier = make_results(folder / "earlier")
    changes = (noisy(0.1, 1, {"hinge": 3.0}), failed("lsgan", 5), on(packages={"torch": "2.12.0"}))
    later = change(earlier, folder / "later", *changes, with_spec(objective=slower))
    compared = compare_results(earlier.folder, later.folder)
    return write_comparison(compared, reports, command="ganbench compare results/earlier results/later")


@pytest.fixture(scope="session")
def reports(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    return Reports(tmp_path_factory.mktemp("pages"))


NAMES = ["whole", "unfinished", "comparison", *(f"published-{page.parent.name}" for page in PUBLISHED)]


@pytest.fixture(params=NAMES)
def page(request: pytest.FixtureRequest, reports: Reports) -> Path:
    return reports[request.param]


@pytest.mark.parametrize("view", VIEWS)
def test_nobody_is_kept_out(browser: Browser, page: Path, view: str, screenshots: Path) -> None:
    browser.open(page, **VIEWS[view])
    browser.photograph(screenshots / f"{page.parent.name}-{view}")
    assert browser.violations() == []


@pytest.mark.parametrize("width", [320, 390, 768, 1400])
def test_the_page_is_as_wide_as_the_screen(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width=width)
    assert browser.run("return document.scrollingElement.scrollWidth") <= width
    browser.run("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert browser.run("return document.scrollingElement.scrollWidth") <= width


def test_nothing_is_fetched_and_nothing_complained_of(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.run("return performance.getEntriesByType('resource').map((entry) => entry.name)") == []
    assert browser.requested() == [page.as_uri()]
    assert browser.logged() == []


def test_a_script_that_the_page_was_not_made_with_does_not_run(browser: Browser, reports: Reports) -> None:
    browser.open(reports["whole"])
    browser.run(
        "const script = document.createElement('script'); script.textContent = 'window.intruder = true';"
        "document.body.append(script);"
        "const picture = document.createElement('img'); picture.setAttribute('onerror', 'window.intruder = true');"
        "picture.src = 'http://127.0.0.1:9/x.png'; document.body.append(picture);"
    )
    assert browser.run("return window.intruder ?? null") is None
    assert any("Content Security Policy" in message for message in browser.logged())


COLUMN = """
const table = document.querySelector(arguments[0]);
return [...table.tBodies[0].rows].map((row) => {
  const cell = row.cells[arguments[1]];
  return [row.cells[0].textContent, cell.dataset.sort ?? null, row.className];
});
"""
TABLE = "#table-ring + .scroll table"


def order(browser: Browser, column: int) -> list[list[str | None]]:
    rows: list[list[str | None]] = browser.run(COLUMN, TABLE, column)
    return rows


def press(browser: Browser, column: int, how: str) -> str | None:
    """Press a column's heading; what it says of the order then."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    heading = browser.driver.find_element(By.CSS_SELECTOR, f"{TABLE} thead th:nth-child({column + 1})")
    button = heading.find_element(By.TAG_NAME, "button")
    if how == "click":
        browser.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", button)
        button.click()
    else:
        button.send_keys(Keys.ENTER if how == "enter" else Keys.SPACE)
    said: str | None = heading.get_attribute("aria-sort")
    return said


@pytest.mark.parametrize("how", ["click", "enter", "space"])
@pytest.mark.parametrize("name", ["whole", "unfinished"])
def test_a_column_is_sorted_up_down_and_as_it_was(browser: Browser, reports: Reports, name: str, how: str) -> None:
    browser.open(reports[name])
    first = order(browser, 3)
    for direction, sign in (("ascending", 1), ("descending", -1)):
        assert press(browser, 3, how) == direction
        rows = order(browser, 3)
        assert sorted(map(str, rows)) == sorted(map(str, first))
        measured = [key for _, key, kind in rows if kind != "reference"]
        known = [float(key) for key in measured if key is not None]
        assert known == sorted(known, key=lambda value: sign * value)
        assert len(known) > 2
        assert measured[len(known) :] == [None] * (len(measured) - len(known))
        assert [row for row in rows if row[2] == "reference"] == rows[-2:]
        told = browser.run("return document.querySelectorAll('[aria-sort]').length")
        assert told == 1
    assert press(browser, 3, how) is None
    assert order(browser, 3) == first
    assert browser.logged() == []


def test_sorting_by_another_column_begins_anew_and_keeps_equal_rows_in_order(
    browser: Browser, reports: Reports
) -> None:
    browser.open(reports["whole"])
    names = [row[0] for row in order(browser, 0)]
    assert press(browser, 3, "click") == "ascending"
    assert press(browser, 1, "click") == "ascending"
    rows = [row for row in order(browser, 1) if row[2] != "reference"]
    for one, other in itertools.pairwise(rows):
        if one[1] == other[1]:
            assert names.index(one[0]) < names.index(other[0])
    assert browser.run("return document.querySelector('[role=status]').textContent").startswith("Sorted by Modes")


def test_words_are_sorted_as_words(browser: Browser, reports: Reports) -> None:
    browser.open(reports["whole"])
    assert press(browser, 0, "click") == "ascending"
    names = [row[0] for row in order(browser, 0) if row[2] != "reference"]
    assert names == sorted(names)


def test_colours_follow_the_system_until_they_are_chosen(browser: Browser, reports: Reports) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    press_theme = "const button = document.querySelector('.theme'); button.click(); return button.textContent"
    browser.open(reports["whole"])
    light = browser.run(ground)
    browser.open(reports["whole"], scheme="dark")
    dark = browser.run(ground)
    assert light != dark
    steps = [(browser.run(press_theme), browser.run(ground)) for _ in range(3)]
    assert steps == [("Colours: light", light), ("Colours: dark", dark), ("Colours: auto", dark)]
    assert browser.run("return localStorage.length + sessionStorage.length + document.cookie.length") == 0
    figure = "return getComputedStyle(document.querySelector('figure svg text')).fill"
    shown = {browser.run(figure)}
    browser.run(press_theme)
    assert browser.run(figure) not in shown


def test_without_scripts_everything_is_there_and_nothing_pretends_to_be_pressed(
    browser: Browser, reports: Reports
) -> None:
    browser.open(reports["whole"], script=False)
    document = browser.command("DOM.getDocument", depth=1)["root"]["nodeId"]
    html = browser.command("DOM.getOuterHTML", nodeId=document)["outerHTML"]
    browser.command("Emulation.setScriptExecutionDisabled", value=False)
    assert "<button" not in html
    assert html.count("<table") > 5
    assert html.count('tabindex="0"') > 10


def test_the_keyboard_comes_by_in_the_order_of_the_page(browser: Browser, reports: Reports) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.open(reports["whole"])
    visited = []
    for _ in range(16):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        visited.append(browser.run("const on = document.activeElement; return on.textContent.trim()"))
    links = [link.get_attribute("textContent") for link in browser.driver.find_elements(By.CSS_SELECTOR, "nav a")]
    assert visited[:2] == ["Skip to the content", "Colours: auto"]
    assert visited[2 : 2 + len(links)] == links
    browser.open(reports["whole"])
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "page-content"


def test_on_paper_every_section_is_there_and_no_figure_is_cut(browser: Browser, page: Path, screenshots: Path) -> None:
    from pypdf import PdfReader

    browser.open(page, scheme="dark")
    titles = browser.run("return [...document.querySelectorAll('main h2, main summary')].map((h) => h.textContent)")
    printed = browser.print()
    assert browser.run("return document.querySelectorAll('details[open]').length") == 0  # closed again
    name = page.parent.name
    (screenshots / f"{name}.pdf").write_bytes(printed)
    if shutil.which("pdftoppm"):
        command = ["pdftoppm", "-r", "60", "-png", screenshots / f"{name}.pdf", screenshots / f"{name}-page"]
        subprocess.run(command, check=True)
    pages = [" ".join(sheet.extract_text().split()) for sheet in PdfReader(io.BytesIO(printed)).pages]
    assert len(pages) > 1
    text = squeezed(" ".join(pages))
    assert [title for title in titles if squeezed(title) not in text] == []
    assert "Contents" in pages[0]
    browser.open(page, width=688, media="print")  # A4 between its margins
    sheet = (297 - 32) / 25.4 * 96
    figures = browser.run(
        "return [...document.querySelectorAll('figure svg')].map((svg) => svg.getBoundingClientRect().toJSON())"
    )
    assert figures
    assert all(figure["height"] < sheet and figure["right"] <= 688 + 1 for figure in figures)
    style = "const style = getComputedStyle(document.querySelector('figure')); return style.breakInside"
    assert browser.run(style) == "avoid"


def squeezed(text: str) -> str:
    """Without spaces and ligatures, of which a PDF has its own."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
