"""The answer over all tasks: each objective against the baseline, and the order of ranks."""

from __future__ import annotations

import math

import pandas as pd

from bench import statistics
from bench.report import tables
from bench.report.blocks import Finding
from bench.report.material import Material
from bench.report.style import plural
from bench.report.wording import how_sure, listed_names

NAMED = 3
"""Objectives of which the numbers stand in the answer, at most; all are in “How sure”."""
ALPHA = 0.05


def over_all_tasks(material: Material, overall: pd.DataFrame, ranks: pd.DataFrame) -> list[Finding]:
    """One finding, or none where fewer than two tasks have something to compare.

    Args:
        material: the results.
        overall: of `significance.over_tasks`.
        ranks: of `tables.overall_ranks`.
    """
    if len(material.tasks) < 2 or (overall.empty and len(ranks) < 2):
        return []
    evidence = [*_against(material, overall), *_ranked(material, ranks), _reach(material)]
    lead = _verdict(material, overall) if len(overall) else _first(ranks)
    return [Finding("over all tasks", lead, tuple(sentence for sentence in evidence if sentence), _tags(material))]


def _tags(material: Material) -> tuple[str, ...]:
    fewest = int(material.runs.groupby(["task", "objective"])["seed"].nunique().min())
    few = statistics.DESCRIPTIVE_BELOW
    return (f"descriptive: under {few} seeds",) if fewest < few else ()


def _verdict(material: Material, overall: pd.DataFrame) -> str:
    """Who is better than the baseline, who is worse."""
    told = overall[overall["told_apart"]]
    better = list(told.loc[told["probability"] > 0.5, "objective"])
    worse = list(told.loc[told["probability"] <= 0.5, "objective"])
    name = f"{material.baseline}, the baseline"
    rest = len(overall) - len(told)
    if not len(told):
        others = f"any of the {rest} others" if rest > 1 else str(overall["objective"].iloc[0])
        return f"Over {len(material.tasks)} tasks no difference can be told between {name}, and {others}."
    parts = []
    if better:
        parts.append(f"{listed_names(better)} {'is' if len(better) == 1 else 'are'} better than {name}")
    if worse:
        than = "" if better else f" than {name}"
        parts.append(f"{listed_names(worse)} {'is' if len(worse) == 1 else 'are'} worse{than}")
    others = f"; no difference can be told for the {rest} {plural('other', rest)}" if rest > 1 else ""
    if rest == 1:
        others = f"; no difference can be told for {overall.loc[~overall['told_apart'], 'objective'].iloc[0]}"
    return f"Over {len(material.tasks)} tasks {', and '.join(parts)}{others}."


def _against(material: Material, overall: pd.DataFrame) -> list[str]:
    """The numbers of those furthest from the baseline, best first."""
    told = overall[overall["told_apart"]].sort_values("improvement", ascending=False, kind="stable")
    chosen = told if len(told) <= NAMED else pd.concat([told.head(NAMED - 1), told.tail(1)])
    said = []
    for line in chosen.to_dict("records"):
        ratio = line["scale"] == "log-ratio"
        gain = line["improvement"]
        ahead = "" if math.isinf(gain) else f"{math.exp(gain):.2f} times as good" if ratio else f"{gain:+.3g}"
        sure = how_sure(
            (line["improvement_low"], line["improvement_high"]),
            (line["probability"], line["probability_low"], line["probability_high"]),
            line["p_adjusted"],
            int(line["pairs"]),
            ratio=ratio,
        )
        text = f"{ahead} ({sure})" if ahead else sure
        said.append(f"{line['objective']} against {material.baseline}: {text}.")
    if len(overall) and not material.baseline_named:
        said.append(
            f"No baseline was named: {material.baseline} stands in, the first objective of the suite "
            "([report] baseline in the suite, or --baseline, names another)."
        )
    return said


def _first(ranks: pd.DataFrame) -> str:
    """Who has the best mean rank, ties told."""
    best = ranks["mean_rank"].iloc[0]
    first = list(ranks.loc[ranks["mean_rank"] == best, "objective"])
    behind = ranks[ranks["mean_rank"] > best]
    verb = "has the best mean rank" if len(first) == 1 else "share the best mean rank"
    text = f"{listed_names(first)} {verb}, {best:.1f} of {len(ranks)}"
    if behind.empty:
        return text + "."
    return f"{text}; next is {behind['objective'].iloc[0]} with {behind['mean_rank'].iloc[0]:.1f}."


def _ranked(material: Material, ranks: pd.DataFrame) -> list[str]:
    if len(ranks) < 2:
        return []
    table = tables.task_ranks(material)
    p = statistics.friedman_test(table, "lower")
    told = "differ" if p <= ALPHA else "differ no more than chance makes them"
    return [f"{_first(ranks)} Over {len(table)} tasks mean ranks {told} (Friedman test, p\u00a0=\u00a0{p:.2g})."]


def _reach(material: Material) -> str:
    datasets = len({task.spec.dataset.label for task in material.tasks})
    return (
        f"This is of what was tried, {len(material.tasks)} tasks on {datasets} {plural('dataset', datasets)}; it does "
        "not show that the order holds on others."
    )
