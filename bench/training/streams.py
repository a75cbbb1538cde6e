"""Named random streams: a penalty, or one more evaluation, does not shift what the others draw."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
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
        self._seed, self._device = seed, device
        self.data = fresh(seed, "data", device)
        # the players draw from streams of their own: n_critic does not shift what the generator's step sees
        self.discriminator_latent = fresh(seed, "latent", device, "discriminator")
        self.generator_latent = fresh(seed, "latent", device, "generator")
        self.penalty = fresh(seed, "penalty", device)
        self._stabilisers: dict[str, torch.Generator] = {}

    def of_stabilisers(self, names: Sequence[str]) -> list[torch.Generator]:
        """A stream for each, which stands in checkpoints; the second of a name has another one than the first."""
        purposes = [f"{name} {names[:index].count(name)}" for index, name in enumerate(names)]
        self._stabilisers |= {p: fresh(self._seed, "stabiliser", self._device, p) for p in purposes}
        return [self._stabilisers[purpose] for purpose in purposes]

    @property
    def _all(self) -> dict[str, torch.Generator]:
        own = {name: stream for name, stream in vars(self).items() if isinstance(stream, torch.Generator)}
        return own | self._stabilisers

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Where each stream stands."""
        return {name: stream.get_state() for name, stream in self._all.items()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from there."""
        for name, stream in self._all.items():
            stream.set_state(state[name])


class SharedStreams:
    """The generators that torch, numpy and Python share between everything in a process.

    Nothing here draws from them; a player with dropout or a plugin may. So they too are seeded by the run, stand in
    its checkpoints, and are where they were after an evaluation.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        number = stream_seed(seed, "stabiliser", "shared")
        if device.type == "cpu":
            torch.default_generator.manual_seed(number)  # torch.manual_seed makes GPUs ready to be seeded, for 2 ms
        else:
            torch.manual_seed(number)
        np.random.seed(number % 2**32)
        random.seed(number)

    def state_dict(self) -> dict[str, Any]:
        """Where they stand."""
        return self.positions(self._device)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.restore(state, self._device)

    @staticmethod
    def positions(device: torch.device) -> dict[str, Any]:
        """Where the generators of this process stand, and that of ``device``."""
        _, keys, *counters = np.random.get_state()
        version, numbers, gaussian = random.getstate()
        return {
            "torch": torch.get_rng_state(),
            "device": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
            "numpy": (torch.from_numpy(np.asarray(keys).astype(np.int64)), *counters),
            "python": (version, torch.tensor(numbers, dtype=torch.int64), gaussian),
        }

    @staticmethod
    def restore(state: dict[str, Any], device: torch.device) -> None:
        """Bring them to where `positions` found them."""
        torch.set_rng_state(state["torch"])
        if state["device"] is not None:
            torch.cuda.set_rng_state(state["device"], device)
        keys, *counters = state["numpy"]
        np.random.set_state(("MT19937", keys.numpy().astype(np.uint32), *counters))
        version, numbers, gaussian = state["python"]
        random.setstate((version, tuple(numbers.tolist()), gaussian))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What is drawn inside is as if it had not been."""
        state = self.state_dict()
        try:
            yield
        finally:
            self.load_state_dict(state)
