"""What it takes to read many records, packed and not: `python -m benchmarks.records --count 100000 --folder DIR`.

Makes a results folder of that many real record files (all cells of `suites/losses.toml`, as many seeds as it takes),
then reads and packs it, each in a process of its own. Seconds include the start of that process and its imports; files
have just been written, so the operating system holds them in memory where it has the room.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import math
import multiprocessing
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from bench.environment import host_environment
from bench.index import FILE
from bench.metrics import METRICS
from bench.record import Measurement, Record, Selection, Status, Timings
from bench.spec import RunSpec
from bench.store import Store
from bench.suite import load_suite

SUITE = Path(__file__).parent.parent / "suites" / "losses.toml"
SELECTIONS: tuple[Selection, ...] = ("final", "best_on_validation", "oracle_best")
PACKED_ONE_BY_ONE = 1000
"""Records that come after the index was packed, as while a suite runs."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of one job in a fresh process."""

    seconds: float
    peak_bytes: int


def specs() -> Iterator[RunSpec]:
    """Runs without end: every cell of the suite at seed 0, at seed 1, …"""
    cells = [spec for spec in load_suite(SUITE).specs if spec.seed == 0]
    return (cell.with_seed(seed) for seed in itertools.count() for cell in cells)


def make_record(spec: RunSpec, luck: random.Random) -> Record:
    """A record as a run of that spec leaves it, with numbers drawn by chance."""
    points = spec.evaluation.space == "raw"
    metrics = [name for name in METRICS if points or name not in ("high_quality_share", "sliced_wasserstein")]
    status = luck.choices([Status.COMPLETED, Status.DIVERGED, Status.CRASHED], [0.9, 0.08, 0.02])[0]
    steps = spec.total_steps or 1
    measurements = [
        Measurement(
            metric=name,
            value=None if luck.random() < 0.01 else luck.lognormvariate(0, 1),
            space=spec.evaluation.space,
            split="test",
            generated=2500,
            real=2500,
            weights="ema",
            step=steps,
            selection=selection,
        )
        for selection in SELECTIONS
        for name in metrics
    ]
    return Record(
        run_id=spec.run_id,
        spec=spec,
        status=status,
        reason=None if status is Status.COMPLETED else f"a loss was not finite at step {luck.randrange(steps)}",
        steps=steps,
        images=steps * spec.images_per_step,
        measurements=() if status is Status.CRASHED else tuple(measurements),
        parameters={"generator": 52_482, "discriminator": 33_281},
        samples={"train": 100_000, "validation": 10_000, "test": 10_000},
        timings=Timings(
            total=luck.uniform(20, 30), start=luck.random(), training=luck.uniform(15, 18), evaluation=1.5, files=0.1
        ),
        peak_memory_bytes=luck.randrange(2**29),
        environment=host_environment(),
        started_at="2026-01-01T00:00:00+00:00",
    )


def write_records(folder: Path, first: int, count: int) -> None:
    """Write the records of some of `specs`. The same files as ever, but not flushed to the disk one by one."""
    store, luck = Store(folder), random.Random(first)
    with mock.patch("os.fsync"):
        for spec in itertools.islice(specs(), first, first + count):
            store.write_record(make_record(spec, luck))


def cost(job: str, folder: Path) -> Cost:
    """Of one of `JOBS` on a folder, in a fresh process."""
    begin = time.perf_counter()
    code = f"{JOBS[job]}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(time.perf_counter() - begin, int(done.stdout.split()[-1]) * unit)


JOBS = {
    "load": "import sys, bench; bench.load_results(sys.argv[1])",
    "pack": "import sys; from pathlib import Path; from bench.store import Store; Store(Path(sys.argv[1])).pack()",
    "look": "import sys; from pathlib import Path; from bench.store import Store; Store(Path(sys.argv[1])).pack(10**9)",
    "nothing": "import pandas, pyarrow.parquet, bench.store",
}


def main() -> None:
    """Print a line a job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, required=True, help="a new folder, which is left there")
    arguments = parser.parse_args()
    folder, count = arguments.folder / "records", arguments.count
    if folder.exists():
        parser.error(f"{folder} is there already")

    def report(title: str, job: str) -> None:
        measured = cost(job, folder)
        print(f"{title:58} {measured.seconds:8.2f} s  {measured.peak_bytes / 2**20:8.0f} MiB", flush=True)

    def write(first: int, number: int) -> None:
        # elsewhere, for a process starts with the peak memory of the one that starts it
        writer = multiprocessing.get_context("spawn").Process(target=write_records, args=(folder, first, number))
        writer.start()
        writer.join()

    begin = time.perf_counter()
    write(0, count)
    files = list(itertools.islice(folder.glob("runs/*/record.json"), 1000))
    size = math.fsum(file.stat().st_size for file in files) / len(files)
    print(f"{count} records of about {size:.0f} bytes written in {time.perf_counter() - begin:.0f} s", flush=True)
    report("importing pandas, pyarrow and bench.store, for comparison", "nothing")
    report("load_results, not packed", "load")
    report("Store.pack, nothing packed before", "pack")
    print(f"the index takes {(folder / FILE).stat().st_size / 2**20:.1f} MiB")
    report("load_results, packed", "load")
    report("Store.pack(fewest=…) that finds too few to pack", "look")
    write(count, PACKED_ONE_BY_ONE)
    report(f"load_results, packed but for {PACKED_ONE_BY_ONE}", "load")
    report(f"Store.pack of {PACKED_ONE_BY_ONE} more", "pack")


if __name__ == "__main__":
    main()
