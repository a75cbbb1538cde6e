"""The laws of architectures."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from bench.architectures.base import Architecture
from bench.architectures.layers import mixes_samples
from bench.conformance.devices import differs_on_cuda, is_near, noticing_host_tensors, noticing_waits
from bench.conformance.laws import Law, Trial, UntriedError, described_completely, number
from bench.conformance.watching import GlobalRandomState
from bench.errors import CatalogError

SHAPES: tuple[tuple[int, ...], ...] = ((2,), (1, 8, 8), (3, 32, 32))
BATCH = 6
Builder = Callable[[], nn.Module]


def _accepts(architecture: Architecture, shape: tuple[int, ...]) -> bool:
    try:
        architecture.check(shape)
    except Exception:  # a CatalogError, or `checks_shapes` tells
        return False
    return True


def _shapes(architecture: Architecture) -> list[tuple[int, ...]]:
    accepted: list[tuple[int, ...]] = [shape for shape in SHAPES if _accepts(architecture, shape)]
    if not accepted:
        raise UntriedError(f"it makes samples of none of the shapes {_listed(SHAPES)}")
    return accepted


def _listed(shapes: tuple[tuple[int, ...], ...]) -> str:
    return ", ".join(map(str, shapes))


def _built(build: Builder, seed: int = 0) -> nn.Module:
    """A network with the weights of a seed, drawn as a game draws them."""
    torch.default_generator.manual_seed(seed)
    return build()


def _builders(trial: Trial[Architecture]) -> Iterator[tuple[str, Builder, tuple[int, ...]]]:
    """Generator, discriminator and, if there is one, autoencoder, for the smallest shape that it makes."""
    architecture: Any = trial.create()
    shape = _shapes(architecture)[0]
    yield "generator", functools.partial(architecture.generator, shape), (architecture.latent_dim,)
    yield "discriminator", functools.partial(architecture.discriminator, shape), shape
    if hasattr(architecture, "autoencoder"):
        yield "autoencoder", functools.partial(architecture.autoencoder, shape), shape


def _inputs(shape: tuple[int, ...], n: int = BATCH) -> Tensor:
    """Latents of unit variance, or samples as large as decoded ones."""
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(0)) * (0.5 if len(shape) == 3 else 1.0)


def checks_shapes(trial: Trial[Architecture]) -> str | None:
    """`check` takes a shape, or refuses it with a CatalogError that says what is allowed."""
    architecture = trial.create()
    for shape in (*SHAPES, (5,), (1, 28, 28), (3, 64, 64)):
        try:
            architecture.check(shape)
        except CatalogError as error:
            if not str(error).strip():
                return f"`check` refuses {shape} without a word"
        except Exception as error:  # whatever foreign code brings about
            return f"`check` of {shape} raises {type(error).__name__}, where a CatalogError is due"
    return None


def generator_makes_samples(trial: Trial[Architecture]) -> str | None:
    """The generator makes of latents (batch, latent_dim) finite samples (batch, *shape) of 32 bits."""
    architecture = trial.create()
    for shape in _shapes(architecture):
        samples = _built(functools.partial(architecture.generator, shape))(_inputs((architecture.latent_dim,)))
        if tuple(samples.shape) != (BATCH, *shape):
            return f"{BATCH} latents for samples of shape {shape} come out as {tuple(samples.shape)}"
        if samples.dtype != torch.float32 or not torch.isfinite(samples).all():
            return f"samples of shape {shape} are of type {samples.dtype}, or not finite"
    return None


def discriminator_gives_scores(trial: Trial[Architecture]) -> str | None:
    """The discriminator gives one finite score per sample, shape (batch,), of 32 bits."""
    architecture = trial.create()
    for shape in _shapes(architecture):
        scores = _built(functools.partial(architecture.discriminator, shape))(_inputs(shape))
        if tuple(scores.shape) != (BATCH,):
            return f"{BATCH} samples of shape {shape} get scores of the shape {tuple(scores.shape)}, not ({BATCH},)"
        if scores.dtype != torch.float32 or not torch.isfinite(scores).all():
            return f"scores of samples of shape {shape} are of type {scores.dtype}, or not finite"
    return None


def scores_are_raw(trial: Trial[Architecture]) -> str | None:
    """Scores are raw: with weights and samples they grow without bound, past what a sigmoid or tanh lets through."""
    architecture = trial.create()
    shape = _shapes(architecture)[0]
    discriminator = _built(functools.partial(architecture.discriminator, shape))
    lowest, highest = 0.0, 0.0
    for times in (1, 8, 64, 512, 4096):
        with torch.no_grad():
            scores = discriminator(times * _inputs(shape))  # samples too: spectral normalisation divides weights again
            for weight in discriminator.parameters():
                weight.mul_(8)
        lowest, highest = float(scores.min()), float(scores.max())
        if not max(-lowest, highest) < 1.5:
            return None
    return (
        f"with weights and samples 4096 times as large scores still lie between {number(lowest)} and "
        f"{number(highest)}: is there a sigmoid or a tanh at the end? Losses take raw scores"
    )


def weights_follow_the_seed(trial: Trial[Architecture]) -> str | None:
    """Weights are drawn from torch's global random state: the same under one seed, others under another."""
    for name, build, _ in _builders(trial):
        first, same, other = (_built(build, seed) for seed in (0, 0, 1))
        pairs = list(zip(first.parameters(), same.parameters(), strict=True))
        if not all(torch.equal(one, two) for one, two in pairs):
            return f"two {name}s built under one seed differ: their weights are not drawn from torch's random state"
        if any(one is two for one, two in pairs):
            return f"two calls give the same {name}: each is to be a fresh network"
        changed = zip(first.parameters(), other.parameters(), strict=True)
        if pairs and all(torch.equal(one, two) for one, two in changed):
            return f"the {name}'s weights are the same under two seeds: does it set a seed of its own?"
    return None


