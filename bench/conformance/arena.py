"""What penalties are tried on: two small smooth players, for points and for images, and their batches."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Iterable

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import softplus

from bench.objectives.base import Batch, Joint

POINTS, IMAGES = (2,), (1, 8, 8)
LATENT_DIM, CODE = 3, 4
BOTH = ("real", "fake")
STEEPNESS = {POINTS: 18.0, IMAGES: 5.0}
"""By how much the last weights are enlarged: gradients of norm 1, which many penalties aim at, are to have samples on
either side."""


class Critic(nn.Module):
    """Smooth everywhere, so that finite differences can be taken at any point."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        first: list[nn.Module] = [nn.Linear(2, 6)] if shape == POINTS else [nn.Conv2d(1, 3, 4, 4), nn.Flatten(1)]
        last = nn.Linear(CODE, 1)
        with torch.no_grad():
            last.weight.mul_(STEEPNESS[shape])
        self.encoder = nn.Sequential(*first, nn.Tanh(), nn.Linear(6 if shape == POINTS else 12, CODE))
        self.head = nn.Sequential(nn.Tanh(), last, nn.Flatten(0))

    def forward(self, x: Tensor) -> Tensor:
        """Scores, shape ``(batch,)``."""
        scores: Tensor = self.head(self.encoder(x))
        return scores


class CodingCritic(Critic):
    """A critic that tells its codes, as an autoencoder does."""

    def encode(self, x: Tensor) -> Tensor:
        """Codes, shape ``(batch, code)``."""
        codes: Tensor = self.encoder(x)
        return codes


@dataclasses.dataclass(frozen=True)
class Arena:
    """Two players and the real samples and latents of one batch."""

    critic: Critic
    generator: nn.Module
    real: Tensor
    latents: Tensor

    @classmethod
    def build(
        cls, shape: tuple[int, ...], n: int, dtype: torch.dtype = torch.float64, *, coding: bool = True, seed: int = 0
    ) -> Arena:
        """Players with the weights of a seed; sets the seed of torch's global random state."""
        torch.default_generator.manual_seed(seed)
        critic = (CodingCritic if coding else Critic)(shape)
        generator = nn.Sequential(nn.Linear(LATENT_DIM, math.prod(shape)), nn.Tanh(), nn.Unflatten(1, shape))
        real = 0.3 + 0.8 * torch.randn(n, *shape, dtype=torch.float64)
        latents = torch.randn(n, LATENT_DIM, dtype=torch.float64)
        return cls(critic.to(dtype), generator.to(dtype), real.to(dtype), latents.to(dtype))

    @classmethod
    def linear(cls, shape: tuple[int, ...], n: int) -> Arena:
        """A linear critic, of the same weights and samples whatever the shape."""
        arena = cls.build(IMAGES, n)
        size = math.prod(shape)
        torch.default_generator.manual_seed(0)
        arena.critic.encoder, arena.critic.head = (
            nn.Sequential(nn.Flatten(1)),
            nn.Sequential(nn.Linear(size, 1), nn.Flatten(0)),
        )
        generator = nn.Sequential(nn.Linear(LATENT_DIM, size), nn.Tanh(), nn.Unflatten(1, shape))
        real = torch.randn(n, size, dtype=torch.float64).reshape(n, *shape)
        return cls(arena.critic.double(), generator.double(), real, arena.latents)

    def with_pairs(self, order: Tensor) -> Arena:
        """The same players with these pairs of the batch, in this order."""
        return dataclasses.replace(self, real=self.real[order], latents=self.latents[order])

    def to(self, device: torch.device) -> Arena:
        """The same on another device."""
        players = copy.deepcopy(self.critic).to(device), copy.deepcopy(self.generator).to(device)
        return Arena(*players, self.real.to(device), self.latents.to(device))

    def critic_batch(self, random: Generator, differentiates: Iterable[str] = BOTH) -> Batch:
        """Of the discriminator's update: ``fake`` leads to no generator, the named inputs carry gradients."""
        real = self.real.clone().requires_grad_("real" in differentiates)
        with torch.no_grad():
            fake = self.generator(self.latents)
        fake = fake.clone().requires_grad_("fake" in differentiates)
        return Batch(self.critic, real, fake, self.critic(real), self.critic(fake), random)

    def generator_batch(self, random: Generator) -> Batch:
        """Of the generator's update: ``fake`` leads back to it."""
        fake = self.generator(self.latents)
        with torch.no_grad():
            real_scores = self.critic(self.real)
        return Batch(self.critic, self.real, fake, real_scores, self.critic(fake), random)

    def joint(self) -> Joint:
        """Both players' non-saturating losses."""
        real_scores, fake_scores = self.critic(self.real), self.critic(self.generator(self.latents))
        return Joint(
            softplus(-real_scores).mean() + softplus(fake_scores).mean(),
            softplus(-fake_scores).mean(),
            tuple(self.critic.parameters()),
            tuple(self.generator.parameters()),
        )
