"""Several results folders in one report: what is merged, what stands side by side, what is refused."""

import shutil

import pytest

import bench.report
from bench.errors import UsageError
from bench.record import Status
from bench.report import ReportWarning, View
from bench.report.reader import read_material
from bench.spec import Budget
from bench.store import Store
from tests.report.synthetic import ENVIRONMENT, make_reference, make_run, make_throughput, spec
from tests.report.unfinished import plan_text


def make_store(folder, runs, statuses=None, *, text=""):
    """Runs, their plan and what a perfect sampler reaches on each dataset; status None: planned, and not recorded."""
    store = Store(folder)
    store.prepare()
    for run, status in zip(runs, statuses or [Status.COMPLETED] * len(runs), strict=True):
        if status is not None:
            make_run(store, run, status)
    for dataset in dict.fromkeys(run.dataset.label for run in runs):
        make_reference(store, dataset)
    store.write_suite(text, plan_text(runs))
    return store


def change(store, run, **update):
    """Replace fields of a run's record."""
    store.write_record(store.record(run.run_id).model_copy(update=update))


@pytest.fixture
def two(tmp_path):
    """One suite's objectives spread over two folders, of two seeds on points each."""
    one = make_store(tmp_path / "one", [spec("nsgan", "ring", s) for s in range(2)], text='title = "One"')
    other = make_store(tmp_path / "other", [spec("wgan-gp", "ring", s) for s in range(2)])
    return one, other


def folders(*stores):
    return [store.folder for store in stores]


def said_of(material):
    return " ".join(material.notices)


# what is merged


def test_objectives_of_two_folders_stand_in_one_task(two):
    material = read_material(folders(*two))
    (task,) = material.tasks
    assert task.objectives == material.objectives == ("nsgan", "wgan-gp")
    assert material.title == "One + other"
    assert material.notices == ()
    assert tuple(origin.store for origin in material.origins) == tuple(two)
    assert {material.store_of(run_id) for run_id in material.runs["run_id"]} == set(two)
    assert len(material.history("ring")["objective"].unique()) == 2
    _, found = material.samples("ring")
    assert not any(isinstance(samples, str) for samples in found.values())


def test_a_merged_report_has_the_numbers_of_one_folder_that_holds_all(two, tmp_path):
    runs = [spec(name, "ring", s) for name in ("nsgan", "wgan-gp") for s in range(2)]
    whole = read_material([make_store(tmp_path / "whole", runs).folder])
    merged = read_material(folders(*two))
    assert merged.runs.equals(whole.runs)
    assert merged.values.equals(whole.values)
    assert merged.history("ring").equals(whole.history("ring"))
    assert merged.draws.equals(whole.draws)


