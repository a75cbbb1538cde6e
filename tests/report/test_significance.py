"""Differences between objectives as the report decides and tells them."""

import math

import numpy as np
import pandas as pd
import pytest

from bench import statistics
from bench.record import Status
from bench.report import across, figures, significance, tables
from bench.report.answer import answer
from bench.report.blocks import Picture, Table, Text
from bench.report.reader import read_material
from bench.report.style import looks, theme
from bench.report.view import View
from bench.store import Store
from tests.report.pages import across_tasks, blocks, page_of, picture, rows, table
from tests.report.synthetic import make_reference, make_results, make_run, spec
from tests.report.unfinished import plan_text

OBJECTIVES = ["nsgan", "r3gan", "minimax"]
DATASETS = ("ring", "grid", "digits")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("results") / "three")
    store.prepare()
    for dataset in DATASETS:
        make_reference(store, dataset)
        for seed in range(6):
            for name in OBJECTIVES:
                failed = name == "minimax" and seed < 2
                make_run(store, spec(name, dataset, seed), Status.DIVERGED if failed else Status.COMPLETED)
    specs = [spec(name, dataset, seed) for name in OBJECTIVES for dataset in DATASETS for seed in range(6)]
    store.write_suite("", plan_text(specs))
    return store


@pytest.fixture(scope="module")
def material(store):
    return read_material([store.folder], View(baseline="nsgan"))


@pytest.fixture(scope="module")
def page(store):
    return page_of(store)


def one_seed(tmp_path, seeds=1):
    return make_results(tmp_path / "few", ["nsgan", "r3gan"], ["ring"], seeds, throughputs=False)


def test_every_objective_is_held_against_the_baseline_once_per_task(material):
    found = significance.baseline_comparisons(material)
    assert sorted(zip(found["task"], found["one"], strict=True)) == sorted(
        (dataset, name) for dataset in DATASETS for name in ("r3gan", "minimax")
    )
    assert set(found["other"]) == {"nsgan"}
    better = found.set_index(["task", "one"])["improvement"]
    assert all(better[dataset, "r3gan"] > 0 > better[dataset, "minimax"] for dataset in DATASETS)


def test_p_against_the_baseline_is_holm_corrected_within_the_task(material):
    for _, of in significance.baseline_comparisons(material).groupby("task"):
        assert list(of["p_adjusted"]) == pytest.approx(statistics.holm(list(of["p"])))


def test_over_all_tasks_the_pairs_of_every_task_are_pooled(material):
    found = significance.over_tasks(material).set_index("objective")
    line = found.loc["r3gan"]
    cells = [
        (material.cell(task.label, "r3gan", task.primary.name), material.cell(task.label, "nsgan", task.primary.name))
        for task in material.tasks
    ]
    gains = [math.log(base[seed] / value[seed]) for value, base in cells for seed in value]
    assert line["improvement"] == pytest.approx(float(statistics.interquartile_mean(np.array(gains))))
    assert (line["tasks"], line["datasets"], line["pairs"]) == (3, 3, 18)
    assert line["told_apart"]
    assert found.loc["minimax", "without"] == 6


def test_ranks_over_tasks_are_those_of_the_medians(material):
    ranks = tables.task_ranks(material)
    assert list(ranks.index) == list(DATASETS)
    assert (ranks["r3gan"] == 1).all()
    assert (ranks["minimax"] == 3).all()
    overall = tables.overall_ranks(material)
    assert list(overall["objective"]) == ["r3gan", "nsgan", "minimax"]
    assert list(overall["mean_rank"]) == [1, 2, 3]


def test_failures_keep_a_profile_below_one(material):
    found = significance.profiles(material)
    last = found[found["ratio"] == found["ratio"].max()].set_index("objective")["share"]
    assert last["minimax"] == pytest.approx(4 / 6)
    assert last["r3gan"] == last["nsgan"] == 1
    first = found[found["ratio"] == 1].groupby("objective")["share"].sum()
    assert first.sum() == pytest.approx(1, abs=0.01)
    assert all(of["share"].is_monotonic_increasing for _, of in found.groupby("objective"))


def test_answer_over_all_tasks_names_who_is_better_and_worse_than_the_baseline(material):
    found = answer(material, significance.best_comparisons(material), *across_tasks(material))
    assert found[-1].lead == "Over 3 tasks r3gan is better than nsgan, the baseline, and minimax is worse."
    assert any(
        sentence.startswith("r3gan has the best mean rank, 1.0 of 3; next is nsgan") for sentence in found[-1].evidence
    )
    assert not any("No baseline was named" in sentence for sentence in found[-1].evidence)


