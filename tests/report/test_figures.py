"""The report's figures as functions, for notebooks: ordinary DataFrames in, ordinary Figures out."""

import dataclasses

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

import bench
from bench import report
from bench.archive import pack
from bench.errors import UsageError
from bench.report import figures
from bench.report.curves import Part
from bench.report.listings import throughput
from tests.report.synthetic import make_results

PER_REPORT = [
    figures.metric_points,
    figures.quality_cost,
    figures.against_baseline,
    figures.probability_of_improvement,
    figures.best_against_others,
    figures.over_all_tasks,
    figures.mean_ranks,
    figures.performance_profiles,
    figures.selection_protocols,
]
PER_TASK = [figures.training_curves, figures.samples, figures.film_strip, figures.loss_dynamics]


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    store = make_results(folder / "small", ["nsgan", "wgan-gp"], ["ring", "digits"], 2)
    return pack(store.folder, folder / "small.zip").path


@pytest.fixture(scope="module")
def material(packed):
    return report.load(packed)


@pytest.mark.parametrize("draw", PER_REPORT, ids=lambda draw: draw.__name__)
def test_a_figure_of_a_report_is_an_ordinary_figure(draw, material, tmp_path):
    figure = draw(material)
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "figure.pdf")


@pytest.mark.parametrize("draw", PER_TASK, ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("task", ["ring", "digits"])
def test_a_figure_of_a_task_is_an_ordinary_figure(draw, task, material, tmp_path):
    figure = draw(material, task)
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "figure.png")


def test_step_times_are_of_one_hardware(material):
    (hardware,) = throughput(material)["hardware"].unique()
    assert isinstance(figures.step_times(material, hardware), Figure)
    with pytest.raises(UsageError, match="unknown hardware 'h100'; valid: none"):
        figures.step_times(dataclasses.replace(material, throughputs=()), "h100")


def test_the_style_of_the_caller_is_left_alone(material):
    before = dict(mpl.rcParams)
    figures.quality_cost(material)
    assert dict(mpl.rcParams) == before


def test_a_metric_can_be_chosen_and_an_unknown_one_is_refused(material):
    figure = figures.metric_points(material, "inception_score")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["digits"]
    with pytest.raises(UsageError, match="no task has measured 'fidd'; measured: "):
        figures.metric_points(material, "fidd")


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        *((lambda of, draw=draw: draw(of, "rings"), "unknown task 'rings'; did you mean 'ring'") for draw in PER_TASK),
        (lambda of: figures.quality_cost(of, ["rings"]), "unknown task 'rings'"),
        (lambda of: figures.metric_points(of, tasks=["rings"]), "unknown task 'rings'"),
        (lambda of: figures.training_curves(of, "ring", ["fidd"]), "unknown metric 'fidd'; did you mean 'fid'"),
        (lambda of: figures.loss_dynamics(of, "ring", Part(("nsgn",))), "unknown objective 'nsgn'; did you mean 'ns"),
        (lambda of: figures.step_times(of, "h100"), "unknown hardware 'h100'; valid: "),
    ],
)
def test_a_name_that_there_is_not_is_refused_with_those_there_are(draw, says, material):
    with pytest.raises(UsageError, match=says):
        draw(material)


def test_what_packed_results_hold_is_called_by_their_name(packed, material):
    (origin,) = material.origins
    assert origin.shown == str(packed)


def test_packed_results_are_read_as_a_folder_is(packed, material):
    runs = bench.load_results(packed)
    assert len(runs) == len(material.runs) == 8
    assert sorted(runs["run_id"]) == sorted(material.runs["run_id"])
    wide = material.values[(material.values["metric"] == "fid") & (material.values["selection"] == "final")]
    assert sorted(wide["value"]) == pytest.approx(sorted(runs["fid"].dropna()))
