"""Rounds: a suite carried out again and again under blows, until it is done, and then held against the reference."""

from __future__ import annotations

import dataclasses
import itertools
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.plan import Plan
from bench.store import Store
from tests.faults.laws import compare, damage_checkpoints, lost_records, read_records, torn_files
from tests.faults.victim import POLL_SECONDS, Blow, Stage, Victim

END_SECONDS = 300.0
"""After which a victim that nothing is done to any more hangs."""
DAMAGED = 0.4
"""Share of whole-tree kills after which a checkpoint is damaged, too."""
FIRST = {Stage.STARTING: 30, Stage.REFERENCES: 70}
EARLY = {Stage.STARTING: 15, Stage.TRAINING: 85}
LATE = {Stage.STARTING: 10, Stage.TRAINING: 30, Stage.THROUGHPUT: 35, Stage.REPORT: 25}
"""How often which stage is aimed at: by the first blow of a round, by most of them, and by those after half of the runs
are recorded and the last few. A stage that has nothing to do any more stands for the next."""
LAST = 4
MOST_IN_REPORT = 2
"""Kills of a round that has nothing else left to do."""
DELAYS = {
    Stage.STARTING: 4.0,
    Stage.REFERENCES: 1.5,
    Stage.TRAINING: 2.5,
    Stage.THROUGHPUT: 3.0,
    Stage.REPORT: 4.0,
}
"""Seconds into a stage at most, until the blow falls."""
BLOWS = {
    Blow.SUPERVISOR: 24,
    Blow.TREE: 30,
    Blow.FORK_SERVER: 12,
    Blow.WORKER: 20,
    Blow.TERMINATE: 7,
    Blow.INTERRUPT: 7,
}


@dataclasses.dataclass
class Tally:
    """What has been done and found so far."""

    kills: Counter[Stage] = dataclasses.field(default_factory=Counter)
    blows: Counter[Blow] = dataclasses.field(default_factory=Counter)
    resumes: int = 0
    runs: int = 0
    differing_bytes: int = 0
    lost: int = 0
    torn: int = 0
    breaches: list[str] = dataclasses.field(default_factory=list)
    """Everything that must not be, in words."""

    def add(self, other: Tally) -> None:
        """Bring in what a round has found."""
        self.kills += other.kills
        self.blows += other.blows
        self.resumes += other.resumes
        self.runs += other.runs
        self.differing_bytes += other.differing_bytes
        self.lost += other.lost
        self.torn += other.torn
        self.breaches += other.breaches

    @property
    def killed(self) -> int:
        """Kills in all."""
        return self.kills.total()

    @property
    def holds(self) -> bool:
        """Whether every law held, and something was tried."""
        return self.resumes > 0 and not (self.breaches or self.differing_bytes or self.lost or self.torn)


@dataclasses.dataclass(frozen=True)
class Arena:
    """Where rounds are held.

    Args:
        folder: for results and reports of all rounds; those of a round go when it is over and all is well.
        suite: the file.
        plan: made of it.
        source: the folder of the package ``bench`` that is run.
        reference: the suite carried out in peace.
        data_root: where the classifier lies that rounds share.
        seed: of everything that is left to chance.
        orphan_seconds: how long what a dead victim has started may live on. The fork server takes one or two to end,
            longer where others want the machine.
    """

    folder: Path
    suite: Path
    plan: Plan
    source: Path
    reference: Store
    data_root: Path
    seed: int
    orphan_seconds: float = 5.0

    def hold(self, number: int, kills: int, *, empty_data_root: bool = False) -> tuple[Tally, str]:
        """One round: from an empty folder to a whole report; what was found, and how it went.

        Args:
            number: of the round.
            kills: at most; then it is left in peace.
            empty_data_root: whether it has to train the classifier itself.
        """
        folder = self.folder / f"round-{number}"
        data_root = folder / "data" if empty_data_root else self.data_root
        chance = random.Random(f"{self.seed} {number}")
        this = _Round(self, folder, data_root, kills, chance)
        return this.tally, this.carry_out()


