"""Where the lines are drawn: kept by themselves, so that planning a suite costs no import of scipy."""

from __future__ import annotations

LEVEL = 0.05
"""Chance of calling any two equal objectives of a family different."""
DESCRIPTIVE_BELOW = 5
"""Seeds, or datasets, under which numbers describe those that there were and no more."""
