"""Plugins: loaded once, replaced when changed, and told apart from the suite when they fail."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import plugins
from bench.catalog import CATALOGS, losses
from bench.errors import PluginError
from bench.plugins import load_installed, load_plugin

GAP = """
from bench.catalog import losses

@losses.register("gap", formula="{formula}", source="mine")
class Gap:
    '''The real score is to exceed the fake one by 1.'''

    def discriminator(self, real, fake):
        return (1 - real + fake).relu().mean()

    def generator(self, real, fake):
        return (real - fake).mean()
"""


@pytest.fixture(autouse=True)
def _same_catalogue_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(plugins, "_loaded", {})
    monkeypatch.setattr(plugins, "_installed", {})
    before = [(catalog.names(), dict(catalog._entries)) for catalog in CATALOGS]
    yield
    for catalog, (_, entries) in zip(CATALOGS, before, strict=True):
        catalog._entries = entries


def write(folder: Path, text: str, name: str = "gap.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_of_ten_lines_adds_a_loss(tmp_path: Path) -> None:
    path = write(tmp_path, GAP)
    plugin = load_plugin(path)
    assert (plugin.name, plugin.path, len(plugin.sha256)) == ("gap", path, 64)
    assert losses.entry("gap").plugin == plugin


def test_loading_a_file_twice_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, GAP)
    first = load_plugin(path)
    factory = losses.entry("gap").factory
    monkeypatch.chdir(tmp_path)
    assert load_plugin(Path("gap.py")) == first
    assert losses.entry("gap").factory is factory


def test_a_changed_file_replaces_its_entries(tmp_path: Path) -> None:
    first = load_plugin(write(tmp_path, GAP.replace("{formula}", "one")))
    second = load_plugin(write(tmp_path, GAP.replace("{formula}", "two")))
    assert first.sha256 != second.sha256
    assert losses.describe("gap").formula == "two"


def test_two_files_of_one_name_are_two_plugins(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    load_plugin(write(tmp_path, GAP))
    load_plugin(write(tmp_path / "other", GAP.replace('"gap"', '"gap2"')))
    assert {"gap", "gap2"} <= set(losses.names())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = x / 0\n", r"gap\.py:2: ZeroDivisionError: division by zero; mend the file"),
        ("x = 1\n\ndef (:\n", r"gap\.py:3: SyntaxError: "),
        ("import sys\nsys.exit(3)\n", r"gap\.py:2: it ends the program \(SystemExit: 3\)"),
        ("import no_such_module\n", r"gap\.py:1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("x = 1\n", r"registers nothing; decorate a class"),
        ("", r"registers nothing"),
        ("\0", r"SyntaxError|ValueError"),
        (GAP.replace("def generator", "def other"), r"gap\.py:4: loss 'gap' \(Gap\) lacks the method 'generator'"),
        (GAP.replace('"gap"', '"hinge"'), r"gap\.py:4: loss 'hinge' is registered twice"),
        ("def f(): f()\nf()\n", r"gap\.py:1: RecursionError"),
        ("raise ExceptionGroup('many\\nlines', [ValueError('x')])", r"ExceptionGroup: many lines"),
    ],
)
def test_a_plugin_that_fails_is_told_with_its_line_and_leaves_nothing(tmp_path: Path, text: str, message: str) -> None:
    before, modules = losses.names(), set(sys.modules)
    with pytest.raises(PluginError, match=message):
        load_plugin(write(tmp_path, text))
    assert losses.names() == before
    assert not [name for name in set(sys.modules) - modules if name.startswith("ganbench_plugin")]


def test_a_plugin_that_is_no_readable_file(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"none\.py' does not exist"):
        load_plugin(tmp_path / "none.py")
    with pytest.raises(PluginError, match="is a folder"):
        load_plugin(tmp_path)
    with pytest.raises(PluginError, match="cannot be read"):
        load_plugin(Path("a\0b"))
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    with pytest.raises(PluginError, match="cannot be read"):
        load_plugin(tmp_path / "loop.py")
    with pytest.raises(PluginError):
        load_plugin(write(tmp_path, "").parent / "gap.py" / "below.py")
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(PluginError, match="is not a regular file"):
        load_plugin(tmp_path / "pipe.py")


def test_an_installed_package_is_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GAP, "installed_gap.py")
    monkeypatch.syspath_prepend(tmp_path)
    point = importlib.metadata.EntryPoint("mine", "installed_gap", plugins.ENTRY_POINT_GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    (plugin,) = load_installed()
    assert (plugin.name, plugin.path) == ("mine", None)
    assert losses.entry("gap").plugin == plugin
    assert load_installed() == (plugin,)
    del sys.modules["installed_gap"]


def test_an_installed_package_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    point = importlib.metadata.EntryPoint("mine", "no_such_package.module", plugins.ENTRY_POINT_GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    with pytest.raises(PluginError, match=r"plugin 'mine' of the installed package no_such_package\.module cannot be"):
        load_installed()
