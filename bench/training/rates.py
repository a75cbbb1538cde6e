"""Learning rates: numbers of the host, or tensors that a recorded step reads on its device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer


def hold_rate(optimizer: Optimizer, device: torch.device) -> None:
    """Hold an optimizer's learning rate on the device, and whatever else of it a recorded step needs there."""
    for group in optimizer.param_groups:
        # of 32 bits on CUDA, where fused kernels read it so; the CPU takes the number as it is
        precision = torch.float32 if device.type == "cuda" else torch.float64
        group["lr"] = torch.tensor(float(group["lr"]), dtype=precision, device=device)
        if "capturable" in group and device.type == "cuda":
            group["capturable"] = True


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate: of a captured step, which reads it on the device, in place."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate
