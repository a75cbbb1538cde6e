"""What a reader has to know before and after the answer: what the report is not of, and what was not trusted."""

from __future__ import annotations

from datetime import datetime

from bench.activity import Activity
from bench.metrics import METRICS
from bench.report.blocks import Block, Text
from bench.report.material import Material
from bench.report.missing import Why
from bench.report.sources import Origin
from bench.report.style import plural


def on_state(material: Material) -> list[Block]:
    """What of the results this is, that a suite is being run right now, and that planned runs have no record yet."""
    chosen = _on_view(material)
    said = [_under_way(material, origin, origin.activity) for origin in material.origins if origin.activity]
    if len(material.missing):
        missing, planned = len(material.missing), material.planned
        verb = "has" if missing == 1 else "have"
        said.append(
            f"{missing:,} of {planned:,} planned {plural('run', planned)} {verb} no record yet ({reasons(material)}): "
            "every number here is of the others, and says of how many. Which and why: “What failed and why”."
        )
    return [*([Text(tuple(chosen))] if chosen else []), *([Text(tuple(said), "warning")] if said else [])]


def _on_view(material: Material) -> list[str]:
    """What of the results this report is of, where it is not all."""
    said = []
    if len(material.origins) > 1:
        names = ", ".join(f"“{origin.title}” ({origin.shown})" for origin in material.origins)
        said.append(f"The results of {len(material.origins)} folders in one report: {names}.")
    if material.view.only:
        of, patterns = material.planned + material.unshown, ", ".join(material.view.only)
        said.append(
            f"Of {of:,} {plural('run', of)} this report is of {material.planned:,} alone, which --only asks for: "
            f"{patterns}."
        )
    if material.view.metric is not None:
        said.append(f"--metric: {METRICS[material.view.metric].title} ranks here where it was measured.")
    return said


def reasons(material: Material) -> str:
    """``2 under way; 1 interrupted; 9 not begun``: the runs without a record, by why."""
    counts = material.missing["why"].value_counts()
    return "; ".join(f"{counts[why]:,} {why}" for why in map(str, Why) if why in counts)


def time(iso: str) -> str:
    """``2026-11-21 12:06 UTC`` of ISO 8601 in UTC; what is none as it stands."""
    try:
        return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return iso


def _under_way(material: Material, origin: Origin, activity: Activity) -> str:
    count = len(activity.active)
    doing = f"{count} {plural('run', count)} {'is' if count == 1 else 'are'} under way"
    if activity.phase:
        doing += f", {activity.finished:,} of {activity.total:,} tasks of its phase “{activity.phase}” are done"
    told = ""
    if activity.is_alive is None:  # of another machine nobody here can say whether it still runs
        told = f" So {activity.host} told at {time(activity.updated_at)}."
    which = "the suite" if len(material.origins) == 1 else f"the suite “{origin.title}”"
    return (
        f"This report is of {time(material.read_at)}, made while {which} was being run: {doing}.{told} A later "
        "report has more."
    )


def on_trust(material: Material) -> list[Block]:
    """What the folders hold besides, what was left out, and what is not compared."""
    said = []
    if material.left_out:
        count = material.left_out
        said.append(f"{count} {plural('record', count)} of other plans left out: the suite does not ask for them.")
    said += material.notices
    if material.rejected:
        count = len(material.rejected)
        said.append(
            f"{count} {plural('file', count)} {'was' if count == 1 else 'were'} not trusted and left out (see “What "
            "failed and why”)."
        )
    unknown = sorted(set(material.values["metric"].unique()) - METRICS.keys())
    if unknown:
        said.append(f"This version does not know the metrics {', '.join(unknown)}; they are in the records alone.")
    return [Text(tuple(said), "warning")] if said else []
