"""A discriminator as what it ends in: features and one linear layer that scores them; and layers that stand between.

Imports torch, so stabilisers import it when they are used.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bench.architectures.layers import settle_spectral_norms, weighted
from bench.errors import CatalogError


def last_layer(discriminator: nn.Module) -> nn.Linear:
    """What scores the features of a discriminator.

    Raises:
        CatalogError: the discriminator is no `torch.nn.Sequential` that ends in a linear layer of one unit and a
            Flatten.
    """
    while isinstance(discriminator, WithStatistics):
        discriminator = discriminator.discriminator
    if isinstance(discriminator, nn.Sequential) and len(discriminator) > 2:
        layer, flatten = discriminator[-2], discriminator[-1]
        if isinstance(layer, nn.Linear) and layer.out_features == 1 and isinstance(flatten, nn.Flatten):
            return layer
    raise CatalogError(
        "the discriminator has no features: it must be a torch.nn.Sequential that ends in a Linear of one unit and a "
        "Flatten"
    )


def features_of(discriminator: nn.Module, samples: Tensor) -> Tensor:
    """What its last layer scores of samples, ``(batch, width)``."""
    if isinstance(discriminator, WithStatistics):
        return features_of(discriminator.discriminator, samples)
    last_layer(discriminator)
    assert isinstance(discriminator, nn.Sequential)
    for layer in list(discriminator)[:-2]:
        samples = layer(samples)
    return samples


def score_features(discriminator: nn.Module, features: Tensor) -> Tensor:
    """The scores of features, ``(batch,)``."""
    if isinstance(discriminator, WithStatistics):
        return discriminator.score(features)
    assert isinstance(discriminator, nn.Sequential)
    scores: Tensor = discriminator[-1](discriminator[-2](features))
    return scores


class WithStatistics(nn.Module):
    """A discriminator whose last layer sees statistics of the batch beside each sample's features.

    A linear layer of features and statistics is the sum of one of each: the layer that scored features alone stays as
    it was, and ``joined`` adds what it makes of the statistics.

    Args:
        discriminator: what is extended; its last layer scores features.
        statistics: from features ``(batch, width)`` to ``(batch, count)``.
        count: statistics per sample.
    """

    mixes_samples = True

    def __init__(self, discriminator: nn.Module, statistics: nn.Module, count: int) -> None:
        super().__init__()
        spectral = parametrize.is_parametrized(last_layer(discriminator))
        self.discriminator = discriminator
        self.statistics = statistics
        self.joined = weighted(nn.Linear(count, 1, bias=False), "spectral" if spectral else "none")
        settle_spectral_norms(self.joined)

    def score(self, features: Tensor) -> Tensor:
        """Scores of features, ``(batch,)``."""
        more: Tensor = self.joined(self.statistics(features)).flatten(0)
        return score_features(self.discriminator, features) + more

    def forward(self, x: Tensor) -> Tensor:
        """Scores of samples, ``(batch,)``."""
        return self.score(features_of(self, x))


class Closeness(nn.Module):
    """Of each sample, how close the others of its batch are: mean over them of exp(−‖M_i − M_j‖₁), per kernel."""

    def __init__(self, width: int, kernels: int, dimensions: int) -> None:
        super().__init__()
        self.kernels = kernels
        self.tensor = nn.Linear(width, kernels * dimensions, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """From ``(batch, width)`` to ``(batch, kernels)``."""
        matrices: Tensor = self.tensor(features).reshape(len(features), self.kernels, -1)
        n = len(matrices)
        distances = (matrices[:, None] - matrices[None]).abs().sum(3)
        close = (-distances).exp() * (1 - torch.eye(n, device=distances.device, dtype=distances.dtype))[:, :, None]
        mean: Tensor = close.sum(1) / max(1, n - 1)
        return mean


class Deviation(nn.Module):
    """The standard deviation of the features over groups of samples, one number per group: mean over the features.

    Args:
        group: samples of a group, neighbours in the batch; 0: all of the batch.
    """

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group

    def forward(self, features: Tensor) -> Tensor:
        """From ``(batch, width)`` to ``(batch, 1)``."""
        group = self.group or len(features)
        of_groups = features.reshape(-1, group, features.shape[1])
        # √0 has no finite gradient; as in their code
        deviations = (of_groups.var(1, correction=0) + 1e-8).sqrt().mean(1)
        return deviations.repeat_interleave(group, output_size=len(features))[:, None]
