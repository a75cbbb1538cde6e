"""What the choice of a checkpoint does to the order."""

from __future__ import annotations

import pandas as pd

from bench.metrics import primary
from bench.report import drawing
from bench.report.blocks import Block, Cell, Row, Table, Text
from bench.report.material import Material
from bench.report.style import Look, shown
from bench.report.summary import COUNTED, by, metric_cell
from bench.report.tables import PERFECT, floor_spread
from bench.report.tasks import Task


def selection_blocks(material: Material, selections: pd.DataFrame, look: dict[str, Look]) -> tuple[Block, ...]:
    """What choosing a checkpoint changes."""
    pictures = drawing.selection_protocols(material, selections, look)
    if not pictures:
        return (Text(("Nothing was measured.",)),)
    rows = []
    for (label, name), of in selections.groupby(["task", "objective"], sort=False):
        metric = material.task(str(label)).primary
        lines = by(of.assign(best=False), "selection")
        ways = ("final", "best_on_validation", "oracle_best")
        cells = (Cell(f"{label}: {name}"), *(metric_cell(lines[way,], metric) for way in ways))
        rows.append(Row(cells, color=look[str(name)].color))
    rows += [row for task in material.tasks if (row := _perfect(material, task)) is not None]
    titles = ", ".join(dict.fromkeys(f"{t.primary.title} ({t.primary.better} is better)" for t in material.tasks))
    return (
        *pictures,
        Table(
            "Selection protocols",
            f"{titles}: median [smallest–largest] over seeds. Final is the headline. Best on validation is chosen on "
            "other samples and another real split than it is reported on. Oracle best is chosen on the reported number "
            f"and is shown only to be named as such. {_chosen_by(material)}A diverged run may have a best checkpoint "
            f"and no final one. {COUNTED}",
            ("objective", "final", "best on validation", "oracle best"),
            tuple(rows),
            collapsed=len(rows) > 12,
        ),
    )


def _chosen_by(material: Material) -> str:
    """What checkpoints were chosen by while training, where another metric ranks now."""
    others = {
        f"{chosen.title} on {task.label}"
        for task in material.tasks
        if (chosen := primary(task.spec.evaluation.space)) != task.primary
    }
    return f"Checkpoints were chosen while training, by {', '.join(sorted(others))}. " if others else ""


def _perfect(material: Material, task: Task) -> Row | None:
    """What a perfect sampler has, of which there is nothing to choose."""
    spread = floor_spread(material, task, task.primary)
    if spread is None:
        return None
    low, high = (shown(value, task.primary) for value in spread)
    return Row((Cell(f"{task.label}: {PERFECT}"), Cell(f"{low}–{high}"), Cell("–"), Cell("–")), kind="reference")
