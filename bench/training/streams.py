"""Named random streams: a penalty, or one more evaluation, does not shift what the others draw."""

from __future__ import annotations

import hashlib
from typing import Literal

import torch

Stream = Literal["init", "data", "latent", "penalty", "stabiliser", "evaluation"]


def stream_seed(seed: int, stream: Stream, purpose: str = "") -> int:
    """The seed of one stream of a run: 63 bits, unrelated between streams and runs."""
    text = f"ganbench/{seed}/{stream}/{purpose}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def fresh(seed: int, stream: Stream, device: torch.device, purpose: str = "") -> torch.Generator:
    """A stream at its start."""
    return torch.Generator(device).manual_seed(stream_seed(seed, stream, purpose))


class Streams:
    """The running streams of one run."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.data = fresh(seed, "data", device)
        # the players draw from streams of their own: n_critic does not shift what the generator's step sees
        self.discriminator_latent = fresh(seed, "latent", device, "discriminator")
        self.generator_latent = fresh(seed, "latent", device, "generator")
        self.penalty = fresh(seed, "penalty", device)
        self.stabiliser = fresh(seed, "stabiliser", device)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Where each stream stands."""
        return {name: stream.get_state() for name, stream in vars(self).items()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from there."""
        for name, stream in vars(self).items():
            stream.set_state(state[name])
