"""The suites that are carried out under faults."""

from __future__ import annotations

from pathlib import Path

SUITES = Path(__file__).parents[2] / "suites"
EXECUTION = "\n[execution]\ncheckpoint_seconds = 0.1\nretry_crashed = true\n"
"""Something is to be there to go on from, and one crash of a run is to be forgiven."""

POINTS = f"""\
title = "Points under faults"
seeds = 2
objectives = ["nsgan", "wgan-gp"]
architectures = [{{ name = "mlp", width = 16 }}]
datasets = ["ring"]
[training]
steps = 150
batch_size = 16
[evaluation]
samples = 100
every = 50
{EXECUTION}"""
"""Runs of a second or less each."""


def smoke() -> str:
    """``suites/smoke.toml``, points trained longer, so that every run leaves checkpoints."""
    text = (SUITES / "smoke.toml").read_text(encoding="utf-8")
    longer = text.replace("training.steps = 200", "training.steps = 1_000")
    if longer == text:
        raise ValueError("suites/smoke.toml has no 'training.steps = 200' any more: say here what is to be longer")
    return longer + EXECUTION
