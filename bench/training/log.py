"""What a run tells of its training: losses, penalties, gradient norms, accuracy and saturation of some of its steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

LOGGED = (
    "discriminator_loss",
    "discriminator_penalty",
    "generator_loss",
    "generator_penalty",
    "discriminator_gradient_norm",
    "generator_gradient_norm",
    "discriminator_accuracy",
    "discriminator_saturation",
    "generator_saturation",
)
"""What a logged step tells, in this order; the discriminator's numbers are of its last update in the step. What the
last three are is told in `bench.training.dynamics`."""
LOG_POINTS = 200
"""Steps of a run that are logged, evenly spread: enough for a curve, too few to cost time."""


@dataclass(frozen=True)
class LoggedStep:
    """The numbers of one step, named as in `LOGGED`."""

    step: int
    images: int
    seconds: float
    values: tuple[float, ...]


class Log:
    """Keeps the numbers on the device while steps are played, and fetches them when it is waited for anyway.

    Args:
        total: steps of the whole run; None where the budget is in seconds.
        images_per_step: real images that the discriminator sees in one step.
    """

    def __init__(self, total: int | None, images_per_step: int) -> None:
        self._every = max(1, math.ceil(total / LOG_POINTS)) if total else 20
        self._images_per_step = images_per_step
        self._pending: list[tuple[int, Tensor]] = []
        self.steps: list[LoggedStep] = []

    def due(self, step: int) -> bool:
        """Whether the step is logged."""
        return step % self._every == 0

    def add(self, step: int, values: Tensor) -> None:
        """Keep the numbers of a step, shape ``(len(LOGGED),)``; waits for nothing."""
        self._pending.append((step, values))

    def collect(self, first: tuple[int, float], last: tuple[int, float]) -> None:
        """Fetch what was kept since the last call.

        Args:
            first: step and seconds at which the stretch began.
            last: step and seconds at which it ended.
        """
        # the host's clock means nothing inside an asynchronous stretch: steps are spread evenly over it
        per_step = (last[1] - first[1]) / max(1, last[0] - first[0])
        for step, values in self._pending:
            seconds = first[1] + (step - first[0]) * per_step
            self.steps.append(LoggedStep(step, step * self._images_per_step, seconds, tuple(values.tolist())))
        self._pending.clear()
        if len(self.steps) > 2 * LOG_POINTS:  # a budget in seconds does not tell how many steps will come
            self._every *= 2
            self.steps = [entry for entry in self.steps if entry.step % self._every == 0]

    def state_dict(self) -> dict[str, Any]:
        """What has been fetched so far, and how often."""
        steps = [(entry.step, entry.images, entry.seconds, entry.values) for entry in self.steps]
        return {"every": self._every, "steps": steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._every = state["every"]
        self.steps = [LoggedStep(step, images, seconds, values) for step, images, seconds, values in state["steps"]]
