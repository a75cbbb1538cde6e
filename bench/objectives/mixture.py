"""Several generators as one. Imports torch, so stabilisers import it when they are used."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Mixture(nn.Module):
    """Generators that take turns: the i-th sample of a batch is made by generator i mod K.

    Latents are drawn independently, so that which of them a generator is given tells nothing.
    """

    def __init__(self, generators: Sequence[nn.Module]) -> None:
        super().__init__()
        self.generators = nn.ModuleList(generators)

    def forward(self, latents: Tensor) -> Tensor:
        """From ``(batch, latent_dim)`` to ``(batch, *shape)``."""
        count, n = len(self.generators), len(latents)
        padded = torch.cat((latents, latents[:1].expand(-n % count, -1)))  # of an evaluation's last batch
        made = [generator(padded[k::count]) for k, generator in enumerate(self.generators)]
        return torch.stack(made, 1).flatten(0, 1)[:n]
