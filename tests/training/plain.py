"""The games once more, as plain as their papers: rules written out, and one loop of gradient descent for all.

Nothing of the trainer is in here but the players' initial weights and the random streams, and none of the losses,
penalties and stabilisers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import grad
from torch.nn.functional import normalize, softplus
from torch.nn.utils import parametrize

from bench.architectures.base import Players
from bench.datasets.base import Data
from bench.spec import RunSpec
from bench.training.players import build_players
from bench.training.streams import Streams

RATE = 0.01


class Rules:
    """What the players minimise; a subclass says it, and holds what is remembered from update to update."""

    answers = 1
    """Generator updates per step."""
    at_once = False
    """Whether the generator answers the discriminator as it was before its last update."""

    def __init__(self, players: Players, random: torch.Generator) -> None:
        self.g, self.d, self.random = players.generator, players.discriminator, random
        self.memory: dict[str, float] = {}
        self.updates, self.progress = 0, 0.0
        self.latents = torch.zeros(())

    def generate(self, latents: Tensor) -> Tensor:
        self.latents = latents
        samples: Tensor = self.g(latents)
        return samples

    def score(self, samples: Tensor) -> Tensor:
        scores: Tensor = self.d(samples)
        return scores

    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        raise NotImplementedError

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        raise NotImplementedError

    def before(self, player: nn.Module) -> None:
        """What is done ahead of a player's update."""

    def after_discriminator(self) -> None:
        """What is done to the discriminator's weights after its update."""

    def after(self, player: nn.Module) -> None:
        """What is done after a player's update, all else being done."""


def play_plainly(rules: type[Rules], spec: RunSpec, data: Data, steps: int) -> Rules:
    """Gradient descent of both players; the players and what is remembered are held by the rules."""
    players, streams = build_players(spec, data.shape), Streams(spec.seed, torch.device("cpu"))
    game = rules(players, streams.penalty)
    size = spec.training.batch_size

    def slopes(player: nn.Module, loss: Tensor) -> tuple[Tensor, ...]:
        return grad(loss, list(player.parameters()))

    def descend(player: nn.Module, down: tuple[Tensor, ...]) -> None:
        with torch.no_grad():
            for weight, gradient in zip(player.parameters(), down, strict=True):
                weight -= RATE * gradient

    def answer(real: Tensor) -> tuple[Tensor, ...]:
        latents = torch.randn(size, players.latent_dim, generator=streams.generator_latent)
        game.before(game.g)
        return slopes(game.g, game.of_generator(real, game.generate(latents)))

    for step in range(steps):
        game.progress = step / (spec.total_steps or steps)
        early = None
        for turn in range(spec.objective.n_critic):
            real = data.decode(data.train[torch.randint(len(data.train), (size,), generator=streams.data)])
            if game.at_once and turn + 1 == spec.objective.n_critic:
                early = answer(real)
            latents = torch.randn(size, players.latent_dim, generator=streams.discriminator_latent)
            game.before(game.d)
            descend(game.d, slopes(game.d, game.of_discriminator(real, game.generate(latents))))
            game.after_discriminator()
            game.after(game.d)
            game.updates += 1
        for _ in range(game.answers):
            descend(game.g, early or answer(real))
            game.after(game.g)
    return game


class NonSaturating(Rules):
    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-self.score(real)).mean() + softplus(self.score(fake)).mean()

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-self.score(fake)).mean()


class LeastSquares(Rules):
    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((self.score(real) - 1) ** 2).mean() / 2 + (self.score(fake) ** 2).mean() / 2

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((self.score(fake) - 1) ** 2).mean() / 2


class Hinge(Rules):
    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        # one pass each: under batch normalisation either side has statistics of its own
        return (1 - self.score(real)).relu().mean() + (1 + self.score(fake)).relu().mean()

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -self.score(fake).mean()


class Wasserstein(Rules):
    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.score(fake).mean() - self.score(real).mean()

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -self.score(fake).mean()


class Clipped(Wasserstein):
    LIMIT = 0.3

    def after_discriminator(self) -> None:
        with torch.no_grad():
            for weight in self.d.parameters():
                weight.copy_(weight.clip(-self.LIMIT, self.LIMIT))


class WithGradientPenalty(Wasserstein):
    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        share = torch.rand(len(real), 1, generator=self.random)
        points = (share * real + (1 - share) * fake).detach().requires_grad_()
        (slopes,) = grad(self.score(points).sum(), points, create_graph=True)
        return super().of_discriminator(real, fake) + 10 * ((slopes.norm(dim=1) - 1) ** 2).mean()


class R3(Rules):
    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        real, fake = real.clone().requires_grad_(), fake.detach().requires_grad_()
        of_real, of_fake = self.score(real), self.score(fake)
        (at_real,) = grad(of_real.sum(), real, create_graph=True)
        (at_fake,) = grad(of_fake.sum(), fake, create_graph=True)
        flatness = ((at_real**2).sum(1).mean() + (at_fake**2).sum(1).mean()) / 2
        return softplus(of_fake - of_real).mean() + flatness

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(self.score(real) - self.score(fake)).mean()


