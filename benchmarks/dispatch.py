"""How fast runs are handed out, and what the driver costs: ``python -m benchmarks.dispatch --runs 10000``.

Runs are empty: a spec and a record are all they leave. First a hundredth of them are carried out as runs are, in a
process each, by this machine's pool and by Ray on this machine; then all of them by Ray without these processes, which
leaves what Ray, the driver and the store cost; then once more, and the driver is killed half-way and started again.
Seconds are of the runs alone, without the start of Ray.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

import bench.execution.ray_executor
from bench.execution.conduct import ThisMachine, conduct
from bench.execution.ray import RayCluster
from bench.execution.ray_connection import connected
from bench.execution.ray_node import Mailbox, Told
from bench.execution.tasks import Progress
from bench.narrowing import Wanted
from bench.store import Store
from bench.suite import load_suite
from benchmarks import empty_runs

PLUGIN = '''
import sys
from bench.catalog import losses

@losses.register("empty", formula="–", source="benchmark")
class Empty:
    """Of a run that trains nothing; it has a speed."""

    def discriminator(self, real, fake):
        return (fake - real).mean()

    def generator(self, real, fake):
        return -fake.mean()

if "bench.execution.worker" in sys.modules:  # in a run's process, not where the suite is read
    from benchmarks.empty_runs import record
    sys.modules["bench.execution.worker"].run = record
'''
SUITE = """
plugins = ["empty.py"]
seeds = {runs}
objectives = ["empty"]
architectures = [{{ name = "mlp", width = 8 }}]
datasets = [{{ name = "ring", train = 1000 }}]
[training]
steps = 10
batch_size = 16
[evaluation]
samples = 100
"""


class Clock:
    """A watcher that measures the phase of the runs."""

    def __init__(self) -> None:
        self.begin = self.end = 0.0
        self.before = 0

    def phase(self, name: str, total: int) -> None:
        if name == "runs":
            self.begin, self.before = time.monotonic(), psutil.Process().memory_info().rss
        elif name == "throughput":
            self.end = time.monotonic()

    def started(self, key: str) -> None: ...

    def progress(self, key: str, progress: Progress) -> None: ...

    def finished(self, key: str, status: str, reason: str | None) -> None: ...

    def stopping(self) -> None: ...


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of one driver."""

    runs: int
    seconds: float
    before_bytes: int
    peak_bytes: int

    def __str__(self) -> str:
        memory = (
            f"driver {self.before_bytes / 2**20:.0f} MiB before the first run, {self.peak_bytes / 2**20:.0f} at most"
        )
        return f"{self.runs} runs in {self.seconds:.1f} s: {self.runs / self.seconds:.1f} a second; {memory}"


def drive(folder: Path, on: str, slots: int, limit: int | None) -> Cost:
    """Carry the suite out in this process.

    Args:
        folder: holds it.
        on: ``local``; ``ray``; ``dispatch``: Ray, without a process for each run.
        slots: runs side by side.
        limit: runs, at most.
    """
    plan, clock = load_suite(folder / "empty.toml"), Clock()
    if on == "dispatch":
        bench.execution.ray_executor.work = empty_runs.work
    engine = ThisMachine("cpu", slots) if on == "local" else RayCluster(device="cpu")
    wanted = Wanted(plan, limit=limit)
    summary = conduct(plan, Store(folder / on), folder / "data", "cpu", slots, clock, wanted, engine=engine)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Cost(summary.trained, clock.end - clock.begin, clock.before, peak)