def builds_with_torch_alone(trial: Trial[Architecture]) -> str | None:
    """Building a player leaves the random states of numpy and Python alone."""
    for name, build, _ in _builders(trial):
        state = GlobalRandomState()
        _built(build)
        if moved := state.changed(torch_may=True):
            return f"building the {name} draws from {moved}, or sets it: runs of one seed would differ"
    return None


def gradients_reach_all_weights(trial: Trial[Architecture]) -> str | None:
    """Gradients reach all weights of every player."""
    for name, build, shape in _builders(trial):
        network = _built(build)
        network(_inputs(shape)).square().sum().backward()
        missed = [key for key, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]
        if missed:
            return f"no gradient reaches the {name}'s {', '.join(missed[:4])}{' …' if len(missed) > 4 else ''}"
    return None


def sees_all_of_a_sample(trial: Trial[Architecture]) -> str | None:
    """The score's gradient reaches every element of a sample."""
    architecture = trial.create()
    for shape in _shapes(architecture):
        reached = torch.zeros(shape, dtype=torch.bool)
        for seed in range(3):
            samples = _inputs(shape).requires_grad_()
            discriminator = _built(functools.partial(architecture.discriminator, shape), seed)
            (gradient,) = torch.autograd.grad(discriminator(samples).square().sum(), samples)
            reached |= gradient.ne(0).any(0)
            if reached.all():
                break
        else:
            missed = int((~reached).sum())
            return f"the score does not change with {missed} of the {reached.numel()} elements of a sample of {shape}"
    return None


def samples_are_independent(trial: Trial[Architecture]) -> str | None:
    """In eval mode a sample depends on its own latent alone."""
    for name, build, shape in _builders(trial):
        if name != "generator":
            continue
        network = _built(build).eval()
        with torch.no_grad():
            together, alone = network(_inputs(shape)), network(_inputs(shape)[:1])
        if not is_near(alone, together[:1], 1e-3, 1e-5):
            moved = float((alone - together[:1]).abs().max())
            return f"a latent by itself gives another sample than within a batch of {BATCH}, by {number(moved)}"
    return None


def scores_are_independent(trial: Trial[Architecture]) -> str | None:
    """A score depends on its own sample alone, unless a layer tells that it mixes them (`mixes_samples`)."""
    for name, build, shape in _builders(trial):
        network = _built(build)
        if name == "generator" or mixes_samples(network):
            continue
        with torch.no_grad():
            together, alone = network(_inputs(shape)), network(_inputs(shape)[:1])
        if not is_near(alone, together[:1], 1e-3, 1e-5):
            return (
                f"what the {name} says of a sample by itself is another than within a batch of {BATCH}, by "
                f"{number(float((alone - together[:1]).abs().max()))}; real and generated samples are scored in one "
                "batch where no layer tells: set `mixes_samples = True` on the module that does it"
            )
    return None


