"""The answer over all tasks: each objective against the baseline, and the order of ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from bench import statistics
from bench.report import tables
from bench.report.blocks import Finding
from bench.report.material import Material
from bench.report.style import plural, share
from bench.report.wording import gain_text, how_sure, listed_names, p_said

DETAILED = 3
"""Objectives of which the numbers stand in the answer, at most; all are in “How sure”."""
NAMED = 5
"""Objectives that the lead names, at most: of more it says how many they are."""


def over_all_tasks(material: Material, overall: pd.DataFrame, ranks: pd.DataFrame) -> list[Finding]:
    """One finding, or none where fewer than two tasks have something to compare.

    Args:
        material: the results.
        overall: of `significance.over_tasks`.
        ranks: of `tables.overall_ranks`.
    """
    if len(material.tasks) < 2 or (overall.empty and len(ranks) < 2):
        return []
    evidence = [
        *_against(material, overall),
        *_within_floor(overall),
        *_over_datasets(overall),
        *_baseline(material, overall),
        *_part(material, overall),
        *_ranked(material, ranks),
        _reach(material),
    ]
    lead = _verdict(material, overall) if len(overall) else _first(ranks)
    return [Finding("over all tasks", lead, tuple(sentence for sentence in evidence if sentence), _tags(material))]


def _tags(material: Material) -> tuple[str, ...]:
    fewest = int(material.runs.groupby(["task", "objective"])["seed"].nunique().min())
    few = statistics.DESCRIPTIVE_BELOW
    return (f"descriptive: under {few} seeds",) if fewest < few else ()


def _verdict(material: Material, overall: pd.DataFrame) -> str:
    """Who is better than the baseline, who is worse, over how many of the tasks."""
    told, every = overall[overall["told_apart"]], len(material.tasks)
    fewest, most = int(overall["tasks"].min()), int(overall["tasks"].max())
    over = f"Over {most} of {every} tasks" if fewest == most < every else f"Over {every} tasks"
    of = {
        name: f"{name} (on {count} of them)" if fewest < most and count < every else name
        for name, count in zip(overall["objective"], overall["tasks"], strict=True)
    }
    better = [of[name] for name in told.loc[told["probability"] > 0.5, "objective"]]
    worse = [of[name] for name in told.loc[told["probability"] <= 0.5, "objective"]]
    untold = [of[name] for name in overall.loc[~overall["told_apart"], "objective"]]
    name, rest = f"{material.baseline}, the baseline", len(untold)
    if not len(told):
        others = f"any of the {rest} others" if rest > 1 else untold[0]
        return f"{over} no difference can be told between {name}, and {others}."
    parts = []
    if better:
        parts.append(f"{_named(better, len(overall))} better than {name}")
    if worse:
        parts.append(f"{_named(worse, len(overall))} worse{'' if better else f' than {name}'}")
    others = f"; no difference can be told for the {rest} {plural('other', rest)}" if rest > 1 else ""
    if rest == 1:
        others = f"; no difference can be told for {untold[0]}"
    return f"{over} {', and '.join(parts)}{others}."


def _named(names: Sequence[str], of: int) -> str:
    """``a and b are``, or ``12 of 29 objectives are`` where they are many."""
    if len(names) > NAMED:
        return f"{len(names)} of {of} objectives are"
    return f"{listed_names(names)} {'is' if len(names) == 1 else 'are'}"


def _against(material: Material, overall: pd.DataFrame) -> list[str]:
    """The numbers of those furthest from the baseline, best first."""
    told = overall[overall["told_apart"]].sort_values("improvement", ascending=False, kind="stable")
    chosen = told if len(told) <= DETAILED else pd.concat([told.head(DETAILED - 1), told.tail(1)])
    said = []
    for line in chosen.to_dict("records"):
        ratio, gain = line["scale"] == "log-ratio", line["improvement"]
        metric = material.tasks[0].primary  # where differences are pooled it ranks everywhere; ratios have no unit
        by = gain_text(gain if ratio else abs(gain), metric, ratio=ratio)
        side = f"{by} times as good" if ratio else f"{'better' if gain > 0 else 'worse'} by {by}"
        ahead = side if math.isfinite(gain) else ""
        sure = how_sure(
            (line["improvement_low"], line["improvement_high"]),
            (line["probability"], line["probability_low"], line["probability_high"]),
            line["p_adjusted"],
            int(line["seeds"]),
            metric,
            ratio=ratio,
            pairs=int(line["pairs"]),
        )
        text = f"{ahead} ({sure})" if ahead else sure
        said.append(f"{line['objective']} against {material.baseline}: {text}.")
    return said


def _within_floor(overall: pd.DataFrame) -> list[str]:
    """Whom the test tells apart, though no farther than the perfect sampler's draws lie from each other."""
    near = overall[overall["within_floor"] & (overall["p_adjusted"] <= statistics.LEVEL)]
    if near.empty:
        return []
    names = list(near["objective"])
    said = listed_names(names) if len(names) <= NAMED else f"{len(names)} of {len(overall)} objectives"
    return [
        f"Within the floor: in half of the tasks or more the medians of {said} differ from the baseline's by no more "
        "than a perfect sampler's own draws do, or the other way, which is no difference however small p is."
    ]


