"""The file with the weights of the Inception network: where it is found, verified, or downloaded to.

Nothing here imports torch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from bench.datasets.downloads import OFFLINE
from bench.errors import DataError
from bench.once import Pace, one_process

URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
"""Where torch-fidelity has them from: TensorFlow's of 2015-12-05, with which FID was published."""
FILE_NAME = URL.rpartition("/")[2]
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""Its first 8 digits are in the file's name."""
SIZE = 95_628_359

TIMEOUT = 10.0
"""Seconds without a byte after which a download is given up."""
CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Weights:
    """A file of weights and the SHA-256 of its bytes."""

    path: Path
    sha256: str

    @property
    def official(self) -> bool:
        """Whether they are those with which FID is published."""
        return self.sha256 == SHA256


def find_weights(root: Path, given: Path | None = None) -> Weights | None:
    """The file that is given, else the one under the data root, else None.

    Args:
        root: the data root.
        given: a file that the user names. It may hold other weights than the official ones, whose numbers compare among
            themselves alone, unless it has the official file's name.

    Raises:
        DataError: the given file cannot be read, or a file with the official name has other contents.
    """
    path = place_of(root) if given is None else given
    if given is None and not path.is_file():
        return None
    try:
        sha256 = _sha256(path)
    except OSError as error:
        raise DataError(
            f"Inception's weights cannot be read: '{path}': {error.strerror or error}; name the file with --weights "
            f"(or GANBENCH_WEIGHTS), or leave that out and put it at '{place_of(root)}'"
        ) from None
    found = Weights(path, sha256)
    if path.name == FILE_NAME and not found.official:
        raise DataError(
            f"Inception's weights are broken: '{path}' has the SHA-256 {sha256[:8]}…, not {SHA256[:8]}…; remove it and "
            f"download {URL} again"
        )
    return found


def obtain_weights(root: Path, given: Path | None = None, downloads: bool = True) -> Weights:
    """The file with the weights; downloaded to the data root if it is neither given nor there.

    Raises:
        DataError: the file is broken, or it is missing and cannot be downloaded; says where to put it.
    """
    found = find_weights(root, given)
    if found is None and downloads:
        with one_process(place_of(root)):
            found = find_weights(root) or _download(root)
    if found is None:
        raise DataError(how_to_get(root, "they are not there"))
    return found


def place_of(root: Path) -> Path:
    """Where the weights lie under a data root."""
    return root.absolute() / "weights" / FILE_NAME


def how_to_get(root: Path, reason: str) -> str:
    """What to do about missing weights."""
    return (
        f"feature space 'inception' needs the weights of Inception-v3 ({SIZE / 1e6:.0f} MB), and {reason}: "
        f"download {URL} and put it at '{place_of(root)}', or name the file with --weights (or GANBENCH_WEIGHTS)"
    )


def _download(root: Path) -> Weights:
    if os.environ.get(OFFLINE, "0") not in ("", "0"):
        raise DataError(how_to_get(root, f"{OFFLINE} is set, so they are not downloaded"))
    path = place_of(root)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                sha256 = _fetch(file.write)
            if sha256 != SHA256:
                raise OSError(f"what came has the SHA-256 {sha256[:8]}…, not {SHA256[:8]}…")
            os.chmod(temporary, 0o644)  # mkstemp makes it private; a data root may be shared  # noqa: PTH101
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except (OSError, HTTPException, ValueError) as error:  # ValueError: of a proxy's address
        reason = getattr(error, "reason", None) or error
        raise DataError(how_to_get(root, f"they could not be downloaded ({reason})")) from None
    return Weights(path, sha256)


def _fetch(write: Callable[[bytes], object]) -> str:
    """Pass on what lies at the address; returns its SHA-256."""
    sha, done, pace = hashlib.sha256(), 0, Pace("downloading Inception's weights, bytes", SIZE)
    with urllib.request.urlopen(URL, timeout=TIMEOUT) as response:
        while chunk := response.read(CHUNK):
            write(chunk)
            sha.update(chunk)
            done += len(chunk)
            pace.tell(done)
    return sha.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
