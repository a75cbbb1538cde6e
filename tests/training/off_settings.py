"""Every stabiliser switched off: the same bytes as without it.

``python -m tests.training.off_settings`` prints the table; `test_off_settings` asserts each row of it. Beside each row
stands the setting that switches the stabiliser on, under which the bytes must differ: a table of what never acts proves
nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from bench.catalog import architectures, stabilisers
from bench.spec import RunSpec
from bench.training.game import Game
from tests.objectives.tables import aligned
from tests.specs import choice, run_spec
from tests.training.games import bits, change, make

STEPS = 6


@dataclass(frozen=True)
class Row:
    """A stabiliser, the settings that switch it off, and others that do not."""

    name: str
    off: dict[str, Any]
    on: dict[str, Any]
    objective: str = "nsgan"
    dataset: str = "ring"

    def spec(self, settings: dict[str, Any] | None) -> RunSpec:
        """The run with it, or without it."""
        # batch-normalised: whatever shifts a pass or a statistic shows
        mlp = choice(architectures, "mlp", width=12, depth=2, generator_normalisation="batch")
        architecture = mlp if self.dataset == "ring" else None
        # with an average, its half-life is none of the run's own: what switches it off must say so
        ema = 0 if self.name == "generator-ema" else 64
        spec = run_spec(self.objective, self.dataset, architecture, amount=STEPS, batch_size=24, ema_images=ema)
        if settings is None:
            return spec
        return change(spec, stabilisers=(choice(stabilisers, self.name, **settings),))

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in self.off.items())}), {self.dataset}"


def rows() -> list[Row]:
    """The whole table: points for all, images for what depends on shapes and networks."""
    of_points = [
        Row("packing", {"samples": 1}, {"samples": 2}),
        Row("instance-noise", {"sigma": 0.0}, {"sigma": 0.1}),
        Row("experience-replay", {"share": 0.0}, {"share": 0.5, "capacity": 24}),
        Row("label-smoothing", {"real_label": 1.0}, {"real_label": 0.9}),
        Row("top-k", {"share": 1.0}, {"share": 0.5}),
        Row("feature-matching", {"weight": 0.0}, {"weight": 0.5}),
        Row("mode-seeking", {"weight": 0.0}, {"weight": 0.1}),
        Row("diversity", {"weight": 0.0}, {"weight": 0.1}),
        Row("historical-averaging", {"weight": 0.0}, {"weight": 0.1}),
        Row("minibatch-discrimination", {"kernels": 0}, {"kernels": 4}),
        Row("minibatch-stddev", {"group": 1}, {"group": 0}),
        Row("several-generators", {"count": 1}, {"count": 2}),
        Row("generator-ema", {"images": 0.0}, {"images": 100.0}),
        Row("update-order", {"order": "alternating"}, {"order": "simultaneous"}),
        Row("generator-steps", {"updates": 1}, {"updates": 2}),
        Row("lazy-penalties", {"every": 1}, {"every": 2}, "nsgan-r1"),
        Row("learning-rate-schedule", {"decay": "constant"}, {"decay": "cosine"}),
        Row("adaptive-balance", {"margin": 1.0}, {"margin": 0.0}),
        Row("unrolling", {"steps": 0}, {"steps": 1}),
    ]
    shaped = ("packing", "instance-noise", "experience-replay", "several-generators", "minibatch-stddev", "unrolling")
    return of_points + [Row(row.name, row.off, row.on, dataset="digits") for row in of_points if row.name in shaped]


def digest(game: Game) -> str:
    """Of both players, the average, the log and what is generated."""
    found = hashlib.sha256()
    for key, value in sorted(bits(game).items()):
        found.update(key.encode() + value.detach().numpy().tobytes())
    found.update(repr([entry.values for entry in game.logged]).encode())
    found.update(game.generate(16, "test").numpy().tobytes())
    return found.hexdigest()[:16]


def played(spec: RunSpec) -> str:
    """The digest after a few steps."""
    game = make(spec)
    assert game.advance(STEPS)
    return digest(game)


def main() -> int:
    lines = [("switched off", "without it", "with it off", "same bytes", "switched on")]
    different = 0
    for row in rows():
        without, off, on = (played(row.spec(settings)) for settings in (None, row.off, row.on))
        different += without != off or without == on
        verdict = "yes" if without == off else "NO"
        lines.append((str(row), without, off, verdict, "differs" if without != on else "THE SAME"))
    print(aligned(lines))
    missing = set(stabilisers.names()) - {row.name for row in rows()}
    print(
        f"\n{len(rows()) - different} of {len(rows())} as they should be" + (f"; missing: {missing}" if missing else "")
    )
    return int(different > 0 or bool(missing))


if __name__ == "__main__":
    raise SystemExit(main())
