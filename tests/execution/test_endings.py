"""Every way in which a run can end, brought about by plugins that behave badly."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from bench.execution import limits, pool
from bench.execution.log_file import HALF, TAIL_BYTES, TAIL_LINES, LogFile
from bench.record import Status
from bench.store import load_results
from tests.execution.carrying import TINY, by_objective, carry_out

PLUGIN = """
import mmap, os, signal, sys, time
import torch
from bench.catalog import losses

HELD = []

def register(name, act):
    @losses.register(name, formula="–", source="test")
    class Loss:
        def discriminator(self, real, fake):
            return act(real, fake)

        def generator(self, real, fake):
            return -fake.mean()

def raises(real, fake):
    print("about to raise")
    raise ValueError("no such luck")

def explodes(real, fake):
    return real.new_empty(1 << 50).mean()

def hoards(real, fake):
    while True:
        HELD.append(torch.ones(1 << 22))

def shares(real, fake):  # memory that allocations are not counted by
    while True:
        HELD.append(mmap.mmap(-1, 1 << 26))
        for at in range(0, 1 << 26, 4096):
            HELD[-1][at] = 1
        time.sleep(0.02)

def floods(real, fake):
    if not HELD:
        HELD.append(None)
        line = "all work and no play " * 50 + "\\n"
        for _ in range((1 << 30) // len(line)):
            sys.stdout.write(line)
        print("the end of the flood")
    return (fake - real).mean()

def forks(real, fake):  # a child that outlives its parent's patience
    if os.fork() == 0:
        time.sleep(600)
    time.sleep(600)

register("raises", raises)
register("explodes", explodes)
register("hoards", hoards)
register("shares", shares)
register("floods", floods)
register("segfaults", lambda real, fake: os.kill(os.getpid(), signal.SIGSEGV))
register("leaves", lambda real, fake: os._exit(7))
register("hangs", lambda real, fake: time.sleep(600))
register("forks", forks)
register("diverges", lambda real, fake: (fake - real).mean() * float("inf"))
register("fine", lambda real, fake: (fake - real).mean())
"""


LATE = """
from bench.catalog import losses

@losses.register("late", formula="–", source="test")
class Loss:
    steps = 0

    def discriminator(self, real, fake):
        Loss.steps += 1
        if Loss.steps == 390:
            raise ValueError("at step 390")
        return (fake - real).mean()

    def generator(self, real, fake):
        return -fake.mean()
"""


def test_every_ending_is_a_status_and_none_stops_the_suite(tmp_path: Path, data_root: Path) -> None:
    (tmp_path / "bad.py").write_text(PLUGIN)
    names = [
        "raises", "explodes", "hoards", "shares", "floods", "segfaults", "leaves", "hangs", "forks", "diverges", "fine",
    ]  # fmt: skip
    suite = (
        f'plugins = ["bad.py"]\nobjectives = {names}\ndatasets = ["ring"]\n{TINY}\n'
        "[execution]\ntimeout_seconds = 15\nmemory_limit_gib = 1.5\n"
    )
    summary, store = carry_out(suite, tmp_path, data_root)
    records = by_objective(store)
    found = {name: (record.status, record.reason or "") for name, record in records.items()}
    for name, says in {"explodes": "allocate", "hoards": "", "shares": "more than its 1,536 MiB"}.items():
        status, reason = found.pop(name)
        assert status is Status.OUT_OF_MEMORY, name
        assert says in reason  # a hoard is met by whoever looks first: the kernel or the supervisor
    assert found == {
        "raises": (Status.FAILED, "ValueError: no such luck"),
        "floods": (Status.COMPLETED, ""),
        "segfaults": (Status.CRASHED, "killed by SIGSEGV"),
        "leaves": (Status.CRASHED, "the process ended by itself with exit code 7"),
        "hangs": (Status.TIMED_OUT, "took longer than its 15 s"),
        "forks": (Status.TIMED_OUT, "took longer than its 15 s"),
        "diverges": (Status.DIVERGED, "a loss or a weight was not finite at step 1"),
        "fine": (Status.COMPLETED, ""),
    }
    assert "about to raise" in (records["raises"].log_tail or "")
    assert "ValueError: no such luck" in (records["raises"].log_tail or "")
    assert "Fatal Python error: Segmentation fault" in (records["segfaults"].log_tail or "")
    log = store.run_folder(records["floods"].run_id) / "log.txt"
    assert log.stat().st_size < 2.1 * HALF
    assert "the end of the flood" in log.read_text()
    assert "bytes left out" in log.read_text()
    assert summary.exit_code == 1
    assert not summary.interrupted
    frame = load_results(store.folder)
    assert sorted(frame["status"]) == sorted(str(record.status) for record in records.values())


def test_a_failed_run_tells_how_far_it_got(tmp_path: Path, data_root: Path) -> None:
    (tmp_path / "late.py").write_text(LATE)
    steps = TINY.replace("steps = 20", "steps = 400").replace("every = 10", "every = 400")
    suite = f'plugins = ["late.py"]\nobjectives = ["late"]\ndatasets = ["ring"]\n{steps}'
    _, store = carry_out(suite, tmp_path, data_root)
    (record,) = store.records()
    assert (record.status, record.reason) == (Status.FAILED, "ValueError: at step 390")
    assert 380 <= record.steps < 390, "as far as the last of a hundred looks saw, told however quickly they came"
    assert record.images == record.steps * 16


def test_what_a_plugin_starts_ends_with_its_run(tmp_path: Path, data_root: Path) -> None:
    forks = PLUGIN.replace("os.fork() == 0:", "(child := os.fork()) == 0:").replace(
        "    time.sleep(600)\n\nregister", "    print('child', child, flush=True)\n    time.sleep(600)\n\nregister", 1
    )
    (tmp_path / "bad.py").write_text(forks)
    suite = (
        f'plugins = ["bad.py"]\nobjectives = ["forks"]\ndatasets = ["ring"]\n{TINY}\n[execution]\ntimeout_seconds = 3\n'
    )
    _, store = carry_out(suite, tmp_path, data_root)
    (record,) = store.records()
    child = next(int(line.split()[1]) for line in (record.log_tail or "").splitlines() if line.startswith("child"))
    status = Path(f"/proc/{child}/status")
    assert not status.exists() or "(zombie)" in status.read_text()


CRASHES_ONCE = """
import os, signal
from pathlib import Path
from bench.catalog import losses

STEPS = [0]

@losses.register("stumbles", formula="–", source="test")
class Stumbles:
    def discriminator(self, real, fake):
        STEPS[0] += 1
        mark = Path(__file__).with_suffix(".mark")
        if STEPS[0] == TIMES and len(mark.read_text() if mark.exists() else "") < CRASHES:
            with mark.open("a") as file:
                file.write("x")
            os.kill(os.getpid(), signal.SIGSEGV)
        return (fake - real).mean()

    def generator(self, real, fake):
        return -fake.mean()
"""


@pytest.mark.parametrize(("crashes", "retry"), [(1, True), (2, True), (1, False)])
def test_a_crash_is_tried_once_more_if_the_suite_asks(
    tmp_path: Path, data_root: Path, crashes: int, retry: bool
) -> None:
    (tmp_path / "bad.py").write_text(CRASHES_ONCE.replace("TIMES", "15").replace("CRASHES", str(crashes)))
    suite = (
        f'plugins = ["bad.py"]\nobjectives = ["stumbles"]\ndatasets = ["ring"]\n{TINY}\n'
        f"[execution]\nretry_crashed = {str(retry).lower()}\n"
    )
    summary, store = carry_out(suite, tmp_path, data_root)
    (record,) = store.records()
    if crashes == 1 and retry:
        assert (record.status, summary.exit_code) == (Status.COMPLETED, 0)
        return
    assert (record.status, summary.exit_code) == (Status.CRASHED, 1)
    assert record.reason == "killed by SIGSEGV" + (" and, tried again, killed by SIGSEGV" if retry else "")
    # and whenever the user asks: what failed is run again, what did not is left alone
    again, _ = carry_out(suite, tmp_path, data_root, retry=("failed",))
    assert (again.trained, again.exit_code) == (1, 0)
    assert store.record(record.run_id).status is Status.COMPLETED  # type: ignore[union-attr]
    assert carry_out(suite, tmp_path, data_root, retry=("failed",))[0].trained == 0


@pytest.mark.parametrize(
    ("before", "after", "status"), [(3, 4, Status.OUT_OF_MEMORY), (3, 3, Status.CRASHED), (None, None, Status.CRASHED)]
)
def test_a_kill_is_the_oom_killers_where_the_kernel_counted_one(
    before: int | None, after: int | None, status: Status
) -> None:
    killed = before is not None and (after or 0) > before
    outcome = pool._judge(None, -signal.SIGKILL, stopping=False, oom_killed=killed)
    assert (outcome.out_of_memory is not None) == (status is Status.OUT_OF_MEMORY)
    assert "SIGKILL" in (outcome.out_of_memory or outcome.crashed or "")


@pytest.mark.parametrize("pieces", [[b""], [b"one\n"], [b"a" * 100] * 3, [b"x" * HALF, b"y"], [b"z" * (HALF + 1)] * 5])
def test_a_log_keeps_beginning_and_end(tmp_path: Path, pieces: list[bytes]) -> None:
    path = tmp_path / "folder" / "log.txt"
    log = LogFile(path)
    for piece in pieces:
        log.write(piece)
    tail = log.close()
    printed, kept = b"".join(pieces), path.read_bytes()
    if len(printed) <= 2 * HALF:
        assert kept == printed
    else:
        assert kept.startswith(printed[:HALF])
        assert kept.endswith(printed[-HALF:])
        assert f"{len(printed) - 2 * HALF:,} bytes left out".encode() in kept
    expected = printed[-TAIL_BYTES:].decode().splitlines()[-TAIL_LINES:]
    assert tail == ("\n".join(expected) or None)


def test_a_log_that_cannot_be_written_still_tells_its_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    log = LogFile(tmp_path / "file" / "log.txt")
    log.write(b"last words\n")
    assert log.close() == "last words"


def test_a_log_goes_on_after_an_interruption_and_not_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    for words in (b"first\n", b"second\n"):
        log = LogFile(path)
        log.write(words)
        log.close()
    assert path.read_bytes() == b"first\nsecond\n"
    path.write_bytes(b"x" * (2 * HALF + 1))
    LogFile(path).close()
    assert path.read_bytes() == b""


def test_memory_is_read_where_the_system_tells() -> None:
    import os

    assert limits.resident_bytes(os.getpid()) > 1 << 20
    assert limits.resident_bytes(2**22 + 1) == 0
    counted = limits.oom_kills()
    assert counted is None or counted >= 0
