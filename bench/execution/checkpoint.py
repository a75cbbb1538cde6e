"""All that a run needs to go on where it was, to the bit: kept by time and at interruption, read at its start."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import torch

from bench.activity import now
from bench.checkpoints import read_checkpoints, write_checkpoint
from bench.errors import StorageError
from bench.execution.filming import Filming
from bench.measured import HistoryRow
from bench.record import Environment, Timings
from bench.training.game import Game
from bench.training.streams import SharedStreams

FORMAT = 3


@dataclasses.dataclass
class Course:
    """What a run has come to so far, beside the game itself."""

    started_at: str = dataclasses.field(default_factory=now)
    rows: list[HistoryRow] = dataclasses.field(default_factory=list)
    """What was evaluated so far."""
    filming: Filming = dataclasses.field(default_factory=Filming)
    """Of samples that were evaluated."""
    start: float = 0.0
    """Seconds of the run's processes before their first steps."""
    evaluation: float = 0.0
    files: float = 0.0
    total: float = 0.0
    """Seconds of earlier processes, as far as their checkpoints reached."""
    resumptions: int = 0
    nondeterministic: set[str] = dataclasses.field(default_factory=set)
    """Operations without a deterministic implementation that were met."""

    def timings(self, total: float, training: float) -> Timings:
        """As the record keeps them."""
        return Timings(
            total=total,
            start=self.start,
            training=training,
            evaluation=self.evaluation,
            files=self.files,
            resumptions=self.resumptions,
        )


@dataclasses.dataclass(frozen=True)
class Resumable:
    """The parts of a run that a checkpoint is of.

    Args:
        folder: of the run.
        environment: where it runs: a checkpoint of another one, whose bits may differ, is not gone on from.
        data_sha256: of the data that it is trained on, which may have changed since, too.
    """

    folder: Path
    environment: Environment
    data_sha256: str
    game: Game
    streams: SharedStreams
    course: Course

    def write(self, total: float) -> None:
        """Keep everything. A disk that is full costs the checkpoint, not the run.

        Args:
            total: seconds of the run so far.
        """
        course = self.course
        content = {
            "format": FORMAT,
            "run": self.game.spec.run_id,
            "environment": self.environment.model_dump_json(),
            "data": self.data_sha256,
            "game": self.game.state_dict(),
            "streams": self.streams.state_dict(),
            "course": {
                "started_at": course.started_at,
                "rows": [tuple(row) for row in course.rows],
                "filming": course.filming.state_dict(),
                "start": course.start,
                "evaluation": course.evaluation,
                "files": course.files,
                "total": total,
                "resumptions": course.resumptions,
                "nondeterministic": sorted(course.nondeterministic),
            },
        }
        buffer = io.BytesIO()
        torch.save(content, buffer)
        try:
            write_checkpoint(self.folder, self.game.step, buffer.getvalue())
        except StorageError as error:
            print(f"no checkpoint at step {self.game.step:,}: {error}")

    def resume(self) -> bool:
        """Go on from the newest checkpoint that can be trusted; whether there was one.

        The game and the streams must be as they are made.
        """
        rejected: list[str] = []
        found = False
        for content in read_checkpoints(self.folder, rejected):
            state = _load(content)
            if state is None:
                rejected.append("a checkpoint of another version of ganbench; skipped")
            elif state["run"] != self.game.spec.run_id:
                rejected.append(f"a checkpoint of {state['run']}; skipped")
            elif not self.environment.repeats(Environment.model_validate_json(state["environment"])):
                rejected.append("a checkpoint of other software or hardware, where numbers may differ; skipped")
            elif state["data"] != self.data_sha256:
                rejected.append("a checkpoint of other data under the same name; skipped")
            else:
                self._restore(state)
                found = True
                break
        for sentence in rejected:
            print(sentence)
        if found:
            print(f"resumed at step {self.game.step:,}")
        elif rejected:
            print("begun anew")
        return found

    def _restore(self, state: dict[str, Any]) -> None:
        self.game.load_state_dict(state["game"])
        self.streams.load_state_dict(state["streams"])
        kept, course = state["course"], self.course
        course.rows = [HistoryRow(*row) for row in kept["rows"]]
        course.filming.load_state_dict(kept["filming"])
        course.started_at = kept["started_at"]
        course.start, course.evaluation, course.files = kept["start"], kept["evaluation"], kept["files"]
        course.total = kept["total"]
        course.resumptions = kept["resumptions"] + 1
        course.nondeterministic.update(kept["nondeterministic"])


def _load(content: bytes) -> dict[str, Any] | None:
    """The checkpoint as it was saved; None of what another version wrote."""
    try:
        # on the host: random streams live there, all else is copied to its place
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:  # whatever somebody else's file does to the reader
        return None
    return state if isinstance(state, dict) and state.get("format") == FORMAT else None
