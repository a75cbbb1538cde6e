"""The laws of losses; see also `precision`."""

from __future__ import annotations

import functools
import itertools
from typing import get_args

import torch
from torch import Tensor

from bench.architectures.base import EnergyKind
from bench.conformance import precision
from bench.conformance.common import (
    cuda_device,
    described_completely,
    instances,
    is_near,
    memory_goes_on_from_a_checkpoint,
    observes,
    remembers_in_observe_alone,
    with_experience,
)
from bench.conformance.costs import (
    BATCH,
    Cost,
    costs,
    even_scores,
    levels,
    scores_energies,
    scores_for,
    slopes,
    undecided_level,
    values,
)
from bench.conformance.laws import Law, Note, Trial, UntriedError, number
from bench.conformance.watching import GlobalRandomState, directional_derivatives, noticing_host_tensors, noticing_waits
from bench.objectives.base import Loss

NEAR = (0.0, 0.5, 1.0, 1.5)
"""Distances of fake scores behind the real that training meets whatever the loss."""
FURTHER = (2.0, 3.0, 5.0, 10.0, 20.0, 30.0)
SURE = 30.0
DRAWS = 24
TINY = 1e-9


def scalars(trial: Trial[Loss]) -> str | None:
    """Both functions return a scalar of the scores' type, on their device."""
    for loss, dtype in itertools.product(instances(trial), (torch.float64, torch.float32)):
        real, fake = scores_for(loss, dtype=dtype)
        for name, cost in (("L_D", loss.discriminator), ("L_G", loss.generator)):
            value = cost(real, fake)
            if not isinstance(value, Tensor):
                return f"{name} is of type {type(value).__name__}, not a tensor: nothing could be learnt from it"
            if value.shape:
                return f"{name} of {BATCH} scores has the shape {tuple(value.shape)}, where a scalar is due: .mean()"
            if value.dtype != dtype or value.device != real.device:
                return f"{name} of scores of type {dtype} is of type {value.dtype} on {value.device}"
    return None


def gradients_reach_the_scores(trial: Trial[Loss]) -> str | None:
    """Gradients reach what is learnt from: of L_D the real and the fake scores, of L_G the fake ones."""
    largest = dict.fromkeys(("L_D real", "L_D fake", "L_G fake"), 0.0)
    for loss, seed in itertools.product(instances(trial), range(3)):
        for name, cost in costs(loss):
            _, *gradients = slopes(cost, *scores_for(loss, seed=seed))
            for side, gradient in zip(("real", "fake"), gradients, strict=True):
                key = f"{name} {side}"
                if key in largest:
                    largest[key] = max(largest[key], float(gradient.abs().max()))
    for key, value in largest.items():
        if value == 0:
            name, side = key.split()
            return f"no gradient of {name} reaches the {side} scores: they do not enter it, or were detached on the way"
    return None


def gradients_equal_finite_differences(trial: Trial[Loss]) -> str | None:
    """Both gradients equal finite differences (of 64 bits, at generic scores)."""
    for loss in instances(trial):
        for name, cost in costs(loss):
            real, fake = scores_for(loss, 5)
            leaves = [real, fake] if name == "L_D" else [fake]
            for leaf in leaves:
                leaf.requires_grad_()
            evaluate = functools.partial(cost, real, fake)
            if not evaluate().requires_grad:
                raise UntriedError(f"{name} has no gradient")
            for by_gradient, by_difference in directional_derivatives(evaluate, leaves):
                if abs(by_gradient - by_difference) > 1e-5 * (1 + abs(by_difference)):
                    return (
                        f"along a random direction of the scores {name} changes by {number(by_difference)} per unit, "
                        f"but its gradient says {number(by_gradient)}"
                    )
    return None


def mean_over_the_batch(trial: Trial[Loss]) -> str | None:
    """The loss is a mean over the batch: a batch beside a copy of itself costs the same."""
    for loss in instances(trial):
        real, fake = scores_for(loss)
        for name, cost in costs(loss):
            once, twice = float(cost(real, fake)), float(cost(real.repeat(2), fake.repeat(2)))
            # statistics that are unbiased, as a variance over n − 1, differ by a share of 1/n
            if abs(twice - once) > 2 / BATCH * max(abs(once), abs(twice)) + 1e-9:
                kind = ": a sum, not a mean" if abs(twice - 2 * once) < 1e-6 * abs(once) else ""
                times = f"{number(twice / once)} times that" if once else f"{number(twice)}, and 0 is that"
                return f"{name} of a batch beside its copy is {times} of the batch{kind}"
    return None


def order_of_pairs_does_not_matter(trial: Trial[Loss]) -> str | None:
    """The order of the pairs in a batch does not matter."""
    order = torch.randperm(BATCH, generator=torch.Generator().manual_seed(1))
    for loss in instances(trial):
        real, fake = scores_for(loss)
        for name, cost in costs(loss):
            value, shuffled = cost(real, fake), cost(real[order], fake[order])
            if not is_near(shuffled, value, 1e-9, 1e-9):
                return f"{name} is {number(float(value))}, and {number(float(shuffled))} in another order of the pairs"
    return None


