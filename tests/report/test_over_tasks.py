"""What is said of all tasks together: of failures, the floor, datasets, few seeds, parts of a suite."""

import math

import numpy as np
import pandas as pd
import pytest

from bench import statistics
from bench.record import Status
from bench.report import across, figures, overall, significance, tables
from bench.report.answer import answer
from bench.report.blocks import Picture, Text
from bench.report.reader import read_material
from bench.report.sections import make_page
from bench.report.style import looks, theme
from bench.report.view import View
from bench.store import Store
from tests.report import synthetic
from tests.report.pages import across_tasks, blocks, picture, rows, table
from tests.report.synthetic import make_reference, make_run, spec
from tests.report.unfinished import plan_text

METRIC = "sliced_wasserstein"
NSGAN = '[report]\nbaseline = "nsgan"\n'
DIVERGED = Status.DIVERGED


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make results of cells: ``(objective, dataset, architecture)`` and a value per seed, or how the run ended.

    FID, which ranks on images, has the value of the metric.
    """

    def make(cells, suite=NSGAN, *, metric=METRIC, floor=(), view=View()):  # noqa: B008 frozen
        store = Store(tmp_path / "made")
        store.prepare()
        specs = []
        for (objective, dataset, architecture), runs in cells.items():
            for seed, value in runs.items():
                run = spec(objective, dataset, seed, architecture)
                specs.append(run)
                ended = value if isinstance(value, Status) else Status.COMPLETED
                monkeypatch.setattr(synthetic, "metrics", lambda *_, value=value: dict.fromkeys((metric, "fid"), value))
                make_run(store, run, ended)
        store.write_suite(suite, plan_text(specs))
        draws = iter(floor * 4)
        monkeypatch.setattr(synthetic, "metrics", lambda *_: {metric: next(draws)})
        for dataset in {dataset for _, dataset, _ in cells} if floor else ():
            make_reference(store, dataset)
        monkeypatch.undo()
        return read_material([store.folder], view)

    return make


def around(value, seeds=6, spread=0.05):
    random = np.random.default_rng([seeds, int(1000 * value)])
    return dict(enumerate((value * np.exp(random.normal(0, spread, seeds))).tolist()))


def on(values, datasets=("ring", "grid"), architectures=("mlp",), seeds=6):
    """Every objective on every dataset and architecture, around its value."""
    return {(o, d, a): around(v, seeds) for o, v in values.items() for d in datasets for a in architectures}


def finding(material):
    return answer(material, significance.best_comparisons(material), *across_tasks(material))[-1]


def shown(material):
    with theme():
        return make_page(material, "x")


def test_a_baseline_that_failed_on_half_of_the_tasks_loses_there(make):
    """Where only the tasks counted on which it has a value, two objectives that always train would be called worse."""
    cells = on({"nsgan": 1.0, "hinge": 2.0, "wgan": 2.2})
    cells |= {("nsgan", "ring", a): dict.fromkeys(range(6), DIVERGED) for a in ("wide", "deep")}
    cells |= {(name, "ring", a): around(1.0) for name in ("hinge", "wgan") for a in ("wide", "deep")}
    material = make(cells)
    found = significance.over_tasks(material).set_index("objective")
    assert found["tasks"].tolist() == [4, 4]
    assert found["probability"].tolist() == [0.5, 0.5]
    assert not found["told_apart"].any()
    against = significance.baseline_comparisons(material)
    assert len(against) == 8
    assert (against.loc[against["task"] == "ring, wide", "improvement"] == math.inf).all()
    assert finding(material).lead.startswith("Over 4 tasks no difference can be told between nsgan, the baseline, and")
    assert rows(table(shown(material), "Over all tasks"))["hinge over nsgan"][5].detail == "4 tasks"
    for draw in (figures.against_baseline, figures.probability_of_improvement, figures.over_all_tasks):
        draw(material).canvas.draw()


def test_tasks_without_a_record_of_the_baseline_are_counted_out(make):
    cells = on({"nsgan": 1.0, "hinge": 2.0, "wgan": 0.5})
    cells |= {("hinge", "digits", "cnn"): around(1.0), ("wgan", "digits", "cnn"): around(1.0)}
    material = make(cells)
    assert finding(material).lead == "Over 2 of 3 tasks wgan is better than nsgan, the baseline, and hinge is worse."
    page = shown(material)
    assert "Left out: digits (no record of nsgan)." in table(page, "Over all tasks").caption


def test_an_objective_of_fewer_tasks_than_others_is_said_to_be(make):
    cells = on({"nsgan": 1.0, "hinge": 2.0}, ("ring", "grid", "digits"))
    cells |= on({"wgan": 0.5})
    assert finding(make(cells)).lead == (
        "Over 3 tasks wgan (on 2 of them) is better than nsgan, the baseline, and hinge is worse."
    )


def test_what_differs_by_less_than_the_floor_is_not_told_apart_over_tasks(make):
    """However surely the runs tell it: 0.3 apart, where a perfect sampler's own draws are 0.5 apart."""
    material = make(on({"nsgan": 1.0, "hinge": 1.3, "wgan": 2.0}), floor=(0.5, 1.0, 0.7, 0.8, 0.9))
    found = significance.over_tasks(material).set_index("objective")
    assert found.loc["hinge", "p_adjusted"] < 0.05
    assert found["within_floor"].to_dict() == {"hinge": True, "wgan": False}
    assert found["told_apart"].to_dict() == {"hinge": False, "wgan": True}
    said = finding(material)
    assert said.lead == ("Over 2 tasks wgan is worse than nsgan, the baseline; no difference can be told for hinge.")
    assert any(
        line.startswith("Within the floor: in half of the tasks or more the medians of hinge") for line in said.evidence
    )
    assert rows(table(shown(material), "Over all tasks"))["hinge over nsgan"][4].text == "within the floor"


