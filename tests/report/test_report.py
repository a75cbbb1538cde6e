"""The report is built, true and readable in every situation that a suite can leave behind."""

import dataclasses
import itertools
import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from bench import statistics
from bench.metrics import METRICS
from bench.record import Status
from bench.report import answer, build, cost, curves, drawing, pairs, pictures, significance, strips, tables
from bench.report.reader import read_material
from bench.report.style import COLORS, MARKERS, looks, theme
from bench.spec import Budget, PluginSpec
from bench.store import Store
from tests.report.pages import across_tasks
from tests.report.synthetic import make_reference, make_results, make_run, make_throughput, spec, to_table

COMMAND = "ganbench run suites/losses.toml"
SECTIONS = (
    "answer",
    "summary",
    "cost",
    "metrics",
    "training",
    "samples",
    "certainty",
    "selection",
    "throughput",
    "failures",
    "protocol",
)


class Outline(HTMLParser):
    """Collects tags, ids and where pictures, styles and links point to; complains of unbalanced tags."""

    VOID = frozenset({"meta", "link", "br", "wbr", "img", "hr", "input", "use", "path", "image", "rect", "stop"})

    def __init__(self):
        super().__init__()
        self.tags, self.ids, self.links, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        named = dict(attrs)
        if "id" in named:
            self.ids.append(named["id"])
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def read(page):
    text = page.read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    return text, outline


def build_in(store, folder):
    return read(build([store.folder], folder, command=COMMAND))


