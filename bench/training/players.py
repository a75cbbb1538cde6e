"""The two players of a run, with the initial weights of its seed."""

from __future__ import annotations

import torch
from torch import nn

from bench.architectures.autoencoder import EnergyDiscriminator
from bench.architectures.base import Players
from bench.catalog import stabilisers
from bench.compatibility import create_architecture, energy_of
from bench.spec import RunSpec
from bench.training.streams import stream_seed


def build_players(spec: RunSpec, shape: tuple[int, ...]) -> Players:
    """Players for data of ``shape``, as the run's objective needs them; torch's global random state is left as it was.

    Each player draws its weights from a stream of its own: what the discriminator is does not change the generator.
    """
    architecture = create_architecture(spec.objective, spec.architecture)
    seen = shape
    for choice in spec.objective.stabilisers:
        seen = stabilisers.create(choice.name, **choice.settings).shape(seen)
    energy = energy_of(spec.objective.loss)

    def discriminator() -> nn.Module:
        if energy is None:
            return architecture.discriminator(seen)
        return EnergyDiscriminator(architecture.autoencoder(seen), energy)  # type: ignore[attr-defined]  # see find_conflicts

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(spec.seed, "init", "generator"))  # not `torch.manual_seed`,
        generator = architecture.generator(shape)  # which would seed GPUs too
        torch.default_generator.manual_seed(stream_seed(spec.seed, "init", "discriminator"))
        return Players(generator, discriminator(), architecture.latent_dim, getattr(architecture, "latent", "normal"))
