"""What a reader has to know before and after the answer: what the report is not of, and what was not trusted."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from bench.activity import Activity
from bench.metrics import METRICS
from bench.report.blocks import Block, Text
from bench.report.material import Material
from bench.report.missing import Why
from bench.report.style import plural
from bench.report.tasks import Task, protocol_key


def on_state(material: Material) -> list[Block]:
    """That the suite is being run right now, and that planned runs have no record yet."""
    said = []
    if material.activity is not None:
        said.append(_under_way(material, material.activity))
    if len(material.missing):
        missing, planned = len(material.missing), material.planned
        verb = "has" if missing == 1 else "have"
        said.append(
            f"{missing:,} of {planned:,} planned {plural('run', planned)} {verb} no record yet ({reasons(material)}): "
            "every number here is of the others, and says of how many. Which and why: “What failed and why”."
        )
    return [Text(tuple(said), "warning")] if said else []


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


def _under_way(material: Material, activity: Activity) -> str:
    count = len(activity.active)
    doing = f"{count} {plural('run', count)} {'is' if count == 1 else 'are'} under way"
    if activity.phase:
        doing += f", {activity.finished:,} of {activity.total:,} tasks of its phase “{activity.phase}” are done"
    told = ""
    if activity.is_alive is None:  # of another machine nobody here can say whether it still runs
        told = f" So {activity.host} told at {time(activity.updated_at)}."
    return (
        f"This report is of {time(material.read_at)}, made while the suite was being run: {doing}.{told} A later "
        "report has more."
    )


def on_trust(material: Material) -> list[Block]:
    """What the folder holds besides, and what was left out."""
    said = []
    if material.left_out:
        count = material.left_out
        said.append(f"{count} {plural('record', count)} of other plans left out: the suite does not ask for them.")
    split: dict[str, list[Task]] = defaultdict(list)
    for task in material.tasks:
        split[protocol_key(task.spec)].append(task)
    said += [_on_split(tasks) for tasks in split.values() if len(tasks) > 1]
    if material.rejected:
        count = len(material.rejected)
        said.append(
            f"{count} {plural('file', count)} {'was' if count == 1 else 'were'} not trusted and left out (see “What "
            "failed and why”)."
        )
    unknown = sorted(set(material.values["metric"]) - METRICS.keys())
    if unknown:
        said.append(f"This version does not know the metrics {', '.join(unknown)}; they are in the records alone.")
    return [Text(tuple(said), "warning")] if said else []


def _on_split(tasks: list[Task]) -> str:
    """Why runs of one protocol are not compared."""
    spaces, data = ({getattr(task.measured_on, what) for task in tasks} for what in ("space", "data"))
    reasons = []
    if len(spaces) > 1:
        reasons.append(f"were measured in feature spaces of {len(spaces)} different weights")
    if len(data) > 1:
        reasons.append(f"saw {len(data)} different contents of the dataset")
    labels = "; ".join(task.label for task in tasks)
    return (
        f"Runs of one task {' and '.join(reasons)}: they are not compared, and stand as tasks of their own ({labels})."
    )
