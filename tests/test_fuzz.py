"""Malformed input through the real command line: exit code 0 or 2, words, and never a stack trace."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from bench import cli
from bench.catalog import CATALOGS
from tests.examples import examples

SUITES = [path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent.parent / "suites").glob("*.toml"))]
PIECES = st.one_of(
    st.sampled_from(
        [
            "[", "]", "[[grid]]\n", "{", "}", '"', "'''", "=", ",", "\n", "\r\n", "\x00", "\ufeff", "#", "-1", "0",
            "1e999", "nan", "inf", "true", "[]", "{}", '""', "seeds = 0\n", 'seeds = "many"\n', "[training]\n",
            "steps = 9999999999999999999999\n", "[execution]\ntimeout_seconds = -1\n", "checkpoint_seconds = 0\n",
            "memory_limit_gib = nan\n", 'retry_crashed = "x"\n', 'plugins = ["../../etc/passwd"]\n',
            'name = "no-such-thing"', "[objectives.x]\n", "objectives = 3\n", "2026-01-01",
            "[[" * 400, "x = [" * 400, "𝕌", "‮", "label = '../..'",
        ]
    ),
    st.text(max_size=12),
)  # fmt: skip
FUZZ = settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _restore_catalogue():  # type: ignore[no-untyped-def]
    before = [dict(catalog._entries) for catalog in CATALOGS]
    yield
    for catalog, entries in zip(CATALOGS, before, strict=True):
        if entries:
            catalog._entries = entries


def ganbench(*arguments: str) -> tuple[int, str]:
    """Exit code and what was said on stderr; anything but SystemExit is a stack trace to its user."""
    said = io.StringIO()
    code: object = 0
    with (
        mock.patch.object(sys, "argv", ["ganbench", *arguments]),
        mock.patch.object(cli, "err", Console(file=said, width=200)),
        mock.patch.object(cli, "out", Console(file=io.StringIO(), width=200)),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(said),
    ):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    assert code is None or isinstance(code, int)
    return code or 0, said.getvalue()


def answers_well(*arguments: str) -> int:
    code, said = ganbench(*arguments)
    assert code in (0, 2), (arguments, code, said)
    assert "Traceback" not in said
    if code == 2:
        assert "error" in said.lower(), said
    return code


@FUZZ
@given(
    text=st.sampled_from(SUITES),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), PIECES), min_size=1, max_size=4),
    command=st.sampled_from(["plan", "status", "report"]),
)
def test_mutated_suites(
    text: str, changes: list[tuple[float, int, str]], command: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for share, length, piece in changes:
        at = int(share * len(text))
        text = text[:at] + piece + text[at + length :]
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "suite.toml"
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    code = answers_well(command, str(path), "--results", str(folder / "results"))
    if command == "report":
        assert code == 2  # there is nothing to report of
    assert not (folder / "results").exists()


@FUZZ
@given(content=st.binary(max_size=300), command=st.sampled_from(["plan", "status", "report", "run", "verify"]))
def test_any_bytes_as_a_suite(content: bytes, command: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "suite.toml"
    path.write_bytes(b"\xff" + content)  # no bytes that TOML could be made of: nothing is ever trained
    assert answers_well(command, str(path)) == 2


VALID = 'objectives = ["nsgan", "wgan"]\ndatasets = ["ring"]\nseeds = 2\ntraining.steps = 1_000_000\n'
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@FUZZ
@given(option=st.sampled_from(["--only", "--seed", "--retry", "--limit", "--slots", "--device"]), value=WORDS)
def test_any_value_of_an_option_of_run(option: str, value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "suite.toml").write_text(VALID)
    # refused before anything is begun, whatever the value: another option is wrong for certain
    code = answers_well("run", str(folder / "suite.toml"), f"{option}={value}", "--only", "no-such-objective")
    assert code == 2
    assert not (folder / "results").exists()


@FUZZ
@given(name=WORDS, command=st.sampled_from(["describe", "check", "list"]))
def test_any_name(name: str, command: str) -> None:
    answers_well(command, "--", name)


@FUZZ
@given(
    files=st.dictionaries(
        st.sampled_from(
            [
                "plan.json", "suite.toml", "running.json", "lock", "records.parquet", "runs/x/record.json",
                "runs/nsgan_mlp_ring_s0_00000000/record.json", "runs/nsgan_mlp_ring_s0_00000000/history.parquet",
                "references/x.json", "throughput/x.json",
                "runs/x/checkpoint-000000000001-0123456789abcdef.pt",
            ]
        ),
        st.one_of(
            st.binary(max_size=100),
            st.sampled_from(
                [b"{}", b"[]", b"null", b'{"runs": 3}', b'{"runs": ["x"], "cells": [1]}', b"[" * 5000, b"PAR1"]
            ),
        ),
        min_size=1,
    ),
    command=st.sampled_from(["plan", "status", "report"]),
)  # fmt: skip
def test_any_content_of_a_results_folder(
    files: dict[str, bytes], command: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "suite.toml").write_text(VALID)
    for name, content in files.items():
        path = folder / "results" / "suite" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    options = ["--results", str(folder / "results")]
    if command == "report":
        options += ["--reports", str(folder / "reports")]
    answers_well(command, str(folder / "suite.toml"), *options)
