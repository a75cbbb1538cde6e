from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench import doctor
from bench.doctor import Finding, examine
from bench.evaluation import weights
from bench.evaluation.weights import URL, place_of


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the training that looks for determinism."""
    monkeypatch.setattr(doctor, "_examine_determinism", lambda device: Finding("determinism", "good", ""))


def finding(subject: str, root: Path, given: Path | None = None) -> Finding:
    (found,) = (each for each in examine(root, root, "cpu", given) if each.subject == subject)
    return found


def test_absent_weights_are_a_note_that_says_how_to_get_them(tmp_path: Path) -> None:
    found = finding("weights", tmp_path)
    assert found.verdict == "note"
    assert URL in found.says
    assert str(place_of(tmp_path)) in found.says


def test_weights_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place_of(tmp_path)
    path.parent.mkdir()
    path.write_bytes(b"torn")
    assert finding("weights", tmp_path).bad
    monkeypatch.setattr(weights, "SHA256", weights._sha256(path))
    assert finding("weights", tmp_path) == Finding("weights", "good", f"{path}, verified")
    other = tmp_path / "other.pth"
    other.write_bytes(b"other")
    assert finding("weights", tmp_path, other).verdict == "note"
    assert finding("weights", tmp_path, tmp_path / "nowhere.pth").bad


def test_classifiers_are_told_with_their_accuracy(tmp_path: Path) -> None:
    assert finding("classifiers", tmp_path).says.startswith("none trained yet")
    folder = tmp_path / "classifiers"
    folder.mkdir()
    torch.save({"accuracy": 0.9946}, folder / "mnist-12345678.pt")
    assert finding("classifiers", tmp_path) == Finding(
        "classifiers", "good", "trained and kept: mnist-12345678 (99.5 % right)"
    )
    (folder / "broken-12345678.pt").write_bytes(b"no")
    found = finding("classifiers", tmp_path)
    assert found.verdict == "note"
    assert "broken-12345678 (broken: it is trained anew)" in found.says