def test_a_difference_beyond_the_floor_in_half_of_the_tasks_is_within_it(make):
    cells = on({"nsgan": 1.0, "hinge": 2.0}, ("ring",)) | on({"nsgan": 1.0, "hinge": 1.3}, ("grid",))
    (line,) = significance.over_tasks(make(cells, floor=(0.5, 1.0, 0.7, 0.8, 0.9))).to_dict("records")
    assert line["within_floor"]
    assert not line["told_apart"]


def test_without_a_floor_the_tests_decide(make):
    found = significance.over_tasks(make(on({"nsgan": 1.0, "hinge": 1.3})))
    assert found["told_apart"].all()
    assert not found["within_floor"].any()


def test_differences_are_drawn_and_told_as_differences(make):
    cells = {key: {s: min(v, 0.99) for s, v in of.items()} for key, of in on({"nsgan": 0.5, "hinge": 0.8}).items()}
    material = make(cells, metric="recall", view=View(metric="recall"))
    figure = figures.over_all_tasks(material)
    left = figure.axes[0]
    assert (left.get_xscale(), left.get_xlabel()) == ("linear", "better than nsgan by, in points")
    assert left.get_xlim()[0] <= 0 < 30 < left.get_xlim()[1] < 70  # recall is told in percent
    (said,) = [line for line in finding(material).evidence if line.startswith("hinge against nsgan")]
    assert said.startswith("hinge against nsgan: better by ")
    assert "times" not in said


def test_ranks_are_averaged_per_dataset_first(make):
    """Three tasks of one dataset count as much as one of another, in the mean and in Friedman's test."""
    cells = on({"nsgan": 1.0, "hinge": 2.0}, ("ring",), ("mlp", "wide", "deep")) | on(
        {"nsgan": 2.0, "hinge": 1.0}, ("grid",)
    )
    material = make(cells)
    assert tables.dataset_ranks(material).to_dict("index") == {
        "ring": {"nsgan": 1.0, "hinge": 2.0},
        "grid": {"nsgan": 2.0, "hinge": 1.0},
    }
    ranks = tables.overall_ranks(material)
    assert ranks["mean_rank"].tolist() == [1.5, 1.5]
    assert (ranks["tasks"].iloc[0], ranks["datasets"].iloc[0]) == (4, 2)
    assert any("Over 2 datasets mean ranks differ no more than" in line for line in finding(material).evidence)


def test_twelve_tasks_of_two_datasets_are_two_blocks(make):
    architectures = ("a", "b", "c", "d", "e", "f")
    material = make(on({"nsgan": 1.0, "hinge": 2.0, "wgan": 3.0}, ("ring", "grid"), architectures, seeds=2))
    page = shown(material)
    said = [" ".join(found.paragraphs) for found in blocks(page, Text, "certainty")]
    assert any("needs 11 datasets (Demšar 2006), and there are 2" in text for text in said)
    assert "critical-differences" not in [found.name for found in blocks(page, Picture, "certainty")]
    assert figures.mean_ranks(material).get_suptitle() == "Mean rank over datasets"
    assert "averaged over those of its 12 tasks that share one" in picture(page, "mean-ranks").caption


def test_intervals_over_few_datasets_are_called_descriptive(make):
    material = make(on({"nsgan": 1.0, "hinge": 2.0}, ("ring", "grid", "digits")))
    page, limit = (
        shown(material),
        "Over 3 datasets intervals are descriptive: they cover at most 75\u00a0%, not 95\u00a0%.",
    )
    for caption in (
        picture(page, "over-all-tasks").caption,
        picture(page, "mean-ranks").caption,
        table(page, "Over all tasks").caption,
    ):
        assert limit in caption
    assert any(
        line.startswith(
            "Drawn anew over datasets too, of the intervals that of hinge still excludes no difference, and "
            "3 datasets cover at most 75"
        )
        for line in finding(material).evidence
    )


