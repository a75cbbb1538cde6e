"""What a report of many runs takes: `python -m benchmarks.report_10000 --shape 10x10x100 --folder DIR`.

Makes a results folder of objectives × tasks × seeds runs (records, histories, samples, references, throughput), as
`tests.report.synthetic` makes them, then reads it and makes its report, each in a process of its own. Processor seconds
include the start of that process and its imports; files have just been written, so the operating system holds them in
memory where it has the room.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import multiprocessing
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import psutil

from bench.spec import RunSpec
from bench.store import Store
from tests.report.synthetic import CHARACTERS, SUITE, make_reference, make_run, make_throughput, spec
from tests.report.unfinished import plan_text

DATASETS = ("ring", "grid", "digits")
LOOK_EVERY_SECONDS = 1.0
"""Between two looks at the memory held: each takes a process that holds a gigabyte some tens of milliseconds."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of one job in a fresh process."""

    wall_seconds: float
    processor_seconds: float
    peak_bytes: int


def specs(objectives: int, tasks: int, seeds: int) -> list[RunSpec]:
    """Every objective on every task at every seed; tasks are datasets with architectures of different names."""
    names = [*CHARACTERS, *(f"variant-{index}" for index in range(objectives))][:objectives]
    places = [(DATASETS[index % 3], f"net-{index // 3}") for index in range(tasks)]
    return [spec(o, dataset, s, net) for o in names for dataset, net in places for s in range(seeds)]


def write_results(folder: Path, objectives: int, tasks: int, seeds: int) -> None:
    """Write a results folder. The same files as ever, but not flushed to the disk one by one."""
    store, runs = Store(folder), specs(objectives, tasks, seeds)
    with mock.patch("os.fsync"):
        store.prepare()
        store.write_suite(SUITE, plan_text(runs))
        for dataset in DATASETS[:tasks]:
            make_reference(store, dataset)
        for run in runs:
            make_run(store, run)
            if run.seed == 0:
                make_throughput(store, run)


JOBS = {
    "importing what a report takes": "import bench.report.reader, bench.report.sections, bench.report.page",
    "reading the results": "import bench.report; bench.report.load(folder)",
    "reading and writing the report": "import bench.report; bench.report.build([folder], reports, command='x')",
}


def cost(code: str, folder: Path) -> Cost:
    """Of one of `JOBS` on a folder, in a fresh process."""
    begin = time.perf_counter()
    script = (
        "import sys, resource; from pathlib import Path\n"
        "folder, reports = Path(sys.argv[1]), Path(sys.argv[1] + '-report')\n"
        f"{code}\nused = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
        "print(sum(each.ru_utime + each.ru_stime for each in used))"
    )
    command = [sys.executable, "-c", script, str(folder)]
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as job:
        while job.poll() is None:
            peak = max(peak, held_bytes(psutil.Process(job.pid)))
            time.sleep(LOOK_EVERY_SECONDS)
        output = job.stdout.read() if job.stdout else ""
    if job.returncode:
        raise SystemExit(job.returncode)
    return Cost(time.perf_counter() - begin, float(output.split()[-1]), peak)


def held_bytes(process: psutil.Process) -> int:
    """Memory of a process and of those that it has begun; what they share is counted once."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for each in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += each.memory_full_info().pss
    return total


def main() -> None:
    """Print a line a job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", default="10x10x100", help="objectives x tasks x seeds")
    parser.add_argument("--folder", type=Path, required=True, help="results are made there, if they are not, and left")
    arguments = parser.parse_args()
    objectives, tasks, seeds = map(int, arguments.shape.split("x"))
    folder = arguments.folder / arguments.shape
    if not folder.exists():
        # elsewhere, for a process starts with the peak memory of the one that starts it
        shape = (folder, objectives, tasks, seeds)
        writer = multiprocessing.get_context("spawn").Process(target=write_results, args=shape)
        begin = time.perf_counter()
        writer.start()
        writer.join()
        print(f"{objectives * tasks * seeds} runs written in {time.perf_counter() - begin:.0f} s", flush=True)
    for title, code in JOBS.items():
        used = cost(code, folder)
        print(
            f"{title:35} {used.processor_seconds:7.1f} s of the processor, {used.wall_seconds:7.1f} s, "
            f"{used.peak_bytes / 2**20:6.0f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
