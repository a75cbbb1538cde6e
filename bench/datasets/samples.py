"""Stored samples that are no tensors, where they are put, and how a batch of them is drawn."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.datasets.base import Samples
from bench.lazy import np, psutil, torch

if TYPE_CHECKING:
    from torch import Generator, Tensor, dtype
    from torch import device as Device  # noqa: N812  # `Streamed` has a field of that name

RESIDENT_SHARE = 0.5
"""Of a device's free memory, what one split may fill: the rest is for the players, their gradients and evaluation."""
PART = 2**26
"""Bytes that are read at once of what is copied to a device."""
CGROUP = Path("/sys/fs/cgroup")
"""Where a process sees the limits of its container."""


@dataclasses.dataclass(frozen=True)
class Mapped:
    """Samples in a file that is mapped into memory: pages are read as they are asked for.

    ``array`` is uint8 ``(stored, *shape)``, ``indices`` int64 ``(n,)`` says which of them are the split's, in which
    order; ``digest`` is the SHA-256 of all that ``array`` holds.
    """

    array: np.ndarray
    indices: np.ndarray
    digest: str

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, *shape)``."""
        return (len(self.indices), *self.array.shape[1:])

    @property
    def dtype(self) -> dtype:
        """Bytes, as images are stored."""
        return torch.uint8

    @property
    def sha256(self) -> str:
        """Of the samples, without reading them again."""
        return hashlib.sha256(self.digest.encode() + self.indices.tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        chosen = self.indices[index if isinstance(index, slice) else index.numpy()]
        return torch.from_numpy(np.asarray(self.array).take(chosen, axis=0))

    def to(self, device: Device) -> Samples:
        """In the memory of ``device`` where they fit, else streamed to it."""
        if _size(self) > resident_limit(device):
            return self if device.type == "cpu" else Streamed(self, device)
        resident = torch.empty(self.shape, dtype=self.dtype, device=device)
        step = max(1, PART * len(self) // max(1, _size(self)))  # in parts: the host may have less memory than it takes
        for start in range(0, len(self), step):
            resident[start : start + step].copy_(self[start : start + step])
        return resident


@dataclasses.dataclass(frozen=True)
class Stacked:
    """Images whose channels are images of their own, put together as they are drawn.

    ``parts`` is uint8 ``(stored, 1, height, width)``, ``chosen`` int64 ``(n, channels)`` says which of them are the
    channels of each sample; both lie on one device.
    """

    parts: Tensor
    chosen: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, channels, height, width)``."""
        return (*self.chosen.shape, *self.parts.shape[2:])

    @property
    def dtype(self) -> dtype:
        """That of the parts."""
        return self.parts.dtype

    @property
    def sha256(self) -> str:
        """Of the parts and of how they are put together."""
        return hashlib.sha256((digest_of(self.parts) + digest_of(self.chosen)).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        chosen = self.chosen[index]
        return self.parts.index_select(0, chosen.flatten()).reshape(*chosen.shape, *self.parts.shape[2:])

    def to(self, device: Device) -> Stacked:
        """The same on ``device``: the parts are few."""
        return Stacked(self.parts.to(device), self.chosen.to(device))


@dataclasses.dataclass(frozen=True)
class Streamed:
    """Samples that stay in the host's memory (or in a file) and are copied to ``device`` as they are drawn."""

    host: Samples
    device: Device

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, *shape)``."""
        return tuple(self.host.shape)

    @property
    def dtype(self) -> dtype:
        """That of the host's samples."""
        return self.host.dtype

    @property
    def sha256(self) -> str:
        """That of the host's samples."""
        return digest_of(self.host)

    def __len__(self) -> int:
        return len(self.host)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        return self._upload(self.host[index if isinstance(index, slice) else index.cpu()])

    def to(self, device: Device) -> Samples:
        """The same, drawn on ``device``."""
        return place(self.host, device)

    def draw(self, size: int, random: Generator) -> Tensor:
        """What `draw` draws of samples that lie on the device.

        On CUDA the indices are drawn, fetched and answered on a stream of their own: the host waits for that one alone,
        and goes on queueing work while the players compute.
        """
        if self.device.type != "cuda":
            return self[torch.randint(len(self), (size,), generator=random, device=self.device)]
        main, side = torch.cuda.current_stream(self.device), _side_stream(self.device)
        with torch.cuda.stream(side):
            index = torch.randint(len(self), (size,), generator=random, device=self.device)
            # a copy to unpinned memory ends before it returns; nothing but the indices was queued on this stream
            batch = self._upload(self.host[index.cpu()])
        main.wait_stream(side)
        batch.record_stream(main)
        return batch

    def _upload(self, batch: Tensor) -> Tensor:
        """Onto the device, from pinned memory; torch keeps that until the copy has ended."""
        return batch.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else batch


