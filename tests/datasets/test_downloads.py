"""Official files: fetched once, checked, whole or not there; and what is said where they are not."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import http.client
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.datasets import downloads
from bench.datasets.downloads import OFFLINE, SourceFile, check_file, fetch, find_missing
from bench.doctor import _examine_datasets
from bench.errors import DataError

CONTENT = b"pixels" * 1000
FILE = SourceFile("set/file.gz", len(CONTENT), hashlib.md5(CONTENT).hexdigest(), ("http://nowhere.invalid/file.gz",))


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SourceFile, list[str]]]:
    """The file on a server of this machine, and what that is asked for."""
    monkeypatch.delenv(OFFLINE)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "server").mkdir()
    (tmp_path / "server/file.gz").write_bytes(CONTENT)
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            asked.append(str(self.command))

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=tmp_path / "server")
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield dataclasses.replace(FILE, urls=(f"http://127.0.0.1:{server.server_port}/file.gz",)), asked
    server.shutdown()
    server.server_close()


def test_a_file_is_downloaded_once_by_all_that_want_it(served: tuple[SourceFile, list[str]], tmp_path: Path) -> None:
    file, asked = served
    root = tmp_path / "root"
    threads = [threading.Thread(target=fetch, args=("mine", [file], root)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (root / "set/file.gz").read_bytes() == CONTENT
    assert asked.count("HEAD") == 1
    assert [path.name for path in (root / "set").iterdir() if not path.name.endswith(".lock")] == ["file.gz"]


def test_a_download_with_another_checksum_leaves_nothing(served: tuple[SourceFile, list[str]], tmp_path: Path) -> None:
    file = dataclasses.replace(served[0], md5="0" * 32)
    with pytest.raises(DataError, match="downloading failed"):
        fetch("mine", [file], tmp_path / "root")
    assert not file.is_under(tmp_path / "root")
    assert not list((tmp_path / "root").rglob("file.gz"))


def test_a_server_that_breaks_off_is_told(
    served: tuple[SourceFile, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object) -> None:
        raise http.client.IncompleteRead(b"pixels", 5994)

    monkeypatch.setattr("torchvision.datasets.utils.download_url", break_off)
    with pytest.raises(DataError, match=r"downloading failed: IncompleteRead\(6 bytes read, 5994 more expected\)"):
        fetch("mine", [served[0]], tmp_path / "root")


def test_leftovers_of_killed_downloads_are_removed(served: tuple[SourceFile, list[str]], tmp_path: Path) -> None:
    left, others = (tmp_path / f"root/set/.{name}.k1ll3d_x.part" for name in ("file.gz", "file.gz.sig"))
    for part in (left, others):
        part.mkdir(parents=True)
        (part / "half").touch()
    fetch("mine", [served[0]], tmp_path / "root")
    assert served[0].is_under(tmp_path / "root")
    assert not left.exists()
    assert others.exists(), "another file's, which may be on its way"


def test_the_next_address_is_tried(served: tuple[SourceFile, list[str]], tmp_path: Path) -> None:
    file = served[0]
    fetch("mine", [dataclasses.replace(file, urls=(f"{file.urls[0]}.gone", *file.urls))], tmp_path / "root")
    assert file.is_under(tmp_path / "root")


def test_without_a_network_one_message_says_what_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OFFLINE)
    monkeypatch.setenv("no_proxy", "*")
    started = time.monotonic()
    with pytest.raises(DataError) as caught:
        fetch("mine", [FILE, dataclasses.replace(FILE, path="set/other.gz")], tmp_path)
    assert time.monotonic() - started < 15
    message = str(caught.value)
    assert len(caught.value.faults) == 1
    for part in ("'mine'", "2 files", f"{tmp_path}/set/file.gz", f"{tmp_path}/set/other.gz", FILE.urls[0], "6 kB"):
        assert part in message
    assert "--data-root or GANBENCH_DATA" in message


def test_a_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OFFLINE)
    monkeypatch.setattr(downloads, "CONNECT_SECONDS", 0.05)
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: time.sleep(30))
    started = time.monotonic()
    with pytest.raises(DataError, match="does not answer"):
        fetch("mine", [FILE], tmp_path)
    assert time.monotonic() - started < 5


def test_offline_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("asked"))
    with pytest.raises(DataError, match=f"{OFFLINE} is set"):
        fetch("mine", [FILE], tmp_path)


def test_what_is_fetched_by_hand_says_from_where(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"by hand.*\n.*from http://page"):
        fetch("mine", [dataclasses.replace(FILE, urls=(), page="http://page")], tmp_path)


def test_a_broken_file_is_named_with_both_checksums(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/file.gz").write_bytes(CONTENT)
    assert check_file(FILE, tmp_path) == tmp_path / "set/file.gz"
    (tmp_path / "set/file.gz").write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match=rf"file.gz'.*MD5 is .*due is {FILE.md5}, and 5,999 bytes.*delete it"):
        check_file(FILE, tmp_path)


def test_doctor_tells_what_is_there(tmp_path: Path) -> None:
    missing = _examine_datasets(tmp_path)
    assert missing.verdict == "note"
    assert "downloaded when needed: cifar10" in missing.says
    assert "to be fetched by hand: celeba, lsun-bedroom" in missing.says
    (tmp_path / "cifar-10-binary.tar.gz").touch()
    found = _examine_datasets(tmp_path)
    assert found.verdict == "good"
    assert found.says.startswith("there: cifar10;")


def test_a_root_that_cannot_be_written_serves_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/file.gz").write_bytes(CONTENT)
    (tmp_path / "set").chmod(0o500)
    before = sorted(tmp_path.rglob("*"))
    try:
        fetch("mine", [FILE], tmp_path)
    finally:
        (tmp_path / "set").chmod(0o700)
    assert sorted(tmp_path.rglob("*")) == before


def test_unpacked_content_stands_for_the_archive(tmp_path: Path) -> None:
    file = dataclasses.replace(FILE, instead=("set/a", "set/b"))
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a").touch()
    assert find_missing([file], tmp_path) == (file,)
    (tmp_path / "set/b").touch()
    assert find_missing([file], tmp_path) == ()
