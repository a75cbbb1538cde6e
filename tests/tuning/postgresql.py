"""A PostgreSQL server of one's own, for as long as a test needs it: the real one, where its binaries are installed."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

USER = "tuner"
SECONDS = 60


def find_binaries() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``: Debian's are not on the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.insert(0, Path(on_path).resolve().parent)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


def why_not() -> str | None:
    """Why there can be no server here; None where there can."""
    if find_binaries() is None:
        return "the binaries of a PostgreSQL server (initdb, pg_ctl) are not installed"
    if os.geteuid() == 0 and _owner() is None:
        return "PostgreSQL refuses to run as root, and there is no user 'postgres' or 'nobody' to run it"
    return None


def _owner() -> str | None:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return None


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The URL of a fresh, empty database on the loopback, with a user who has a password."""
    binaries = find_binaries()
    assert binaries is not None
    owner = _owner() if os.geteuid() == 0 else None
    password = secrets.token_hex(12)
    home = Path(tempfile.mkdtemp(prefix="ganbench-postgresql-"))
    data = home / "data"
    try:
        (home / "password").write_text(password)
        if owner is not None:
            for path in (home, home / "password"):
                shutil.chown(path, owner)

        def run(*command: str) -> None:
            done = subprocess.run(
                command,
                user=owner,
                cwd=home,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
                env={"LC_ALL": "C"},
            )
            assert done.returncode == 0, done.stdout + done.stderr

        access = ("-U", USER, "-A", "scram-sha-256", f"--pwfile={home / 'password'}")
        run(str(binaries / "initdb"), "-D", str(data), "-E", "UTF8", "--no-sync", *access)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='{home}' -c fsync=off"
        run(str(binaries / "pg_ctl"), "-D", str(data), "-l", str(home / "log"), "-o", options, "-w", "start")
        try:
            yield f"postgresql://{USER}:{password}@127.0.0.1:{port}/postgres"
        finally:
            run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
