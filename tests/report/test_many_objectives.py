"""A report of more objectives than there are colours stays readable: sentences, figures, legends and settings."""

import re

import pandas as pd
import pytest

from bench.record import Status
from bench.report import answer, build, cost, curves, significance
from bench.report.blocks import Picture, Table
from bench.report.legible import breakable
from bench.report.reader import read_material
from bench.report.sections import make_page
from bench.report.style import COLORS, looks, theme
from bench.store import Store
from tests.report.pages import across_tasks
from tests.report.synthetic import choice, make_reference, make_results, make_run, spec

NAMES = [f"objective-{index:02}" for index in range(30)]


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results") / "many"
    make_results(folder, NAMES, ["ring"], 2, throughputs=False)
    return read_material([folder])


@pytest.fixture(scope="module")
def page(many):
    with theme():
        return make_page(many, "x")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results") / "two"
    make_results(folder, NAMES[:2], ["ring"], 2, throughputs=False)
    with theme():
        return make_page(read_material([folder]), "x")


def blocks(page, kind):
    return [block for section in page.sections for block in section.blocks if isinstance(block, kind)]


def pictures(page, prefix):
    return [picture for picture in blocks(page, Picture) if picture.name.startswith(prefix)]


def finding(material, told):
    """The answer where the best can be told from so many of the worst, and what the objectives are called."""
    table = significance.best_comparisons(material)
    table["told_apart"] = [index >= len(table) - told for index in range(len(table))]
    made, *_ = answer.answer(material, table, *across_tasks(material))
    return made, list(table["other"])


def said(names):
    return f"{', '.join(names[:-1])} and {names[-1]}"


def test_answer_counts_the_many_that_cannot_be_told_from_the_best(many):
    made, others = finding(many, told=3)
    assert made.lead.endswith("but no difference can be told between it and 26 of 29 others.")
    assert f"It can be told from {said(others[-3:])}." in made.evidence


def test_answer_lists_the_shorter_side(many):
    made, others = finding(many, told=20)
    assert made.lead.endswith("between it and 9 of 29 others.")
    assert f"No difference can be told from {said(others[:9])}." in made.evidence
    assert not any("It can be told from" in sentence for sentence in made.evidence)


def test_answer_names_the_only_one_that_can_be_told_apart(many):
    made, others = finding(many, told=1)
    assert f"It can be told from {others[-1]} alone." in made.evidence


def test_answer_where_nothing_can_be_told_apart_has_no_list(many):
    made, _ = finding(many, told=0)
    assert made.lead.endswith("between it and any of the 29 others.")
    assert not any("told from" in sentence for sentence in made.evidence)


def test_answer_names_a_few_in_its_sentence(many):
    made, others = finding(many, told=24)
    assert made.lead.endswith(f"between it and {said(others[:5])}.")
    assert not any(others[0] in sentence for sentence in made.evidence if "told from" in sentence)


def test_clear_winner_of_many_lists_the_shorter_side(many):
    table = significance.best_comparisons(many)
    table["told_apart"] = [index in (0, 1) for index in range(len(table))]
    made, *_ = answer.answer(many, table, *across_tasks(many))
    first, second = table["other"][:2]
    assert "is best by" in made.lead
    assert f"It can be told from {first} and {second}." in made.evidence


