"""Databases that cannot be used: one clear message each, none of which tells a password."""

from __future__ import annotations

import builtins
import socket
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from bench.errors import UsageError
from bench.tuning import storage
from bench.tuning.storage import open_storage, reason_of, show_url


def refused(url: str, folder: Path) -> str:
    with pytest.raises(UsageError) as told:
        open_storage(url, folder)
    (fault,) = told.value.faults
    assert "opensesame" not in fault
    assert "open%20sesame" not in fault
    return fault


def test_a_sqlite_file_beside_the_results_is_the_default(tmp_path: Path) -> None:
    opened = open_storage(None, tmp_path)
    assert (tmp_path / storage.FILE).is_file()
    assert opened.shown == str(tmp_path / storage.FILE)


def test_a_url_is_shown_without_password_and_options() -> None:
    url = make_url("postgresql+psycopg://me:opensesame@host:5432/db?password=opensesame&sslmode=require")
    assert show_url(url) == "postgresql://me@host:5432/db"


@pytest.mark.parametrize("url", ["opensesame", "postgresql:/me:opensesame@host/db", ""])
def test_what_is_no_url(url: str, tmp_path: Path) -> None:
    assert "is no URL of a database" in refused(url, tmp_path)


def test_an_unknown_kind_of_database(tmp_path: Path) -> None:
    assert "'redis' is no database that is known" in refused("redis://me:opensesame@host/0", tmp_path)


def test_an_unreachable_server(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    fault = refused(f"postgresql://me:opensesame@127.0.0.1:{port}/db", tmp_path)
    assert f"postgresql://me@127.0.0.1:{port}/db cannot be used" in fault
    assert "refused" in fault


def test_a_missing_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "psycopg":
            raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")
        return load(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    fault = refused("postgresql://me:opensesame@127.0.0.1/db", tmp_path)
    assert 'pip install "ganbench[postgresql]"' in fault


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database at all, however long the text may be " * 20)
    assert "file is not a database" in refused(f"sqlite:///{tmp_path / 'text.db'}", tmp_path)


def test_a_password_in_the_databases_own_words_is_not_passed_on() -> None:
    url = make_url("postgresql://me:opensesame@host/db?options=topsecret")
    assert reason_of(RuntimeError("cannot log in with opensesame and topsecret"), url) == (
        "cannot log in with *** and ***"
    )
