"""One process that carries a suite out, watched from outside and killed in the ways that processes are."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from enum import IntEnum, StrEnum
from pathlib import Path

import psutil

MARK = "GANBENCH_FAULTS_MARK"
"""In the environment of a victim and of all that it starts, so that they are found whoever their parent is."""
POLL_SECONDS = 0.02


class Stage(IntEnum):
    """What a victim is doing, in the order in which it does it."""

    STARTING = 0
    REFERENCES = 1
    TRAINING = 2
    THROUGHPUT = 3
    REPORT = 4

    @property
    def title(self) -> str:
        """As it is printed."""
        return "references/classifier" if self is Stage.REFERENCES else self.name.lower()


PHASES = {"references": Stage.REFERENCES, "runs": Stage.TRAINING, "throughput": Stage.THROUGHPUT}
"""The names that ``running.json`` gives them."""


class Blow(StrEnum):
    """What is done to a victim."""

    SUPERVISOR = "supervisor"
    TREE = "whole tree"
    FORK_SERVER = "fork server"
    WORKER = "one process"
    TERMINATE = "SIGTERM"
    INTERRUPT = "SIGINT"

    @property
    def is_kill(self) -> bool:
        """Whether nothing is left to the victim to say."""
        return self not in (Blow.TERMINATE, Blow.INTERRUPT)

    @property
    def spares_supervisor(self) -> bool:
        """Whether the victim goes on, as far as it can."""
        return self in (Blow.FORK_SERVER, Blow.WORKER)


class Victim:
    """``ganbench run`` in a session of its own.

    Args:
        arguments: of the command line.
        folder: the suite's results folder.
        source: the folder of the package ``bench`` that is run.
    """

    def __init__(self, arguments: list[str], folder: Path, source: Path) -> None:
        self._mark = uuid.uuid4().hex
        self._folder = folder
        self._heartbeat = False
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # a pipe would fill up
        environment = os.environ | {MARK: self._mark, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench", *arguments],
            stdout=self._said,
            stderr=self._said,
            stdin=subprocess.DEVNULL,
            cwd=source,
            env=environment,
            start_new_session=True,
        )

    @property
    def exit_code(self) -> int | None:
        """None while it lives."""
        return self._process.poll()

    def said(self) -> str:
        """What it printed so far."""
        self._said.seek(0)
        return self._said.read().decode(errors="replace")

    def stage(self) -> Stage:
        """What it is doing now."""
        try:
            told = json.loads((self._folder / "running.json").read_bytes())
        except (OSError, ValueError):
            told = None
        if told is not None and told["pid"] == self._process.pid:
            self._heartbeat = True
            return PHASES.get(told["phase"], Stage.STARTING)
        return Stage.REPORT if self._heartbeat or self._draws() else Stage.STARTING

    def _draws(self) -> bool:
        """Whether it has loaded what draws figures: it does so for the report alone."""
        with contextlib.suppress(OSError):
            return b"matplotlib" in Path(f"/proc/{self._process.pid}/maps").read_bytes()
        return False

    def wait(self, seconds: float) -> int | None:
        """Its exit code; None where it lives on after so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def strike(self, blow: Blow, choose: Callable[[list[psutil.Process]], psutil.Process]) -> bool:
        """Do it; whether there was something to do it to.

        Args:
            blow: what.
            choose: one of several processes that will do.
        """
        if blow is Blow.TREE:
            self.kill_all()
        elif blow is Blow.SUPERVISOR:
            self._process.kill()
        elif blow is Blow.TERMINATE:
            self._process.terminate()
        elif blow is Blow.INTERRUPT:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGINT)  # as a terminal does: the whole group gets it
        else:
            servers = self._fork_servers()
            targets = servers if blow is Blow.FORK_SERVER else [run for server in servers for run in _children(server)]
            if not targets:
                return False
            with contextlib.suppress(psutil.Error):
                choose(targets).kill()
        return True

    def kill_all(self) -> None:
        """Kill all of it at one moment, as a power cut does."""
        deadline = time.monotonic() + 10
        while (found := self.alive()) and time.monotonic() < deadline:
            for number in (signal.SIGSTOP, signal.SIGKILL):  # nobody is to see another's end
                for process in found:
                    with contextlib.suppress(psutil.Error):
                        process.send_signal(number)
            self._process.poll()

    def alive(self) -> list[psutil.Process]:
        """Every process of it that lives, orphans too."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == self._mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def orphans(self, seconds: float) -> list[str]:
        """What of it lives so long after its end."""
        deadline = time.monotonic() + seconds
        while found := self.alive():
            if time.monotonic() > deadline:
                return [f"{process.pid} {_command(process)}" for process in found]
            time.sleep(POLL_SECONDS)
        return []

    def _fork_servers(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            children = psutil.Process(self._process.pid).children()
            return [child for child in children if "multiprocessing.forkserver" in _command(child)]
        return []


def _children(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return process.children()
    return []


def _command(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())[:200]
    return ""
