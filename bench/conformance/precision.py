"""The laws of losses about numbers of few bits: scores that are far out, and scores that are coarse."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from bench.conformance.costs import costs, scores_energies, scores_for, slopes
from bench.conformance.devices import is_near
from bench.conformance.laws import Law, Trial, number
from bench.conformance.memory import instances
from bench.objectives.base import Loss

MAGNITUDES = (10.0, 20.0, 50.0, 100.0, 1000.0, 10_000.0)
LARGEST = float(torch.finfo(torch.float32).max)


def extreme_scores(trial: Trial[Loss]) -> str | None:
    """Scores of up to ±10,000 in 32 bits give what 64 bits give, or openly no finite number where that does not fit."""
    for loss in instances(trial):
        signs = [(0, 1), (1, 0), (1, 1)] if scores_energies(loss) else list(itertools.product((1, -1), repeat=2))
        for magnitude, (real_sign, fake_sign) in itertools.product(MAGNITUDES, signs):
            for name, cost in costs(loss):
                exact, found = (
                    slopes(
                        cost,
                        torch.full((4,), magnitude * real_sign, dtype=dtype),
                        torch.full((4,), magnitude * fake_sign, dtype=dtype),
                    )
                    for dtype in (torch.float64, torch.float32)
                )
                for part, expected, value in zip(("", "/∂r", "/∂f"), exact, found, strict=True):
                    if fault := _compare(expected.flatten()[0], value.flatten()[0]):
                        what = f"∂{name}{part} of one score" if part else name
                        at = f"scores r = {number(magnitude * real_sign)}, f = {number(magnitude * fake_sign)}"
                        return f"at {at} {what} is {fault}"
    return None


def _compare(expected: Tensor, value: Tensor) -> str | None:
    """How a number of 32 bits differs from the one of 64 bits, in words."""
    fits = bool(torch.isfinite(expected)) and abs(float(expected)) <= LARGEST
    wrong = not is_near(value, expected, 1e-4, 2e-6) if fits else bool(torch.isfinite(value))
    return f"{number(float(value))} in 32 bits and {number(float(expected))} in 64" if wrong else None


def half_precision(trial: Trial[Loss]) -> str | None:
    """Scores of 16 bits (bfloat16, as autocast gives them) cost about the same as those of 32."""
    for loss in instances(trial):
        real, fake = scores_for(loss, dtype=torch.bfloat16)
        for name, cost in costs(loss):
            short, value = (slopes(cost, r, f) for r, f in ((real, fake), (real.float(), fake.float())))
            if not all(torch.isfinite(part).all() for part in short):
                return f"{name} of bfloat16 scores, or a gradient of it, is not finite"
            size = float(max(real.abs().max(), fake.abs().max()))
            if not is_near(short[0], value[0], 0.05, 0.02 * size):
                exact = number(float(value[0]))
                return f"{name} of bfloat16 scores is {number(float(short[0]))}, of the same in 32 bits {exact}"
    return None


LAWS: tuple[Law, ...] = (extreme_scores, half_precision)
