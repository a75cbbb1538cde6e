"""The two players of a run, with the initial weights of its seed."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn

from bench.architectures.autoencoder import EnergyDiscriminator
from bench.architectures.base import Players
from bench.catalog import stabilisers
from bench.compatibility import create_architecture
from bench.matching import energy_of
from bench.spec import RunSpec
from bench.training.streams import stream_seed


def build_players(spec: RunSpec, shape: tuple[int, ...]) -> Players:
    """Players for data of ``shape``, as the run's objective needs them; torch's global random state is left as it was.

    Each player draws its weights from a stream of its own: what the discriminator is does not change the generator.
    """
    architecture = create_architecture(spec.objective, spec.architecture)
    tricks: list[Any] = [stabilisers.create(choice.name, **choice.settings) for choice in spec.objective.stabilisers]
    seen = shape
    for trick in tricks:
        seen = trick.shape(seen) if hasattr(trick, "shape") else seen
    energy = energy_of(spec.objective.loss)

    def build_generator() -> nn.Module:
        for trick in tricks:
            if hasattr(trick, "build_generator"):
                return cast(nn.Module, trick.build_generator(lambda: architecture.generator(shape)))
        return architecture.generator(shape)

    def build_discriminator() -> nn.Module:
        if energy is None:
            return architecture.discriminator(seen)
        return EnergyDiscriminator(architecture.autoencoder(seen), energy)  # type: ignore[attr-defined]  # see find_conflicts

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(spec.seed, "init", "generator"))  # not `torch.manual_seed`,
        generator = build_generator()  # which would seed GPUs too
        torch.default_generator.manual_seed(stream_seed(spec.seed, "init", "discriminator"))
        discriminator = build_discriminator()
        for trick in tricks:
            if hasattr(trick, "extend_discriminator"):
                discriminator = trick.extend_discriminator(discriminator)
        return Players(generator, discriminator, architecture.latent_dim, getattr(architecture, "latent", "normal"))
