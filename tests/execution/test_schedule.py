"""When a run looks up: evaluations where the suite wants them, nothing twice, and an end."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.execution.schedule import Schedule
from tests.specs import run_spec


@dataclass
class Clockwork:
    """A game that takes a tenth of a second a step."""

    step: int = 0

    @property
    def seconds(self) -> float:
        return self.step * 0.1


def evaluations(unit: str, amount: float, every: float, name: str = "nsgan") -> tuple[list[int], int]:
    schedule, game = Schedule(run_spec(name, unit=unit, amount=amount, every=every)), Clockwork()
    found = []
    while not schedule.ended(game):  # type: ignore[arg-type]
        game.step += schedule.next_stretch(game)  # type: ignore[arg-type]
        if schedule.evaluation_due(game):  # type: ignore[arg-type]
            found.append(game.step)
        assert 0 < schedule.share(game) <= 1  # type: ignore[arg-type]
    return found, game.step


@pytest.mark.parametrize(
    ("unit", "amount", "every", "expected"),
    [
        ("steps", 100, 25, [25, 50, 75, 100]),
        ("steps", 100, 40, [40, 80, 100]),
        ("steps", 3, 100, [3]),
        ("images", 160, 40, [3, 5, 8, 10]),  # 16 images a step: 40 images are two steps and a half
        ("seconds", 10, 5, [50, 100]),
    ],
)
def test_evaluations_come_where_they_should(unit: str, amount: float, every: float, expected: list[int]) -> None:
    assert evaluations(unit, amount, every)[0] == expected


def test_critic_steps_count_as_images() -> None:
    """wgan takes five discriminator batches a step: the same images, a fifth of the steps."""
    assert evaluations("images", 1600, 800, "nsgan") == ([50, 100], 100)
    assert evaluations("images", 1600, 800, "wgan") == ([10, 20], 20)


def test_a_tiny_distance_of_evaluations_does_not_hang() -> None:
    found, last = evaluations("seconds", 1.0, 1e-300)
    assert found[-1] == last


@given(amount=st.integers(1, 3000), every=st.floats(0.5, 4000), unit=st.sampled_from(["steps", "images", "seconds"]))
def test_always_ends_with_an_evaluation_and_none_twice(amount: int, every: float, unit: str) -> None:
    found, last = evaluations(unit, amount, every)
    assert found[-1] == last
    assert found == sorted(set(found))
