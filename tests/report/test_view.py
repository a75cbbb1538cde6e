"""What of the results a report is of: --only, --baseline, --metric, and the suite's own wishes."""

import pytest

from bench.errors import UsageError
from bench.record import Status
from bench.report import View, load
from bench.report.reader import read_material
from bench.report.style import looks
from bench.report.training import training_curves
from bench.store import Store
from tests.report.synthetic import make_reference, make_run, make_throughput, spec
from tests.report.unfinished import plan_text

NAMES = ("nsgan", "wgan", "wgan-gp")


def make_suite(folder, text="", datasets=("ring", "digits")):
    """Three objectives, one seed of each trained, one still to be."""
    store = Store(folder)
    store.prepare()
    for dataset in datasets:
        for name in NAMES:
            make_run(store, spec(name, dataset, 0), Status.COMPLETED)
            make_throughput(store, spec(name, dataset, 0))
        make_reference(store, dataset)
    store.write_suite(text, plan_text([spec(o, d, s) for o in NAMES for d in datasets for s in range(2)]))
    return store


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    return make_suite(tmp_path_factory.mktemp("results") / "mine")


def view(suite, **wishes):
    return read_material([suite.folder], View(**wishes))


def fault(suite, **wishes):
    with pytest.raises(UsageError) as error:
        view(suite, **wishes)
    (said,) = error.value.faults
    return said


# --only


def test_everything_is_shown_by_default(suite):
    material = view(suite)
    assert (material.unshown, material.planned) == (0, 12)
    assert (material.baseline, material.baseline_named) == ("nsgan", False)


@pytest.mark.parametrize(
    ("pattern", "objectives", "tasks"),
    [
        ("wgan*", ("wgan", "wgan-gp"), ["ring", "digits"]),
        ("wgan", ("wgan",), ["ring", "digits"]),
        ("*_mlp_ring", NAMES, ["ring"]),
        (spec("wgan", "digits", 0).run_id, ("wgan",), ["digits"]),
    ],
)
def test_only_takes_objectives_cells_and_run_ids(suite, pattern, objectives, tasks):
    material = view(suite, only=(pattern,))
    assert material.objectives == objectives
    assert [task.label for task in material.tasks] == tasks
    assert set(material.values["objective"]) == set(objectives)
    assert {item.objective for item in material.throughputs} == set(objectives)
    assert len(material.throughputs) == len(objectives) * len(tasks)


def test_what_only_leaves_out_is_not_missing(suite):
    material = view(suite, only=("nsgan",))
    assert len(material.missing) == 2
    assert (material.planned, material.unshown) == (4, 8)
    assert set(material.missing["objective"]) == {"nsgan"}


def test_numbers_are_the_same_whatever_else_is_shown(suite):
    alone, whole = view(suite, only=("wgan",)), view(suite)
    for task in whole.tasks:
        for metric in task.metrics:
            assert alone.cell(task.label, "wgan", metric.name) == whole.cell(task.label, "wgan", metric.name)


def test_a_pattern_that_matches_nothing_is_an_error_that_lists_what_there_is(suite):
    assert fault(suite, only=("wgann",)) == (
        "--only 'wgann' matches no run of mine; did you mean 'wgan'? objectives: nsgan, wgan, wgan-gp (a cell's name "
        "or a run's id does, too; * stands for anything)"
    )


# --baseline


def test_the_commands_baseline_goes_before_the_suites(tmp_path):
    suite = make_suite(tmp_path / "mine", '[report]\nbaseline = "wgan"', ["ring"])
    assert (view(suite).baseline, view(suite).baseline_named) == ("wgan", True)
    assert view(suite, baseline="wgan-gp").baseline == "wgan-gp"


def test_an_unknown_baseline_of_the_command_is_an_error(suite):
    said = fault(suite, baseline="nsgam")
    assert said == "--baseline: unknown objective 'nsgam'; did you mean 'nsgan'? valid: nsgan, wgan, wgan-gp"
    assert "is left out by --only; objectives: wgan, wgan-gp" in fault(suite, baseline="nsgan", only=("wgan*",))