@pytest.fixture(scope="module")
def built(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports") / "small"
    return folder, *build_in(small, folder)


def test_page_holds_every_section_in_order_and_nothing_from_outside(built):
    _, text, outline = built
    assert [name for name in outline.ids if name in SECTIONS] == list(SECTIONS)
    assert len(set(outline.ids)) == len(outline.ids)
    inside = ("#", "data:image/png;base64,")
    assert all(link.startswith(inside) for link in outline.links)
    targets = [link[1:] for link in outline.links if link.startswith("#")]
    assert set(targets) <= set(outline.ids)
    assert outline.tags.count("script") == 1
    assert not re.search(r"url\((?!#)", text)
    assert text.count("<svg") == outline.tags.count("svg") == text.count('<svg role="img" aria-label="')


def test_every_picture_lies_beside_the_page_and_in_the_markdown(built):
    folder, text, _ = built
    named = re.findall(r'<figure id="figure-([^"]+)">', text)
    assert len(named) > 10
    for name in named:
        assert (folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<desc>" in (folder / "figures" / f"{name}.svg").read_text(encoding="utf-8")
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((figures/[^)]+)\)", markdown)) == {f"figures/{name}.png" for name in named}


def test_markdown_tables_have_as_many_cells_in_every_row(built):
    folder, _, _ = built
    rows = [line for line in (folder / "report.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert rows
    lines = (folder / "report.md").read_text(encoding="utf-8").splitlines()
    for previous, line in itertools.pairwise(lines):
        if line.startswith("|") and previous.startswith("|"):
            count = len(re.findall(r"(?<!\\)\|", line))
            assert count == len(re.findall(r"(?<!\\)\|", previous))


def test_building_twice_gives_the_same_numbers(small, tmp_path, built):
    folder, _, _ = built
    build([small.folder], tmp_path, command=COMMAND)
    for table in sorted((folder / "tables").glob("*.csv")):
        assert (tmp_path / "tables" / table.name).read_bytes() == table.read_bytes()


def test_summary_csv_equals_the_statistics_of_the_records(small, built):
    folder, _, _ = built
    summary = pd.read_csv(folder / "tables" / "summary.csv").set_index(["task", "objective", "metric"])
    records = [r for r in small.records() if r.spec.cell_name == "wgan-gp_mlp_ring"]
    values = [
        m.value for r in records for m in r.measurements if (m.metric, m.selection) == ("sliced_wasserstein", "final")
    ]
    line = summary.loc[("ring", "wgan-gp", "sliced_wasserstein")]
    expected = statistics.summarise(values, "lower")
    assert tuple(line[["median", "low", "high"]]) == pytest.approx((expected.median, expected.low, expected.high))
    assert (line["finished"], line["runs"]) == (3, 3)


def test_comparisons_csv_equals_the_statistics(small, built):
    folder, _, _ = built
    line = pd.read_csv(folder / "tables" / "comparisons.csv").set_index("task").loc["ring"]
    material = read_material([small.folder])
    best, other = (material.cell("ring", line[side], "sliced_wasserstein") for side in ("one", "other"))
    pair = statistics.Pair(best, other, "lower", "log-ratio")
    gain = statistics.improvement([pair])
    assert tuple(line[["improvement", "improvement_low", "improvement_high"]]) == pytest.approx(
        (gain.estimate, gain.low, gain.high)
    )
    assert line["p"] == pytest.approx(statistics.rank_sum_test([pair]))


def test_under_five_seeds_the_answer_is_called_descriptive(built):
    assert "descriptive" in built[1]


def test_one_objective_under_two_names_is_not_told_apart(tmp_path):
    store = Store(tmp_path / "aa")
    store.prepare()
    for seed in range(6):
        for name in ("one", "two"):
            make_run(store, spec(name, "ring", seed), Status.COMPLETED)
    make_reference(store, "ring")
    text, _ = build_in(store, tmp_path / "report")
    assert "no difference can be told" in text


def test_a_clear_winner_is_named_with_its_margin(tmp_path):
    store = Store(tmp_path / "clear")
    store.prepare()
    make_reference(store, "grid")
    for seed in range(6):
        make_run(store, spec("minimax", "grid", seed), Status.COMPLETED)
        make_run(store, spec("r3gan", "grid", seed), Status.COMPLETED)
    material = read_material([store.folder])
    finding, *_ = answer.answer(material, significance.best_comparisons(material), *across_tasks(material))
    assert re.match(r"r3gan is best by Sliced W₁: [3-9]\.\d\d times as good as minimax, the next\.", finding.lead)


def only_failures(store):
    for seed, status in enumerate((Status.DIVERGED, Status.CRASHED, Status.OUT_OF_MEMORY, Status.FAILED)):
        make_run(store, spec("wgan", "ring", seed), status)


def one_run(store):
    make_run(store, spec("nsgan", "digits", 0), Status.COMPLETED)


def one_objective(store):
    for seed in range(3):
        make_run(store, spec("nsgan", "ring", seed), Status.COMPLETED)


def ragged(store):
    for seed in range(3):
        make_run(store, spec("nsgan", "ring", seed), Status.COMPLETED)
    make_run(store, spec("wgan", "ring", 7), Status.COMPLETED)
    make_run(store, spec("wgan", "grid", 1), Status.DIVERGED)


def undefined_metrics(store):
    for seed in range(2):
        record = make_run(store, spec("nsgan", "ring", seed), Status.COMPLETED)
        empty = tuple(m.model_copy(update={"value": None}) for m in record.measurements)
        store.write_record(record.model_copy(update={"measurements": empty}))
        history = store.history(record.run_id)
        blank = history.assign(value=history["value"].where(history["split"] == "train"))
        store.write_history(record.run_id, to_table(blank))


def nothing(store):
    store.write_suite('title = "Nothing yet"', json.dumps({"runs": ["nsgan_mlp_ring_s0_01234567"]}))


def without_files(store):
    record = make_run(store, spec("nsgan", "ring", 0), Status.COMPLETED)
    for path in store.run_folder(record.run_id).iterdir():
        if path.name != "record.json":
            path.unlink()


SITUATIONS = [only_failures, one_run, one_objective, ragged, undefined_metrics, nothing, without_files]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
@pytest.mark.filterwarnings("error")
def test_report_is_built_whatever_is_there(situation, tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    situation(store)
    text, outline = build_in(store, tmp_path / "report")
    assert [name for name in outline.ids if name in SECTIONS] == list(SECTIONS)
    assert "nan" not in re.sub(r"<svg.*?</svg>|<pre.*?</pre>", "", text, flags=re.DOTALL).replace("dominan", "")


def test_failures_are_named_with_step_reason_and_log(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    make_run(store, spec("wgan", "ring", 0), Status.CRASHED, reason="killed by <signal> SIGSEGV")
    text, _ = build_in(store, tmp_path / "report")
    assert "killed by &lt;signal&gt; SIGSEGV" in text
    assert "D nan  G nan" in text
    assert "1 of 1 recorded runs did not complete" in text


def test_diverged_runs_count_in_n_and_rank_last(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    for seed in range(4):
        make_run(store, spec("wgan", "ring", seed), Status.COMPLETED)
        make_run(store, spec("r3gan", "ring", seed), Status.DIVERGED if seed else Status.COMPLETED)
    material = read_material([store.folder])
    line = tables.summary(material).set_index(["objective", "metric"]).loc[("r3gan", "sliced_wasserstein")]
    assert (line["finished"], line["runs"], line["ranking"], line["best"]) == (1, 4, np.inf, False)
    assert tables.ranks(material).set_index("objective")["mean_rank"].to_dict() == {"wgan": 1.25, "r3gan": 1.75}
    text, _ = build_in(store, tmp_path / "report")
    assert "1 of 4" in text
    assert "3 diverged" in text


def test_rejected_files_and_missing_runs_are_listed(tmp_path):
    store = make_results(tmp_path / "results", ["nsgan"], ["ring"], 2)
    (store.run_folder("torn")).mkdir()
    (store.run_folder("torn") / "record.json").write_text("{")
    plan = [record.run_id for record in store.records()] + ["nsgan_mlp_ring_s9_deadbeef"]
    store.write_suite("title = 3", json.dumps({"runs": plan}))
    text, _ = build_in(store, tmp_path / "report")
    assert "not readable as JSON" in text
    assert "nsgan_mlp_ring_s9_deadbeef" in text
    assert "<h1>results</h1>" in text


def test_broken_plan_is_reported(tmp_path):
    store = make_results(tmp_path / "results", ["nsgan"], ["ring"], 1)
    store.write_suite("not toml [", "[]")
    text, _ = build_in(store, tmp_path / "report")
    assert "not a plan" in text
    assert "not toml [" in text


HOSTILE = '<script>alert(1)</script> $x^2$ ![x](http://evil) | `code` & "quotes" \''


def test_hostile_text_is_shown_as_text(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    suite = "title = '''" + HOSTILE + "'''\n# ``` </pre><script>\n"
    run = spec("nsgan", "ring", 0)
    run = run.model_copy(update={"architecture": run.architecture.model_copy(update={"name": "<b>mlp</b>"})})
    store.write_suite(suite, json.dumps({"runs": ["<img src=x onerror=y>", run.run_id]}))
    record = make_run(store, run, Status.DIVERGED, reason=HOSTILE)
    store.write_record(record.model_copy(update={"log_tail": "</pre><script>alert(2)</script>"}))
    page = build([store.folder], tmp_path / "report", command="ganbench run '<i>.toml'")
    text, outline = read(page)
    assert not {"img", "i"} & set(outline.tags)  # <b> is the page's own; the plugin's is looked for below
    assert outline.tags.count("script") == 1
    assert "<b>mlp</b>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    outside = re.sub(r"^(`{3,})\n.*?^\1$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in outside
    assert "![x]" not in outside
    assert "<img" not in outside
    assert "````" in markdown


def test_two_protocols_are_two_tasks(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    for run in (
        spec("nsgan", "ring", 0),
        spec("nsgan", "ring", 0, steps=2000),
        spec("nsgan", "ring", 0, architecture="resnet"),
        spec("nsgan", "grid", 0),
    ):
        make_run(store, run, Status.COMPLETED)
    labels = sorted(task.label for task in read_material([store.folder]).tasks)
    assert labels == ["grid", "ring, mlp, 2,000 steps", "ring, mlp, 4,000 steps", "ring, resnet"]


def test_two_objectives_of_one_label_in_one_task_are_told_apart(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    run = spec("nsgan", "ring", 0)
    make_run(store, run, Status.COMPLETED)
    other = run.model_copy(update={"objective": run.objective.model_copy(update={"n_critic": 2})})
    make_run(store, other, Status.COMPLETED)
    names = read_material([store.folder]).objectives
    assert len(set(names)) == 2
    assert all(name.startswith("nsgan·") for name in names)


def test_importing_and_building_need_no_torch(small, tmp_path):
    code = (
        "import sys; from pathlib import Path; from bench.report import build; import bench.statistics\n"
        f"build([Path({str(small.folder)!r})], Path({str(tmp_path)!r}), command='x')\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ten_objectives_have_ten_colours_and_markers():
    look = looks([f"objective{i}" for i in range(10)])
    assert len({style.color for style in look.values()}) == len(COLORS) == 10
    assert len({style.marker for style in look.values()}) == len(MARKERS) == 10
    many = looks([f"objective{i}" for i in range(30)])
    assert len({(style.color, style.marker) for style in many.values()}) == 30


def test_figures_say_so_where_there_is_nothing_to_draw(small):
    material = read_material([small.folder])
    look = looks(material.objectives)
    none = pd.DataFrame({"task": [], "objective": [], "seed": [], "value": []})
    history = material.history("ring").iloc[:0]
    (part,) = curves.parts(list(look), look)
    none_logged = curves.over_seeds(history, "fid", "test")
    compared = significance.best_comparisons(material)
    with theme():
        made = {
            "no value": strips.metric_points(none, material.draws.iloc[:0], METRICS["fid"], ["ring"], look),
            "no run has a value": cost.quality_cost(
                none.assign(seconds=[], images=[], planned=[]),
                material.draws.iloc[:0],
                {"ring": METRICS["fid"]},
                ["ring"],
                look,
                timed=["ring"],
            ),
            "nothing to compare": pairs.improvements(compared.iloc[:0], ["ring"], look, rows="other", title="none"),
            "nothing logged": curves.training_curves(
                [none_logged], material.draws, [METRICS["fid"]], "ring", look, part
            ),
            "diverged": pictures.sample_panels(
                {"nsgan": np.zeros((4, 2)), "wgan-gp": "diverged"}, None, (), None, "ring", look
            ),
        }
    for said, figure in made.items():
        assert said in words(figure)


def words(figure):
    """Every text in a figure's panels."""
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def comparison(material, **changed):
    return significance.best_comparisons(material).iloc[:1].assign(**changed)


@pytest.mark.parametrize("scale", ["log-ratio", "difference"])
@pytest.mark.parametrize(
    ("center", "low", "high", "said"),
    [
        (0.7, -math.inf, 1.1, "BELOW"),
        (0.7, 0.2, math.inf, "∞"),
        (-math.inf, -math.inf, math.inf, "BELOW, ∞"),
        (math.nan, math.nan, math.nan, "–"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_intervals_that_failures_reach_into_end_at_the_frame(small, scale, center, low, high, said):
    material = read_material([small.folder])
    line = comparison(material, scale=scale, improvement=center, improvement_low=low, improvement_high=high)
    with theme():
        look = looks(material.objectives)
        figure = pairs.improvements(line, [line["task"].iloc[0]], look, rows="other", title="none")
        figure.canvas.draw()
    (ax,) = figure.axes
    left, right = ax.get_xlim()
    assert math.isfinite(left)
    assert math.isfinite(right)
    assert left < right
    if scale == "log-ratio":
        assert left > 1e-3
    assert said.replace("BELOW", "0" if scale == "log-ratio" else "−∞") in words(figure)
    if not math.isnan(center):
        drawn = ax.lines[0].get_xdata()
        assert left <= drawn[0] < drawn[1] <= right


def test_quality_against_cost_counts_failures_and_keeps_the_lucky_off_the_front():
    def runs(name, seconds, values):
        return [("ring", name, seconds, 10 * seconds, value) for value in values]

    points = pd.DataFrame(
        runs("sound", 2.0, [3.0, 3.0, 3.0, 3.0])
        + runs("once", 3.0, [2.0, 2.0, 2.0, math.nan])
        + runs("lucky", 1.0, [1.0, 1.0, math.nan, math.nan]),
        columns=["task", "objective", "seconds", "images", "value"],
    ).assign(planned=4)
    metric = METRICS["sliced_wasserstein"]
    assert cost.front_of(points, metric, "ring", "seconds") == {"sound": (2.0, 3.0), "once": (3.0, 2.0)}
    with theme():
        look = looks(["sound", "once", "lucky"])
        none = pd.DataFrame(columns=["task", "kind", "metric", "value"])
        figure = cost.quality_cost(points, none, {"ring": metric}, ["ring"], look, timed=["ring"])
    assert sorted(words(figure)) == ["2 of 4", "2 of 4", "3 of 4", "3 of 4"]
    front = next(line for line in figure.axes[0].lines if line.get_label() == "Pareto front")
    assert list(front.get_xdata()) == [2.0, 3.0]


def test_pareto_front_holds_what_nothing_beats_in_both():
    points = {"cheap": (1.0, 9.0), "dear": (5.0, 1.0), "beaten": (6.0, 2.0), "middle": (2.0, 5.0), "also": (2.0, 6.0)}
    assert cost.pareto_front(points, METRICS["fid"]) == ["cheap", "middle", "dear"]
    assert cost.pareto_front(points, METRICS["recall"]) == ["cheap"]


def test_curve_ends_where_more_than_half_of_the_runs_have():
    rows = [(step, seed, 1.0) for seed, last in ((0, 3), (1, 2), (2, 1)) for step in range(1, last + 1)]
    history = pd.DataFrame(rows, columns=["step", "seed", "value"]).assign(
        images=0, seconds=0.0, split="test", name="fid", objective="nsgan", runs=3, planned=3
    )
    history["place"] = history["step"]
    assert list(curves.over_seeds(history, "fid", "test")["step"]) == [1, 2]
    assert list(curves.over_seeds(history.assign(runs=5), "fid", "test")["step"]) == [1]


@pytest.mark.parametrize(
    ("paces", "ends", "scale"),
    [
        ((10.0, 20.0), (10, 10), "linear"),
        ((10.0, 60.0), (10, 10), "log"),
        ((10.0, 10.0), (10, 1), "linear"),  # one has ended early
        ((10.0, 60.0), (60, 10), "linear"),  # a budget in seconds
    ],
)
def test_seconds_far_apart_have_a_logarithmic_scale(paces, ends, scale):
    names = ("quick", "slow")
    cells = zip(names, paces, ends, strict=True)
    rows = [(name, step, pace * step) for name, pace, end in cells for step in range(1, end + 1)]
    history = pd.DataFrame(rows, columns=["objective", "step", "seconds"]).assign(
        images=1, seed=0, value=1.0, split="test", name="fid", runs=1, planned=1
    )
    tables = [curves.over_seeds(history.assign(place=history["step"]), "fid", "test")]
    draws = pd.DataFrame(columns=["task", "kind", "metric", "value"])
    figure = curves.training_curves(tables, draws, [METRICS["fid"]], "ring", looks(names), curves.Part(names))
    assert [ax.get_xscale() for ax in figure.axes] == ["linear", "linear", scale]


def test_runs_without_a_readable_history_count_in_curves_and_are_named(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    records = [make_run(store, spec("nsgan", "ring", seed), Status.COMPLETED) for seed in range(5)]
    torn = store.run_folder(records[0].run_id) / "history.parquet"
    torn.write_bytes(b"PAR1")
    for record in records[1:3]:
        (store.run_folder(record.run_id) / "history.parquet").unlink()
    material = read_material([store.folder])
    assert set(material.history("ring")["runs"]) == {5}
    assert curves.over_seeds(material.history("ring"), "modes_covered", "test").empty
    assert [sentence.split(": ")[0] for sentence in material.rejected] == [str(torn)]


def test_evaluations_of_a_budget_in_seconds_stand_together_by_their_number(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    for seed in range(3):
        run = spec("nsgan", "ring", seed)
        training = run.training.model_copy(update={"budget": Budget(unit="seconds", amount=4000)})
        record = make_run(store, run.model_copy(update={"training": training}), Status.COMPLETED)
        history = store.history(record.run_id)
        late = history["step"].where(history["split"] == "train", history["step"] + seed)
        store.write_history(record.run_id, to_table(history.assign(step=late)))
    table = curves.over_seeds(read_material([store.folder]).history("ring"), "modes_covered", "test")
    assert list(table["seeds"]) == [3] * 9
    assert list(table["step"]) == [500 * index + 1 for index in range(9)]


def test_tiles_keep_pixels_and_leave_missing_images_empty():
    images = (np.arange(3 * 16 * 16) % 251).astype(np.uint8).reshape(3, 1, 16, 16)
    canvas = pictures.tiles(images, side=2)
    np.testing.assert_array_equal(canvas[:16, :16, 0], images[0, 0])
    assert canvas.shape == (33, 33, 4)
    assert canvas[17:, 17:, 3].max() == 0


def test_tiny_images_are_enlarged():
    images = np.full((1, 3, 8, 8), 200, dtype=np.uint8)
    canvas = pictures.tiles(images, side=1)
    assert canvas.shape == (48, 48, 4)
    assert (canvas[..., :3] == 200).all()


def test_many_tasks_are_split_over_figures(small):
    task = read_material([small.folder]).tasks[0]
    parts = list(drawing.chunks([dataclasses.replace(task, label=str(i)) for i in range(7)]))
    assert [(part, len(tasks)) for part, tasks in parts] == [("-1", 3), ("-2", 3), ("-3", 1)]


def test_runs_that_the_suite_no_longer_asks_for_are_left_out(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    asked = [make_run(store, spec("nsgan", "ring", seed), Status.COMPLETED) for seed in range(2)]
    fewer = make_run(store, spec("nsgan", "ring", 2), Status.COMPLETED)
    before = spec("nsgan", "ring", 0)
    before = before.model_copy(update={"objective": before.objective.model_copy(update={"n_critic": 3})})
    make_run(store, before, Status.DIVERGED)
    for run in (asked[0].spec, before):
        make_throughput(store, run)
    plan = {"runs": [record.run_id for record in asked], "cells": [{"id": asked[0].spec.cell_id}]}
    store.write_suite("", json.dumps(plan))
    material = read_material([store.folder])
    assert list(material.runs["run_id"]) == plan["runs"]
    assert [item.cell_id for item in material.throughputs] == [asked[0].spec.cell_id]
    text, _ = build_in(store, tmp_path / "report")
    assert "2 records of other plans left out" in text
    assert fewer.run_id not in text


def test_an_edited_plugin_is_another_objective(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    run = spec("nsgan", "ring", 0)
    for sha256 in ("aa" * 32, "bb" * 32):
        plugin = PluginSpec(name="mine", sha256=sha256)
        make_run(store, run.model_copy(update={"plugins": (plugin,)}), Status.COMPLETED)
    material = read_material([store.folder])
    assert len(material.objectives) == 2
    assert not material.runs.duplicated(["task", "objective", "seed"]).any()


def test_runs_measured_in_different_feature_spaces_are_not_compared(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    make_reference(store, "digits")
    for seed, sha256 in enumerate(("ab" * 32, "ab" * 32, "cd" * 32)):
        record = make_run(store, spec("nsgan", "digits", seed), Status.COMPLETED)
        store.write_record(record.model_copy(update={"space_sha256": sha256}))
    crashed = make_run(store, spec("nsgan", "digits", 3), Status.CRASHED)
    material = read_material([store.folder])
    assert material.runs.groupby("task").size().to_dict() == {"digits, weights ababab": 3, "digits, weights cdcdcd": 1}
    assert material.runs.set_index("run_id").loc[crashed.run_id, "task"] == "digits, weights ababab"
    assert set(material.references) == {"digits, weights ababab"}
    text, _ = build_in(store, tmp_path / "report")
    assert "feature spaces of 2 different weights: they are not compared" in text


def test_a_run_that_ended_before_its_space_was_known_does_not_split_its_task(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    record = make_run(store, spec("nsgan", "digits", 0), Status.COMPLETED)
    store.write_record(record.model_copy(update={"space_sha256": "ab" * 32}))
    make_run(store, spec("nsgan", "digits", 1), Status.CRASHED)
    (task,) = read_material([store.folder]).tasks
    assert task.label == "digits"


def test_timings_that_nobody_lived_to_tell_do_not_matter(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    record = make_run(store, spec("nsgan", "ring", 0), Status.CRASHED)
    unknown = record.timings.model_copy(update={"start": None, "evaluation": None, "files": None})
    store.write_record(record.model_copy(update={"timings": unknown}))
    text, _ = build_in(store, tmp_path / "report")
    assert "1 of 1 recorded runs did not complete" in text


@pytest.mark.parametrize("name", ["plan.json", "suite.toml"])
def test_files_nested_too_deeply_are_not_trusted(name, tmp_path):
    store = make_results(tmp_path / "results", ["nsgan"], ["ring"], 1, throughputs=False)
    nested = "[" * 100_000
    (store.folder / name).write_text(f"title = {nested}" if name == "suite.toml" else nested)
    material = read_material([store.folder])
    assert [name in sentence for sentence in material.rejected] == [True]
    assert len(material.runs) == 1


def compared(tmp_path, counts):
    """The comparisons' caption, and their table, of two objectives with so many runs."""
    store = Store(tmp_path / "results")
    store.prepare()
    for name, seeds in counts.items():
        for seed in seeds:
            make_run(store, spec(name, "ring", seed), Status.COMPLETED)
    text, _ = build_in(store, tmp_path / "report")
    return text, significance.best_comparisons(read_material([store.folder]))


def test_caption_names_the_runs_of_either_side_and_not_the_shared_seeds(tmp_path):
    text, table = compared(tmp_path, {"r3gan": range(4), "minimax": range(2, 8)})
    assert list(table.loc[0, ["one", "seeds", "one_runs", "other_runs", "exact"]]) == ["r3gan", 2, 4, 6, True]
    assert "this pair alone, exact." in text
    assert "With 4 runs against 6, no p of a pair below 0.0095 is possible." in text


def test_caption_says_where_p_is_an_approximation(tmp_path):
    text, table = compared(tmp_path, {"r3gan": range(26), "minimax": range(26)})
    assert not table["exact"].any()
    assert "this pair alone, by normal approximation with correction for ties." in text
    assert "no p of a pair below" not in text
