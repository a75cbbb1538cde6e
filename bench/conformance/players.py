"""The laws of losses about what the players are rewarded for, and by which scores."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from bench.conformance.costs import (
    BATCH,
    Cost,
    costs,
    even_scores,
    levels,
    scores_energies,
    slopes,
    undecided_level,
)
from bench.conformance.laws import Law, Note, Trial, number
from bench.conformance.memory import (
    instances,
    with_experience,
)
from bench.objectives.base import Loss

NEAR = (0.0, 0.5, 1.0, 1.5)
"""Distances of fake scores behind the real that training meets whatever the loss."""
FURTHER = (2.0, 3.0, 5.0, 10.0, 20.0, 30.0)
SURE = 30.0
DRAWS = 24
TINY = 1e-9


def players_pull_apart(trial: Trial[Loss]) -> str | None:
    """The discriminator gains by setting real scores above fake ones (energies: below), the generator by closing up."""
    loss = with_experience(trial.create())
    (_, discriminator), _ = costs(loss)
    towards_real = -1.0 if scores_energies(loss) else 1.0
    gains = {level: _gain_by_setting_apart(loss, discriminator, level, level) for level in levels(loss)}
    if max(gains.values()) <= TINY:
        worst = min(gains, key=lambda level: gains[level])
        if gains[worst] < -TINY:
            _, to_real, to_fake = slopes(discriminator, *even_scores(loss, worst))
            told = f"∂L_D/∂r = {number(float(to_real.sum()))} and ∂L_D/∂f = {number(float(to_fake.sum()))}"
            return (
                f"at scores of {number(worst)}, {told}: the discriminator is rewarded for taking one for the other; "
                "are real and fake exchanged?"
            )
        if max(_gain_by_setting_apart(loss, discriminator, level + towards_real, level) for level in gains) <= TINY:
            return "at no level of scores has the discriminator anything to gain by setting real and fake apart"
    level = undecided_level(loss)
    pulls = {behind: _pull(loss, level, behind) for behind in NEAR}
    away = next((behind for behind, pull in pulls.items() if pull < -TINY), None)
    if away is not None:
        where = f"where fake scores lie {number(away)} behind the real" if away else "where real and fake scores tie"
        return (
            f"{where}, ∂L_G/∂f = {number(-pulls[away] * towards_real)}: the generator is rewarded for making its "
            "samples look less real"
        )
    if max(pulls.values()) <= TINY:
        return "wherever fake scores lie behind the real, ∂L_G/∂f = 0: the generator has nothing to gain"
    return None


def _gain_by_setting_apart(loss: Loss, discriminator: Cost, real: float, fake: float) -> float:
    """By how much L_D falls where real scores move from fake ones, towards what stands for real."""
    sign = -1.0 if scores_energies(loss) else 1.0
    _, to_real, to_fake = slopes(discriminator, *even_scores(loss, real, fake))
    return sign * float(to_fake.sum() - to_real.sum())


def _pull(loss: Loss, level: float, behind: float) -> float:
    """The pull of L_G towards real scores on the fake scores, which lie behind them; of several, the least."""
    _, (_, generator) = costs(loss)
    real, fake = even_scores(loss, level)
    sign = -1.0 if scores_energies(loss) else 1.0
    # not all alike where the discriminator is ahead: some are further behind than others
    spread = torch.linspace(0.9, 1.1, len(fake), dtype=fake.dtype) * behind
    pulls = -sign * len(fake) * slopes(generator, real, fake - sign * spread)[2]
    return float(pulls.min() if pulls.min() < -TINY else pulls.mean())


def generator_under_a_sure_discriminator(trial: Trial[Loss]) -> str | None:
    """What is left of the generator's gradient under a sure discriminator, its scores 30 apart, is told."""
    loss = with_experience(trial.create())
    level = undecided_level(loss)
    near, far = (_pull(loss, level, behind) for behind in (1.0, SURE))
    turning = next((behind for behind in FURTHER if _pull(loss, level, behind) < -TINY), None)
    if turning is not None:
        return Note(
            f"it turns away: fake scores about {number(turning)} or more behind the real are pushed further off, and "
            "L_G may fall without bound"
        )
    if far < 0.1 * near:
        return Note("it vanishes: samples that are surely fake teach the generator nothing")
    return Note("it grows with the distance" if far > 3 * near else "it stays")


def every_score_takes_part(trial: Trial[Loss]) -> str | None:
    """Every score of a batch takes part: over several draws L_D has gradients at all real and fake, L_G at all fake."""
    note = None
    for (name, side), gradients in _gradients_near_undecided(trial).items():
        by_position = torch.stack([gradient for _, gradient in gradients]).ne(0).any(0)
        by_rank = torch.stack([gradient[scores.argsort()] for scores, gradient in gradients]).ne(0).any(0)
        if not by_position.any():
            continue  # `gradients_reach_the_scores` tells
        if not by_position.all():
            return (
                f"{name} leaves out {int((~by_position).sum())} of {BATCH} {side} scores, by their place in the batch"
            )
        if not by_rank.all():
            left_out = f"{name} leaves out {int((~by_rank).sum())} of {BATCH} {side} scores, by their rank"
            if name == "L_D":
                return left_out
            note = Note(f"{left_out}; as is meant in top-k training")
    return note


def _gradients_near_undecided(trial: Trial[Loss]) -> dict[tuple[str, str], list[tuple[Tensor, Tensor]]]:
    """Of each function and each side that learns from it, scores of several draws and the gradients there."""
    found: dict[tuple[str, str], list[tuple[Tensor, Tensor]]] = {}
    around = [(loss, undecided_level(loss)) for loss in instances(trial)]
    for (loss, level), seed in itertools.product(around, range(DRAWS)):
        source = torch.Generator().manual_seed(seed)
        # little spread: losses with margins, as the hinge, are active there
        sides = [level + 0.2 * torch.randn(BATCH, generator=source).double() for _ in range(2)]
        real, fake = (side.abs() for side in sides) if scores_energies(loss) else sides
        for name, cost in costs(loss):
            _, to_real, to_fake = slopes(cost, real, fake)
            found.setdefault((name, "fake"), []).append((fake, to_fake))
            if name == "L_D":
                found.setdefault((name, "real"), []).append((real, to_real))
    return found


LAWS: tuple[Law, ...] = (players_pull_apart, generator_under_a_sure_discriminator, every_score_takes_part)
