"""Who has which trial: begun once, left alone while its worker lives, taken over once when it does not."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import sqlalchemy

from bench.tuning import leases
from bench.tuning.leases import Leases, Worker, this_worker


@pytest.fixture
def engine(tmp_path: Path) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'studies.db'}", connect_args={"timeout": 60})


def another(machine: str = "elsewhere", pid: int = 1) -> Worker:
    return Worker("another", machine, pid, 0.0)


def test_a_trial_is_begun_by_one_of_many(engine: sqlalchemy.Engine) -> None:
    workers = [Leases(engine, this_worker()) for _ in range(8)]
    won: list[int] = []
    barrier = threading.Barrier(len(workers))

    def race(number: int) -> None:
        barrier.wait()
        if workers[number].begin("study", 0):
            won.append(number)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(len(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    (lease,) = workers[0].of("study")
    assert lease.worker == workers[won[0]].worker


def test_a_released_trial_is_taken_over_by_one(engine: sqlalchemy.Engine) -> None:
    first, second, third = (Leases(engine, this_worker()) for _ in range(3))
    assert first.begin("study", 3)
    assert not first.is_abandoned(first.of("study")[0])
    first.release("study", 3)
    (lease,) = second.of("study")
    assert second.is_abandoned(lease)
    assert second.take_over(lease)
    assert not third.take_over(lease)  # as it was when both looked
    assert second.holds("study", 3)
    assert not first.holds("study", 3)
    first.release("study", 3)  # which is no longer its own
    assert second.holds("study", 3)


def test_a_process_that_is_gone_is_noticed_at_once(engine: sqlalchemy.Engine) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    mine = this_worker()
    theirs = Worker("other", mine.machine, process.pid, psutil.Process(process.pid).create_time())
    assert Leases(engine, theirs).begin("study", 0)
    watching = Leases(engine, mine)
    (lease,) = watching.of("study")
    assert not watching.is_abandoned(lease)
    process.kill()
    process.wait()
    assert watching.is_abandoned(lease)
    # another process that has the same number by now is not that worker
    reused = dataclasses.replace(lease, worker=dataclasses.replace(theirs, pid=psutil.Process().ppid(), started=1.0))
    assert watching.is_abandoned(reused)


def test_another_machine_is_gone_when_it_no_longer_beats(
    engine: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(leases.time, "monotonic", lambda: clock[0])
    theirs, watching = Leases(engine, another()), Leases(engine, this_worker())
    assert theirs.begin("study", 0)
    for _ in range(3):  # it beats, however slowly
        theirs.beat()
        (lease,) = watching.of("study")
        assert not watching.is_abandoned(lease)
        clock[0] += leases.ABSENT_SECONDS - 1
    assert not watching.is_abandoned(lease)
    clock[0] += 2
    assert watching.is_abandoned(lease)
    theirs.beat()  # just in time
    assert not watching.take_over(lease)
    assert theirs.holds("study", 0)
