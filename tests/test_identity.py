"""Published results stay those of the suites that made them: what is added later changes no run's identity."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench
from bench.suite import load_suite

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = sorted((ROOT / "results" / "published").glob("*.zip"))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_the_runs_of_a_suite_are_called_as_when_it_was_published(path: Path) -> None:
    planned = {spec.run_id for spec in load_suite(ROOT / "suites" / f"{path.stem}.toml").specs}
    assert planned == set(bench.load_results(path)["run_id"])


def test_there_is_something_published() -> None:
    assert [path.stem for path in PUBLISHED if path.stem == "losses"]