def passes_draw_nothing(trial: Trial[Architecture]) -> str | None:
    """A forward pass draws nothing: the global random state is left alone in training, too."""
    for name, build, shape in _builders(trial):
        network, state = _built(build), GlobalRandomState()
        network(_inputs(shape))
        if moved := state.changed():
            return (
                f"a pass of the {name} draws from {moved}: random numbers in a pass, as of dropout, which no "
                "checkpoint holds, are not supported"
            )
    return None


def packed_samples(trial: Trial[Architecture]) -> str | None:
    """A discriminator of packs of two samples, with twice the channels, scores them; or a CatalogError refuses it."""
    architecture = trial.create()
    shape = _shapes(architecture)[0]
    packed = (2 * shape[0], *shape[1:])
    try:
        discriminator = _built(functools.partial(architecture.discriminator, packed))
    except CatalogError:
        return None
    scores = discriminator(_inputs(packed))
    return None if tuple(scores.shape) == (BATCH,) else f"{BATCH} packs get scores of the shape {tuple(scores.shape)}"


def autoencoder_reconstructs(trial: Trial[Architecture]) -> str | None:
    """An autoencoder, if there is one, turns samples into codes (batch, code) and reconstructions of their shape."""
    architecture: Any = trial.create()
    if not hasattr(architecture, "autoencoder"):
        raise UntriedError("it has no autoencoder")
    for shape in _shapes(architecture):
        autoencoder: Any = _built(functools.partial(architecture.autoencoder, shape))
        samples = _inputs(shape)
        codes, again = autoencoder.encode(samples), autoencoder(samples)
        if codes.dim() != 2 or len(codes) != BATCH:
            return f"{BATCH} samples of shape {shape} have codes of the shape {tuple(codes.shape)}"
        if again.shape != samples.shape:
            return f"samples {tuple(samples.shape)} are reconstructed as {tuple(again.shape)}"
    return None


def goes_on_from_a_checkpoint(trial: Trial[Architecture]) -> str | None:
    """Players can be copied, and go on from a state_dict in a fresh network."""
    for name, build, shape in _builders(trial):
        network, fresh = _built(build), _built(build, seed=1)
        network(_inputs(shape))  # moves what layers remember
        twin = copy.deepcopy(network).eval()
        fresh.load_state_dict(network.state_dict())
        with torch.no_grad():
            results = [player.eval()(_inputs(shape)) for player in (network, twin, fresh)]
        for result, what in zip(results[1:], ("a copy", "a fresh network with its state_dict"), strict=True):
            if not torch.equal(results[0], result):
                return f"the {name} and {what} of it give different numbers"
    return None


def never_waits_for_the_device(trial: Trial[Architecture]) -> str | None:
    """Nothing waits for the device: no .item(), no copy to the host, no `if` on a tensor."""
    for name, build, shape in _builders(trial):
        network, inputs = _built(build), _inputs(shape)
        with noticing_waits(trial.file) as found:
            network(inputs).sum().backward()
        if found:
            return f"in a pass of the {name}, {found[0]}: on a GPU every update would wait for that"
    return None


def makes_tensors_on_the_device(trial: Trial[Architecture]) -> str | None:
    """Tensors that a pass makes lie where the samples are (tried on torch's device `meta`)."""
    for name, build, shape in _builders(trial):
        network, inputs = _built(build).to("meta"), _inputs(shape).to("meta")
        with noticing_host_tensors(trial.file) as found:
            network(inputs).sum().backward()
        if found:
            return f"in a pass of the {name}, {found[0]}"
    return None


def same_on_cuda(trial: Trial[Architecture]) -> str | None:
    """CUDA gives the numbers of the CPU."""

    @torch.no_grad()
    def compute(device: torch.device) -> Iterator[tuple[str, Tensor]]:
        for (name, build, shape), training in itertools.product(_builders(trial), (False, True)):
            network = _built(build).train(training).to(device)
            yield f"what the {name} gives", network(_inputs(shape).to(device))

    return differs_on_cuda(compute, 1e-2, 1e-3)


LAWS: tuple[Law, ...] = (
    checks_shapes,
    described_completely,
    generator_makes_samples,
    discriminator_gives_scores,
    scores_are_raw,
    weights_follow_the_seed,
    builds_with_torch_alone,
    gradients_reach_all_weights,
    sees_all_of_a_sample,
    samples_are_independent,
    scores_are_independent,
    passes_draw_nothing,
    packed_samples,
    autoencoder_reconstructs,
    goes_on_from_a_checkpoint,
    never_waits_for_the_device,
    makes_tensors_on_the_device,
    same_on_cuda,
)
