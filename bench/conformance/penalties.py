"""The laws of penalties: of the terms they add; see also `declarations` and `projections`."""

from __future__ import annotations

import copy
import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bench.conformance import declarations, projections
from bench.conformance.arena import Arena
from bench.conformance.devices import differs_on_cuda, is_near, noticing_host_tensors, noticing_waits
from bench.conformance.laws import Law, Trial, UntriedError, described_completely, number
from bench.conformance.memory import (
    instances,
    memory_goes_on_from_a_checkpoint,
    observes,
    remembers_in_observe_alone,
    scores,
)
from bench.conformance.terms import (
    SHAPES,
    SMALL_BATCH,
    TERMS,
    SampleGradients,
    Term,
    cases,
    is_finite,
    players_of,
    seeded,
    shapes_taken,
    terms,
    weight_gradients,
)
from bench.conformance.watching import DrawsHeldStill, GlobalRandomState, directional_derivatives
from bench.objectives.base import Memory, Penalty

BATCH = 64
SEEDS = 6


def scalars(trial: Trial[Penalty]) -> str | None:
    """Each term is a scalar of the scores' type, on their device."""
    for penalty, shape, dtype in itertools.product(
        instances(trial), shapes_taken(trial), (torch.float64, torch.float32)
    ):
        arena = Arena.build(shape, SMALL_BATCH, dtype)
        for name, _ in terms(penalty):
            value = TERMS[name](penalty, arena, seeded())
            if not isinstance(value, Tensor):
                return f"{name} is of type {type(value).__name__}, not a tensor"
            if value.shape:
                return f"{name} of {SMALL_BATCH} samples has the shape {tuple(value.shape)}, where a scalar is due"
            if value.dtype != dtype:
                return f"{name} of scores of type {dtype} is of type {value.dtype}"
    return None


def gradients_reach_the_weights(trial: Trial[Penalty]) -> str | None:
    """Gradients of a term reach the weights of the player that it is there for."""
    for penalty, arena, name, term in cases(trial):
        value = term(penalty, arena, seeded())
        for player, weights in players_of(name, arena).items():
            if not any(bool(gradient.any()) for gradient in weight_gradients(value, weights)):
                return (
                    f"{name} does not change with the {player}'s weights, as autograd sees it; a term made of "
                    "gradients needs torch.autograd.grad(…, create_graph=True)"
                )
    return None


def gradients_equal_finite_differences(trial: Trial[Penalty]) -> str | None:
    """A term's gradients equal finite differences (of 64 bits), through a second backward pass if there is one.

    Samples and what a `Memory` recalls may be detached; what leads to the discriminator's weights may not.
    """
    for penalty, arena, name, term in cases(trial):
        leaves = [weight for weights in players_of(name, arena).values() for weight in weights]

        def evaluate(penalty: Any = penalty, arena: Arena = arena, term: Term = term) -> Tensor:
            return term(penalty, arena, seeded())

        if not evaluate().requires_grad:
            raise UntriedError(f"{name} has no gradient")
        for by_gradient, by_difference in directional_derivatives(evaluate, leaves):
            if abs(by_gradient - by_difference) > 1e-5 * (1 + abs(by_difference)):
                return (
                    f"along a random direction of the weights {name} changes by {number(by_difference)} per unit, but "
                    f"its gradient says {number(by_gradient)}; is a part of it made without create_graph=True?"
                )
        if name != "term" or isinstance(penalty, Memory):
            continue  # generated samples are held fixed at times, and a memory takes in scores without gradients
        for by_gradient, by_difference in directional_derivatives(evaluate, leaves, holding=False):
            if abs(by_gradient - by_difference) > 1e-5 * (1 + abs(by_difference)):
                return (
                    f"part of the {name} is detached from the discriminator: along a random direction of its weights "
                    f"it changes by {number(by_difference)} per unit, but its gradient says {number(by_gradient)}"
                )
    return None


def _still(penalty: Any, arena: Arena, term: Term, device: torch.device | None = None) -> Tensor:
    """The term with every random number the same.

    Raises:
        UntriedError: it draws in a way that is not known here.
    """
    with DrawsHeldStill():
        first, second = (term(penalty, arena, seeded(seed, device)) for seed in (0, 1))
    if not is_near(first, second, 1e-9, 1e-12):
        raise UntriedError("it draws numbers in a way that cannot be held still")
    return first


def mean_over_the_batch(trial: Trial[Penalty]) -> str | None:
    """A term does not grow with the batch: a batch beside a copy of itself costs the same."""
    twofold = torch.arange(BATCH).repeat(2)
    for penalty, arena, name, term in cases(trial, BATCH):
        once, twice = (float(_still(penalty, table, term)) for table in (arena, arena.with_pairs(twofold)))
        # a mean over pairs of different samples changes by a share of 1/n
        if abs(twice - once) > 4 / BATCH * max(abs(once), abs(twice)) + 1e-9:
            times = f"{number(twice / once)} times that" if once else f"{number(twice)}, and 0 is that"
            return (
                f"{name} of a batch beside its copy is {times} of the batch: "
                "a sum over samples, or one norm of all of them, where a mean over samples is due"
            )
    return None


