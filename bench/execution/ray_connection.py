"""A connection to a Ray cluster: found out to be there within seconds, and quiet."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from bench.errors import UsageError

ANSWER_SECONDS = 5.0
"""For a connection to be accepted."""
REACH_SECONDS = 25.0
"""For a cluster to answer as one, all together."""
OBJECT_STORE_BYTES = 100 * 2**20
"""Of a cluster on this machine alone: nothing large crosses."""
PASSED_ON = ("GANBENCH_OFFLINE",)
"""Variables of the environment that hold on nodes, too."""

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # what Ray would print among ganbench's lines; its logs have it all
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # which it would warn of; CPU tasks use no GPU here
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # it would upload the working folder to all nodes
}

REACH = """
import sys, ray
try:
    ray.init(sys.argv[1], logging_level="CRITICAL", log_to_driver=False)
except BaseException as error:
    sys.exit("reason:" + " ".join(str(error).split()))
"""
"""Tried in a process of its own: where nobody answers, Ray may wait for minutes, print pages or end its process."""


@contextlib.contextmanager
def connected(address: str | None, cpus: int | None) -> Iterator[None]:
    """Ray is connected while entered; a connection that is there already is used, and left.

    Args:
        address: ``HOST:PORT``, ``ray://HOST:PORT`` or ``auto``; None for a cluster of this machine alone, which ends
            with the connection.
        cpus: of that; None for as many as there are.

    Raises:
        UsageError: there is no such cluster, or it does not take this driver.
    """
    os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
    import ray

    if ray.is_initialized():
        yield
        return
    if address is not None:
        reach(address)
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    with _own_handler_of_sigterm():
        try:
            ray.init(
                address or "local",
                num_cpus=cpus if address is None else None,
                object_store_memory=OBJECT_STORE_BYTES if address is None else None,
                include_dashboard=False if address is None else None,
                runtime_env={"env_vars": passed_on} if passed_on else None,
                log_to_driver=False,
                logging_level="CRITICAL",
            )
        except Exception as error:
            where = f"the cluster at {address}" if address else "a Ray cluster on this machine"
            raise UsageError(f"{where} cannot be used: {' '.join(str(error).split())}") from None
    try:
        yield
    finally:
        ray.shutdown()


def reach(address: str) -> None:
    """See within `REACH_SECONDS` that a cluster is there and takes this driver.

    Raises:
        UsageError: it is not, or does not.
    """
    until = time.monotonic() + REACH_SECONDS
    hint = "is 'ray start --head' running there? ray://HOST:PORT goes to its client server (port 10001), HOST:PORT to "
    hint += "the cluster that this machine is a node of (port 6379)"
    if address != "auto":
        host, port = split_address(address)
        try:
            socket.create_connection((host, port), ANSWER_SECONDS).close()
        except OSError as error:
            raise UsageError(f"no Ray cluster answers at {address} ({error.strerror or error}): {hint}") from None
    try:
        tried = subprocess.run(
            [sys.executable, "-c", REACH, address],
            capture_output=True,
            text=True,
            timeout=max(1.0, until - time.monotonic()),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(f"what answers at {address} is no Ray cluster, or a busy one: {hint}") from None
    if tried.returncode:
        said = tried.stderr.rpartition("reason:")[2].strip() or f"the attempt ended with {tried.returncode}"
        token = "where it asks for a token, set RAY_AUTH_MODE=token here, too"
        raise UsageError(f"the cluster at {address} does not take this driver: {said}; {hint}; {token}")


def split_address(address: str) -> tuple[str, int]:
    """Host and port.

    Raises:
        UsageError: it is not of that form.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16 or "/" in host:
        raise UsageError(f"'{address}' is no address of a cluster; expected ray://HOST:PORT, HOST:PORT or auto")
    return host.strip("[]"), int(port)


@contextlib.contextmanager
def _own_handler_of_sigterm() -> Iterator[None]:
    """Ray replaces it, which would keep runs from writing their checkpoints."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