def test_a_baseline_that_nobody_named_is_told_of(store):
    material = read_material([store.folder])
    found = answer(material, significance.best_comparisons(material), *across_tasks(material))
    assert any("No baseline was named: nsgan stands in" in sentence for sentence in found[-1].evidence)


def test_mean_ranks_that_are_shared_are_called_shared(tmp_path):
    store = Store(tmp_path / "tied")
    store.prepare()
    for dataset in ("ring", "grid"):
        for seed in range(2):
            record = make_run(store, spec("nsgan", dataset, seed), Status.COMPLETED)
            twin = spec("hinge", dataset, seed)
            store.write_record(record.model_copy(update={"run_id": twin.run_id, "spec": twin}))
    material = read_material([store.folder])
    found = answer(material, significance.best_comparisons(material), *across_tasks(material))
    tied = "hinge and nsgan share the best mean rank, 1.5 of 2."
    assert any(sentence.startswith(tied) for sentence in found[-1].evidence)
    assert "no difference can be told between hinge, the baseline, and nsgan" in found[-1].lead


def test_one_seed_says_nothing_of_chance(tmp_path):
    material = read_material([one_seed(tmp_path).folder])
    finding, *_ = answer(material, significance.best_comparisons(material), *across_tasks(material))
    assert "no difference can be told" in finding.lead
    assert any("they share one seed: no interval" in sentence for sentence in finding.evidence)
    found = significance.best_comparisons(material)
    assert found[["improvement_low", "improvement_high", "probability_low", "probability_high"]].isna().all(axis=None)


@pytest.mark.parametrize("seeds", [2, 3])
def test_so_few_seeds_tell_nothing_apart_however_far_they_are(tmp_path, seeds):
    material = read_material([one_seed(tmp_path, seeds).folder])
    found = significance.best_comparisons(material)
    assert not found["told_apart"].any()
    assert (found["p_adjusted"] >= found["p"]).all()
    finding, *_ = answer(material, found, *across_tasks(material))
    assert "descriptive: under 5 seeds" in finding.tags
    assert not any("95" in sentence and "interval" in sentence for sentence in finding.evidence)


def test_page_shows_both_ways_to_compare_and_all_tasks_together(page):
    names = [found.name for found in blocks(page, Picture, "certainty")]
    assert names == [
        "over-all-tasks",
        "mean-ranks",
        "performance-profiles",
        "baseline",
        "probability",
        "comparisons",
    ]
    titles = [found.title for found in blocks(page, Table, "certainty")]
    assert titles == ["Over all tasks", "Each against nsgan, the baseline", "The best against each other"]
    said = rows(table(page, "Over all tasks"))
    assert said["r3gan over nsgan"][4].text == "told apart"
    assert "r3gan" in picture(page, "over-all-tasks").alternative


def test_a_diagram_of_few_datasets_is_refused_with_the_reason(page):
    said = [" ".join(found.paragraphs) for found in blocks(page, Text, "certainty")]
    assert said == [
        "No critical-difference diagram: its approximation needs 11 datasets (Demšar 2006), and there are 3."
    ]


def test_critical_differences_join_those_that_are_close():
    table = pd.DataFrame({"a": [1.0] * 12, "b": [2.0] * 12, "c": [3.0] * 12})
    distance = statistics.critical_difference(3, 12)
    with theme():
        figure = across.critical_difference(table, distance, looks(list(table)))
        figure.canvas.draw()
    words = [text.get_text() for text in figure.axes[0].texts]
    assert any("a" in word for word in words)
    assert any("c" in word for word in words)


def test_seconds_of_two_machines_stand_in_no_plot(material, monkeypatch):
    monkeypatch.setattr(type(material), "hardware_of", lambda self, task: ("one", "two"))
    figure = figures.quality_cost(material)
    said = [text.get_text() for ax in figure.axes[:3] for text in ax.texts]
    assert len([text for text in said if "do not compare" in text]) == 3
    assert not any(ax.lines for ax in figure.axes[:3])


def test_another_metric_may_rank(store):
    material = read_material([store.folder], View(metric="modes_covered", baseline="nsgan"))
    assert {task.primary.name for task in material.tasks} == {"modes_covered"}
    found = significance.baseline_comparisons(material)
    assert set(found["scale"]) == {"difference"}
    overall = significance.over_tasks(material)
    assert set(overall["scale"]) == {"difference"}
    assert significance.profiles(material).empty
