"""Plugins: files and installed packages that enter losses, datasets, … of your own into the catalogue.

A file is named by a suite (``plugins = ["my_loss.py"]``); a package names the module to import in the entry-point
group ``ganbench.plugins``. Both register with `bench.catalog`'s decorators.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import sys
import traceback
import types
from pathlib import Path

from bench.catalog import registered_by, registering
from bench.errors import PluginError, UsageError
from bench.spec import PluginSpec

ENTRY_POINT_GROUP = "ganbench.plugins"

_loaded: dict[Path, PluginSpec] = {}
_installed: dict[str, PluginSpec] = {}


def load_plugin(path: Path) -> PluginSpec:
    """Execute a plugin file and enter what it registers.

    Loading it again does nothing unless the file has changed, which replaces its entries.

    Raises:
        PluginError: it cannot be read, fails, or registers nothing; the catalogue stays as it was.
    """
    path, source = _read(path)
    plugin = PluginSpec(name=path.stem, sha256=hashlib.sha256(source).hexdigest(), path=path)
    if _loaded.get(path) == plugin:
        return plugin
    with registering(plugin):
        _execute(plugin, path, source)
    _loaded[path] = plugin
    return plugin


def load_installed() -> tuple[PluginSpec, ...]:
    """Import the plugins of installed packages, once.

    Raises:
        PluginError: one of them fails; says which package it belongs to.
    """
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        if point.name in _installed:
            continue
        package = f"{point.dist.name} {point.dist.version}" if point.dist else point.module
        try:
            plugin = PluginSpec(name=point.name, sha256=_package_hash(point))
            with registering(plugin):
                point.load()
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"plugin '{point.name}' of the installed package {package} cannot be loaded: {_in_words(error)}; "
                "mend or uninstall the package"
            ) from error
        _installed[point.name] = plugin
    return tuple(_installed.values())


def _read(path: Path) -> tuple[Path, bytes]:
    try:
        path = Path(path).resolve()
        if path.is_dir():
            raise PluginError(f"plugin '{path}' is a folder: a plugin is one Python file")
        if path.exists() and not path.is_file():
            raise PluginError(f"plugin '{path}' is not a regular file")
        return path, path.read_bytes()
    except FileNotFoundError:
        raise PluginError(f"plugin '{path}' does not exist; its path is taken relative to the suite file") from None
    except (
        OSError,
        ValueError,
        RuntimeError,
    ) as error:  # ValueError: a NUL in the path; RuntimeError: a link to itself
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise PluginError(f"plugin {str(path)!r} cannot be read: {reason}") from None


def _execute(plugin: PluginSpec, path: Path, source: bytes) -> None:
    """Run the file as a module of its own, known to ``sys.modules`` under a name that no other file has."""
    stem = re.sub(r"\W", "_", path.stem)
    name = f"ganbench_plugin_{stem}_{hashlib.sha256(str(path).encode(errors='surrogateescape')).hexdigest()[:8]}"
    module = types.ModuleType(name)
    module.__file__ = str(path)
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses look up their annotations there
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
        if not registered_by(plugin):
            raise PluginError(
                "registers nothing; decorate a class, for example with "
                '@bench.catalog.losses.register("my-loss", formula=…, source=…)'
            )
    except (Exception, SystemExit) as error:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        line = _line(error, path)
        where = f"{path}:{line}" if line else str(path)
        if isinstance(error, UsageError):
            raise PluginError(*(f"plugin {where}: {fault}" for fault in error.faults)) from error
        raise PluginError(f"plugin {where}: {_in_words(error)}; mend the file or take it out of 'plugins'") from error


def _line(error: BaseException, path: Path) -> int | None:
    """The innermost line of the plugin itself."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def _in_words(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg}"
    if isinstance(error, SystemExit):
        return f"it ends the program (SystemExit: {error.code})"
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _package_hash(point: importlib.metadata.EntryPoint) -> str:
    """Of the package's name and version, and of all its Python files."""
    found = hashlib.sha256(f"{point.module} {point.dist.name if point.dist else ''}".encode())
    if point.dist is not None:
        found.update(point.dist.version.encode())
        for file in sorted(point.dist.files or [], key=str):
            located = Path(str(file.locate()))
            if located.suffix == ".py" and located.is_file():
                found.update(str(file).encode() + located.read_bytes())
    return found.hexdigest()