def test_answer_counts_only_objectives_that_have_a_value(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    for name in NAMES[:9]:
        make_run(store, spec(name, "ring", 0), Status.DIVERGED if name == NAMES[0] else Status.COMPLETED)
    made, _ = finding(read_material([store.folder]), told=1)
    assert made.lead.endswith("between it and 6 of 7 others that have a value.")


@pytest.mark.parametrize("prefix", ["curves-", "players-"])
def test_training_figures_hold_ten_objectives_each_in_the_order_of_the_suite(page, prefix):
    made = pictures(page, prefix)
    assert [picture.name for picture in made] == [f"{prefix}1-{number}" for number in (1, 2, 3)]
    for number, picture in enumerate(made, start=1):
        names = NAMES[10 * number - 10 : 10 * number]
        assert picture.title.endswith(f"({number} of 3)")
        assert picture.figure.get_suptitle().endswith(f"({number} of 3)")
        assert re.findall(r"objective-\d\d", picture.alternative) == names
        assert "At most 10 objectives stand in one figure" in picture.caption


def test_no_panel_has_more_than_ten_curves_nor_a_colour_twice(page):
    for picture in pictures(page, "curves-"):
        for ax in picture.figure.axes:
            colors = [line.get_color() for line in ax.lines if not line.get_label().startswith("_")]
            assert 0 < len(colors) <= 10
            assert len(set(colors)) == len(colors)
        (legend,) = picture.figure.legends
        names = [text.get_text().split(": ")[0] for text in legend.get_texts()]  # "name: 1 of 2" where a run failed
        assert picture.alternative.endswith(f"for {', '.join(names)}.")
    for picture in pictures(page, "players-"):
        assert all(len(ax.lines) <= 4 for ax in picture.figure.axes)


def limits(picture, panels=slice(None)):
    return [(*ax.get_xlim(), *ax.get_ylim(), ax.get_yscale()) for ax in picture.figure.axes[panels]]


def test_training_figures_of_one_task_have_the_same_axes(page):
    first, *others = pictures(page, "curves-")
    assert all(limits(other) == limits(first) for other in others)
    first, *others = pictures(page, "players-")
    shared = slice(5, 20)  # below the losses
    assert all(limits(other, shared) == limits(first, shared) for other in others)


def test_axes_have_room_for_every_curve_where_objectives_differ(tmp_path):
    names = [*NAMES[:10], "minimax", "r3gan", "wgan"]
    store = make_results(tmp_path / "results", names, ["ring"], 1, throughputs=False)
    material = read_material([store.folder])
    history, look = material.history("ring"), looks(names)
    metrics = [material.tasks[0].primary]
    with theme():
        made = [
            curves.training_curves(
                [curves.over_seeds(history, metric.name, "test") for metric in metrics],
                material.draws,
                metrics,
                "ring",
                look,
                part,
            )
            for part in curves.parts(names, look)
        ]
    assert len(made) == 2
    for one, other in zip(made[0].axes, made[1].axes, strict=True):
        assert (one.get_xlim(), one.get_ylim()) == (other.get_xlim(), other.get_ylim())
        for line in (*one.lines, *other.lines):
            if not line.get_label().startswith("_"):
                (left, right), (low, high) = one.get_xlim(), one.get_ylim()
                assert all((left <= line.get_xdata()) & (line.get_xdata() <= right))
                assert all((low <= line.get_ydata()) & (line.get_ydata() <= high))


def test_ten_objectives_share_one_figure():
    look = looks(NAMES)
    (whole,) = curves.parts(NAMES[:10], look)
    assert (whole.names, whole.said, whole.suffix) == (tuple(NAMES[:10]), "", "")
    assert [len(part.names) for part in curves.parts(NAMES[:11], look)] == [10, 1]


def test_a_task_that_has_only_some_of_the_objectives_has_no_colour_twice():
    look = looks(NAMES)
    some = NAMES[::2]
    parts = curves.parts(some, look)
    assert sorted(name for part in parts for name in part.names) == some
    for part in parts:
        assert len({look[name].color for name in part.names}) == len(part.names)


def heights(picture):
    """Of the panels, in inches."""
    picture.figure.get_layout_engine().execute(picture.figure)
    return [ax.get_position().height * picture.figure.get_figheight() for ax in picture.figure.axes]


@pytest.mark.parametrize("prefix", ["quality-cost", "curves-"])
def test_legend_takes_no_height_from_the_panels(page, two, prefix):
    few, crowded = pictures(two, prefix)[0], pictures(page, prefix)[0]
    assert heights(crowded) == pytest.approx(heights(few), rel=0.01)
    assert crowded.figure.get_figheight() > few.figure.get_figheight() + 0.1


def test_marks_off_the_front_are_small_and_pale_among_many(page, many):
    (picture,) = pictures(page, "quality-cost")
    final = many.values[(many.values["selection"] == "final") & (many.values["metric"] == "sliced_wasserstein")]
    points = many.runs.merge(final[["run_id", "value"]], on="run_id").assign(planned=2)
    assert cost.is_dense(points, "ring")
    front = cost.front_of(points, many.tasks[0].primary, "ring", "seconds")
    sizes = [line.get_markersize() for line in picture.figure.axes[0].lines if len(line.get_xdata()) == 1]
    assert sizes.count(8) == len(front)
    assert sizes.count(6) == len(NAMES) - len(front)
    assert f"over seconds, ring: {', '.join(front)};" in picture.caption
    assert len(picture.figure.legends[0].get_texts()) == len(NAMES) + 1


def test_marks_of_ten_objectives_are_all_large():
    names = NAMES[: len(COLORS)]
    points = pd.DataFrame(
        [("ring", name, 1.0 + index, 10.0, 2.0 + index) for index, name in enumerate(names)],
        columns=["task", "objective", "seconds", "images", "value"],
    )
    assert not cost.is_dense(points, "ring")


def test_settings_have_one_column_for_both_optimizers_and_the_file_two(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    run = spec("nsgan", "ring", 0)
    make_run(store, run, Status.COMPLETED)
    slow = choice("adam", learning_rate=1e-5)
    other = spec("hinge", "ring", 0)
    other = other.model_copy(update={"objective": other.objective.model_copy(update={"discriminator_optimizer": slow})})
    make_run(store, other, Status.COMPLETED)
    with theme():
        page = make_page(read_material([store.folder]), "x")
    (table,) = [table for table in blocks(page, Table) if table.title == "Settings of every objective"]
    assert table.columns == ("objective", "loss", "penalties", "stabilisers", "n_critic", "optimizers", "tasks")
    shared = str(run.objective.generator_optimizer)
    cells = {row.cells[0].text: row.cells[5].text for row in table.rows}
    assert cells == {
        "nsgan": f"both: {shared}",
        "hinge": f"generator: {other.objective.generator_optimizer}; discriminator: {slow}",
    }
    assert {"generator_optimizer", "discriminator_optimizer"} < set(page.csv["settings"])


def test_long_settings_may_break_after_a_bracket_and_stay_escaped():
    assert breakable("loss(<b>=1)") == "loss(<wbr>&lt;b&gt;=1)"


def test_page_and_markdown_of_many_objectives_show_the_same_figures(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    make_reference(store, "ring")
    for name in NAMES[:12]:
        make_run(store, spec(name, "ring", 0), Status.COMPLETED)
    page = build([store.folder], tmp_path / "report", command="x").read_text(encoding="utf-8")
    named = re.findall(r'<figure id="figure-([^"]+)">', page)
    assert {"curves-1-1", "curves-1-2", "players-1-1", "players-1-2"} < set(named)
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(figures/([^)]+)\.png\)", markdown) == named
    assert "between it and any of the 11 others" in markdown
    assert '<table class="compact sortable"' in page
