"""The stabilisers once more, as plain as their papers; see `plain`, whose loop plays them.

Each is a rule of the non-saturating game with the one thing changed that its paper changes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import grad
from torch.func import functional_call
from torch.nn.functional import softplus

from bench.architectures.base import Players
from bench.training.streams import fresh
from tests.training.plain import RATE, NonSaturating


def told_real(scores: Tensor) -> Tensor:
    return softplus(-scores).mean()


def told_fake(scores: Tensor) -> Tensor:
    return softplus(scores).mean()


class Smooth(NonSaturating):
    LABEL = 0.7

    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        r = self.score(real)
        return self.LABEL * told_real(r) + (1 - self.LABEL) * told_fake(r) + told_fake(self.score(fake))


class Noisy(NonSaturating):
    """Noise on everything shown, in the order in which it is shown; half gone by the second of two steps of four."""

    SIGMA, GONE = 0.4, 0.5

    def __init__(self, players: Players, random: torch.Generator) -> None:
        super().__init__(players, random)
        self.noise = fresh(0, "stabiliser", torch.device("cpu"), "instance-noise 0")

    def score(self, samples: Tensor) -> Tensor:
        sigma = self.SIGMA * max(0.0, 1 - self.progress / self.GONE)
        return super().score(samples + sigma * torch.randn(samples.shape, generator=self.noise))

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        loss = super().of_generator(real, fake)
        torch.randn(real.shape, generator=self.noise)  # real samples are shown to nobody, but drawn for
        return loss


class Replayed(NonSaturating):
    """Half of the generated samples change places with earlier ones, once there are 24 of those."""

    SHARE, CAPACITY = 0.5, 24

    def __init__(self, players: Players, random: torch.Generator) -> None:
        super().__init__(players, random)
        self.chance = fresh(0, "stabiliser", torch.device("cpu"), "experience-replay 0")
        self.earlier: list[Tensor] = []

    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        shown = list(fake.detach())
        if len(self.earlier) < self.CAPACITY:
            self.earlier += shown[: self.CAPACITY - len(self.earlier)]
        else:
            for index, place in enumerate(
                torch.randperm(self.CAPACITY, generator=self.chance).tolist()[: len(shown) // 2]
            ):
                shown[index], self.earlier[place] = self.earlier[place], shown[index]
        return super().of_discriminator(real, torch.stack(shown))


class BestHalf(NonSaturating):
    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        scores = sorted(self.score(fake), key=lambda score: score.item(), reverse=True)
        kept = round(len(scores) * max(0.5, 0.5 ** (self.progress / 0.5)))
        return told_real(torch.stack(scores[:kept]))


class Matching(NonSaturating):
    SHARE = 0.6

    def features(self, samples: Tensor) -> Tensor:
        layers: Any = self.d
        for layer in layers[:-2]:
            samples = layer(samples)
        return samples

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        apart = self.features(fake).mean(0) - self.features(real).mean(0)
        return (1 - self.SHARE) * super().of_generator(real, fake) + self.SHARE * (apart @ apart)


class Seeking(NonSaturating):
    WEIGHT = 0.3

    def ratio(self, fake: Tensor) -> Tensor:
        half = len(fake) // 2
        pairs = zip(fake[:half], fake[half:], self.latents[:half], self.latents[half:], strict=True)
        return torch.stack([(a - b).abs().mean() / (z - w).abs().mean() for a, b, z, w in pairs])

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().of_generator(real, fake) + self.WEIGHT / (self.ratio(fake).mean() + 1e-5)


class Diverse(Seeking):
    BOUND = 0.7

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        bounded = self.ratio(fake).clamp(max=self.BOUND).mean()
        return NonSaturating.of_generator(self, real, fake) - self.WEIGHT * bounded


class Historical(NonSaturating):
    """Each player's weights so far are all kept, and averaged anew."""

    WEIGHT = 0.5

    def __init__(self, players: Players, random: torch.Generator) -> None:
        super().__init__(players, random)
        self.past: dict[nn.Module, list[Tensor]] = {self.g: [], self.d: []}

    def drawn_back(self, player: nn.Module) -> Tensor:
        now = torch.cat([weight.flatten() for weight in player.parameters()])
        if not self.past[player]:
            return 0 * now.sum()
        return self.WEIGHT * (now - torch.stack(self.past[player]).mean(0)).square().sum()

    def after(self, player: nn.Module) -> None:
        self.past[player].append(torch.cat([weight.detach().clone().flatten() for weight in player.parameters()]))

    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().of_discriminator(real, fake) + self.drawn_back(self.d)

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().of_generator(real, fake) + self.drawn_back(self.g)


