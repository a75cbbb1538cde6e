"""Training loops as well-written scripts have them, of the same nets: no averaging, no log, no checks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.autograd import grad
from torch.nn.functional import softplus

from bench.architectures.base import Players
from bench.catalog import datasets
from bench.datasets.base import Data
from bench.spec import RunSpec
from bench.training.players import build_players


def load(spec: RunSpec) -> Data:
    return datasets.create(spec.dataset.name, **spec.dataset.settings).load(Path())


def _adams(spec: RunSpec, players: Players) -> tuple[torch.optim.Adam, torch.optim.Adam]:
    settings = spec.objective.generator_optimizer.settings
    rate, betas = settings["learning_rate"], (settings["beta1"], settings["beta2"])
    weights = players.generator.parameters(), players.discriminator.parameters()
    g, d = (torch.optim.Adam(of, lr=rate, betas=betas, fused=True) for of in weights)
    return g, d


def non_saturating_step(spec: RunSpec, data: Data) -> Callable[[], None]:
    """One step of the non-saturating game."""
    players = build_players(spec, data.shape)
    g, d = players.generator, players.discriminator
    optimizer_g, optimizer_d = _adams(spec, players)
    train, batch = data.decode(data.train[:]), spec.training.batch_size

    def step() -> None:
        real = train[torch.randint(len(train), (batch,))]
        with torch.no_grad():
            fake = g(torch.randn(batch, players.latent_dim))
        real_scores, fake_scores = d(torch.cat((real, fake))).chunk(2)
        loss = softplus(-real_scores).mean() + softplus(fake_scores).mean()
        optimizer_d.zero_grad()
        loss.backward()
        optimizer_d.step()
        d.requires_grad_(False)
        loss = softplus(-d(g(torch.randn(batch, players.latent_dim)))).mean()
        optimizer_g.zero_grad()
        loss.backward()
        optimizer_g.step()
        d.requires_grad_(True)

    return step


def wasserstein_step(spec: RunSpec, data: Data) -> Callable[[], None]:
    """One step of WGAN-GP, as Gulrajani et al. 2017, algorithm 1, with its n_critic critic steps."""
    players = build_players(spec, data.shape)
    g, d = players.generator, players.discriminator
    optimizer_g, optimizer_d = _adams(spec, players)
    train, batch = data.decode(data.train[:]), spec.training.batch_size

    def penalty(real: Tensor, fake: Tensor) -> Tensor:
        share = torch.rand(batch, *[1] * (real.dim() - 1))
        points = (share * real + (1 - share) * fake).requires_grad_()
        (slopes,) = grad(d(points).sum(), points, create_graph=True)
        return 10 * ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()

    def step() -> None:
        for _ in range(spec.objective.n_critic):
            real = train[torch.randint(len(train), (batch,))]
            with torch.no_grad():
                fake = g(torch.randn(batch, players.latent_dim))
            real_scores, fake_scores = d(torch.cat((real, fake))).chunk(2)
            loss = fake_scores.mean() - real_scores.mean() + penalty(real, fake)
            optimizer_d.zero_grad()
            loss.backward()
            optimizer_d.step()
        d.requires_grad_(False)
        loss = -d(g(torch.randn(batch, players.latent_dim))).mean()
        optimizer_g.zero_grad()
        loss.backward()
        optimizer_g.step()
        d.requires_grad_(True)

    return step
