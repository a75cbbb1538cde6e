"""Suites carried out for real, small ones."""

from __future__ import annotations

import threading
from pathlib import Path

from bench.execution.conduct import Summary, conduct
from bench.execution.tasks import Progress
from bench.narrowing import narrow
from bench.record import Record
from bench.store import Store
from bench.suite import load_suite

TINY = """
seeds = 1
[training]
steps = 20
batch_size = 16
[evaluation]
samples = 100
every = 10
"""


class Silent:
    """A watcher that notes what it was told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, ...]] = []
        self.first_progress = threading.Event()

    def phase(self, name: str, total: int) -> None:
        self.events.append(("phase", name, str(total)))

    def started(self, key: str) -> None:
        self.events.append(("started", key))

    def progress(self, key: str, progress: Progress) -> None:
        self.first_progress.set()

    def finished(self, key: str, status: str, reason: str | None) -> None:
        self.events.append(("finished", key, status))

    def stopping(self) -> None:
        self.events.append(("stopping",))


def carry_out(
    suite: str,
    folder: Path,
    data_root: Path,
    watcher: Silent | None = None,
    *,
    only: tuple[str, ...] = (),
    seeds: tuple[int, ...] = (),
    retry: tuple[str, ...] = (),
    limit: int | None = None,
) -> tuple[Summary, Store]:
    path = folder / "suite.toml"
    path.write_text(suite)
    store = Store(folder / "results")
    plan = load_suite(path)
    wanted = narrow(plan, only, seeds, retry, limit)
    return conduct(plan, store, data_root, "cpu", 2, watcher or Silent(), wanted), store


def by_objective(store: Store) -> dict[str, Record]:
    return {record.spec.objective.label: record for record in store.records()}