def order_of_pairs_does_not_matter(trial: Trial[Penalty]) -> str | None:
    """The order of the pairs in a batch does not matter."""
    order = torch.arange(SMALL_BATCH).flip(0)
    for penalty, arena, name, term in cases(trial):
        value, turned = (float(_still(penalty, table, term)) for table in (arena, arena.with_pairs(order)))
        if abs(turned - value) > 1e-9 * (1 + abs(value)):
            return f"{name} is {number(value)}, and {number(turned)} with the batch in reverse"
    return None


def draws_for_every_sample(trial: Trial[Penalty]) -> str | None:
    """What is drawn is drawn for every sample: equal samples are not all shown to the discriminator changed alike."""
    all_the_first = torch.zeros(SMALL_BATCH, dtype=torch.long)
    drew = False
    for penalty, arena, name, term in cases(trial):
        alike = arena.with_pairs(all_the_first)
        passes = list(zip(*(_shown(penalty, alike, term, seed) for seed in range(SEEDS)), strict=False))
        for each in passes:
            drawn = any(shown.shape != each[0].shape or not torch.equal(shown, each[0]) for shown in each)
            drew |= drawn
            if drawn and all(torch.equal(shown, shown[:1].expand_as(shown)) for shown in each):
                return (
                    f"{name} shows {SMALL_BATCH} equal samples to the discriminator at random, but all of them changed "
                    "alike: one draw for the whole batch, where each sample is due its own"
                )
    if not drew:
        raise UntriedError("it shows the discriminator nothing at random")
    return None


def _shown(penalty: Any, arena: Arena, term: Term, seed: int) -> list[Tensor]:
    """What a term shows to the discriminator, pass by pass."""
    shown: list[Tensor] = []
    hook = arena.critic.encoder.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach().clone()))
    term(penalty, arena, seeded(seed))
    hook.remove()
    return shown


def takes_images_as_vectors(trial: Trial[Penalty]) -> str | None:
    """Gradients are measured over all elements of a sample: a linear critic costs the same on images as on vectors."""
    image, penalty = (2, 4, 4), trial.create()
    if set(shapes_taken(trial)) != set(SHAPES) or getattr(penalty, "needs_codes", False):
        raise UntriedError("it is not for points and images alike")
    arenas = [Arena.linear(shape, SMALL_BATCH) for shape in (image, (math.prod(image),))]
    for name, term in terms(penalty):
        watch = SampleGradients(arenas[0])
        with watch:
            term(penalty, arenas[0], seeded())
        if not watch.taken:
            raise UntriedError("it takes no gradients by samples")
        of_images, of_vectors = (float(_still(penalty, arena, term)) for arena in arenas)
        if abs(of_images - of_vectors) > 1e-6 * (1e-3 + abs(of_vectors)):
            return (
                f"{name} of one linear critic is {number(of_images)} on samples of shape {image} and "
                f"{number(of_vectors)} on the same as vectors: a norm over the channels alone? .flatten(1) comes first"
            )
    return None


def bounded_below(trial: Trial[Penalty]) -> str | None:
    """A term does not fall without bound where the discriminator's scores are scaled up."""
    for penalty, arena, name, term in cases(trial):
        if name != "term":
            continue
        found = []
        for _ in range(4):
            found.append(float(_still(penalty, arena, term)))
            with torch.no_grad():
                for weight in arena.critic.head.parameters():
                    weight.mul_(4)
        falls = [before - after for before, after in itertools.pairwise(found)]
        if found[-1] < 0 and 0 < falls[0] < falls[1] < falls[2]:
            told = ", ".join(map(number, found))
            return (
                f"{name} falls faster and faster with scores 1, 4, 16 and 64 times as large: {told}; is a sign wrong?"
            )
    return None


def batch_of_one(trial: Trial[Penalty]) -> str | None:
    """A batch of one works: each term and its gradients are finite."""
    for penalty, arena, name, term in cases(trial, 1):
        if not is_finite(name, term(penalty, arena, seeded()), arena):
            return f"{name} of one real and one fake sample is not finite, or has a gradient that is not"
    return None


def flat_discriminator(trial: Trial[Penalty]) -> str | None:
    """A discriminator that scores everything alike (all weights 0) leaves each term and its gradients finite."""
    for penalty, arena, name, term in cases(trial):
        with torch.no_grad():
            for weight in arena.critic.parameters():
                weight.zero_()
        if not is_finite(name, term(penalty, arena, seeded()), arena):
            return f"{name} of a flat discriminator, or a gradient of it, is not finite: √0 has no finite gradient"
    return None


def low_precision(trial: Trial[Penalty]) -> str | None:
    """Terms and gradients are finite in 32 bits, and under autocast to bfloat16."""
    for penalty, shape, half in itertools.product(instances(trial), shapes_taken(trial), (False, True)):
        arena = Arena.build(shape, SMALL_BATCH, torch.float32)
        for name, term in terms(penalty):
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                value = term(penalty, arena, seeded())
            if not is_finite(name, value, arena):
                return f"{name} {'under autocast' if half else 'in 32 bits'} is not finite, or has such a gradient"
    return None


