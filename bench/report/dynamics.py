"""Figures of how the two players fared: losses, gradient norms, the discriminator's accuracy, saturation.

They show vanishing gradients and players that chase each other as they happen; what the numbers are is told in
`bench.training.dynamics`, which measures them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.curves import Part, least, over_seeds
from bench.report.style import INK, MUTED, Dash, Look, legend, logarithmic, name_lines, panels, thousands

POINTS = 100
"""Of one curve, at most."""
WIDEST = 5
"""Objectives beside each other."""
ENDING = 0.1
"""The share of an objective's steps that says how its training ended."""
SURE, SATURATED = 0.95, 0.9
"""The gradient has vanished where the discriminator is at least as accurate, and the generator as saturated."""

DISCRIMINATOR, GENERATOR = "discriminator", "generator"
SOLID: Dash = (0, ())
DASHED: Dash = (0, (3, 1.2))


@dataclasses.dataclass(frozen=True)
class Line:
    """A row of panels: what is drawn of the players."""

    quantity: str
    """As in the names of logged numbers: ``<player>_<quantity>``."""
    title: str
    players: tuple[str, ...] = (DISCRIMINATOR, GENERATOR)
    scale: float = 1.0


LINES = (
    Line("loss", "loss"),
    Line("gradient_norm", "gradient norm"),
    Line("accuracy", "D's accuracy", players=(DISCRIMINATOR,)),
    Line("saturation", "saturated (%)", scale=100.0),
)
EVEN = 0.5
"""The accuracy of a discriminator that cannot tell."""
Tables = Mapping[str, pd.DataFrame]


def logged_tables(history: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """`curves.over_seeds` of every number that is drawn, by its name; empty of one that no run has logged.

    Args:
        history: of `Material.history`.
    """
    of = history[history["split"] == "train"]
    names = [f"{player}_{line.quantity}" for line in LINES for player in line.players]
    return {name: over_seeds(of, name, "train") for name in names}


def endings(tables: Tables, names: Sequence[str]) -> pd.DataFrame:
    """How the players of each objective fared at the end: medians over seeds and over the last tenth of its steps.

    Args:
        tables: of `logged_tables`.
        names: of the objectives.

    Returns:
        A row per objective, a column per number that is drawn; NaN where it has not been logged.
    """
    found = {}
    for number, table in tables.items():
        last = table.groupby("objective")["step"].transform("max")
        late = table[table["step"] > (1 - ENDING) * last]
        found[number] = late.groupby("objective")["median"].median()
    return pd.DataFrame(found).reindex(list(names))


def vanished(ended: pd.DataFrame) -> tuple[str, ...]:
    """The objectives at whose end the generator's gradient had vanished.

    Args:
        ended: of `endings`.
    """
    sure, saturated = ended["discriminator_accuracy"] >= SURE, ended["generator_saturation"] >= SATURATED
    return tuple(ended.index[sure & saturated])


def loss_dynamics(tables: Tables, task: str, look: Mapping[str, Look], part: Part) -> Figure:
    """How both players fared in one task, a column per objective; a row that nobody has logged is left out.

    Losses of two objectives have no common scale, so each has its own; all else shares one in all parts.

    Args:
        tables: of `logged_tables`.
        task: whose runs they are.
        look: of each objective.
        part: the objectives to draw.
    """
    lines = [line for line in LINES if any(len(table) for table in _of(tables, line))]
    known = {name for table in tables.values() for name in table["objective"]}
    names = [name for name in part.names if name in known]
    across = max(1, min(WIDEST, len(known)))
    bands = max(1, -(-len(names) // across))
    height = 1.55 if len(lines) <= 2 else 1.3
    figure, flat = panels(
        len(lines) * bands * across, columns=across, height=height, title=f"{task}: loss dynamics{part.said}"
    )
    figure.set_size_inches(max(6.2, 2.08 * across), height * len(lines) * bands + 0.8)
    counts = least(list(tables.values()))
    limits = [_limits(tables, line) for line in lines]
    last = max((table["step"].max() for table in tables.values() if len(table)), default=1.0)
    for place in range(bands * across):
        band, column = divmod(place, across)
        axes = [flat[(band * len(lines) + row) * across + column] for row in range(len(lines))]
        if place >= len(names):
            for ax in axes:
                ax.set_axis_off()
            continue
        name = names[place]
        for ax, line, limit in zip(axes, lines, limits, strict=True):
            _draw(ax, tables, line, name, look[name])
            _scale(ax, line, limit)
            ax.set_xlim(0, 1.02 * last)
            ax.tick_params(labelbottom=ax is axes[-1])
            if column == 0:
                ax.set_ylabel(line.title)
            elif limit is not None:
                ax.tick_params(labelleft=False)
        axes[0].set_title(name_lines(name), color=look[name].color, fontsize=9)
        if counts.get(name):
            axes[0].set_title(counts[name], loc="right", color=MUTED, fontsize=7.5, fontweight="normal")
        axes[-1].set_xlabel("generator steps")
        thousands(axes[-1])
    if flat:
        flat[0].plot([], [], color=MUTED, ls=SOLID, lw=1.4, label="discriminator (in the objective's colour)")
        flat[0].plot([], [], color=INK, ls=DASHED, lw=1.4, label="generator (dashed)")
        legend(figure, flat[:1])
    return figure


def _of(tables: Tables, line: Line) -> list[pd.DataFrame]:
    return [tables[f"{player}_{line.quantity}"] for player in line.players]


def _limits(tables: Tables, line: Line) -> tuple[float, float] | None:
    """What all panels of a row show; None where each has its own."""
    found = pd.concat(_of(tables, line))
    if line.quantity == "gradient_norm":
        positive = found.loc[found["median"] > 0, "median"]
        return (positive.min() / 1.6, positive.max() * 1.6) if len(positive) else None
    if line.quantity == "accuracy":
        return min(0.4, found["low"].min() - 0.02), 1.02
    return (-4.0, 104.0) if line.quantity == "saturation" else None


def _draw(ax: Axes, tables: Tables, line: Line, name: str, style: Look) -> None:
    """An objective's medians in the bands of their ranges."""
    if line.quantity == "accuracy":
        ax.axhline(EVEN, color=MUTED, lw=0.8, ls=(0, (1, 2)))
    for player, table in zip(line.players, _of(tables, line), strict=True):
        cell = table[table["objective"] == name]
        cell = cell.iloc[:: max(1, len(cell) // POINTS)]
        color, dash = (style.color, SOLID) if player == DISCRIMINATOR else (INK, DASHED)
        low, middle, high = (cell[key] * line.scale for key in ("low", "median", "high"))
        ax.fill_between(cell["step"], low, high, color=color, alpha=0.15, lw=0)
        ax.plot(cell["step"], middle, color=color, ls=dash, lw=1.2)


def _scale(ax: Axes, line: Line, limits: tuple[float, float] | None) -> None:
    if limits is not None:
        ax.set_ylim(limits)
    if line.quantity == "gradient_norm" and limits is not None:
        logarithmic(ax)
    elif line.quantity == "accuracy":
        ax.set_yticks([0.5, 0.75, 1.0], ["0.5", "0.75", "1"])
    elif line.quantity == "saturation":
        ax.set_yticks([0, 50, 100])
