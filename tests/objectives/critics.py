"""Critics whose gradients are known, a generator, and batches of theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from bench.objectives import Batch

torch.set_num_threads(1)

REAL = torch.tensor([[1.0, 2.0], [0.0, -3.0], [0.5, 0.5]], dtype=torch.float64)
FAKE = torch.tensor([[4.0, 0.0], [1.0, 1.0], [-2.0, 0.0]], dtype=torch.float64)


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def score(discriminator: nn.Module, real: Tensor = REAL, fake: Tensor = FAKE, seed: int = 0) -> Batch:
    """The batch of a discriminator's update."""
    return Batch.score(discriminator, real, fake, random(seed))


def of_scores(real: Tensor, fake: Tensor) -> Batch:
    """A batch of which only the scores matter."""
    return Batch(nn.Identity(), torch.empty(0), torch.empty(0), real, fake, random())


class Linear(nn.Module):
    """d(x) = ⟨w, x⟩: its gradient is w everywhere."""

    def __init__(self, w: list[float]) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.w


class Quadratic(nn.Module):
    """d(x) = ½‖x‖²: its gradient at x is x. Remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach())
        return 0.5 * x.flatten(1).square().sum(1)


class Smooth(nn.Module):
    """A small network with derivatives of every order, which scores samples of any shape and encodes them."""

    def __init__(self, inputs: int = 2, seed: int = 1) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = nn.Sequential(nn.Linear(inputs, 4), nn.Tanh())
            self.head = nn.Linear(4, 1)
        self.double()

    def encode(self, x: Tensor) -> Tensor:
        codes: Tensor = self.encoder(x.flatten(1))
        return codes

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.encode(x)).flatten()
        return scores


class Painter(nn.Module):
    """A small generator of samples of a shape, from latents of dimension 3."""

    def __init__(self, shape: tuple[int, ...], seed: int = 2) -> None:
        super().__init__()
        self.shape = shape
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.linear = nn.Linear(3, torch.Size(shape).numel())
        self.double()

    def forward(self, z: Tensor) -> Tensor:
        samples: Tensor = self.linear(z).tanh().reshape(-1, *self.shape)
        return samples


def finite_differences(value: Callable[[], Tensor], weights: Sequence[Tensor], step: float = 1e-5) -> list[Tensor]:
    """The gradient of ``value`` with respect to weights that are changed in place, entry by entry."""
    gradients = []
    for weight in weights:
        entries, gradient = weight.detach().view(-1), torch.empty(weight.numel(), dtype=weight.dtype)
        for index in range(len(entries)):
            kept = entries[index].item()
            entries[index] = kept + step
            above = value().item()
            entries[index] = kept - step
            below = value().item()
            entries[index] = kept
            gradient[index] = (above - below) / (2 * step)
        gradients.append(gradient.view_as(weight))
    return gradients
