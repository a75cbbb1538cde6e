"""The training speed of a cell, measured alone on the device in a short phase of its own."""

from __future__ import annotations

import math
import time

import torch

from bench.datasets.loading import load_dataset
from bench.evaluation.throughput import REPEATS, count_flops, peak_flops_per_second, time_calls
from bench.execution.run import peak_memory
from bench.execution.tasks import SpeedAnswer, SpeedTask, ThroughputTask
from bench.matching import without_penalties
from bench.record import Throughput
from bench.training.game import Game

LONGEST_CYCLE = 32
"""Steps that are timed together, at most: those after which penalties that are left out in some steps come round."""


def steps_of_cycle(game: Game) -> int:
    """Steps that are to be timed together: after them all that comes round has come, up to `LONGEST_CYCLE`."""
    n_critic = game.spec.objective.n_critic
    return min(LONGEST_CYCLE, math.lcm(game.parts.penalty_cycle, n_critic) // n_critic)


def measure_speed(task: ThroughputTask) -> Throughput:
    """Time training steps, without evaluation and files, and split them into the players' parts.

    A penalty's cost is the difference that leaving it out makes: its backward pass is one with the loss's.
    """
    spec, device = task.spec, torch.device(task.place.device)
    data = load_dataset(spec.dataset, task.place.data_root).to(device)
    game = Game(spec, data, device)
    game.advance(2)
    memory = peak_memory(device)  # of one pair of players: a second one follows, for the comparison
    bare = Game(spec.model_copy(update={"objective": without_penalties(spec.objective)}), data, device)
    n_critic = spec.objective.n_critic
    steps = steps_of_cycle(game)
    real = game.draw_real()

    def discriminate(player: Game) -> None:
        for _ in range(steps * n_critic):
            player.update_discriminator(player.draw_real())

    step, with_penalties, without, generator = time_calls(
        [
            lambda: game.enqueue(steps),
            lambda: discriminate(game),
            lambda: discriminate(bare),
            lambda: game.update_generator(real),
        ],
        device,
    )
    step_seconds = step.median / steps
    return Throughput(
        cell_id=spec.cell_id,
        cell_name=spec.cell_name,
        objective=spec.objective.label,
        architecture=spec.architecture.label,
        dataset=spec.dataset.label,
        batch_size=spec.training.batch_size,
        n_critic=n_critic,
        steps_per_second=1 / step_seconds,
        images_per_second=spec.images_per_step / step_seconds,
        step_seconds=step_seconds,
        discriminator_seconds=without.median / steps,
        penalty_seconds=max(0.0, with_penalties.median - without.median) / steps if spec.objective.penalties else 0.0,
        generator_seconds=generator.median,
        repeats=REPEATS,
        spread=step.spread,
        flops_per_step=count_flops(lambda: game.enqueue(steps)) / steps,
        peak_flops_per_second=peak_flops_per_second(device),
        peak_memory_bytes=memory,
        environment=task.place.environment,
    )


def count_steps(task: SpeedTask) -> SpeedAnswer:
    """Play for so long, counting the steps from the moment on that all who are beside it count theirs."""
    spec, device = task.spec, torch.device(task.place.device)
    game = Game(spec, load_dataset(spec.dataset, task.place.data_root).to(device), device)
    game.advance(2)
    while time.time() < task.begin_at:
        game.advance(1)
    steps, begin = 0, time.perf_counter()
    while (seconds := time.perf_counter() - begin) < task.seconds:
        game.advance(1)
        steps += 1
    return SpeedAnswer(steps_per_second=steps / seconds)