def draws_from_its_own_stream(trial: Trial[Penalty]) -> str | None:
    """What is drawn comes from `batch.random` alone: one seed, one value; the global random state is left alone."""
    for penalty, arena, name, term in cases(trial):
        state = GlobalRandomState()
        first = term(penalty, arena, seeded())
        if moved := state.changed():
            return f"{name} draws from {moved}, or sets it; draw with generator=batch.random"
        second = term(penalty, arena, seeded())
        if not torch.equal(first, second):
            told = f"{number(float(first))} and {number(float(second))}"
            return f"{name} of the same batch with batch.random at the same seed is {told}"
    return None


def pure(trial: Trial[Penalty]) -> str | None:
    """Computing a term changes nothing: weights, buffers, mode and .grad of the players stay as they are."""
    for penalty, arena, name, term in cases(trial):
        before = copy.deepcopy((arena.critic.state_dict(), arena.generator.state_dict()))
        weights = [*arena.critic.parameters(), *arena.generator.parameters()]
        first = term(penalty, arena, seeded())
        other = Arena.build(arena.real.shape[1:], SMALL_BATCH, seed=5)
        term(penalty, other, seeded())
        again = term(penalty, arena, seeded())
        if not torch.equal(first, again):
            return f"{name} of the same batch is {number(float(first))} and, later, {number(float(again))}"
        after = arena.critic.state_dict(), arena.generator.state_dict()
        for one, two in zip(before, after, strict=True):
            for key, tensor in one.items():
                if not torch.equal(tensor, two[key]):
                    return f"{name} changes '{key}' of a player"
        if any(weight.grad is not None for weight in weights):
            return f"{name} leaves gradients in .grad of the weights: torch.autograd.grad leaves none"
        if not all(weight.requires_grad for weight in weights) or not arena.critic.training:
            return f"{name} leaves the discriminator in another state: requires_grad or eval()"
    return None


def _values(trial: Trial[Penalty], penalty: Any) -> list[Tensor]:
    arena = Arena.build(shapes_taken(trial)[0], SMALL_BATCH)
    return [term(penalty, arena, seeded()) for _, term in terms(penalty)]


def changes_its_memory_in_observe_alone(trial: Trial[Penalty]) -> str | None:
    """What `bench.objectives.Memory` holds changes in `observe`, and nowhere else."""
    return remembers_in_observe_alone(trial, functools.partial(_values, trial))


def goes_on_from_a_checkpoint(trial: Trial[Penalty]) -> str | None:
    """What it remembers is all there is: loaded into a fresh instance, it gives the same numbers from then on."""
    return memory_goes_on_from_a_checkpoint(trial, functools.partial(_values, trial))


def never_waits_for_the_device(trial: Trial[Penalty]) -> str | None:
    """Nothing waits for the device: no .item(), no copy to the host, no `if` on a tensor."""
    for penalty, shape in itertools.product(instances(trial), shapes_taken(trial)):
        arena = Arena.build(shape, SMALL_BATCH, torch.float32)
        observed = scores(SMALL_BATCH, torch.float32)
        with noticing_waits(trial.file) as found:
            for name, term in TERMS.items():
                if hasattr(penalty, name):
                    value = term(penalty, arena, seeded())
                    for weights in players_of(name, arena).values():
                        weight_gradients(value, weights)
            if hasattr(penalty, "project"):
                penalty.project(arena.critic)
            if observes(penalty):
                penalty.observe(*observed)
        if found:
            return f"{found[0]}: on a GPU every update would wait for that"
    return None


def makes_tensors_on_the_device(trial: Trial[Penalty]) -> str | None:
    """Tensors that it makes lie where the samples are (tried on torch's device `meta`)."""
    for penalty, arena, name, term in cases(trial):
        there = arena.to(torch.device("meta"))
        with noticing_host_tensors(trial.file) as found:
            value = term(penalty, there, seeded())
            for weights in players_of(name, there).values():
                weight_gradients(value, weights)
        if found:
            return f"{name}: {found[0]}"
    return None


def same_on_cuda(trial: Trial[Penalty]) -> str | None:
    """CUDA gives the numbers of the CPU."""

    def compute(device: torch.device) -> Iterator[tuple[str, Tensor]]:
        for penalty, arena, name, term in cases(trial):
            yield name, _still(penalty, arena.to(device), term, device)

    return differs_on_cuda(compute, 1e-6, 1e-9)


LAWS: tuple[Law, ...] = (
    scalars,
    described_completely,
    gradients_reach_the_weights,
    gradients_equal_finite_differences,
    *declarations.LAWS,
    draws_for_every_sample,
    takes_images_as_vectors,
    bounded_below,
    mean_over_the_batch,
    order_of_pairs_does_not_matter,
    batch_of_one,
    flat_discriminator,
    low_precision,
    draws_from_its_own_stream,
    pure,
    *projections.LAWS,
    changes_its_memory_in_observe_alone,
    goes_on_from_a_checkpoint,
    never_waits_for_the_device,
    makes_tensors_on_the_device,
    same_on_cuda,
)