def test_an_unknown_baseline_of_the_suite_is_told_and_done_without(tmp_path):
    suite = make_suite(tmp_path / "mine", 'title = "My suite"\n[report]\nbaseline = "lsgan"', ["ring"])
    material = view(suite)
    assert (material.baseline, material.baseline_named) == ("nsgan", False)
    (said,) = material.notices
    assert said.startswith("The baseline that the suite “My suite” names is not used: unknown objective 'lsgan'")


def test_a_baseline_of_two_settings_has_to_be_told_apart(tmp_path):
    suite = make_suite(tmp_path / "mine", "", ["ring"])
    run = spec("wgan", "ring", 0)
    changed = run.model_copy(update={"objective": run.objective.model_copy(update={"n_critic": 3})})
    make_run(suite, changed, Status.COMPLETED)
    suite.write_suite("", plan_text([run, changed]))
    names = view(suite).objectives
    assert fault(suite, baseline="wgan").endswith(
        f"several objectives are labelled 'wgan'; name one of {', '.join(names)}"
    )
    assert view(suite, baseline=names[1]).baseline == names[1]


def test_suites_that_name_different_baselines_are_told_of(tmp_path):
    stores = [
        make_suite(tmp_path / name, f'title = "{name}"\n[report]\nbaseline = "{name}"', [dataset])
        for name, dataset in (("wgan", "ring"), ("nsgan", "digits"))
    ]
    material = read_material([store.folder for store in stores])
    assert material.baseline == "wgan"
    assert material.notices == ("The suites name different baselines: wgan (“wgan”) is taken, not nsgan (“nsgan”).",)


# --metric


def test_each_space_has_a_metric_that_ranks(suite):
    assert [task.primary.name for task in view(suite).tasks] == ["sliced_wasserstein", "fid"]


def test_the_metric_asked_for_ranks_where_it_was_measured(suite):
    material = view(suite, metric="reverse_kl")
    assert [task.primary.name for task in material.tasks] == ["reverse_kl", "reverse_kl"]
    material = view(suite, metric="inception_score")
    assert [task.primary.name for task in material.tasks] == ["sliced_wasserstein", "inception_score"]
    assert material.notices == (
        "Inception score ranks where it was measured; elsewhere another metric does (ring: Sliced W₁).",
    )


def test_the_metric_that_ranks_is_one_of_the_headline(suite):
    (ring, _) = view(suite, metric="recall").tasks
    assert [metric.name for metric in ring.headline] == [
        "recall",
        "modes_covered",
        "high_quality_share",
        "sliced_wasserstein",
    ]


def test_a_metric_that_ranks_and_counts_modes_is_drawn_once(suite):
    material = view(suite, metric="modes_covered")
    (picture,) = (p for p in training_curves(material, looks(material.objectives)) if p.name == "curves-1")
    assert picture.alternative.startswith("Curves of Modes covered, Reverse KL on ring")


def test_a_metric_that_nobody_knows_or_measured_is_an_error(suite):
    assert fault(suite, metric="FIDD").startswith("--metric: unknown metric 'FIDD'; did you mean 'fid'? valid: ")
    assert "'inception_score' was measured on no task; measured: " in fault(
        suite, metric="inception_score", only=("*_ring",)
    )


def test_a_metric_of_the_suite_that_is_not_there_is_told(tmp_path):
    suite = make_suite(tmp_path / "mine", '[report]\nmetric = "inception_score"', ["ring"])
    material = view(suite)
    assert material.tasks[0].primary.name == "sliced_wasserstein"
    assert material.notices[0].startswith("The metric that the suite “mine” names is not used: 'inception_score' was")


def test_faults_are_told_all_at_once(suite):
    with pytest.raises(UsageError) as error:
        view(suite, metric="no", baseline="neither")
    assert [said.partition(":")[0] for said in error.value.faults] == ["--baseline", "--metric"]


@pytest.mark.parametrize("text", ["report = 3", "[report]\nbaseline = 3\nmetric = []", '[report]\nmetric = " "'])
def test_wishes_of_a_foreign_suite_file_are_passed_over(text, tmp_path):
    assert view(make_suite(tmp_path / "mine", text, ["ring"])).notices == ()


def test_a_notebook_loads_what_a_report_is_made_from(suite):
    material = load(suite.folder, view=View(only=("wgan*",)))
    assert material.objectives == ("wgan", "wgan-gp")
    assert set(material.values.columns) >= {"task", "objective", "seed", "metric", "value"}
    assert load(str(suite.folder)).objectives == NAMES