def test_what_does_not_carry_over_to_other_datasets_is_told(make):
    cells = on({"nsgan": 1.0, "hinge": 9.0}, ("ring",)) | on({"nsgan": 1.0, "hinge": 1.4}, ("grid", "digits"))
    cells["hinge", "digits", "mlp"] = around(0.99)
    material = make(cells)
    assert significance.over_tasks(material)["told_apart"].all()
    told = (
        "Drawn anew over datasets too, the interval holds no difference: nothing is said of other datasets than these "
    )
    assert f"{told}3." in finding(material).evidence


def test_a_task_of_one_seed_leaves_the_interval_to_the_others(make):
    cells = on({"nsgan": 1.0, "hinge": 2.0}) | {
        (o, "digits", "cnn"): {0: v} for o, v in (("nsgan", 1.0), ("hinge", 2.0))
    }
    material = make(cells)
    (line,) = significance.over_tasks(material).to_dict("records")
    assert (line["tasks"], line["estimated"], line["pairs"], line["seeds"], line["datasets"]) == (3, 2, 12, 6, 2)
    assert line["told_apart"]
    page = shown(material)
    assert "Tasks of which the two share fewer than two seeds" in table(page, "Over all tasks").caption
    assert rows(table(page, "Over all tasks"))["hinge over nsgan"][5].detail == "of 2 of 3 tasks"


def test_profiles_are_of_seeds_that_all_ran(make):
    """Five seeds that the baseline alone ran are no five seeds won."""
    cells = {("nsgan", "ring", "mlp"): around(3.0, 10), ("hinge", "ring", "mlp"): around(1.0, 5)}
    cells |= {("nsgan", "grid", "mlp"): around(1.0), ("hinge", "digits", "cnn"): around(1.0)}
    material = make(cells)
    found = significance.profiles(material)
    won = found[found["ratio"] == 1].set_index("objective")
    assert won["share"].to_dict() == {"nsgan": 0.0, "hinge": 1.0}
    assert won["runs"].to_dict() == {"nsgan": 5, "hinge": 5}
    caption = picture(shown(material), "performance-profiles").caption
    assert "Left out: grid (runs of one objective alone), digits (runs of one objective alone)." in caption


def test_two_seeds_of_many_tasks_are_descriptive(make):
    material = make(on({"nsgan": 1.0, "hinge": 2.0}, ("ring", "grid"), ("a", "b", "c"), seeds=2))
    (said,) = [line for line in finding(material).evidence if line.startswith("hinge against nsgan")]
    assert "(interval of 12 pairs, descriptive: 0." in said
    assert "95\u00a0% interval" not in said


def test_a_baseline_that_only_leaves_out_is_not_called_unnamed(make):
    cells = on({"nsgan": 1.0, "hinge": 2.0, "wgan": 3.0})
    said = finding(make(cells, view=View(only=("hinge", "wgan")))).evidence
    told = (
        "The baseline that the suite names, nsgan, is not used (why stands below): hinge stands in, the first "
        "objective of the part that --only leaves"
    )
    assert any(line.startswith(told) for line in said)
    assert not any("No baseline was named" in line for line in said)


def test_a_part_of_a_suite_says_what_p_is_adjusted_for(make):
    material = make(on({"nsgan": 1.0, "hinge": 2.0, "wgan": 3.0}), view=View(only=("nsgan", "wgan")))
    assert "p is adjusted for the 1 objective of the part that --only leaves." in finding(material).evidence
    page = shown(material)
    titles = ("Over all tasks", "Each against nsgan, the baseline", "The best against each other")
    for caption in (picture(page, "over-all-tasks").caption, *(table(page, title).caption for title in titles)):
        assert "of the part that --only leaves" in caption


def test_many_objectives_are_counted_in_the_lead(make):
    names = [f"mine-{index}" for index in range(7)]
    material = make(on({"nsgan": 1.0} | dict.fromkeys(names, 2.0), seeds=5))
    assert finding(material).lead == "Over 2 tasks 7 of 7 objectives are worse than nsgan, the baseline."


def test_the_critical_difference_stands_clear_of_the_numbers_of_the_axis():
    random = np.random.default_rng(0)
    names = [f"objective-{index}" for index in range(30)]
    ranks = pd.DataFrame([random.permutation(30) + 1.0 for _ in range(12)], columns=names)
    with theme():
        figure = across.critical_difference(ranks, statistics.critical_difference(30, 12), looks(names))
        figure.canvas.draw()
    (ax,) = figure.axes
    (label,) = [text for text in ax.texts if text.get_text().startswith("CD = ")]
    ticks = [text.get_window_extent() for text in ax.get_xticklabels()]
    assert not any(label.get_window_extent().overlaps(tick) for tick in ticks)


def test_the_line_of_significance_is_drawn_in_one_place():
    from bench import levels, plan

    assert statistics.LEVEL is levels.LEVEL is plan.LEVEL
    assert statistics.DESCRIPTIVE_BELOW is levels.DESCRIPTIVE_BELOW is plan.DESCRIPTIVE_BELOW
    assert not hasattr(overall, "ALPHA")