_side_streams: dict[int, torch.cuda.Stream] = {}


def _side_stream(device: Device) -> torch.cuda.Stream:
    """One per device, of high priority: its few small tasks are not to queue behind a step's kernels."""
    number = device.index if device.index is not None else torch.cuda.current_device()
    if number not in _side_streams:
        _side_streams[number] = torch.cuda.Stream(device=number, priority=-1)  # type: ignore[no-untyped-call]
    return _side_streams[number]


def draw(samples: Samples, size: int, random: Generator, device: Device) -> Tensor:
    """A batch, drawn with replacement: of one generator the same numbers, wherever the samples lie.

    Args:
        samples: a split, on ``device``.
        size: how many.
        random: on ``device``.
        device: where the batch is wanted.
    """
    if isinstance(samples, Streamed):
        return samples.draw(size, random)
    chosen = torch.randint(len(samples), (size,), generator=random, device=device)
    if isinstance(samples, torch.Tensor):
        return samples.index_select(0, chosen)  # of images on the CPU twenty times as fast as samples[chosen]
    return samples[chosen]


def place(samples: Samples, device: Device) -> Samples:
    """The samples ready to be drawn on ``device``: in its memory where they fit, else streamed to it."""
    if device.type == "cuda" and isinstance(samples, torch.Tensor) and samples.device.type == "cpu":
        return samples.to(device) if _size(samples) <= resident_limit(device) else Streamed(samples, device)
    return samples.to(device)


def resident_limit(device: Device) -> int:
    """Bytes that a split may take of the memory of ``device`` that is free now.

    Slots that train at once on one device share that memory, and each takes what it finds: those that look at the same
    moment count the same bytes.
    """
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else _free_host_memory()
    return int(RESIDENT_SHARE * free)


def _free_host_memory() -> int:
    """Bytes that this process may have still: of the machine's, of its container's, or of its own limit where it runs
    under one. Slots share the machine's and the container's.
    """
    available = min(int(psutil.virtual_memory().available), _free_in_container())
    try:
        import resource
    except ImportError:  # not on Windows
        return available
    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    if limit == resource.RLIM_INFINITY:
        return available
    held = getattr(psutil.Process().memory_info(), "data", 0)
    return min(available, max(0, limit - held))


def _free_in_container() -> int:
    """Bytes up to the limit of the control group (version 2); more than any machine has where there is none.

    What the group holds of files that are not in use does not count: it is given up when memory is short.
    """
    try:
        limit = int((CGROUP / "memory.max").read_text())  # without one, the word max
        held = int((CGROUP / "memory.current").read_text())
        told = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        return max(0, limit - held + int(told["inactive_file"]))
    except (OSError, ValueError, KeyError):
        return sys.maxsize


def digest_of(samples: Samples) -> str:
    """SHA-256 of samples or labels: of a tensor its type, shape and bytes; others tell theirs."""
    if not isinstance(samples, torch.Tensor):
        told: str = getattr(samples, "sha256", "")
        return told or _digest_in_parts(samples)
    sha = hashlib.sha256(f"{samples.dtype} {tuple(samples.shape)}".encode())
    sha.update(samples.contiguous().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _digest_in_parts(samples: Samples, part: int = 4096) -> str:
    sha = hashlib.sha256(f"{samples.dtype} {tuple(samples.shape)}".encode())
    for start in range(0, len(samples), part):
        sha.update(samples[start : start + part].contiguous().cpu().numpy().tobytes())
    return sha.hexdigest()


def _size(samples: Samples) -> int:
    """In bytes."""
    count = 1
    for length in samples.shape:
        count *= int(length)
    return count * samples.dtype.itemsize
