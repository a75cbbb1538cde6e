"""The laws of losses; see also `players` and `precision`."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import get_args

import torch
from torch import Tensor

from bench.architectures.base import EnergyKind
from bench.conformance import players, precision
from bench.conformance.costs import (
    BATCH,
    costs,
    scores_for,
    slopes,
    values,
    watched_costs,
)
from bench.conformance.devices import differs_on_cuda, is_near, noticing_host_tensors, noticing_waits
from bench.conformance.laws import Law, Note, Trial, UntriedError, described_completely, number
from bench.conformance.memory import (
    instances,
    memory_goes_on_from_a_checkpoint,
    observes,
    remembers_in_observe_alone,
)
from bench.conformance.watching import GlobalRandomState, directional_derivatives
from bench.objectives.base import Loss


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


def finite_at_ordinary_scores(trial: Trial[Loss]) -> str | None:
    """At ordinary scores, of either sign (energies: above 0), both functions are finite."""
    for loss, seed in itertools.product(instances(trial), range(3)):
        for name, cost in (("L_D", loss.discriminator), ("L_G", loss.generator)):
            value = cost(*scores_for(loss, seed=seed))
            if isinstance(value, Tensor) and not value.isfinite().all():
                return (
                    f"{name} is {number(float(value.sum()))} at scores around 0: they are raw and of either sign, with "
                    "no sigmoid before them, so that log(score) has no meaning; −log σ(score) is softplus(−score)"
                )
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
                for _, cost in watched_costs(loss):
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
            for _, cost in watched_costs(loss):
                slopes(cost, real, fake)
            if observes(loss):
                loss.observe(real, fake)
        if found:
            return found[0]
    return None


def same_on_cuda(trial: Trial[Loss]) -> str | None:
    """CUDA gives the numbers of the CPU."""

    def compute(device: torch.device) -> Iterator[tuple[str, Tensor]]:
        for loss in instances(trial):
            real, fake = (side.to(device) for side in scores_for(loss, dtype=torch.float32))
            for name, cost in costs(loss):
                for part, value in zip(("", "/∂r", "/∂f"), slopes(cost, real, fake), strict=True):
                    yield f"∂{name}{part}" if part else name, value

    return differs_on_cuda(compute, 1e-4, 1e-6)


LAWS: tuple[Law, ...] = (
    scalars,
    finite_at_ordinary_scores,
    described_completely,
    gradients_reach_the_scores,
    gradients_equal_finite_differences,
    *players.LAWS,
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
