"""Who is told what happens while a plan is carried out."""

from __future__ import annotations

from typing import Protocol

from bench.execution.tasks import Progress


class Watcher(Protocol):
    """Is told what happens; called from several threads."""

    def phase(self, name: str, total: int) -> None:
        """A phase of ``total`` tasks begins: ``datasets``, ``references``, ``runs``, ``throughput``, or one of a
        verification."""
        ...

    def started(self, key: str) -> None:
        """A task left the queue."""
        ...

    def progress(self, key: str, progress: Progress) -> None:
        """A run told of itself."""
        ...

    def finished(self, key: str, status: str, reason: str | None) -> None:
        """A task ended."""
        ...

    def stopping(self) -> None:
        """What runs was asked to write its checkpoint and stop."""
        ...
