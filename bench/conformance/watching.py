"""What the laws watch with: who draws and from where, and what is detached."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from bench.conformance.laws import UntriedError


class GlobalRandomState:
    """The global random states of torch, numpy and Python at one moment."""

    def __init__(self) -> None:
        self._torch, self._numpy, self._python = torch.get_rng_state(), np.random.get_state(), random.getstate()

    def changed(self, *, torch_may: bool = False) -> str | None:
        """Which of them has moved since, in words; torch's is left out if it may."""
        if not torch_may and not torch.equal(self._torch, torch.get_rng_state()):
            return "torch's global random state"
        now: Any = np.random.get_state()
        before: Any = self._numpy
        if before[2:] != now[2:] or not np.array_equal(before[1], now[1]):
            return "numpy's global random state"
        return "Python's global random state" if random.getstate() != self._python else None


class DrawsHeldStill(TorchFunctionMode):
    """Every random number is the same one, so that what is drawn per sample does not tell samples apart."""

    UNIFORM, NORMAL = 0.37, 0.61

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        drawn = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in ("rand", "rand_like", "uniform_"):
            return drawn.fill_(self.UNIFORM)
        if name in ("randn", "randn_like", "normal", "normal_"):
            return drawn.fill_(self.NORMAL)
        if name in ("bernoulli", "bernoulli_"):
            return drawn.fill_(1)
        if name in ("randint", "randint_like"):
            bounds = [a for a in args if isinstance(a, int)]
            return drawn.fill_(sum(bounds[:2]) // 2)
        return drawn.copy_(torch.arange(len(drawn))) if name == "randperm" else drawn


class _Detached(TorchFunctionMode):
    """Keeps what is cut off from the gradient (``detach``, ``data``, ``no_grad``), or gives it back in that order."""

    def __init__(self, tape: list[Tensor], replaying: bool) -> None:
        super().__init__()
        self._tape, self._replaying, self._position = tape, replaying, 0
        self._without_gradients = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name == "_set_grad_enabled":  # by `no_grad`; autograd.Function goes without gradients in another way
            self._without_gradients = not args[0]
        if not isinstance(out, Tensor) or not out.is_floating_point():
            return out
        cuts = name == "detach" or func == torch.Tensor.data.__get__  # type: ignore[attr-defined]
        if not cuts and (not self._without_gradients or name.endswith("_")):
            return out
        if not self._replaying:
            self._tape.append(out.detach().clone())
            return out
        self._position += 1
        return self._tape[self._position - 1].clone() if self._position <= len(self._tape) else out


def directional_derivatives(
    evaluate: Callable[[], Tensor], leaves: Sequence[Tensor], *, holding: bool = True
) -> Iterator[tuple[float, float]]:
    """By how much ``evaluate()`` grows per unit along random directions: by its gradient, and by finite differences.

    If ``holding``, what it detaches is held fixed: what is meant to be no function of the leaves is none here either.

    Args:
        evaluate: a scalar of 64 bits, the same at every call.
        leaves: what it is differentiated by; moved in place and put back.
        holding: whether finite differences go around what is detached.

    Raises:
        UntriedError: it is not the same at every call.
    """
    tape: list[Tensor] = []
    if not torch.equal(evaluate(), evaluate()):
        raise UntriedError("two calls with the same inputs differ")
    with _Detached(tape, replaying=False):
        value = evaluate()
    gradients = torch.autograd.grad(value, leaves, allow_unused=True)
    source = torch.Generator().manual_seed(7)
    step = 1e-5
    for _ in range(3):
        directions = [torch.randn(leaf.shape, generator=source, dtype=leaf.dtype) for leaf in leaves]
        by_gradient = sum(
            float((gradient * along).sum())
            for gradient, along in zip(gradients, directions, strict=True)
            if gradient is not None
        )
        values = []
        for sign in (1, -1):
            _move(leaves, directions, sign * step)
            with _Detached(list(tape), replaying=True) if holding else nullcontext():
                values.append(float(evaluate()))
            _move(leaves, directions, -sign * step)
        yield by_gradient, (values[0] - values[1]) / (2 * step)


@torch.no_grad()
def _move(leaves: Sequence[Tensor], directions: Sequence[Tensor], amount: float) -> None:
    for leaf, direction in zip(leaves, directions, strict=True):
        leaf.add_(direction, alpha=amount)
