"""What all tables of a suite file have in common: exact types, seeds, counts, faults in plain words."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from bench.errors import show_value

LARGEST_COUNT = 2**53
"""Larger counts have no exact place in a number of 64 bits."""


def _read_seeds(value: object) -> list[int]:
    """0 … N − 1 of a count, or the list itself."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= 1_000_000:
            raise fault(f"a number of seeds lies between 1 and 1,000,000, got {value}")
        return list(range(value))
    if not isinstance(value, list):
        raise fault(f"expected a number of seeds or a list of seeds, got {show_value(value)}")
    if not value:
        raise fault("the list of seeds is empty: at least one seed is needed")
    seen: set[int] = set()
    for seed in value:
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise fault(f"a seed is an integer, got {show_value(seed)}")
        if not 0 <= seed < 2**63:
            raise fault(f"a seed is at least 0 and below 2⁶³, got {seed}")
        if seed in seen:
            raise fault(f"seed {seed} is given twice")
        seen.add(seed)
    return value


def fault(message: str) -> PydanticCustomError:
    """What is wrong, in the words that are shown."""
    return PydanticCustomError("suite", "{message}", {"message": message})


Seeds = Annotated[
    list[int],
    BeforeValidator(_read_seeds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "uniqueItems": True},
            ]
        }
    ),
]
Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]


class Table(BaseModel):
    """A table of the file: exact types, no unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