@dataclasses.dataclass
class _Round:
    arena: Arena
    folder: Path
    data_root: Path
    kills_left: int
    chance: random.Random
    tally: Tally = dataclasses.field(default_factory=Tally)
    known: dict[Path, bytes] = dataclasses.field(default_factory=dict)
    """The records that were there when last looked at."""
    damaged: list[Path] = dataclasses.field(default_factory=list)
    retrying: bool = False
    starts: int = 0
    codes: list[int] = dataclasses.field(default_factory=list)
    dealt: list[str] = dataclasses.field(default_factory=list)

    @property
    def results(self) -> Path:
        """The suite's results folder."""
        return self.folder / "results" / self.arena.plan.name

    def carry_out(self) -> str:
        began = time.monotonic()
        while self._live_once() != 0:
            if self.starts > 20 * (1 + len(self.dealt)):
                self._breach(f"does not come to its end: exit codes {self.codes}")
                break
        tally = self.tally
        compared = compare(self.arena.reference, Store(self.results), self.arena.plan.run_ids)
        tally.runs += compared.runs
        tally.resumes += compared.resumptions
        tally.differing_bytes += compared.differing_bytes
        for told in compared.told:
            self._breach(told)
        if not (self.folder / "reports" / self.arena.plan.name / "index.html").is_file():
            self._breach("no report at its end")
        if leftovers := sorted(str(path) for path in self.results.rglob(".*.part")):
            self._breach(f"left half-written at its end: {', '.join(leftovers)}")
        if not tally.breaches:
            shutil.rmtree(self.folder)
        return (
            f"{self.starts} starts, {', '.join(self.dealt) or 'left in peace'}; {compared.resumptions} resumes, "
            f"{compared.runs} runs compared, {compared.differing_bytes} bytes differ "
            f"({time.monotonic() - began:.0f} s)"
        )

    def _live_once(self) -> int | None:
        """Start the command and deal blows until it is no more; its exit code, None where it was killed."""
        self.starts += 1
        arguments = ["run", str(self.arena.suite), "-q", "--device", "cpu", "--data-root", str(self.data_root)]
        arguments += ["--results", str(self.folder / "results"), "--reports", str(self.folder / "reports")]
        arguments += ["--retry", "failed"] if self.retrying else []
        victim = Victim(arguments, self.results, self.arena.source)
        struck: list[Blow] = []
        try:
            for blow, stage in self._lurk(victim):
                struck.append(blow)
                self.dealt.append(f"{blow} ({stage.title})")
                if not blow.spares_supervisor:
                    break
            code = victim.wait(END_SECONDS)
            if code is None:
                self._breach(f"hangs {END_SECONDS:.0f} s after {self.dealt[-1:]}")
            self._look(victim, struck)
        finally:
            victim.kill_all()
        if struck and struck[-1] in (Blow.SUPERVISOR, Blow.TREE):
            return None
        self.codes.append(code if code is not None else -1)
        if code == 1:  # what crashed twice is tried again
            self.retrying = True
        allowed = {0, 1}
        allowed |= {2} if Blow.FORK_SERVER in struck or Blow.WORKER in struck else set()  # no device could be found
        allowed |= {130, -2, -15} if any(not blow.is_kill for blow in struck) else set()
        if code not in allowed:
            self._breach(f"exit code {code} after {[str(blow) for blow in struck]}:\n{victim.said()}")
        elif code == 1 and not struck and "--retry" in arguments:
            self._breach(f"exit code 1 in peace:\n{victim.said()}")
        return code

    def _lurk(self, victim: Victim) -> Iterator[tuple[Blow, Stage]]:
        """Deal blows as long as it lives and kills are left."""
        chance, tally = self.chance, self.tally
        while self.kills_left > 0 and tally.kills[Stage.REPORT] < MOST_IN_REPORT:
            if not self._await(victim, self._choose_aim(), chance.random()):
                return
            stage = victim.stage()
            self.known |= read_records(self.results)
            blow = self._choose_blow(stage)
            if not victim.strike(blow, chance.choice):
                blow = Blow.TREE
                victim.strike(blow, chance.choice)
            tally.blows[blow] += 1
            if blow.is_kill:
                tally.kills[stage] += 1
                self.kills_left -= 1
            yield blow, stage
            self._look(victim, [blow])

    def _await(self, victim: Victim, aim: Stage, share: float) -> bool:
        """Wait until that stage, and a share of the longest delay; False where it ended before."""
        reached: float | None = None
        delay = 0.0
        deadline = time.monotonic() + END_SECONDS
        while victim.exit_code is None:
            if reached is None and (stage := victim.stage()) >= aim:
                reached, delay = time.monotonic(), share * DELAYS[stage]
            if reached is not None and time.monotonic() >= reached + delay:
                return True
            if time.monotonic() > deadline:
                self._breach(f"hangs before {aim.title}:\n{victim.said()}")
                victim.kill_all()
                return False
            time.sleep(POLL_SECONDS)
        return False

    def _choose_aim(self) -> Stage:
        late = self.kills_left <= LAST or 2 * len(self.known) >= len(self.arena.plan.run_ids)
        stages = FIRST if not self.dealt else LATE if late else EARLY
        (aim,) = self.chance.choices(list(stages), list(stages.values()))
        return aim

    def _choose_blow(self, stage: Stage) -> Blow:
        fitting = dict(BLOWS)
        if stage is Stage.REPORT:  # the supervisor is alone
            del fitting[Blow.FORK_SERVER], fitting[Blow.WORKER]
        (blow,) = self.chance.choices(list(fitting), list(fitting.values()))
        return blow

    def _look(self, victim: Victim, struck: list[Blow]) -> None:
        """Hold the folder against the laws."""
        tally = self.tally
        dead = victim.exit_code is not None or (struck and not struck[-1].spares_supervisor)
        if dead and struck and struck[-1].is_kill and (orphans := victim.orphans(self.arena.orphan_seconds)):
            self._breach(f"orphans {self.arena.orphan_seconds} s after {struck[-1]}: {orphans}")
        for path in lost_records(self.known, self.results, self.retrying):
            tally.lost += 1
            self._breach(f"lost: {path}")
        torn = torn_files(self.results, self.damaged)
        tally.torn += len(torn)
        for sentence in torn:
            self._breach(f"torn: {sentence}")
        self.known = read_records(self.results)
        said = victim.said()
        if "Traceback" in said and (not struck or struck[-1].is_kill):
            self._breach(f"stack trace after {[str(blow) for blow in struck]}:\n{said}")
        if struck[-1:] == [Blow.TREE] and self.chance.random() < DAMAGED:
            for path, how in damage_checkpoints(self.results, self.chance):
                self.damaged.append(path)
                self.dealt[-1:] = [f"{''.join(self.dealt[-1:])} + checkpoint {how}"]

    def _breach(self, told: str) -> None:
        self.tally.breaches.append(f"{self.folder.name}: {told}")


def hold_rounds(arena: Arena, kills: int, side_by_side: int, watch: Callable[[int, str, Tally], None]) -> Tally:
    """Rounds until so many kills are done.

    Args:
        arena: where.
        kills: in all.
        side_by_side: rounds at a time: a process that starts has one thread.
        watch: is told of every round that is over, and of all that was found so far.
    """
    tally, lock, numbers = Tally(), threading.Lock(), itertools.count(1)
    under_way: dict[int, int] = {}

    def hold_one_after_the_other() -> None:
        while True:
            with lock:
                left = kills - tally.killed - sum(under_way.values())
                if left <= 0:
                    return
                number = next(numbers)
                under_way[number] = min(left, random.Random(f"{arena.seed} size {number}").randint(10, 18))
            found, line = arena.hold(number, under_way[number], empty_data_root=number % 3 == 2)
            with lock:
                del under_way[number]
                tally.add(found)
                watch(number, line, tally)

    with ThreadPoolExecutor(side_by_side) as threads:
        for future in [threads.submit(hold_one_after_the_other) for _ in range(side_by_side)]:
            future.result()
    return tally
