"""A browser, an accessibility engine and reports to look at; without them these tests are skipped and say why."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.browser import Browser

SESSION = "`nox -s web` runs it"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, help="folder for pictures of the pages, and for what they print")


def lacking() -> str | None:
    """What is not there that these tests need."""
    if os.environ.get("GANBENCH_WEB") != "1":
        return f"needs a browser, and is asked for by GANBENCH_WEB=1: {SESSION}"
    for package in ("selenium", "pypdf"):
        if importlib.util.find_spec(package) is None:
            return f"needs the extra [web]: no {package}"
    if binary() is None or shutil.which("chromedriver") is None:
        return "needs chromium (or google-chrome) and chromedriver on the PATH"
    if not axe().is_file():
        return f"needs axe-core: GANBENCH_AXE names its axe.min.js; {SESSION}"
    return None


def binary() -> str | None:
    """The browser."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def axe() -> Path:
    """The accessibility engine."""
    return Path(os.environ.get("GANBENCH_AXE", "axe.min.js"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    reason = lacking()
    if reason is not None:
        pytest.skip(reason)
    started = Browser(binary() or "", shutil.which("chromedriver") or "", axe().read_text(encoding="utf-8"))
    yield started
    started.quit()


@pytest.fixture(scope="session")
def screenshots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path | None = request.config.getoption("--screenshots", default=None)
    folder = folder or tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
