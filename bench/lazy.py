"""Modules that load at first use, so that listing and planning start without them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["functional", "np", "psutil", "torch"]


class _LazyModule:
    """Stands for a module until an attribute of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(importlib.import_module(self._name), attribute)
        self.__dict__[attribute] = value  # the next look-up costs no more than a real module's
        return value


if TYPE_CHECKING:
    import numpy as np
    import psutil
    import torch
    from torch.nn import functional
else:
    np = _LazyModule("numpy")
    psutil = _LazyModule("psutil")
    torch = _LazyModule("torch")
    functional = _LazyModule("torch.nn.functional")