def _over_datasets(overall: pd.DataFrame) -> list[str]:
    """Whether what is told apart carries over to other datasets than these."""
    told = overall[overall["told_apart"]]
    if told.empty:
        return []
    if (told["datasets"] < 2).all():
        return ["All of it is of one dataset: nothing is said of others."]
    apart = told[(told["datasets_low"] > 0) | (told["datasets_high"] < 0)]
    count = int(told["datasets"].max())
    ends = "intervals of all of them hold" if len(told) > 1 else "interval holds"
    if apart.empty:
        return [
            f"Drawn anew over datasets too, the {ends} no difference: nothing is said of other datasets than these "
            f"{count}."
        ]
    names = list(apart["objective"])
    said = listed_names(names) if len(names) <= NAMED else f"{len(names)} of the {len(told)}"
    few = count < statistics.DESCRIPTIVE_BELOW
    limit = f", and {count} datasets cover at most {share(statistics.attainable_coverage(count))}" if few else ""
    whose = f"that of {said} still excludes" if len(names) == 1 else f"those of {said} still exclude"
    return [f"Drawn anew over datasets too, of the intervals {whose} no difference{limit}."]


def _baseline(material: Material, overall: pd.DataFrame) -> list[str]:
    """Why the baseline is what it is, where nobody's wish was met."""
    if overall.empty or material.baseline_named:
        return []
    wishes = [wish for origin in material.origins if (wish := origin.asked.baseline) is not None]
    named = f"The baseline that the suite names, {wishes[0]}, is not used (why stands below)" if wishes else None
    first = "of the part that --only leaves" if material.view.only else "of the suite"
    return [
        f"{named or 'No baseline was named'}: {material.baseline} stands in, the first objective {first} "
        "([report] baseline in the suite, or --baseline, names another)."
    ]


def _part(material: Material, overall: pd.DataFrame) -> list[str]:
    """That p was adjusted for fewer comparisons than the suite makes."""
    count, said = len(overall), of_part(material)
    return [f"p is adjusted for the {count} {plural('objective', count)}{said}."] if count and said else []


def of_part(material: Material) -> str:
    """`` of the part that --only leaves``, to stand after what p is adjusted for; empty where the report is of all."""
    return " of the part that --only leaves" if material.view.only else ""


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
    table = tables.dataset_ranks(material)
    if len(table) < 2:
        return [f"{_first(ranks)} All tasks are of one dataset, which says nothing of chance in the order of ranks."]
    p = statistics.friedman_test(table, "lower")
    told = "differ" if p <= statistics.LEVEL else "differ no more than chance makes them"
    return [f"{_first(ranks)} Over {len(table)} datasets mean ranks {told} (Friedman test, {p_said(p)})."]


def _reach(material: Material) -> str:
    datasets = len({task.spec.dataset.label for task in material.tasks})
    return (
        f"This is of what was tried, {len(material.tasks)} tasks on {datasets} {plural('dataset', datasets)}; it does "
        "not show that the order holds on others."
    )
