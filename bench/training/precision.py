"""The named precisions: in which numbers the players' layers compute. Weights and optimizers stay in float32.

- ``float32``: IEEE single precision throughout, also on GPUs that would round by default.
- ``tf32``: on a GPU, matrix products and convolutions round their inputs to 10 bits of mantissa; elsewhere nothing is
  changed.
- ``bfloat16``: matrix products and convolutions compute in bfloat16 (torch's autocast), and scores and samples are
  given as float32; evaluation computes in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn

from bench.spec import Precision


def computing_in(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """What is computed inside is computed so, backward passes included."""
    if precision == "bfloat16":
        # nothing kept: a weight that was cast before its update would be used after it
        return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False)
    if precision == "tf32" and device.type == "cuda":
        return _rounding_products()
    return nullcontext()


@contextmanager
def _rounding_products() -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def in_float32(player: nn.Module, given: object, made: Tensor) -> Tensor:
    """A forward hook: scores and samples as losses and penalties take them."""
    return made.float()
