"""`ganbench status`: how far a suite is, and what is being done of it right now."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.activity import Activity, read_activity
from bench.checkpoints import latest_step
from bench.progress import duration
from bench.record import Status
from bench.store import Store
from bench.suite import Plan

WATCH_SECONDS = 1.0
LISTED = 20
"""Interrupted runs that are named, at most."""


@dataclasses.dataclass(frozen=True)
class State:
    """How far a plan is."""

    name: str
    runs: int
    statuses: dict[str, int]
    missing: int
    """Runs without a record."""
    interrupted: tuple[tuple[str, int], ...]
    """Those of them that a checkpoint is kept of, and the generator step that it is of."""
    failures: tuple[tuple[str, str, str], ...]
    """Run id, status, reason."""
    rejected: tuple[str, ...]
    running: Activity | None
    """What a process does of it right now."""

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        running = self.running.model_dump(mode="json") if self.running is not None else None
        return dataclasses.asdict(dataclasses.replace(self, running=None)) | {"running": running}


def make_state(plan: Plan, store: Store) -> State:
    """Of the runs of this plan alone; other runs in the folder are left out."""
    running = read_activity(store.folder)
    frame, wanted = store.frame(), set(plan.run_ids)
    rows = frame.rows("run_id", "status", "reason")
    runs = [(str(run_id), str(status), str(reason or "")) for run_id, status, reason in rows if run_id in wanted]
    recorded = {run_id for run_id, _, _ in runs}
    active = {run.run_id for run in running.active} if running is not None else set()
    begun = _begun(store) & wanted - recorded - active
    steps = [(run_id, latest_step(store.run_folder(run_id))) for run_id in plan.run_ids if run_id in begun]
    return State(
        name=plan.name,
        runs=len(wanted),
        statuses=dict(Counter(status for _, status, _ in runs)),
        missing=len(wanted) - len(runs),
        interrupted=tuple((run_id, step) for run_id, step in steps if step is not None),
        failures=tuple(run for run in runs if run[1] != Status.COMPLETED),
        rejected=frame.rejected,
        running=running,
    )


def _begun(store: Store) -> set[str]:
    try:
        return {path.name for path in (store.folder / "runs").iterdir()}
    except OSError:
        return set()


def print_state(console: Console, state: State) -> None:
    """Counts, what is under way, then what did not complete."""
    console.print(render(state), soft_wrap=True)


def render(state: State) -> Group:
    """The same, to be shown again and again."""
    counts = ", ".join(f"{count} {status}" for status, count in sorted(state.statuses.items()))
    parts: list[Text | Table] = [
        Text(f"{state.name}: {state.runs} runs: {counts or 'none recorded'}, {state.missing} without a record")
    ]
    if state.running is not None:
        parts += [Text(_headline(state.running), style="bold"), *_active(state.running)]
    elif state.missing:
        parts.append(Text("nothing is being done: the next ganbench run goes on"))
    parts += [
        Text(f"  {run_id}  interrupted at step {step:,}: goes on from there")
        for run_id, step in state.interrupted[:LISTED]
    ]
    if len(state.interrupted) > LISTED:
        parts.append(Text(f"  … and {len(state.interrupted) - LISTED} more that were interrupted"))
    parts += [Text(f"  {run_id}  {status}: {reason}") for run_id, status, reason in state.failures]
    parts += [Text(f"  {sentence}") for sentence in state.rejected]
    return Group(*parts)


def watch_state(console: Console, look: Callable[[], State]) -> None:
    """Show a suite's state anew every second, until everything is recorded or Ctrl-C."""
    with Live(console=console, auto_refresh=False) as live:
        while True:
            state = look()
            live.update(render(state), refresh=True)
            if not state.missing and state.running is None:
                return
            time.sleep(WATCH_SECONDS)


def _headline(running: Activity) -> str:
    where = f"process {running.pid} on {running.host}, since {running.started_at}"
    if running.is_alive is None:  # another machine's: only its last words are known
        where += f", last heard of at {running.updated_at}"
    if not running.phase:
        return f"being prepared ({where})"
    left = f", about {duration(running.seconds_left)} left" if running.seconds_left is not None else ""
    return f"{running.phase}: {running.finished} of {running.total} done{left} ({where})"


def _active(running: Activity) -> list[Table]:
    if not running.active:
        return []
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for run in running.active:
        far = (f"step {run.step:,}", f"{run.share:.0%}") if run.step else ("", "")
        table.add_row(Text(f"  {run.run_id}"), *map(Text, far), Text(f"since {run.started_at}", style="dim"))
    return [table]
