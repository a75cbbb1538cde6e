"""Training speed, measured alone on the device."""

from __future__ import annotations

import math

import pandas as pd

from bench.report import drawing
from bench.report.blocks import Block, Cell, Row, Table, Text
from bench.report.material import Material
from bench.report.style import Look, short


def throughput_blocks(material: Material, table: pd.DataFrame, look: dict[str, Look]) -> tuple[Block, ...]:
    """Training speed, a table per hardware."""
    if table.empty:
        return (Text(("Throughput was not measured. Seconds elsewhere are of runs side by side.",)),)
    blocks: list[Block] = list(drawing.step_times(material, look))
    for hardware, of in table.groupby("hardware", sort=False):
        rows = tuple(
            Row(
                (
                    Cell(f"{line['dataset']}, {line['architecture']}: {line['objective']}"),
                    Cell(f"{line['steps_per_second']:.1f}", f"±{50 * line['spread']:.0f} %"),
                    Cell(short(line["images_per_second"])),
                    *(
                        Cell(f"{line[f'{part}_milliseconds']:.2f}")
                        for part in ("discriminator", "penalty", "generator")
                    ),
                    Cell(short(1e6 * line["megaflops_per_step"])),
                    Cell("–" if math.isnan(line["peak_share"]) else f"{100 * line['peak_share']:.1f} %"),
                    Cell(
                        "–"
                        if math.isnan(line["peak_memory_mebibytes"])
                        else f"{line['peak_memory_mebibytes']:,.0f} MiB"
                    ),
                ),
                color=look[line["objective"]].color if line["objective"] in look else None,
            )
            for _, line in of.iterrows()
        )
        blocks.append(
            Table(
                f"Training speed on {hardware}",
                "Measured alone on the device after a warm-up, without evaluation and files: median of "
                f"{of['repeats'].min()} repeats or more (± half their range). More steps and images a second are "
                "better. "
                "Milliseconds, FLOPs and share of the machine's measured float32 peak are of one generator step with "
                "its "
                "n_critic discriminator steps. Compare within this table only: it is of one hardware.",
                ("cell", "steps/s", "images/s", "D ms", "penalty ms", "G ms", "FLOPs/step", "of peak", "peak memory"),
                rows,
                collapsed=len(rows) > 30,
            )
        )
    return tuple(blocks)
