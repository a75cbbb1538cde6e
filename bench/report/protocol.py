"""The last section: how the numbers were made, on what, and how to make them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping

from bench.record import Environment
from bench.report import listings
from bench.report.blocks import Block, Cell, Facts, Row, Table, Text, Verbatim
from bench.report.material import Material
from bench.report.style import Look
from bench.report.tasks import Task
from bench.spec import TrainingSpec


def protocol(material: Material, command: str, look: dict[str, Look]) -> tuple[Block, ...]:
    """Protocol per task, settings per objective, environments, command and suite text."""
    blocks: list[Block] = []
    if material.tasks:
        blocks += [_tasks(material), _objectives(material, look)]
    blocks += _repeatable(material)
    blocks += _environments(material)
    blocks.append(Verbatim("Command", command))
    several = len(material.origins) > 1
    for origin in material.origins:
        which = f" of “{origin.title}” ({origin.shown})" if several else ""
        if origin.asked.text is None:
            blocks.append(Text((f"The text{which} was not kept." if several else "The suite's text was not kept.",)))
        else:
            blocks.append(Verbatim(f"Suite{which}", origin.asked.text, wrap=True))
    return tuple(blocks)


def _tasks(material: Material) -> Table:
    fields = (
        "dataset",
        "architecture",
        "budget",
        "batch",
        "EMA half-life",
        "learning rates",
        "threads",
        "space",
        "generated / real",
        "generator",
        "evaluated every",
    )
    # a task a column: the settings are long, the tasks are few
    told = [_task(material, task) for task in material.tasks]
    rows = tuple(Row((Cell(field), *(Cell(values[index]) for values in told))) for index, field in enumerate(fields))
    return Table(
        "Protocol",
        "What each task's numbers are of. Space: where fidelity is measured; numbers of two spaces are never compared. "
        "Generated / real: samples on either side of a metric; those of nearest neighbours take at most 10,000, MMD "
        "1,000, the exact Wasserstein distance 500; of more than 1,000, KID takes 5 random subsets of 1,000; memorised "
        "samples are held against training samples; and a metric that needs no real samples (known modes, inception "
        "score) has 0. Generator: the weights measured, raw or their moving average (EMA, half-life in images shown to "
        "the discriminator).",
        ("", *(task.label for task in material.tasks)),
        rows,
        frozenset(range(len(material.tasks) + 1)),
        sortable=False,
    )


def _task(material: Material, task: Task) -> tuple[str, ...]:
    spec = task.spec
    of = material.values.loc[material.values["task"] == task.label, ["generated", "real", "weights", "split"]]
    of = of.drop_duplicates()
    sizes = sorted(set(zip(of["generated"], of["real"], strict=True)))
    weights = sorted(set(of["weights"]))
    splits = sorted(set(of["split"]))
    space = spec.evaluation.space
    reference = material.references.get(task.label)
    if reference is not None and reference.classifier is not None:
        known = reference.classifier
        space += (
            f" (held-out accuracy {100 * known.accuracy:.1f} %, {known.features} features, weights {known.sha256[:12]})"
        )
    return (
        str(spec.dataset),
        str(spec.architecture),
        f"{spec.training.budget.amount:,g} {spec.training.budget.unit}",
        str(spec.training.batch_size),
        f"{spec.training.ema_images:,} images" if spec.training.ema_images else "off",
        "constant" if spec.training.learning_rate_decay == "none" else f"{spec.training.learning_rate_decay} decay",
        _computing(spec.training),
        space,
        (", ".join(f"{g:,} / {r:,}" for g, r in sizes) or "–") + (f" ({', '.join(splits)})" if splits else ""),
        ", ".join(weights) or "–",
        f"{spec.evaluation.every:,g} {spec.training.budget.unit}",
    )


def _computing(training: TrainingSpec) -> str:
    """Threads, and what of the arithmetic is not as it is by default."""
    special = [name for name in (training.precision, training.memory_format) if name not in ("float32", "contiguous")]
    return ", ".join([str(training.threads), *special])


def _objectives(material: Material, look: dict[str, Look]) -> Table:
    settings = listings.settings(material)
    unknown = [name for name in material.objectives if name not in material.specs]
    columns = ("objective", "loss", "penalties", "stabilisers", "n_critic", "optimizers", "tasks")
    merged = settings.assign(optimizers=[_optimizers(line) for line in settings.to_dict("records")])
    rows = tuple(
        Row(tuple(map(Cell, map(str, line))), color=look[line[0]].color)
        for line in merged[list(columns)].itertuples(index=False, name=None)
    )
    return Table(
        "Settings of every objective",
        "Every setting, defaults included. n_critic: discriminator updates per generator update."
        + (f" Not known before a first record: {', '.join(unknown)}." if unknown else ""),
        columns,
        rows,
        frozenset({0, 1, 2, 3, 5, 6}),
        compact=True,
    )


def _optimizers(line: Mapping[Hashable, object]) -> str:
    """Both players' in one cell, once where they share it."""
    generator, discriminator = line["generator_optimizer"], line["discriminator_optimizer"]
    if generator == discriminator:
        return f"both: {generator}"
    return f"generator: {generator}; discriminator: {discriminator}"


