"""``python -m tests.faults --kills 100``: a suite under random kills, held against the same suite in peace."""

from __future__ import annotations

import argparse
import compileall
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import bench
from bench.progress import duration
from bench.store import Store
from bench.suite import load_suite
from tests.faults.rounds import END_SECONDS, Arena, Tally, hold_rounds
from tests.faults.suites import smoke
from tests.faults.victim import Stage, Victim


def main() -> int:
    """Kill, compare, print the figures; 0 where every law held."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="at least so many")
    parser.add_argument("--seed", type=int, help="of all that is left to chance; printed where it is not given")
    parser.add_argument("--folder", type=Path, help="where to work, and what to leave there; else it is temporary")
    parser.add_argument("--side-by-side", type=int, default=min(2, os.cpu_count() or 1), help="rounds at a time")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ganbench-faults-") as temporary:
        arena = prepare((options.folder or Path(temporary)).absolute(), seed)
        print(f"the suite in peace: {duration(time.monotonic() - began)}", flush=True)
        killing = time.monotonic()

        def tell(number: int, line: str, so_far: Tally) -> None:
            left = (time.monotonic() - killing) / max(1, so_far.killed) * (options.kills - so_far.killed)
            print(f"round {number}: {line}", flush=True)
            print(f"  {so_far.killed} of {options.kills} kills, about {duration(max(0.0, left))} left", flush=True)

        tally = hold_rounds(arena, options.kills, options.side_by_side, tell)
    for breach in tally.breaches:
        print(f"BREACH {breach}")
    print(f"blows: {', '.join(f'{blow} {count}' for blow, count in sorted(tally.blows.items()))}")
    print()
    print(f"kills: {tally.killed}")
    print(f"of these during: {', '.join(f'{stage.title} {tally.kills[stage]}' for stage in Stage)}")
    print(f"resumes: {tally.resumes}")
    print(f"runs compared: {tally.runs}")
    print(f"bytes differing: {tally.differing_bytes}")
    print(f"records lost: {tally.lost}")
    print(f"records torn: {tally.torn}")
    print(f"seconds: {time.monotonic() - began:.0f}")
    return int(not tally.holds or tally.killed < options.kills)


def prepare(folder: Path, seed: int) -> Arena:
    """Carry the suite out in peace, from a copy of the sources: checkpoints of other sources are not gone on from."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "source"
    shutil.copytree(Path(bench.__file__).parent, source / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(source, quiet=1)  # or every start would
    suite = folder / "faults.toml"
    suite.write_text(smoke(), encoding="utf-8")
    reference = Store(folder / "results" / suite.stem)
    data_root = folder / "data"
    victim = Victim(
        [
            *("run", str(suite), "-q", "--device", "cpu", "--data-root", str(data_root)),
            *("--results", str(folder / "results"), "--reports", str(folder / "reports")),
        ],
        reference.folder,
        source,
    )
    if (code := victim.wait(END_SECONDS)) != 0:
        victim.kill_all()
        raise SystemExit(f"the suite in peace ended with {code}:\n{victim.said()}")
    return Arena(folder, suite, load_suite(suite), source, reference, data_root, seed)


if __name__ == "__main__":
    sys.exit(main())
