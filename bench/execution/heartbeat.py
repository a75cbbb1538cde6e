"""A watcher that tells other processes what this one does, and passes everything on to the next watcher."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from bench.activity import ActiveRun, begin_activity, end_activity, now, write_activity
from bench.estimate import Estimate
from bench.execution.tasks import Progress
from bench.execution.watcher import Watcher

BEAT_SECONDS = 1.0


class Heartbeat:
    """Keeps ``running.json`` of a results folder as new as a second while it is entered.

    Args:
        folder: the suite's results folder.
        watcher: is told everything, too.
    """

    def __init__(self, folder: Path, watcher: Watcher) -> None:
        self._folder, self._watcher = folder, watcher
        self._lock = threading.Lock()
        self._activity = begin_activity()
        self._estimate = Estimate(0)
        self._active: dict[str, ActiveRun] = {}
        self._beaten = 0.0

    def __enter__(self) -> Heartbeat:
        self._beat()
        return self

    def __exit__(self, *_: object) -> None:
        end_activity(self._folder)

    def phase(self, name: str, total: int) -> None:
        """A phase begins."""
        with self._lock:
            self._estimate = Estimate(total)
            self._activity = self._activity.model_copy(update={"phase": name, "total": total})
            self._active.clear()
            self._beat()
        self._watcher.phase(name, total)

    def started(self, key: str) -> None:
        """A task began."""
        with self._lock:
            self._active[key] = ActiveRun(run_id=key, step=0, share=0.0, started_at=now())
            self._beat()
        self._watcher.started(key)

    def progress(self, key: str, progress: Progress) -> None:
        """A run is further on."""
        with self._lock:
            if not progress.note:
                self._estimate.progress(key, progress.share)
                changed = {"step": progress.step, "share": progress.share}
                self._active[key] = self._active[key].model_copy(update=changed)
            if time.monotonic() - self._beaten > BEAT_SECONDS:
                self._beat()
        self._watcher.progress(key, progress)

    def finished(self, key: str, status: str, reason: str | None) -> None:
        """A task ended."""
        with self._lock:
            self._estimate.finish(key)
            self._active.pop(key, None)
            if time.monotonic() - self._beaten > BEAT_SECONDS:
                self._beat()
        self._watcher.finished(key, status, reason)

    def stopping(self) -> None:
        """What runs was asked to stop."""
        self._watcher.stopping()

    def _beat(self) -> None:
        self._beaten = time.monotonic()
        changed = {
            "updated_at": now(),
            "finished": self._estimate.finished,
            "seconds_left": self._estimate.remaining(),
            "active": tuple(self._active.values()),
        }
        self._activity = self._activity.model_copy(update=changed)
        write_activity(self._folder, self._activity)
