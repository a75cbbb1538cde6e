"""Layers that the architectures share; imports torch, so architectures import it when they build."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bench.spec import Normalisation

Linear = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
SETTLING_STEPS = 30
GROUP_SIZE = 16
"""Channels of a group: the best of the fixed sizes in Wu & He 2018."""


class SpectralNorm(nn.Module):
    """Divides a weight by its largest singular value, estimated by power iteration (Miyato et al. 2018, algorithm 1).

    The estimate moves only when `power_step` is called: once per update of the player, never by a forward pass,
    so that evaluating changes nothing and all passes of one update see one weight.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, dim: int) -> None:
        super().__init__()
        self.dim = dim
        matrix = self._matrix(weight.detach())
        # not from the global state: a normalised player starts from the weights of one that is not
        random = torch.Generator().manual_seed(0)
        self.register_buffer("u", nn.functional.normalize(torch.randn(matrix.shape[0], generator=random), dim=0))
        self.register_buffer("v", nn.functional.normalize(torch.randn(matrix.shape[1], generator=random), dim=0))

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.dim, 0).flatten(1)

    @torch.no_grad()
    def power_step(self, weight: Tensor) -> None:
        """One step of power iteration towards the singular vectors of ``weight``."""
        matrix = self._matrix(weight)
        self.u.copy_(nn.functional.normalize(matrix @ self.v, dim=0))
        self.v.copy_(nn.functional.normalize(matrix.T @ self.u, dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """``weight`` / σ."""
        # clones: the buffers move in place between a forward pass and its backward pass of a later update
        sigma = self.u.clone() @ self._matrix(weight) @ self.v.clone()
        return weight / sigma


def spectral_norms(player: nn.Module) -> list[tuple[SpectralNorm, Tensor]]:
    """The spectral norms of a player, each with the weight it divides; `advance` them once per update."""
    return [
        (norm, layer.parametrizations["weight"].original)  # type: ignore[index, union-attr]  # parametrize's ModuleDict
        for layer in player.modules()
        if parametrize.is_parametrized(layer, "weight")
        for norm in layer.parametrizations["weight"]  # type: ignore[index]
        if isinstance(norm, SpectralNorm)
    ]


def advance(norms: list[tuple[SpectralNorm, Tensor]]) -> None:
    """One power step for each."""
    for norm, weight in norms:
        norm.power_step(weight)


def settle_spectral_norms(player: nn.Module) -> None:
    """Bring the estimates of a freshly initialised player near their singular values; a random start is far off."""
    for _ in range(SETTLING_STEPS):
        advance(spectral_norms(player))


def weighted(layer: Linear, kind: Normalisation) -> nn.Module:
    """The layer, its weight spectrally normalised where ``kind`` says so."""
    if kind == "spectral":
        dim = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
        parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight, dim))
    return layer


def normalisation(kind: Normalisation, channels: int, *, flat: bool) -> list[nn.Module]:
    """What normalises ``channels`` activations per sample (flat) or channels of images; for some kinds, nothing.

    Ioffe & Szegedy 2015 (batch), Ba et al. 2016 (layer), Ulyanov et al. 2016 (instance), Wu & He 2018 (group). All
    have trained scales and shifts, but for instance normalisation of flat layers.
    """
    if kind == "batch":
        return [nn.BatchNorm1d(channels) if flat else nn.BatchNorm2d(channels)]
    if kind == "layer":
        return [nn.LayerNorm(channels) if flat else nn.GroupNorm(1, channels)]
    if kind == "instance":
        # a unit has no pixels to be normalised over: a sample's units are one channel, with no scale of their own
        flat_instance = nn.LayerNorm(channels, elementwise_affine=False)
        return [flat_instance if flat else nn.InstanceNorm2d(channels, affine=True)]
    if kind == "group":
        return [nn.GroupNorm(channels // group_size(channels), channels)]
    return []


def has_bias(kind: Normalisation, *, flat: bool) -> bool:
    """Whether a layer that is normalised so has use for a bias: not where its channels' means, and with them their
    biases, are taken away again. Of flat layers, instance normalisation takes away the mean of all units alone."""
    return kind != "batch" and (flat or kind != "instance")


def group_size(channels: int) -> int:
    """Channels of one group: 16 where that divides, else the largest divisor below it, else all of them."""
    size = max(size for size in range(1, GROUP_SIZE + 1) if channels % size == 0)
    return size if size > 1 else channels  # a group of one unit less its mean would be 0 whatever the sample


def raw_weight(layer: Linear) -> Tensor:
    """The weight that is trained: under spectral normalisation, the one before it."""
    parametrizations = getattr(layer, "parametrizations", None)
    weight = parametrizations["weight"].original if parametrizations is not None else layer.weight
    assert isinstance(weight, Tensor)
    return weight


def mixes_samples(player: nn.Module) -> bool:
    """Whether a sample's output depends on the other samples of its batch: batch normalisation, or a module that says
    so itself with an attribute ``mixes_samples``."""
    return any(
        isinstance(layer, nn.modules.batchnorm._BatchNorm) or getattr(layer, "mixes_samples", False)
        for layer in player.modules()
    )


class Largest(nn.Module):
    """What makes linear units maxout units (Goodfellow et al. 2013): each is the largest of its pieces."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        """From ``(batch, pieces · units)`` to ``(batch, units)``."""
        return x.view(len(x), self.pieces, -1).amax(1)