class Compared(NonSaturating):
    """Minibatch discrimination: each sample beside the closeness of the others, kernel by kernel."""

    KERNELS, DIMENSIONS = 3, 2

    def score(self, samples: Tensor) -> Tensor:
        extended: Any = self.d
        plain, tensor = extended.discriminator, extended.statistics.tensor.weight
        for layer in plain[:-2]:
            samples = layer(samples)
        n = len(samples)
        told = []
        for i in range(n):
            closeness = []
            for kernel in range(self.KERNELS):
                matrix = tensor[kernel * self.DIMENSIONS : (kernel + 1) * self.DIMENSIONS]
                others = [matrix @ samples[i] - matrix @ samples[j] for j in range(n) if j != i]
                closeness.append(sum(torch.exp(-other.abs().sum()) for other in others) / (n - 1))
            told.append(torch.cat((samples[i], torch.stack(closeness))))  # type: ignore[arg-type]
        weight = torch.cat((plain[-2].weight, extended.joined.weight), 1)
        return (torch.stack(told) @ weight.T + plain[-2].bias).flatten()


class Varying(NonSaturating):
    """Minibatch standard deviation over groups of neighbours."""

    GROUP = 4

    def score(self, samples: Tensor) -> Tensor:
        extended: Any = self.d
        plain = extended.discriminator
        for layer in plain[:-2]:
            samples = layer(samples)
        scores = []
        for group in samples.split(self.GROUP):
            deviation = (group.var(0, unbiased=False) + 1e-8).sqrt().mean().expand(len(group), 1)
            weight = torch.cat((plain[-2].weight, extended.joined.weight), 1)
            scores.append(torch.cat((group, deviation), 1) @ weight.T + plain[-2].bias)
        return torch.cat(scores).flatten()


class Several(NonSaturating):
    def generate(self, latents: Tensor) -> Tensor:
        mixture: Any = self.g
        generators = list(mixture.generators)
        return torch.cat([generators[i % len(generators)](latents[i : i + 1]) for i in range(len(latents))])


class Lazy(NonSaturating):
    GAMMA, EVERY = 0.4, 2

    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        loss = super().of_discriminator(real, fake)
        if self.updates % self.EVERY:
            return loss
        real = real.clone().requires_grad_()
        (at_real,) = grad(self.score(real).sum(), real, create_graph=True)
        return loss + self.EVERY * self.GAMMA / 2 * (at_real**2).sum(1).mean()


class Thrice(NonSaturating):
    answers = 3


class AtOnce(NonSaturating):
    at_once = True


class Unrolled(NonSaturating):
    STEPS = 2

    def of_generator(self, real: Tensor, fake: Tensor) -> Tensor:
        ahead = dict(self.d.named_parameters())
        for _ in range(self.STEPS):
            r, f = (functional_call(self.d, ahead, (samples,)) for samples in (real, fake))
            down = grad(told_real(r) + told_fake(f), list(ahead.values()), create_graph=True)
            ahead = {name: weight - RATE * d for (name, weight), d in zip(ahead.items(), down, strict=True)}
        return told_real(functional_call(self.d, ahead, (fake,)))