def batch_of_one(trial: Trial[Loss]) -> str | None:
    """A batch of one works: value and gradients are finite."""
    for loss in instances(trial):
        for name, cost in costs(loss):
            if not all(torch.isfinite(part).all() for part in slopes(cost, *scores_for(loss, 1))):
                return f"{name} of one real and one fake score is not finite, or has a gradient that is not"
    return None


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
        if max(_gain_by_setting_apart(loss, discriminator, level, level + towards_real) for level in gains) <= TINY:
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
    """What a discriminator that is sure, its scores 30 apart, leaves of the generator's gradient is told."""
    loss = with_experience(trial.create())
    level = undecided_level(loss)
    near, far = (_pull(loss, level, behind) for behind in (1.0, SURE))
    turning = next((behind for behind in FURTHER if _pull(loss, level, behind) < -TINY), None)
    if turning is not None:
        return Note(
            f"fake scores {number(turning)} or more behind the real are pushed further away: there L_G rewards samples "
            "that look less real, and may fall without bound"
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


def says_whether_the_generator_uses_real_scores(trial: Trial[Loss]) -> str | None:
    """`generator_uses_real` says whether L_G depends on the real scores."""
    for loss in instances(trial):
        _, (_, generator) = costs(loss)
        real, fake = scores_for(loss)
        value = generator(real, fake)
        uses = any(not torch.equal(generator(real + shift, fake), value) for shift in (0.5, -1.0, 3.0))
        if getattr(loss, "generator_uses_real", True):
            if not uses:
                return Note(
                    "L_G ignores the real scores but does not say so: with `generator_uses_real: ClassVar[bool] = "
                    "False` they need not be computed"
                )
        elif uses:
            return "`generator_uses_real` is False, but L_G changes with the real scores"
        elif not torch.equal(generator(real.new_empty(0), fake), value):
            return "`generator_uses_real` is False, but L_G is another without real scores"
    return None


def names_a_known_energy(trial: Trial[Loss]) -> str | None:
    """`energy`, where it is set, names an error of an autoencoder."""
    energy = getattr(trial.create(), "energy", None)
    known = get_args(EnergyKind)
    return None if energy in (None, *known) else f"`energy` is {energy!r}; valid: {', '.join(known)}"


def pure(trial: Trial[Loss]) -> str | None:
    """Calling it changes nothing: two calls give the same, and scores, .grad and random state stay as they are."""
    for loss in instances(trial):
        real, fake = (side.requires_grad_() for side in scores_for(loss))
        kept = real.detach().clone(), fake.detach().clone()
        other = scores_for(loss, seed=3)
        for name, cost in costs(loss):
            state = GlobalRandomState()
            first = cost(real, fake)
            cost(*other)
            second = cost(real, fake)
            if moved := state.changed():
                return f"{name} draws from {moved}, or sets it"
            if not torch.equal(first, second):
                again = number(float(second))
                return f"{name} of the same scores is {number(float(first))} and, when called again, {again}"
            if not (torch.equal(real, kept[0]) and torch.equal(fake, kept[1])):
                return f"{name} changes the scores that it was given"
            if real.grad is not None or fake.grad is not None:
                return f"{name} leaves a gradient in .grad of the scores"
    return None


def changes_its_memory_in_observe_alone(trial: Trial[Loss]) -> str | None:
    """What `bench.objectives.Memory` holds changes in `observe`, and nowhere else."""
    return remembers_in_observe_alone(trial, values)


def goes_on_from_a_checkpoint(trial: Trial[Loss]) -> str | None:
    """What it remembers is all there is: loaded into a fresh instance, it gives the same numbers from then on."""
    return memory_goes_on_from_a_checkpoint(trial, values)


def never_waits_for_the_device(trial: Trial[Loss]) -> str | None:
    """Nothing waits for the device: no .item(), no copy to the host, no `if` on a tensor."""
    for loss in instances(trial):
        real, fake = scores_for(loss, dtype=torch.float32)
        with noticing_waits(trial.file) as found:
            loss.discriminator(real, fake), loss.generator(real, fake)
            if not found:
                for _, cost in costs(loss):
                    slopes(cost, real, fake)
            if observes(loss):
                loss.observe(real, fake)
        if found:
            return f"{found[0]}: on a GPU every update would wait for that"
    return None


def makes_tensors_on_the_device(trial: Trial[Loss]) -> str | None:
    """Tensors that it makes lie where the scores are (tried on torch's device `meta`)."""
    for loss in instances(trial):
        real, fake = (side.to("meta") for side in scores_for(loss, dtype=torch.float32))
        with noticing_host_tensors(trial.file) as found:
            for _, cost in costs(loss):
                slopes(cost, real, fake)
            if observes(loss):
                loss.observe(real, fake)
        if found:
            return found[0]
    return None


def same_on_cuda(trial: Trial[Loss]) -> str | None:
    """CUDA gives the numbers of the CPU."""
    device = cuda_device()
    for loss, twin in zip(instances(trial), instances(trial), strict=True):
        real, fake = scores_for(loss, dtype=torch.float32)
        for (name, cost), (_, other) in zip(costs(loss), costs(twin), strict=True):
            expected = slopes(cost, real, fake)
            found = slopes(other, real.to(device), fake.to(device))
            if any(part.device.type != "cuda" for part in found):
                return f"{name} of scores on CUDA is on {found[0].device}"
            if not all(is_near(value.cpu(), part, 1e-4, 1e-6) for value, part in zip(found, expected, strict=True)):
                return f"{name} is {number(float(expected[0]))} on the CPU and {number(float(found[0]))} on CUDA"
    return None


LAWS: tuple[Law, ...] = (
    scalars,
    described_completely,
    gradients_reach_the_scores,
    gradients_equal_finite_differences,
    players_pull_apart,
    generator_under_a_sure_discriminator,
    every_score_takes_part,
    says_whether_the_generator_uses_real_scores,
    mean_over_the_batch,
    order_of_pairs_does_not_matter,
    batch_of_one,
    *precision.LAWS,
    names_a_known_energy,
    pure,
    changes_its_memory_in_observe_alone,
    goes_on_from_a_checkpoint,
    never_waits_for_the_device,
    makes_tensors_on_the_device,
    same_on_cuda,
)