def test_equal_results_of_a_run_are_taken_once(two, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(two[0].folder, copy)
    run = spec("nsgan", "ring", 0)
    timings = two[0].record(run.run_id).timings.model_copy(update={"training": 99.0})
    change(Store(copy), run, timings=timings)
    material = read_material([two[0].folder, copy, two[0].folder])
    assert list(material.runs["seed"]) == [0, 1]
    assert material.runs["seconds"].max() < 99
    assert material.notices == (
        "2 runs are in several folders with equal results, and counted once; seconds are those of the folder named "
        "first.",
    )


def test_different_results_of_a_run_are_refused(two, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(two[0].folder, copy)
    run = spec("nsgan", "ring", 1)
    record = two[0].record(run.run_id)
    first, *others = record.measurements
    change(Store(copy), run, measurements=(first.model_copy(update={"value": 0.5}), *others))
    with pytest.raises(UsageError) as error:
        read_material([two[0].folder, copy])
    with pytest.raises(UsageError, match=r"in 'kept/one\.zip' and 'a copy'.* compare kept/one\.zip 'a copy'"):
        read_material([two[0].folder, copy], shown=["kept/one.zip", "a copy"])
    (fault,) = error.value.faults
    assert fault.startswith(f"run {run.run_id} has different results in '{two[0].folder}' and '{copy}'")
    assert f"ganbench compare {two[0].folder} {copy}" in fault


def test_a_run_recorded_in_either_folder_is_not_missing(tmp_path):
    runs = [spec("nsgan", "ring", seed) for seed in range(3)]
    one = make_store(tmp_path / "one", runs, [Status.COMPLETED, None, None])
    other = make_store(tmp_path / "other", runs, [None, Status.COMPLETED, None])
    other.write_spec(runs[2])
    material = read_material(folders(one, other))
    assert list(material.runs["seed"]) == [0, 1]
    assert material.missing[["seed", "why"]].to_numpy().tolist() == [[2, "begun, no checkpoint yet"]]
    assert material.planned == 3


def test_records_that_another_folders_plan_asks_for_are_not_left_out(two):
    run = spec("wgan-gp", "ring", 0)
    shutil.move(two[1].run_folder(run.run_id), two[0].run_folder(run.run_id))
    assert read_material(folders(two[0])).left_out == 1
    material = read_material(folders(*two))
    assert material.left_out == 0
    assert len(material.runs) == 4


# what stands side by side


def test_runs_of_two_protocols_stand_in_tasks_of_their_own(tmp_path):
    one = make_store(tmp_path / "one", [spec("nsgan", "ring", 0)])
    other = make_store(tmp_path / "other", [spec("nsgan", "ring", 0, steps=2000)])
    material = read_material(folders(one, other))
    assert [task.label for task in material.tasks] == ["ring, 4,000 steps", "ring, 2,000 steps"]
    assert "2 protocols, which differ in training.budget.amount (4000.0, 2000.0): they are not compared" in said_of(
        material
    )


def test_protocols_that_one_suite_has_on_purpose_need_no_word(tmp_path):
    runs = [spec("nsgan", "ring", 0), spec("nsgan", "ring", 0, steps=2000)]
    material = read_material(folders(make_store(tmp_path / "one", runs)))
    assert len(material.tasks) == 2
    assert material.notices == ()


def test_numbers_of_two_feature_spaces_are_never_in_one_task(tmp_path):
    stores = []
    for name, sha256 in (("nsgan", "ab" * 32), ("wgan-gp", "cd" * 32)):
        run = spec(name, "digits", 0)
        stores.append(make_store(tmp_path / name, [run]))
        change(stores[-1], run, space_sha256=sha256)
    material = read_material(folders(*stores))
    assert [task.objectives for task in material.tasks] == [("nsgan",), ("wgan-gp",)]
    assert "feature spaces of 2 different weights: they are not compared" in said_of(material)
    assert set(material.references) == {"digits, weights ababab"}


def test_seconds_of_two_kinds_of_hardware_are_told(two):
    faster = ENVIRONMENT.model_copy(update={"processor": "Apple M9", "cores": 10})
    for seed in range(2):
        change(two[1], spec("wgan-gp", "ring", seed), environment=faster)
    material = read_material(folders(*two))
    assert material.hardware_of("ring") == (ENVIRONMENT.hardware, faster.hardware)
    assert f"different hardware ({ENVIRONMENT.hardware}; {faster.hardware}) and are not compared: ring." in said_of(
        material
    )
    assert read_material(folders(two[0])).hardware_of("ring") == (ENVIRONMENT.hardware,)


def test_a_run_that_never_trained_has_no_seconds_on_its_hardware(two):
    other = ENVIRONMENT.model_copy(update={"processor": "Apple M9"})
    change(two[1], spec("wgan-gp", "ring", 1), environment=other, status=Status.FAILED, steps=0, images=0)
    assert read_material(folders(*two)).hardware_of("ring") == (ENVIRONMENT.hardware,)


def test_a_budget_in_seconds_is_one_task_on_one_kind_of_hardware_alone(tmp_path):
    def timed(name, seed):
        run = spec(name, "ring", seed)
        training = run.training.model_copy(update={"budget": Budget(unit="seconds", amount=4)})
        return run.model_copy(update={"training": training})

    slower = ENVIRONMENT.model_copy(update={"processor": "Slow CPU"})
    stores = [make_store(tmp_path / name, [timed(name, seed) for seed in range(2)]) for name in ("nsgan", "wgan-gp")]
    assert len(read_material(folders(*stores)).tasks) == 1
    for seed in range(2):
        change(stores[1], timed("wgan-gp", seed), environment=slower)
    change(stores[1], timed("wgan-gp", 1), status=Status.CRASHED, measurements=())
    material = read_material(folders(*stores))
    labels = [f"ring, on {hardware}" for hardware in (ENVIRONMENT.hardware, slower.hardware)]
    assert [task.label for task in material.tasks] == labels
    assert [task.objectives for task in material.tasks] == [("nsgan",), ("wgan-gp",)]
    assert set(material.references) == set(labels)
    assert (
        "Runs of one task had their seconds, which are the budget, on 2 kinds of hardware: they are not compared, and "
        f"stand as tasks of their own ({'; '.join(labels)})."
    ) in said_of(material)
    assert material.runs.groupby("task").size().tolist() == [2, 2]


def test_throughput_of_two_kinds_of_hardware_is_told_and_kept_apart(two):
    run = spec("nsgan", "ring", 0)
    for store in two:
        make_throughput(store, run)
    speed = two[1].throughput(run.cell_id)
    other = ENVIRONMENT.model_copy(update={"device": "NVIDIA H100"})
    two[1].write_suite("", plan_text([spec("wgan-gp", "ring", 0), run]))
    assert len(read_material(folders(*two)).throughputs) == 1
    two[1].write_throughput(speed.model_copy(update={"environment": other}))
    material = read_material(folders(*two))
    assert {item.environment.hardware for item in material.throughputs} == {ENVIRONMENT.hardware, other.hardware}
    assert "Throughput was measured on 2 kinds of hardware and is compared within each alone" in said_of(material)


def test_versions_that_differ_between_compared_runs_are_named(two):
    newer = {**ENVIRONMENT.packages, "torch": "2.12.0"}
    for seed in range(2):
        environment = ENVIRONMENT.model_copy(update={"packages": newer, "source": "ef" * 32})
        change(two[1], spec("wgan-gp", "ring", seed), environment=environment)
    assert read_material(folders(*two)).notices == (
        "Runs that are compared come from different versions, which alone can change numbers: ganbench's source "
        "6fa18cb0d3f1 (2 runs), efefefefefef (2 runs); torch 2.11.0 (2 runs), 2.12.0 (2 runs).",
    )


def test_versions_of_runs_that_are_not_compared_do_not_matter(tmp_path):
    stores = [make_store(tmp_path / dataset, [spec("nsgan", dataset, 0)]) for dataset in ("ring", "grid")]
    change(stores[1], spec("nsgan", "grid", 0), environment=ENVIRONMENT.model_copy(update={"python": "3.14.0"}))
    assert read_material(folders(*stores)).notices == ()


def test_objectives_of_one_label_and_two_settings_stay_told_apart(tmp_path):
    run = spec("nsgan", "ring", 0)
    changed = run.model_copy(update={"objective": run.objective.model_copy(update={"n_critic": 3})})
    stores = [make_store(tmp_path / name, [each]) for name, each in (("one", run), ("other", changed))]
    material = read_material(folders(*stores))
    assert len(material.objectives) == 2
    assert all(name.startswith("nsgan·") for name in material.objectives)
    assert "The objective nsgan has different settings in the results" in said_of(material)


# what is refused


def test_a_folder_that_is_none_is_refused_with_all_others(two, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "reports" / "x").mkdir(parents=True)
    given = [two[0].folder, tmp_path / "absent", tmp_path / "file", tmp_path / "reports", tmp_path]
    with pytest.raises(UsageError) as error:
        read_material(given)
    absent, file, reports, parent = error.value.faults
    assert absent.startswith(f"'{tmp_path / 'absent'}' is not there")
    assert file.startswith(f"'{tmp_path / 'file'}' is no folder of results")
    assert reports.startswith(f"'{tmp_path / 'reports'}' holds no results")
    assert f"name them one by one ({two[0].folder}, {two[1].folder})" in parent


def test_warnings_are_issued_and_stand_on_the_page(two, tmp_path):
    change(two[1], spec("wgan-gp", "ring", 0), environment=ENVIRONMENT.model_copy(update={"python": "3.14.0"}))
    with pytest.warns(ReportWarning, match=r"Python 3\.11\.9 \(3 runs\), 3\.14\.0 \(1 run\)"):
        page = bench.report.build(folders(*two), tmp_path / "report", command="x")
    text = page.read_text(encoding="utf-8")
    assert "3.14.0 (1 run)" in text
    assert f"The results of 2 folders in one report: “One” ({two[0].folder}), “other” ({two[1].folder})." in text


def test_the_page_holds_every_suites_text(two):
    from bench.report.blocks import Verbatim
    from bench.report.protocol import protocol
    from bench.report.style import looks

    two[1].write_suite('title = "Second"', plan_text([spec("wgan-gp", "ring", 0)]))
    material = read_material(folders(*two))
    found = [block for block in protocol(material, "x", looks(material.objectives)) if isinstance(block, Verbatim)]
    one, other = (f"Suite of “{title}” ({store.folder})" for title, store in zip(("One", "Second"), two, strict=True))
    assert [block.title for block in found] == ["Command", one, other]


def test_a_view_of_one_folder_is_told_in_the_plain(two):
    from bench.report.blocks import Text
    from bench.report.notices import on_state

    shown = read_material(folders(*two), View(only=("wgan*",)))
    (block,) = on_state(shown)
    assert isinstance(block, Text)
    assert block.kind == "plain"
    assert block.paragraphs[1] == "Of 4 runs this report is of 2 alone, which --only asks for: wgan*."
    assert on_state(read_material(folders(two[0]))) == []
