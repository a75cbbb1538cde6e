"""How long commands take to start, beside an interpreter that imports torch, and how planning grows with the runs."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

ROOT = Path(__file__).parent.parent
COMMANDS = {"--help": ["--help"], "list": ["list"], "plan": ["plan", "suites/losses.toml"]}
GRID = """
seeds = {seeds}
training.steps = 100
objectives = ["minimax", "nsgan", "lsgan", "wgan", "wgan-gp", "hinge", "nsgan-r1", "r3gan", "dragan", "rpgan"]
datasets = ["ring", "grid"]
"""


def seconds(*command: str) -> float:
    """Of the processor: other work on the machine stretches the clock's, and hardly those."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.benchmark(group="start-up: command / an interpreter that imports torch")
def test_start_against_importing_torch(benchmark: BenchmarkFixture, command: str) -> None:
    call = ("-m", "bench", *COMMANDS[command])
    seconds(*call)
    pairs = [(seconds(*call), seconds("-c", "import torch")) for _ in range(5)]
    ours = statistics.median(one for one, _ in pairs)
    ratio = statistics.median(one / other for one, other in pairs)
    benchmark.extra_info |= {"ratio": ratio, "seconds": ours}
    benchmark.pedantic(seconds, args=call, rounds=1)
    print(f"\nganbench {command}: {ours:.2f} s of the processor, {ratio:.2f} of importing torch")


@pytest.mark.benchmark(group="planning 100,000 runs / 10,000 runs")
def test_planning_many_runs(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    taken = {}
    for seeds in (500, 5000):
        suite = tmp_path / f"{seeds}.toml"
        suite.write_text(GRID.format(seeds=seeds))
        taken[seeds] = statistics.median(seconds("-m", "bench", "plan", str(suite)) for _ in range(3))
    benchmark.extra_info |= {"ratio": taken[5000] / taken[500], "seconds": taken[5000]}
    benchmark.pedantic(seconds, args=("-m", "bench", "plan", str(suite)), rounds=1)
    print(f"\n100,000 runs: {taken[5000]:.2f} s of the processor, {taken[5000] / taken[500]:.1f} times those of 10,000")