def _repeatable(material: Material) -> list[Block]:
    """Which numbers cannot be had again bit for bit, and which runs were made in several parts."""
    names = dict(zip(material.runs["run_id"], material.runs["objective"], strict=True))
    loose = {run_id: record for run_id, record in material.records.items() if record.nondeterministic}
    blocks: list[Block] = []
    if loose:
        concerned: dict[str, dict[str, None]] = {}
        for run_id, record in loose.items():
            for operation in record.nondeterministic:
                concerned.setdefault(operation, {})[names[run_id]] = None
        operations = "; ".join(f"{operation}: {', '.join(of)}" for operation, of in sorted(concerned.items()))
        said = (
            f"{len(loose)} of {len(names)} recorded runs cannot be repeated bit for bit: the device has no "
            f"deterministic implementation of these operations of theirs ({operations})."
        )
        blocks.append(Text((said,), "warning"))
    resumed = {run_id for run_id, record in material.records.items() if record.timings.resumptions}
    if resumed:
        count = len(resumed)
        said = (
            f"{count} of {len(names)} recorded runs {'was' if count == 1 else 'were'} interrupted and resumed from a "
            f"checkpoint. {'Its' if count == 1 else 'Their'} numbers are those of uninterrupted runs; "
            f"{'its' if count == 1 else 'their'} seconds add up over the parts."
        )
        unlike = len(resumed & loose.keys())
        if unlike:
            said += f" Not so {unlike} of them, which cannot be repeated bit for bit."
        blocks.append(Text((said,)))
    return blocks


def _environments(material: Material) -> list[Block]:
    counts: Counter[int] = Counter()
    kinds: dict[int, Environment] = {}
    for record in material.records.values():
        counts[id(record.environment)] += 1  # equal ones are one object: see `bench.report.sources`
        kinds[id(record.environment)] = record.environment
    blocks: list[Block] = []
    if len(counts) > 1:
        said = f"The runs come from {len(counts)} environments; numbers may differ between them in their last digits."
        blocks.append(Text((said,), "warning"))
    for key, count in counts.most_common():
        blocks.append(Facts(_environment(kinds[key], count)))
    return blocks


def _environment(environment: Environment, runs: int) -> tuple[tuple[str, str], ...]:
    dirty = {True: " with uncommitted changes", False: "", None: " (state of the working tree unknown)"}
    return (
        ("Runs in this environment", str(runs)),
        ("ganbench", environment.ganbench),
        ("Commit", f"{environment.commit}{dirty[environment.dirty]}" if environment.commit else "unknown"),
        ("Python", environment.python),
        ("Packages", ", ".join(f"{name} {version}" for name, version in sorted(environment.packages.items())) or "–"),
        ("Platform", environment.platform),
        ("Hardware", f"{environment.hardware}, {environment.memory_bytes / 2**30:.1f} GiB memory"),
        ("Driver", environment.driver or "–"),
    )
