"""When a run looks up from training: to tell its progress, to evaluate, to end."""

from __future__ import annotations

import math

from bench.spec import RunSpec
from bench.training.game import Game

LOOKS = 100
LOOK_SECONDS = 0.5
"""A run has so many stretches at least, none longer than this: between them divergence, a wish to stop and progress
are seen to. No number depends on it."""


class Schedule:
    """The training of one run in stretches of steps.

    Position is counted in generator steps, or in seconds of training where the budget is.
    """

    def __init__(self, spec: RunSpec) -> None:
        total = spec.total_steps
        self._in_steps = total is not None
        self.total = float(total) if total is not None else spec.training.budget.amount
        per_step = spec.images_per_step if spec.training.budget.unit == "images" else 1
        self._every = spec.evaluation.every / per_step
        self._evaluations = 0

    def go_on(self, game: Game) -> None:
        """Count the evaluations that a game from a checkpoint has behind it."""
        self._evaluations = math.floor(self.position(game) / self._every)

    def position(self, game: Game) -> float:
        """How far the game is."""
        return float(game.step) if self._in_steps else game.seconds

    def share(self, game: Game) -> float:
        """Of the budget, 0 to 1."""
        return min(1.0, self.position(game) / self.total)

    def ended(self, game: Game) -> bool:
        """Whether the budget is spent."""
        return self.position(game) >= self.total

    def next_stretch(self, game: Game) -> int:
        """Steps to take before the next look; never past an evaluation or the end (but for budgets in seconds)."""
        if game.seconds == 0:
            return 1
        steps_per_second = game.step / game.seconds
        look = steps_per_second * LOOK_SECONDS
        if self._in_steps:
            mark = min(self.total, math.ceil(self._next_evaluation()))
            return max(1, int(min(look, self.total / LOOKS, mark - game.step)))
        until = min(self._next_evaluation(), self.total, game.seconds + self.total / LOOKS)
        return max(1, int(min(look, (until - game.seconds) * steps_per_second)))

    def evaluation_due(self, game: Game) -> bool:
        """Whether to evaluate now; asked once after each stretch."""
        if not self.ended(game) and self.position(game) < self._next_evaluation():
            return False
        self._evaluations = math.floor(self.position(game) / self._every)
        return True

    def _next_evaluation(self) -> float:
        return (self._evaluations + 1) * self._every
