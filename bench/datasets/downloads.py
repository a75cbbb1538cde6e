"""Official files of datasets: where they lie under the data root, how they get there, and whether they are whole."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.datasets.parts import part_of
from bench.errors import DataError
from bench.once import one_process

OFFLINE = "GANBENCH_OFFLINE"
"""Environment variable: where it is set (and not 0), nothing is downloaded."""
CONNECT_SECONDS = 5.0
"""What a server may take to answer before it counts as out of reach."""
STALL_SECONDS = 60.0
"""What a download may stand still before it is given up."""

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """A file of a dataset as its authors distribute it.

    Args:
        path: under the data root, with slashes.
        size: in bytes.
        md5: its checksum; empty where its authors give none.
        urls: where it is downloaded from, one after the other; none, if it has to be fetched by hand.
        page: where people find it.
        instead: files or folders under the data root, such as its unpacked content, that together stand for it.
    """

    path: str
    size: int
    md5: str
    urls: tuple[str, ...] = ()
    page: str = ""
    instead: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Without its folder."""
        return self.path.rsplit("/", 1)[-1]

    def is_under(self, root: Path) -> bool:
        """Whether it, or what stands for it, is there."""
        return (root / self.path).is_file() or (
            bool(self.instead) and all((root / path).exists() for path in self.instead)
        )


def find_missing(files: Sequence[SourceFile], root: Path) -> tuple[SourceFile, ...]:
    """Those that are not under the data root."""
    return tuple(file for file in files if not file.is_under(root))


def fetch(dataset: str, files: Sequence[SourceFile], root: Path) -> None:
    """Have all files under the data root: those that are not there are downloaded and checked.

    Where all are there, nothing is written. Processes that want the same file wait for the one that fetches it.

    Raises:
        DataError: some are not there and cannot be fetched; says where to put which.
    """
    missing = find_missing(files, root)
    if not missing:
        return
    reason = ""
    if any(not file.urls for file in missing):
        reason = "they have to be fetched by hand"
    elif os.environ.get(OFFLINE, "0") not in ("", "0"):
        reason = f"{OFFLINE} is set, so nothing is downloaded"
    else:
        try:
            for file in missing:
                _fetch_file(file, root)
        except _failures() as error:
            reason = f"downloading failed: {_tell(error)}"
    if reason:
        raise DataError(_tell_missing(dataset, find_missing(files, root), root, reason))


def check_file(file: SourceFile, root: Path) -> Path:
    """Where the file lies, seen to be what its authors distribute.

    Raises:
        DataError: its checksum is another.
    """
    from torchvision.datasets.utils import calculate_md5

    path = (root / file.path).absolute()
    if file.md5 and (found := calculate_md5(path)) != file.md5:
        wrong_size = f", and {path.stat().st_size:,} bytes instead of {file.size:,}" * (
            path.stat().st_size != file.size
        )
        raise DataError(
            f"'{path}' is broken or not the official file: its MD5 is {found}, due is {file.md5}{wrong_size}; "
            + ("delete it to have it downloaded again" if file.urls else f"fetch it again from {file.page}")
        )
    return path


def _fetch_file(file: SourceFile, root: Path) -> None:
    """Download to a temporary folder beside its place, check, and rename: a file under its name is whole."""
    target = root / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    with one_process(target):
        if target.is_file():  # another process was faster
            return
        error: Exception = OSError("no address is known")
        for url in file.urls:
            try:
                _download(url, file, target)
            except _failures() as caught:
                error = caught
            else:
                return
        raise error


def _download(url: str, file: SourceFile, target: Path) -> None:
    from torchvision.datasets.utils import download_url

    _reach(url)
    log.info("downloading %s (%.0f MB) from %s", file.name, file.size / 1e6, url)
    with part_of(target) as folder, _timeout(STALL_SECONDS):
        download_url(url, folder, file.name, file.md5 or None)
        (folder / file.name).replace(target)
    log.info("%s is there, its checksum is right", target)


def _failures() -> tuple[type[Exception], ...]:
    """What a download fails with: torchvision raises the first two, a server that breaks off the last."""
    from http.client import HTTPException

    return OSError, RuntimeError, HTTPException


def _reach(url: str) -> None:
    """See that the server answers, within seconds: looking up a name has no time limit of its own.

    Raises:
        OSError: it does not.
    """
    failures: list[Exception] = [TimeoutError(f"{url} does not answer within {CONNECT_SECONDS:g} s")]

    import urllib.error  # here: listing and planning download nothing
    import urllib.request

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=CONNECT_SECONDS):
                failures.clear()
        except urllib.error.HTTPError:  # it answers, if only that it minds the question
            failures.clear()
        except Exception as error:  # told by the thread that waits
            failures[:] = [error]

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(2 * CONNECT_SECONDS)
    if failures:
        raise OSError(f"{url}: {_tell(failures[0])}") from failures[0]


@contextlib.contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    """For sockets whose makers name none, as torchvision's downloads."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _tell(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error) or type(error).__name__


def _tell_size(size: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size / 1e3:.0f} kB"


def _tell_missing(dataset: str, missing: Sequence[SourceFile], root: Path, reason: str) -> str:
    """One message: what is missing, where to get it, where to put it."""
    lines = []
    for file in missing:
        source = " or ".join(file.urls) or file.page
        lines.append(f"  {(root / file.path).absolute()}  ({_tell_size(file.size)}) from {source}")
    files = "1 file is" if len(missing) == 1 else f"{len(missing)} files are"
    return "\n".join(
        [
            f"dataset '{dataset}': {files} not under the data root '{root.absolute()}', and {reason}. Put in place:",
            *lines,
            "Another data root is named by --data-root or GANBENCH_DATA.",
        ]
    )