def start(folder: Path, on: str, slots: int, limit: int | None = None) -> subprocess.Popen[str]:
    """The same in a process of its own, which ends with its cost on standard output."""
    command = [sys.executable, "-m", "benchmarks.dispatch", "--drive", on, "--folder", str(folder)]
    command += ["--slots", str(slots), *(() if limit is None else ("--limit", str(limit)))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def cost_of(driver: subprocess.Popen[str]) -> Cost:
    """Wait for a driver."""
    said, _ = driver.communicate()
    if driver.returncode:
        raise SystemExit(f"a driver ended with {driver.returncode}")
    return Cost(**json.loads(said.splitlines()[-1]))


def starts(folder: Path) -> Counter[str]:
    """How often each run's process was started."""
    path = folder / "dispatch" / empty_runs.STARTS
    return Counter(path.read_text(encoding="utf-8").split() if path.exists() else ())


def records(folder: Path) -> dict[str, tuple[int, int]]:
    """When each record was written, and which file it is."""
    states = {path.parent.name: path.stat() for path in (folder / "dispatch" / "runs").glob("*/record.json")}
    return {run_id: (state.st_mtime_ns, state.st_ino) for run_id, state in states.items()}


def kill_and_restart(folder: Path, runs: int, slots: int) -> None:
    """Kill the driver half-way, start it again, and print what became of the runs."""
    driver = start(folder, "dispatch", slots)
    while sum(starts(folder).values()) < runs // 2 and driver.poll() is None:
        time.sleep(0.2)
    driver.kill()
    driver.wait()
    time.sleep(2)  # what it had started ends with it
    kept, begun = records(folder), starts(folder)
    print(f"killed with {len(kept)} of {runs} runs recorded and {len(begun)} begun", flush=True)
    cost = cost_of(start(folder, "dispatch", slots))
    now, twice = records(folder), [run for run, count in starts(folder).items() if count > 1]
    print(f"restarted: {cost}")
    print(f"records lost: {len(kept.keys() - now.keys())}, changed: {sum(now[run] != kept[run] for run in kept)}")
    print(f"recorded: {len(now)} of {runs}")
    print(f"recorded runs that were trained again: {len(kept.keys() & set(twice))}")
    print(f"runs begun twice, being under way when it was killed: {len(set(twice) - kept.keys())}")


def tells_per_second(calls: int = 5000) -> float:
    """What the actor bears that nodes tell their progress: each run under way does so once a second."""
    with connected(None, 2):
        import ray

        progress = Progress(step=1000, images=16_000, seconds=3.0, share=0.5)
        told = Told(node="node 10.0.0.1 (01234567)", progress=(progress,) * 3).model_dump_json()
        mailbox = ray.remote(Mailbox).options(num_cpus=0).remote()
        ray.get(mailbox.tell.remote(0, told))
        begin = time.perf_counter()
        ray.get([mailbox.tell.remote(number, told) for number in range(calls)])
        return calls / (time.perf_counter() - begin)


def prepare(folder: Path, runs: int) -> Path:
    """A folder with the suite."""
    folder.mkdir(parents=True)
    (folder / "empty.py").write_text(PLUGIN, encoding="utf-8")
    (folder / "empty.toml").write_text(SUITE.format(runs=runs), encoding="utf-8")
    return folder


def main() -> None:
    """Print a line a measurement."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dispatch", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=2, help="runs side by side")
    parser.add_argument("--folder", type=Path, help="where to work, and what to leave there; else it is temporary")
    parser.add_argument("--drive", choices=("local", "ray", "dispatch"), help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.drive:
        print(json.dumps(dataclasses.asdict(drive(given.folder, given.drive, given.slots, given.limit))))
        return
    with tempfile.TemporaryDirectory(prefix="ganbench-dispatch-") as temporary:
        folder = (given.folder or Path(temporary)).absolute()
        whole, few = prepare(folder / "whole", given.runs), max(1, given.runs // 100)
        print(f"a process each, this machine's pool: {cost_of(start(whole, 'local', given.slots, few))}", flush=True)
        print(f"a process each, Ray: {cost_of(start(whole, 'ray', given.slots, few))}", flush=True)
        print(f"dispatch by Ray: {cost_of(start(whole, 'dispatch', given.slots))}", flush=True)
        kill_and_restart(prepare(folder / "killed", given.runs), given.runs, given.slots)
    print(f"the mailbox: {tells_per_second():.0f} tells a second")


if __name__ == "__main__":
    main()
