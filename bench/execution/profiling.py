"""Where the time of a cell's runs goes, measured in a process of its own; nothing is stored."""

from __future__ import annotations

import math
import statistics
import time

import torch

from bench.evaluation.throughput import count_work, peak_flops_per_second, time_calls
from bench.execution.checkpoint import Course
from bench.execution.run import Running, evaluate
from bench.execution.speed import steps_of_cycle
from bench.execution.tasks import CellProfile, ProfileTask, RunTask
from bench.matching import without_penalties
from bench.training.game import Game

PLAYED_SECONDS = 0.5
"""Before evaluations are timed: to measure noise takes longer than what has learned a little."""
EVALUATIONS = 3
"""After the first, whose median is the time of one."""
WATCHED_SECONDS = 0.5
"""For which a process is watched whether it waits."""


def profile_cell(task: ProfileTask) -> CellProfile:
    """Time a step and its parts, taking turns, and what a run does beside its steps.

    A penalty's cost is the difference that leaving it out makes: its backward pass is one with the loss's.
    """
    spec, begin = task.spec, time.perf_counter()
    running = Running(RunTask(place=task.place, spec=spec), Course(), begin)
    start = time.perf_counter() - begin
    game, device, n_critic = running.game, running.device, spec.objective.n_critic
    game.advance(2)
    until = time.perf_counter() + PLAYED_SECONDS
    while time.perf_counter() < until:
        game.advance(1)
    # of the game as it is played: what is timed below leads it astray
    first, *others = (_time_evaluation(running) for _ in range(1 + EVALUATIONS))
    bare = Game(spec.model_copy(update={"objective": without_penalties(spec.objective)}), running.data, device)
    bare.advance(2)
    for optimizer in (bare.discriminator_optimizer, bare.generator_optimizer):
        optimizer.param_groups[0]["lr"] = 0.0  # the same gradient is taken thousands of times: it must lead nowhere
    real, cycle = game.draw_real(), steps_of_cycle(game)

    def discriminate(player: Game) -> None:
        for _ in range(cycle * n_critic):
            player.update_discriminator(real.detach())

    of_step, of_data, of_critic, of_bare_critic, of_artist, of_critic_optimizer, of_artist_optimizer = (
        timing.median
        for timing in time_calls(
            [
                lambda: game.enqueue(cycle),
                game.draw_real,
                lambda: discriminate(game),
                lambda: discriminate(bare),
                lambda: game.update_generator(real),
                bare.discriminator_optimizer.step,
                bare.generator_optimizer.step,
            ],
            device,
        )
    )
    of_step, of_critic, of_bare_critic = (of / cycle for of in (of_step, of_critic, of_bare_critic))
    data = n_critic * of_data
    penalty = max(0.0, of_critic - of_bare_critic) if spec.objective.penalties else 0.0
    discriminator = max(0.0, of_critic - n_critic * of_critic_optimizer) - penalty
    generator = max(0.0, of_artist - of_artist_optimizer)
    optimizer_seconds = n_critic * of_critic_optimizer + of_artist_optimizer
    # parts that were timed by themselves may add up to a little more than the step that they are parts of
    step = max(of_step, data + discriminator + penalty + generator + optimizer_seconds)
    waiting = _waiting_share(game, of_step)
    work = count_work(lambda: game.enqueue(cycle))
    steps = spec.total_steps or max(1, round(spec.training.budget.amount / step))
    return CellProfile(
        cell_id=spec.cell_id,
        cell_name=spec.cell_name,
        threads=spec.training.threads,
        step_seconds=step,
        data_seconds=data,
        discriminator_seconds=discriminator,
        penalty_seconds=penalty,
        generator_seconds=generator,
        optimizer_seconds=optimizer_seconds,
        beside_seconds=step - data - discriminator - penalty - generator - optimizer_seconds,
        steps=steps,
        start_seconds=start,
        evaluations=max(1, math.ceil(spec.training.budget.amount / spec.evaluation.every)),
        first_evaluation_seconds=first,
        evaluation_seconds=statistics.median(others),
        waiting_share=waiting,
        operations_per_step=round(work.operations / cycle),
        flops_per_step=work.flops / cycle,
        peak_flops_per_second=peak_flops_per_second(device),
    )


def _waiting_share(game: Game, step_seconds: float) -> float:
    """Of the time of steps, that in which this process had no core, or its device nothing to do."""
    steps = max(1, round(WATCHED_SECONDS / step_seconds))
    wall, busy = time.perf_counter(), time.process_time()
    if game.device.type == "cpu":
        game.advance(steps)
        threads = game.spec.training.threads
        waited = 1 - (time.process_time() - busy) / (time.perf_counter() - wall) / threads
        return min(1.0, max(0.0, waited))
    return _idle_share(game, steps)


def _idle_share(game: Game, steps: int) -> float:
    """Of the time of steps, that in which a GPU ran no kernel."""
    from torch.profiler import ProfilerActivity, profile

    torch.cuda.synchronize(game.device)
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        wall = time.perf_counter()
        game.advance(steps)
        seconds = time.perf_counter() - wall
    busy = float(sum(event.self_device_time_total for event in profiler.key_averages())) / 1e6
    return min(1.0, max(0.0, 1 - busy / seconds))


def _time_evaluation(running: Running) -> float:
    begin = time.perf_counter()
    with running.streams.kept():
        evaluate(running.game, running.evaluator, running.course.filming)
    return time.perf_counter() - begin
