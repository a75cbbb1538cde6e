from __future__ import annotations

import hashlib
import io
import urllib.error
from pathlib import Path
from typing import Any

import pytest
from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

from bench.errors import DataError
from bench.evaluation import weights
from bench.evaluation.weights import FILE_NAME, SHA256, find_weights, obtain_weights, place_of

CONTENT = b"weights"


@pytest.fixture
def official(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a few bytes were the official weights."""
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.delenv("GANBENCH_OFFLINE", raising=False)


def serve(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[str]:
    """Answer downloads; returns the addresses that are asked for."""
    asked: list[str] = []

    def answer(url: str, timeout: float) -> Any:
        asked.append(url)
        return io.BytesIO(content)

    monkeypatch.setattr("urllib.request.urlopen", answer)
    return asked


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_weights_are_those_of_torch_fidelity() -> None:
    assert weights.URL == URL_INCEPTION_V3
    assert f"-{SHA256[:8]}.pth" in FILE_NAME


def test_a_file_under_the_data_root_is_found_and_verified(tmp_path: Path, official: None) -> None:
    assert find_weights(tmp_path) is None
    path = put(place_of(tmp_path), CONTENT)
    found = find_weights(tmp_path)
    assert found is not None
    assert (found.path, found.official) == (path, True)


def test_a_file_of_the_official_name_with_other_contents_is_refused_wherever_it_lies(tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere" / FILE_NAME, b"torn")
    put(place_of(tmp_path), b"torn")
    for given in (None, elsewhere):
        with pytest.raises(DataError, match=r"broken: .* not 6726825d…; remove it and download https://github"):
            obtain_weights(tmp_path, given)


def test_other_weights_are_taken_by_their_path_alone_and_told_by_their_hash(tmp_path: Path) -> None:
    found = obtain_weights(tmp_path, put(tmp_path / "mine.pth", b"mine"))
    assert (found.sha256, found.official) == (hashlib.sha256(b"mine").hexdigest(), False)


@pytest.mark.parametrize("name", ["nowhere.pth", "."])
def test_a_given_file_that_cannot_be_read_is_named_and_nothing_else_is_taken(
    tmp_path: Path, official: None, name: str
) -> None:
    put(place_of(tmp_path), CONTENT)
    with pytest.raises(DataError, match=r"cannot be read: '.*; name the file with --weights"):
        obtain_weights(tmp_path, tmp_path / name)


def test_missing_weights_are_downloaded_once(tmp_path: Path, official: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = serve(monkeypatch, CONTENT)
    first, second = obtain_weights(tmp_path), obtain_weights(tmp_path)
    assert first == second
    assert first.path.read_bytes() == CONTENT
    assert asked == [URL_INCEPTION_V3]


def test_a_download_that_is_cut_off_leaves_nothing_behind(
    tmp_path: Path, official: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, CONTENT[:3])
    with pytest.raises(DataError, match=r"could not be downloaded \(what came has the SHA-256"):
        obtain_weights(tmp_path)
    assert [path for path in (tmp_path / "weights").iterdir() if path.suffix != ".lock"] == []


def test_without_a_network_one_message_says_what_to_put_where(
    tmp_path: Path, official: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(url: str, timeout: float) -> Any:
        raise urllib.error.URLError(OSError("no network"))

    monkeypatch.setattr("urllib.request.urlopen", fail)
    with pytest.raises(DataError) as error:
        obtain_weights(tmp_path)
    (message,) = error.value.faults
    for part in ("needs the weights", "no network", URL_INCEPTION_V3, f"put it at '{place_of(tmp_path)}'", "--weights"):
        assert part in message


@pytest.mark.parametrize("offline", [True, False])
def test_where_downloads_are_not_wanted_none_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: bool
) -> None:
    monkeypatch.setenv("GANBENCH_OFFLINE", "1" if offline else "0")
    asked = serve(monkeypatch, CONTENT)
    with pytest.raises(DataError, match="needs the weights"):
        obtain_weights(tmp_path, downloads=offline)
    assert not asked
