"""Text of plugins for tests: what all of them begin with, and a catalogue of realistic faults."""

from __future__ import annotations

import dataclasses
import textwrap

HEAD = """
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn.functional import softplus

from bench.catalog import architectures, datasets, losses, objectives, optimizers, penalties, stabilisers
from bench.datasets.base import Data
from bench.objectives import Memory, Objective
from bench.objectives.base import pick
"""


@dataclasses.dataclass(frozen=True)
class Fault:
    """A plugin with one realistic fault."""

    name: str
    laws: tuple[str, ...]
    """Short names of the laws that it breaks, in their order: the first tells what is wrong, or the only one."""
    words: str
    """Part of what is said of it."""
    text: str


def plugin(*blocks: str) -> str:
    """A file of these blocks."""
    return HEAD + "\n\n".join(textwrap.dedent(block) for block in blocks)


def body(code: str, indent: int = 8) -> str:
    """Lines to stand in a method."""
    return textwrap.indent(textwrap.dedent(code).strip(), " " * indent).lstrip()


def entry(kind: str, members: str, base: str = "") -> str:
    """A class with these members, registered under the name ``mine``."""
    indented = textwrap.indent(textwrap.dedent(members).strip(), "    ")
    return (
        f'@{kind}.register("mine", formula="as in the test", source="the test")\n'
        f'class Mine{base}:\n    """Of a test."""\n\n{indented}\n'
    )
