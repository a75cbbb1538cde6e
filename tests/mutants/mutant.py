"""What a mutant is, and what has been got wrong before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.mutants.rewriting import Owner, rewrite


class Seen(StrEnum):
    """Wrong in public code, and to be impossible here; there is a mutant for each."""

    OVERWRITTEN = "relativistic generator loss computed, then overwritten by the plain one"
    ONE_TERM = "relativistic average with one of its two terms dropped"
    BATCH_NORM_OF_GRADIENTS = "gradient norm over the whole batch instead of per sample"
    ONE_EPSILON = "one ε for the whole batch"
    EXCHANGED = "real and fake exchanged"
    NOT_DETACHED = "fake not detached in D's step, or detached in G's"
    SIGMOID = "least-squares on a sigmoid's output"
    UNBOUNDED = "least-squares whose G has no lower bound (real target −1, G minimising −½(D−1)²)"
    FROZEN = "log(σ + 1e-8), which freezes at a constant"
    NOT_MINIMAX = '"minimax" that is non-saturating in truth'
    NO_GRAPH = "penalty without create_graph"
    MIXED_SAMPLES = "penalty evaluated with batch statistics of another batch"
    NO_BUFFERS = "EMA that forgets batch-norm buffers"
    CLIPPED_SCALES = "weight clip applied to batch-norm scales unasked"
    ADVANCED = "spectral norm advanced during evaluation"


@dataclass(frozen=True)
class Mutant:
    """A wrong variant.

    ``apply`` makes this process wrong, for good; ``tests`` are the files or node ids that are to notice.
    """

    name: str
    wrong: str
    apply: Callable[[], None]
    tests: tuple[str, ...]


def rewritten(
    name: str, wrong: str, owner: Owner, function: str, changes: list[tuple[str, str]], *tests: str
) -> Mutant:
    """A mutant in which a function of ``owner`` says something else."""
    return Mutant(name, wrong, lambda: rewrite(owner, function, *changes), tests)
