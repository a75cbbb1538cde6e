"""The report is built, true and readable in every situation that a suite can leave behind."""

import dataclasses
import itertools
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bench import statistics
from bench.metrics import METRICS
from bench.record import Status
from bench.report import answer, build, curves, drawing, figures, pictures, tables
from bench.report.material import read_material
from bench.report.style import COLORS, MARKERS, looks, theme
from bench.store import Store
from tests.report.synthetic import CHARACTERS, make_reference, make_results, make_run, spec

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

    VOID = frozenset({"meta", "link", "br", "img", "hr", "input", "use", "path", "image", "rect", "stop"})

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
    return read(build(store.folder, folder, command=COMMAND))


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
    assert "script" not in outline.tags
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
    build(small.folder, tmp_path, command=COMMAND)
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
    material = read_material(small.folder)
    best, other = (material.cell("ring", line[side], "sliced_wasserstein") for side in ("best", "other"))
    gain = statistics.improvement(best, other, better="lower", scale="log-ratio")
    assert tuple(line[["improvement", "improvement_low", "improvement_high"]]) == pytest.approx(
        (gain.estimate, gain.low, gain.high)
    )
    assert line["p"] == pytest.approx(statistics.rank_sum_test(best.values(), other.values(), better="lower"))


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
    store = make_results(tmp_path / "clear", ["minimax", "r3gan"], ["grid"], 0)
    for seed in range(6):
        make_run(store, spec("minimax", "grid", seed), Status.COMPLETED)
        make_run(store, spec("r3gan", "grid", seed), Status.COMPLETED)
    material = read_material(store.folder)
    finding, *_ = answer.answer(material, tables.comparisons(material), tables.ranks(material))
    assert re.match(r"r3gan is best by Sliced W₁: [3-9]\.\d\d times better than the next, minimax\.", finding.lead)


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
    material = read_material(store.folder)
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
    store.write_suite(suite, json.dumps({"runs": ["<img src=x onerror=y>"]}))
    run = spec("nsgan", "ring", 0)
    run = run.model_copy(update={"architecture": run.architecture.model_copy(update={"name": "<b>mlp</b>"})})
    record = make_run(store, run, Status.DIVERGED, reason=HOSTILE)
    store.write_record(record.model_copy(update={"log_tail": "</pre><script>alert(2)</script>"}))
    page = build(store.folder, tmp_path / "report", command="ganbench run '<i>.toml'")
    text, outline = read(page)
    assert not {"script", "img", "b", "i"} & set(outline.tags) - {"b"}
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
    labels = sorted(task.label for task in read_material(store.folder).tasks)
    assert labels == ["grid", "ring, mlp, 2,000 steps", "ring, mlp, 4,000 steps", "ring, resnet"]


def test_two_objectives_of_one_label_in_one_task_are_told_apart(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    run = spec("nsgan", "ring", 0)
    make_run(store, run, Status.COMPLETED)
    other = run.model_copy(update={"objective": run.objective.model_copy(update={"n_critic": 2})})
    make_run(store, other, Status.COMPLETED)
    names = read_material(store.folder).objectives
    assert len(set(names)) == 2
    assert all(name.startswith("nsgan·") for name in names)


def test_importing_and_building_need_no_torch(small, tmp_path):
    code = (
        "import sys; from pathlib import Path; from bench.report import build; import bench.statistics\n"
        f"build(Path({str(small.folder)!r}), Path({str(tmp_path)!r}), command='x')\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ten_objectives_have_ten_colours_and_markers():
    look = looks([f"objective{i}" for i in range(10)])
    assert len({style.color for style in look.values()}) == len(COLORS) == 10
    assert len({style.marker for style in look.values()}) == len(MARKERS) == 10
    many = looks([f"objective{i}" for i in range(30)])
    assert len({(style.color, style.marker) for style in many.values()}) == 30


def test_every_figure_function_returns_a_figure(small):
    material = read_material(small.folder)
    look = looks(material.objectives)
    labels = [task.label for task in material.tasks]
    primary = {task.label: task.primary for task in material.tasks}
    history = material.history("ring")
    values = pd.DataFrame({"task": ["ring"], "objective": ["nsgan"], "seed": [0], "value": [1.0]})
    points = values.assign(seconds=1.0, images=10)
    with theme():
        made = [
            figures.metric_points(values, material.draws, METRICS["modes_covered"], ["ring"], look),
            figures.metric_points(values.iloc[:0], material.draws.iloc[:0], METRICS["fid"], ["ring"], look),
            figures.quality_cost(points, primary, labels, look),
            figures.comparison_intervals(tables.comparisons(material), labels, look),
            figures.selection_protocols(tables.selections(material), primary, labels, look),
            figures.step_times(tables.throughput(material), look),
            curves.training_curves(history, material.draws, [METRICS["reverse_kl"]], "ring", look),
            curves.player_curves(history, "ring", look),
            pictures.sample_panels({"nsgan": np.zeros((4, 2)), "wgan-gp": "diverged"}, None, (), None, "ring", look),
        ]
    assert all(isinstance(figure, Figure) for figure in made)


def test_pareto_front_holds_what_nothing_beats_in_both():
    points = {"cheap": (1.0, 9.0), "dear": (5.0, 1.0), "beaten": (6.0, 2.0), "middle": (2.0, 5.0), "also": (2.0, 6.0)}
    assert figures.pareto_front(points, METRICS["fid"]) == ["cheap", "middle", "dear"]
    assert figures.pareto_front(points, METRICS["recall"]) == ["cheap"]


def test_curve_ends_where_more_than_half_of_the_runs_have():
    rows = [(step, seed, 1.0) for seed, last in ((0, 3), (1, 2), (2, 1)) for step in range(1, last + 1)]
    history = pd.DataFrame(rows, columns=["step", "seed", "value"]).assign(
        images=0, seconds=0.0, split="test", name="fid", objective="nsgan"
    )
    assert list(curves.over_seeds(history, "fid", "test")["step"]) == [1, 2]


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
    task = read_material(small.folder).tasks[0]
    parts = list(drawing.chunks([dataclasses.replace(task, label=str(i)) for i in range(7)]))
    assert [(part, len(tasks)) for part, tasks in parts] == [("-1", 3), ("-2", 3), ("-3", 1)]


def test_characters_of_the_synthetic_suite_are_known_to_it():
    assert len(CHARACTERS) == 8
