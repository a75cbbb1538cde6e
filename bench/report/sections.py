"""The report's sections, in order: what is said, shown and tabled."""

from __future__ import annotations

from bench.record import Status
from bench.report import drawing, listings, significance, tables, tuning
from bench.report.answer import answer
from bench.report.blocks import Block, Page, Picture, Section, Text
from bench.report.certainty import certainty_blocks
from bench.report.failures import failure_blocks
from bench.report.film_strips import film_strips
from bench.report.material import Material
from bench.report.notices import on_state, on_trust
from bench.report.overview import overview_blocks
from bench.report.protocol import protocol
from bench.report.selection import selection_blocks
from bench.report.style import Look, looks, plural
from bench.report.summary import summary_blocks
from bench.report.throughput import throughput_blocks
from bench.report.training import training_curves


def make_page(material: Material, command: str) -> Page:
    """Everything that the report says."""
    look = looks(material.objectives)
    summary, ranks, overall_ranks = tables.summary(material), tables.ranks(material), tables.overall_ranks(material)
    best, baseline = significance.best_comparisons(material), significance.baseline_comparisons(material)
    overall, profiles = significance.over_tasks(material), significance.profiles(material)
    selections = tables.selections(material)
    throughput, failures = listings.throughput(material), listings.failures(material)
    findings = answer(material, best, overall, overall_ranks)
    sections = [
        Section("answer", "The answer", (*on_state(material), *findings, *on_trust(material))),
        Section("summary", "Summary", summary_blocks(material, summary, ranks, overall_ranks, look)),
        Section(
            "cost",
            "Quality against cost",
            _or_none(drawing.quality_cost(material, look), "No run has a value of the metric that ranks."),
        ),
        Section(
            "metrics", "Each metric", _or_none(drawing.metric_points(material, summary, look), "Nothing was measured.")
        ),
        Section("training", "Training", _or_none(training_curves(material, look), "No history was kept.")),
        Section(
            "samples",
            "Samples",
            _or_none([*drawing.samples(material, look), *film_strips(material, look)], "No samples were kept."),
        ),
        Section(
            "certainty",
            "How sure",
            (
                *overview_blocks(material, overall, overall_ranks, profiles, look),
                *certainty_blocks(material, best, baseline, look),
            ),
        ),
        Section("selection", "Selection of checkpoints", selection_blocks(material, selections, look)),
        *_tuning(material, look),
        Section("throughput", "Throughput", throughput_blocks(material, throughput, look)),
        Section("failures", "What failed and why", failure_blocks(material, failures, look)),
        Section("protocol", "Protocol and reproduction", protocol(material, command, look)),
    ]
    csv = {
        "summary": summary,
        "ranks": ranks,
        "ranks-over-tasks": overall_ranks,
        "comparisons": best,
        "baseline": baseline,
        "over-tasks": overall,
        "profiles": profiles,
        "selection": selections,
        "throughput": throughput,
        "statuses": listings.statuses(material),
        "failures": failures,
        "missing": material.missing,
        "settings": listings.settings(material),
        "runs": listings.runs(material),
        **tuning.tables_of(material),
    }
    return Page(material.title, _line(material), tuple(sections), csv)


def _line(material: Material) -> str:
    runs, planned = material.runs, material.planned
    if runs.empty:
        return f"None of {planned:,} planned {plural('run', planned)} has a record yet." if planned else "No runs yet."
    seeds = [cell.planned for cell in material.outcomes.values()]
    said = f"{min(seeds)}" if min(seeds) == max(seeds) else f"{min(seeds)} to {max(seeds)}"
    tasks, objectives = len(material.tasks) + len(material.unbegun), len(material.objectives)
    counts = runs["status"].value_counts()
    ended = [f"{counts[status]:,} {status}" for status in map(str, Status) if status in counts]
    if len(material.missing):
        ended.append(f"{len(material.missing):,} missing")
    return (
        f"{objectives} {plural('objective', objectives)} on {tasks} {plural('task', tasks)}, {said} "
        f"{plural('seed', max(seeds))} each: {planned:,} {plural('run', planned)}, {', '.join(ended)}."
    )


def _tuning(material: Material, look: dict[str, Look]) -> tuple[Section, ...]:
    """The chapter of tuned suites, in no other report."""
    blocks = tuning.tuning_blocks(material, look)
    return (Section("tuning", "Tuning", blocks),) if blocks else ()


def _or_none(pictures: list[Picture], otherwise: str) -> tuple[Block, ...]:
    return tuple(pictures) or (Text((otherwise,)),)
