"""The tables of a comparison as DataFrames: what ``tables/*.csv`` hold."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.comparison.compared import Compared, name_of
from bench.comparison.verdicts import Verdict


def frames(compared: Compared) -> dict[str, pd.DataFrame]:
    """Every table of the page, by its name; those without a row too."""
    return {
        "objectives": _verdicts(compared.objectives),
        "cells": _verdicts(compared.cells),
        "settings": pd.DataFrame(
            [(c.field, c.before, c.after, "; ".join(map(name_of, c.cells))) for c in compared.settings],
            columns=["setting", "a", "b", "cells"],
        ),
        "environments": pd.DataFrame(
            [(c.field, "; ".join(c.before), "; ".join(c.after)) for c in compared.environments],
            columns=["field", "a", "b"],
        ),
        "speed": _speeds(compared),
    }


def _verdicts(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Improvements as they are tested: log-ratios or differences. Medians and the floor are of cells."""
    rows = [
        {
            "objective": verdict.objective,
            "task": verdict.task,
            "metric": ", ".join(metric.name for metric in verdict.metrics),
            "outcome": str(verdict.outcome),
            "median_a": None if verdict.before is None else verdict.before.median,
            "median_b": None if verdict.after is None else verdict.after.median,
            "floor_median": None if verdict.floor is None else verdict.floor.median,
            "floor_low": None if verdict.floor is None else verdict.floor.low,
            "floor_high": None if verdict.floor is None else verdict.floor.high,
            "scale": verdict.scale,
            "improvement": None if of is None else of.improvement.estimate,
            "improvement_low": None if of is None else of.improvement.low,
            "improvement_high": None if of is None else of.improvement.high,
            "probability": None if of is None else of.probability.estimate,
            "probability_low": None if of is None else of.probability.low,
            "probability_high": None if of is None else of.probability.high,
            "p": None if of is None else of.p,
            "p_adjusted": None if of is None else of.p_adjusted,
            "smallest_p": None if of is None else of.smallest_p,
            "tasks": verdict.tasks,
            "differing": verdict.differing,
            "pairs": verdict.pairs,
            "failed_a": verdict.failures[0],
            "failed_b": verdict.failures[1],
        }
        for verdict in verdicts
        for of in (verdict.comparison,)
    ]
    return pd.DataFrame(rows)


def _speeds(compared: Compared) -> pd.DataFrame:
    """In seconds, of training and of a generator step."""
    unknown = (None, None)
    rows = [
        (
            *(name_of(speed.name), speed.hardware),
            *(speed.seconds or unknown),
            speed.seconds_ratio,
            *(speed.step_seconds or unknown),
            speed.step_ratio,
        )
        for speed in compared.speeds
    ]
    head = ["cell", "hardware", "seconds_a", "seconds_b", "seconds_ratio", "step_a", "step_b", "step_ratio"]
    return pd.DataFrame(rows, columns=head)
