"""The laws of stabilisers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bench.conformance.devices import differs_on_cuda, noticing_waits
from bench.conformance.laws import Law, Note, Trial, UntriedError, described_completely, number
from bench.conformance.played import LAWS as PLAYED
from bench.conformance.watching import GlobalRandomState, directional_derivatives
from bench.errors import CatalogError

CALLS = 32
SHAPES = ((2,), (1, 8, 8), (3, 32, 32))
SIZES: tuple[int, ...] = (*range(1, 33), 60, 64, 100, 128)


class Shower:
    """What a stabiliser shows: it may present samples as it likes, or perturb them with a stream of its own."""

    def __init__(self, stabiliser: Any, device: torch.device | None = None) -> None:
        self.stabiliser = stabiliser
        self.random = torch.Generator(device or "cpu").manual_seed(0)

    def check(self, size: int) -> None:
        """As the stabiliser does; without a method of its own it takes all sizes."""
        if hasattr(self.stabiliser, "check"):
            self.stabiliser.check(size)

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """What it promises; perturbed samples keep their shape."""
        promised: tuple[int, ...] = self.stabiliser.shape(shape) if hasattr(self.stabiliser, "shape") else shape
        return promised

    def present(self, samples: Tensor) -> Tensor:
        """What is shown of them; of what is annealed, at the start."""
        shown: Tensor
        if hasattr(self.stabiliser, "present"):
            shown = self.stabiliser.present(samples)
        else:
            shown = self.stabiliser.perturb(samples, self.random, 0.0)
        return shown


def _shower(trial: Trial[Any], device: torch.device | None = None) -> Shower:
    stabiliser = trial.create()
    if not hasattr(stabiliser, "present") and not hasattr(stabiliser, "perturb"):
        raise UntriedError("it shows samples as they are")
    return Shower(stabiliser, device)


def _size(stabiliser: Shower) -> int:
    """A batch size that it takes, of more than one sample if it can be."""
    for size in (24, 60, *SIZES):
        try:
            stabiliser.check(size)
        except CatalogError:
            continue
        return size
    raise UntriedError("it takes none of the batch sizes that were tried")


def _cases(trial: Trial[Any], dtype: torch.dtype = torch.float32) -> Iterator[tuple[Shower, Tensor]]:
    stabiliser = _shower(trial)
    size = _size(stabiliser)
    for shape in SHAPES:
        source = torch.Generator().manual_seed(0)
        yield stabiliser, torch.randn(size, *shape, generator=source, dtype=torch.float64).to(dtype)


def shows_what_it_promises(trial: Trial[Any]) -> str | None:
    """What `present` shows has the shape that `shape` promises, and the type of the samples."""
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        for stabiliser, samples in _cases(trial, dtype):
            promised = tuple(stabiliser.shape(tuple(samples.shape[1:])))
            shown = stabiliser.present(samples)
            if tuple(shown.shape[1:]) != promised or not len(shown):
                told = f"samples of shape {tuple(samples.shape[1:])} as {promised}"
                return f"`shape` promises {told}, but a batch of {len(samples)} is shown as {tuple(shown.shape)}"
            if shown.dtype != dtype:
                return f"samples of type {dtype} are shown as {shown.dtype}"
    return None


def checks_batch_sizes(trial: Trial[Any]) -> str | None:
    """`check` takes the batch sizes that `present` can show, and refuses the others with a CatalogError."""
    stabiliser = _shower(trial)
    taken = 0
    for size in SIZES:
        try:
            stabiliser.check(size)
            checked = True
            taken += 1
        except CatalogError:
            checked = False
        try:
            shown = bool(len(stabiliser.present(torch.zeros(size, 2))))
        except (RuntimeError, ValueError, IndexError, CatalogError):
            shown = False
        if checked != shown:
            told = "takes" if checked else "refuses", "cannot show it" if checked else "shows it"
            return f"`check` {told[0]} the batch size {size}, but `present` {told[1]}"
    return None if taken else f"`check` refuses every batch size that was tried, from {SIZES[0]} to {SIZES[-1]}"


def same_for_real_and_generated(trial: Trial[Any]) -> str | None:
    """Real and generated samples are shown alike: no difference tells one call from the next, but for fresh draws."""
    for stabiliser, samples in _cases(trial):
        first = [stabiliser.present(samples.clone()) for _ in range(2)]
        stabiliser.present(samples.flip(0))
        first.append(stabiliser.present(samples.clone()))
        if all(shown.shape == first[0].shape and torch.equal(shown, first[0]) for shown in first):
            continue
        calls = [stabiliser.present(samples.clone()) for _ in range(CALLS)]
        if any(shown.shape != first[0].shape for shown in calls):
            return "the same samples, shown again, have another shape"
        # the discriminator's update shows real and generated samples in turn
        for what, statistic in (("mean", torch.mean), ("spread", torch.std)):
            turns = torch.stack([statistic(shown.double()) for shown in calls]).reshape(-1, 2)
            apart = float((turns[:, 0] - turns[:, 1]).mean().abs())
            if apart > 6 * float(turns.std(0).norm()) / (CALLS / 2) ** 0.5 + 1e-7:
                return (
                    f"shown in turn, the same samples differ in {what} by {number(apart)}: the discriminator could "
                    "tell the calls, and so real from generated, apart"
                )
        if hasattr(stabiliser.stabiliser, "perturb"):
            return None
        return Note("it draws: no checkpoint holds its stream, so a training that is resumed goes on with other draws")
    return None


def gradients_reach_every_sample(trial: Trial[Any]) -> str | None:
    """It can be differentiated: gradients reach every sample, and equal finite differences."""
    for stabiliser, samples in _cases(trial, torch.float64):
        samples.requires_grad_()
        weights = torch.randn(stabiliser.present(samples).shape, generator=torch.Generator().manual_seed(1)).double()

        def evaluate(stabiliser: Shower = stabiliser, samples: Tensor = samples, w: Tensor = weights) -> Tensor:
            stabiliser.random.manual_seed(0)  # of what draws, with the same numbers each time
            return (stabiliser.present(samples) * w).sum()

        if not evaluate().requires_grad:
            return "what is shown does not lead back to the samples: the generator would learn nothing"
        (gradient,) = torch.autograd.grad(evaluate(), samples)
        lost = [index for index, each in enumerate(gradient.flatten(1)) if not each.any()]
        if lost:
            return f"{len(lost)} of {len(samples)} samples are shown to nobody: no gradient reaches them"
        for by_gradient, by_difference in directional_derivatives(evaluate, [samples]):
            if abs(by_gradient - by_difference) > 1e-5 * (1 + abs(by_difference)):
                told = f"changes by {number(by_difference)} per unit, but its gradient says {number(by_gradient)}"
                return f"along a random direction of the samples what is shown {told}"
    return None


def pure(trial: Trial[Any]) -> str | None:
    """Showing samples changes nothing: samples and the global random state stay as they are."""
    for stabiliser, samples in _cases(trial):
        kept, state = samples.clone(), GlobalRandomState()
        stabiliser.present(samples)
        if moved := state.changed():
            return f"it draws from {moved}, or sets it"
        if not torch.equal(samples, kept):
            return "it changes the samples that it was given"
    return None


def never_waits_for_the_device(trial: Trial[Any]) -> str | None:
    """Nothing waits for the device: no .item(), no copy to the host, no `if` on a tensor."""
    for stabiliser, samples in _cases(trial):
        with noticing_waits(trial.file) as found:
            stabiliser.present(samples)
        if found:
            return f"{found[0]}: on a GPU every update would wait for that"
    return None


def same_on_cuda(trial: Trial[Any]) -> str | None:
    """CUDA gives the numbers of the CPU."""

    def compute(device: torch.device) -> Iterator[tuple[str, Tensor]]:
        for stabiliser, samples in _cases(trial):
            if not torch.equal(stabiliser.present(samples), stabiliser.present(samples)):
                raise UntriedError("it draws")
            yield "what is shown", _shower(trial, device).present(samples.to(device))

    return differs_on_cuda(compute, 1e-5, 1e-6)


LAWS: tuple[Law, ...] = (
    shows_what_it_promises,
    described_completely,
    checks_batch_sizes,
    same_for_real_and_generated,
    gradients_reach_every_sample,
    pure,
    never_waits_for_the_device,
    same_on_cuda,
    *PLAYED,
)