class LeCam(Hinge):
    """Two averages, of real and of fake scores, each with the batch at hand taken in."""

    KEPT, WEIGHT = 0.6, 0.3

    def __init__(self, players: Players, random: torch.Generator) -> None:
        super().__init__(players, random)
        self.memory = {"real": 0.0, "fake": 0.0, "updates": 0.0}

    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        of_real, of_fake = self.score(real), self.score(fake)
        seen = self.memory["updates"]
        kept = min(self.KEPT, seen / (seen + 1))
        self.memory = {
            "real": kept * self.memory["real"] + (1 - kept) * of_real.mean().item(),
            "fake": kept * self.memory["fake"] + (1 - kept) * of_fake.mean().item(),
            "updates": seen + 1,
        }
        anchored = ((of_real - self.memory["fake"]) ** 2).mean() + ((of_fake - self.memory["real"]) ** 2).mean()
        return (1 - of_real).relu().mean() + (1 + of_fake).relu().mean() + self.WEIGHT * anchored


class Energy(Rules):
    """Codes of generated samples pull away from each other, in the generator's loss."""

    WEIGHT = 0.5

    def score(self, samples: Tensor) -> Tensor:
        autoencoder: Any = self.d.autoencoder
        return (samples - autoencoder(samples)).flatten(1).norm(dim=1)

    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.score(real).mean() + (10 - self.score(fake)).relu().mean()

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        autoencoder: Any = self.d.autoencoder
        codes = autoencoder.encoder(fake)
        n = len(codes)
        cosines = nn.functional.cosine_similarity(codes[:, None], codes[None], dim=2)
        pairs = sum((cosines[i, j] ** 2 for i in range(n) for j in range(n) if i != j), start=torch.zeros(()))
        return self.score(fake).mean() + self.WEIGHT * pairs / (n * (n - 1))


class BoundaryEquilibrium(Rules):
    GAMMA, GAIN = 0.7, 0.5

    def __init__(self, players: Players, random: torch.Generator) -> None:
        super().__init__(players, random)
        self.memory = {"k": 0.0}

    def score(self, samples: Tensor) -> Tensor:
        autoencoder: Any = self.d.autoencoder
        return (samples - autoencoder(samples)).flatten(1).abs().mean(1)

    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        of_real, of_fake, k = self.score(real).mean(), self.score(fake).mean(), self.memory["k"]
        self.memory["k"] = min(1.0, max(0.0, k + self.GAIN * (self.GAMMA * of_real.item() - of_fake.item())))
        return of_real - k * of_fake

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.score(fake).mean()


class Consensus(NonSaturating):
    """Both players descend L + ½γ(‖∇_φ L_D‖² + ‖∇_θ L_G‖²), each on the batch of its own update."""

    GAMMA = 0.3

    def joint(self, real: Tensor, fake: Tensor) -> Tensor:
        of_critic = grad(super().of_discriminator(real, fake), list(self.d.parameters()), create_graph=True)
        of_artist = grad(super().of_generator(real, fake), list(self.g.parameters()), create_graph=True)
        return self.GAMMA / 2 * torch.stack([(part**2).sum() for part in (*of_critic, *of_artist)]).sum()

    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().of_discriminator(real, fake) + self.joint(real, fake)

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().of_generator(real, fake) + self.joint(real, fake)


def packed(rules: type[Rules], samples: int) -> type[Rules]:
    """The same on packs of neighbours."""

    class Packed(rules):  # type: ignore[misc, valid-type]
        def score(self, shown: Tensor) -> Tensor:
            scores: Tensor = self.d(torch.cat([shown[index::samples] for index in range(samples)], dim=1))
            return scores

    return Packed


class Divided(nn.Module):
    """W/(uᵀ W v), W the matrix of one row per output (Miyato et al. 2018, algorithm 1)."""

    def __init__(self, u: Tensor, v: Tensor, inputs_first: bool) -> None:
        super().__init__()
        self.register_buffer("u", u.clone())
        self.register_buffer("v", v.clone())
        self.inputs_first = inputs_first

    def matrix(self, weight: Tensor) -> Tensor:
        return (weight.transpose(0, 1) if self.inputs_first else weight).flatten(1)

    def forward(self, weight: Tensor) -> Tensor:
        return weight / (self.u @ self.matrix(weight) @ self.v)

    @torch.no_grad()
    def power_step(self, weight: Tensor) -> None:
        self.u = normalize(self.matrix(weight) @ self.v, dim=0)
        self.v = normalize(self.matrix(weight).T @ self.u, dim=0)


class SpectrallyNormalised(Hinge):
    """Every matrix of both players is divided by its singular value, whose estimate moves once per update."""

    def __init__(self, players: Players, random: torch.Generator) -> None:
        super().__init__(players, random)
        for player in (self.g, self.d):
            for layer in divided_layers(player):
                theirs = layer.parametrizations.weight
                theirs[0] = Divided(theirs[0].u, theirs[0].v, isinstance(layer, nn.ConvTranspose2d))

    def before(self, player: nn.Module) -> None:
        for layer in divided_layers(player):
            layer.parametrizations.weight[0].power_step(layer.parametrizations.weight.original)


def divided_layers(player: nn.Module) -> list[Any]:
    return [layer for layer in player.modules() if parametrize.is_parametrized(layer)]
