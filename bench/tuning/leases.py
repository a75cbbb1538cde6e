"""Who carries out which trial: a table beside Optuna's own, in the same database.

Trial ``slot`` of a study is begun by whoever enters its row first, so that there are never more trials than were asked
for, however many workers there are. A worker that lives counts its beats. Of one that is gone (its process is, or it
has not beaten for a minute) the trial is taken over by whoever exchanges the row's owner first, and goes on from its
run's checkpoint. No clocks are compared.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import time
import uuid
from pathlib import Path

import psutil
from sqlalchemy import Column, Float, Integer, MetaData, String, Table, insert, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

BEAT_SECONDS = 5.0
ABSENT_SECONDS = 60.0
"""A worker on another machine that has not beaten for so long is gone."""
NOBODY = ""

TABLE = Table(
    "ganbench_trials",
    MetaData(),
    Column("study", String(255), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(64), nullable=False),
    Column("machine", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", Float(53), nullable=False),
    Column("beats", Integer, nullable=False),
)


@dataclasses.dataclass(frozen=True)
class Worker:
    """One `ganbench tune`."""

    owner: str
    machine: str
    """The same text where process ids mean the same processes."""
    pid: int
    started: float
    """Of the process, by the operating system; with ``pid`` it names one."""


@dataclasses.dataclass(frozen=True)
class Lease:
    """A row: a trial and who has it."""

    study: str
    slot: int
    worker: Worker
    beats: int


def this_worker() -> Worker:
    """This process."""
    names = [socket.gethostname()]
    with contextlib.suppress(OSError):
        names.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        names.append(str(Path("/proc/self/ns/pid").readlink()))  # containers of one host number their processes anew
    machine = " ".join(names)[:255]
    return Worker(uuid.uuid4().hex, machine, os.getpid(), psutil.Process().create_time())


class Leases:
    """The table, as one worker sees it.

    Args:
        engine: of the database.
        worker: this one.
    """

    def __init__(self, engine: Engine, worker: Worker) -> None:
        self._engine, self.worker = engine, worker
        self._seen: dict[tuple[str, int], tuple[str, int, float]] = {}
        with contextlib.suppress(
            OperationalError, ProgrammingError, IntegrityError
        ):  # another process made it just now
            TABLE.metadata.create_all(engine)

    def of(self, study: str) -> list[Lease]:
        """All trials of a study that were ever begun, in order."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(TABLE).where(TABLE.c.study == study).order_by(TABLE.c.slot)).all()
        return [
            Lease(row.study, row.slot, Worker(row.owner, row.machine, row.pid, row.started), row.beats) for row in rows
        ]

    def begin(self, study: str, slot: int) -> bool:
        """Take a trial that nobody has begun; whether that succeeded."""
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(TABLE).values(study=study, slot=slot, beats=0, **self._mine()))
        except IntegrityError:
            return False
        return True

    def take_over(self, lease: Lease) -> bool:
        """Take a trial whose worker is gone; False where another one was faster, or it lives after all."""
        same = (TABLE.c.owner == lease.worker.owner) & (TABLE.c.beats == lease.beats)
        return self._change(lease.study, lease.slot, same, **self._mine(), beats=lease.beats + 1)

    def release(self, study: str, slot: int) -> None:
        """Leave a trial that is not finished to anybody."""
        self._change(study, slot, TABLE.c.owner == self.worker.owner, owner=NOBODY)

    def beat(self) -> None:
        """Tell the others that this worker lives."""
        with self._engine.begin() as connection:
            statement = update(TABLE).where(TABLE.c.owner == self.worker.owner)
            connection.execute(statement.values(beats=TABLE.c.beats + 1))

    def holds(self, study: str, slot: int) -> bool:
        """Whether a trial is still this worker's: one that slept for long may have lost it."""
        with self._engine.connect() as connection:
            found = select(TABLE.c.owner).where((TABLE.c.study == study) & (TABLE.c.slot == slot))
            return connection.execute(found).scalar() == self.worker.owner

    def is_abandoned(self, lease: Lease) -> bool:
        """Whether a trial's worker is gone."""
        worker = lease.worker
        if worker.owner in (NOBODY, self.worker.owner):
            return worker.owner == NOBODY
        if worker.machine == self.worker.machine:
            return worker.pid == self.worker.pid or not _is_alive(worker)
        key, now = (lease.study, lease.slot), time.monotonic()
        owner, beats, since = self._seen.get(key, (worker.owner, -1, now))
        if (owner, beats) != (worker.owner, lease.beats):
            self._seen[key] = (worker.owner, lease.beats, now)
            return False
        return now - since > ABSENT_SECONDS

    def _mine(self) -> dict[str, object]:
        return dataclasses.asdict(self.worker)

    def _change(self, study: str, slot: int, condition: object, **values: object) -> bool:
        where = (TABLE.c.study == study) & (TABLE.c.slot == slot) & condition
        with self._engine.begin() as connection:
            return bool(connection.execute(update(TABLE).where(where).values(**values)).rowcount == 1)


def _is_alive(worker: Worker) -> bool:
    try:
        process = psutil.Process(worker.pid)
        return abs(process.create_time() - worker.started) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
