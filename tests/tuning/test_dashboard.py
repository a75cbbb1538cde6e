"""Optuna's dashboard shows the studies as they are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from tests.tuning.carrying import ONE, TINY, TWO, carry_out, sqlite_of, write

optuna_dashboard = pytest.importorskip("optuna_dashboard", reason="not installed: pip install 'ganbench[dashboard]'")


def get(app: Any, path: str) -> Any:
    environment: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": "GET"}
    setup_testing_defaults(environment)
    answered: list[str] = []
    body = b"".join(app(environment, lambda status, headers, *_: answered.append(status)))
    assert answered[0].startswith("200"), (path, answered, body)
    return json.loads(body)


def test_it_opens_the_storage(tmp_path: Path, data_root: Path) -> None:
    text = TINY.replace(TWO, ONE) + "[tune]\ntrials = 2\n"
    carry_out(write(tmp_path, text), tmp_path, data_root)
    app = optuna_dashboard.wsgi(sqlite_of(tmp_path))
    (study,) = get(app, "/api/studies")["study_summaries"]
    assert study["study_name"] == "small/nsgan_mlp_ring"
    shown = get(app, f"/api/studies/{study['study_id']}")
    assert [trial["state"] for trial in shown["trials"]] == ["Complete", "Complete"]
    params = {param["name"] for param in shown["trials"][0]["params"]}
    assert params == {"optimizer.learning_rate", "optimizer.beta1", "optimizer.beta2", "n_critic"}
