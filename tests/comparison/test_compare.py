"""Two results held against each other: what was made worse is found, and nothing else is."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from bench.comparison import compare_results, words, write_comparison
from bench.comparison.compared import Compared
from bench.errors import UsageError
from bench.spec import Budget
from bench.store import Store
from tests.comparison.changed import change, failed, noisy, on, with_spec, worse
from tests.comparison.made import compare, outcomes, printed
from tests.report.synthetic import make_results


def test_results_are_identical_to_themselves(earlier: Store) -> None:
    compared = compare(earlier, earlier)
    assert set(outcomes(compared).values()) == {"identical"}
    assert compared.settings == compared.environments == compared.refusals == ()
    assert words.closing(compared) == "3 of 3 objectives: no difference, of which 3 identical."


def test_an_objective_that_was_made_worse_is_found_and_no_other(earlier: Store, tmp_path: Path) -> None:
    compared = compare(earlier, change(earlier, tmp_path / "later", worse("hinge", 2.0)))
    assert outcomes(compared) == {"nsgan": "identical", "wgan-gp": "identical", "hinge": "worse"}
    assert words.closing(compared).startswith("1 of 3 objectives became worse: hinge (0.50 times as good [0.50–0.50])")
    assert words.closing(compared).endswith("2 no difference, of which 2 identical.")


def test_it_is_better_the_other_way_round(earlier: Store, tmp_path: Path) -> None:
    later = change(earlier, tmp_path / "later", noisy(0.1, 3, {"hinge": 2.0}))
    one, other = compare(earlier, later), compare(later, earlier)
    assert outcomes(one)["hinge"] == "worse"
    assert outcomes(other)["hinge"] == "better"
    for forth, back in zip(one.objectives, other.objectives, strict=True):
        assert forth.comparison is not None
        assert back.comparison is not None
        assert forth.comparison.improvement.estimate == pytest.approx(-back.comparison.improvement.estimate)
        assert forth.comparison.p == pytest.approx(back.comparison.p)


def test_new_noise_alone_is_no_difference(earlier: Store, tmp_path: Path) -> None:
    compared = compare(earlier, change(earlier, tmp_path / "later", noisy(0.2, 1)))
    assert set(outcomes(compared).values()) == {"no difference"}


def test_failures_are_worse_than_any_number(earlier: Store, tmp_path: Path) -> None:
    compared = compare(earlier, change(earlier, tmp_path / "later", failed("nsgan", 5)))
    (verdict,) = (verdict for verdict in compared.objectives if verdict.objective == "nsgan")
    assert verdict.outcome == "worse"
    assert verdict.failures == (0, 5)
    assert "5 (failed 0 → 5)" in printed(compared, 120)
    json.dumps(compared.to_plain(), allow_nan=False)


def test_too_few_runs_are_said_to_be_too_few(tmp_path: Path) -> None:
    earlier = make_results(tmp_path / "earlier", ["nsgan", "hinge"], ["ring"], 3)
    compared = compare(earlier, change(earlier, tmp_path / "later", worse("hinge", 9.0)))
    assert outcomes(compared) == {"nsgan": "identical", "hinge": "too few runs"}
    assert compared.descriptive
    assert words.closing(compared) == (
        "1 of 2 objectives: too few runs to tell any difference; 1 no difference, of which 1 identical."
    )


def test_settings_that_were_changed_on_purpose_are_named(earlier: Store, tmp_path: Path) -> None:
    def slower(objective):
        optimizer = objective.generator_optimizer
        changed = optimizer.model_copy(update={"settings": {**optimizer.settings, "learning_rate": 1e-5}})
        return (
            objective.model_copy(update={"generator_optimizer": changed}) if objective.label == "hinge" else objective
        )

    later = change(earlier, tmp_path / "later", worse("hinge", 3.0), with_spec(objective=slower))
    compared = compare(earlier, later)
    (setting,) = compared.settings
    assert (setting.field, setting.before, setting.after) == ("generator_optimizer.learning_rate", "0.0002", "1e-05")
    assert {cell.objective for cell in setting.cells} == {"hinge"}
    assert outcomes(compared)["hinge"] == "worse"
    assert "generator_optimizer.learning_rate: 0.0002 → 1e-05  (hinge)" in printed(compared)


def test_software_and_hardware_that_differ_are_named_and_speed_is_not_compared(earlier: Store, tmp_path: Path) -> None:
    later = change(earlier, tmp_path / "later", on(processor="Another", packages={"torch": "2.12.0", "numpy": "2.3.1"}))
    shutil.rmtree(later.folder / "throughput")
    compared = compare(earlier, later)
    differing = {change.field: (change.before, change.after) for change in compared.environments}
    assert differing["torch"] == (("2.11.0",), ("2.12.0",))
    assert differing["torch-fidelity"] == (("0.4.0",), ("–",))
    assert "hardware" in differing
    assert "numpy" not in differing
    assert compared.speeds == ()
    assert "Speed is not compared" in printed(compared)


def test_speed_is_compared_on_equal_hardware(earlier: Store) -> None:
    compared = compare(earlier, earlier)
    assert {speed.seconds_ratio for speed in compared.speeds} == {1.0}
    assert {speed.name.objective for speed in compared.speeds} == {"nsgan", "wgan-gp", "hinge"}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            lambda record: record.model_copy(update={"data_sha256": "f" * 64}),
            "in the data: aaaaaaaaaaaa in A, ffffffffffff in B",
        ),
        (
            lambda record: record.model_copy(update={"space_sha256": "f" * 64}),
            "in the weights of the feature space: bbbbbbbbbbbb in A",
        ),
        (
            with_spec(
                training=lambda training: training.model_copy(update={"budget": Budget(unit="images", amount=1e6)})
            ),
            "in the budget: 4,000 steps in A, 1,000,000 images in B",
        ),
        (
            lambda record: record.model_copy(
                update={"measurements": tuple(m.model_copy(update={"generated": 99}) for m in record.measurements)}
            ),
            "in the samples per evaluation: 450 / 450 (test) in A, 99 / 450 (test) in B",
        ),
    ],
    ids=["data", "space", "budget", "samples"],
)
def test_what_was_measured_otherwise_is_refused(earlier: Store, tmp_path: Path, changed, says: str) -> None:
    known = change(
        earlier, tmp_path / "known", lambda r: r.model_copy(update={"data_sha256": "a" * 64, "space_sha256": "b" * 64})
    )
    later = change(known, tmp_path / "later", changed)
    with pytest.raises(UsageError) as caught:
        compare(known, later)
    (fault,) = caught.value.faults
    assert fault.startswith("not compared: ring (nsgan, wgan-gp, hinge): ")
    assert says in fault


def test_what_can_be_compared_is_and_the_rest_is_said(tmp_path: Path) -> None:
    earlier = make_results(tmp_path / "earlier", ["nsgan", "hinge"], ["ring", "grid"], 5)

    def other_data(record):
        return record.model_copy(update={"data_sha256": "f" * 64}) if record.spec.dataset.label == "grid" else record

    earlier = change(earlier, tmp_path / "known", lambda r: r.model_copy(update={"data_sha256": "a" * 64}))
    compared = compare(earlier, change(earlier, tmp_path / "later", other_data))
    assert {verdict.task for verdict in compared.cells} == {"ring"}
    (refusal,) = compared.refusals
    assert (refusal.task, refusal.objectives) == ("grid", ("nsgan", "hinge"))
    assert "Not compared: grid (nsgan, hinge): they differ in the data" in printed(compared, 200)


def test_runs_of_one_side_alone_are_counted_and_named(earlier: Store, tmp_path: Path) -> None:
    more = make_results(tmp_path / "more", ["nsgan", "wgan-gp", "hinge", "lsgan"], ["ring"], 2)
    compared = compare(earlier, more)
    assert compared.pairs == 6
    assert len(compared.only_before) == 9
    assert all(run_id.startswith("lsgan") for run_id in compared.only_after)
    assert "9 runs in A alone" in printed(compared, 200)


def test_only_some_runs_and_another_metric(earlier: Store, tmp_path: Path) -> None:
    later = change(earlier, tmp_path / "later", worse("hinge", 2.0))
    compared = compare(earlier, later, only=("hin*", "nsgan"), metric="recall")
    assert outcomes(compared) == {"nsgan": "identical", "hinge": "identical"}
    assert {metric.name for verdict in compared.cells for metric in verdict.metrics} == {"recall"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"only": ("hnige",)}, "did you mean 'hinge'?"),
        ({"metric": "recal"}, "did you mean 'recall'?"),
        ({"metric": "inception_score"}, "Inception score was not measured"),
    ],
)
def test_what_cannot_be_compared_is_told(earlier: Store, options: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says.replace("?", r"\?")):
        compare(earlier, earlier, **options)


def test_nothing_in_common_is_told(earlier: Store, tmp_path: Path) -> None:
    other = make_results(tmp_path / "other", ["lsgan"], ["grid"], 2)
    with pytest.raises(UsageError, match=r"have no run in common.*A has nsgan_mlp_ring.*B has lsgan_mlp_grid"):
        compare(earlier, other)


def test_no_finished_run_is_told(earlier: Store, tmp_path: Path) -> None:
    Store(tmp_path / "empty").prepare()
    with pytest.raises(UsageError, match="no finished run"):
        compare_results(earlier.folder, tmp_path / "empty")


def test_the_table_fits_a_terminal(earlier: Store, tmp_path: Path) -> None:
    said = printed(compare(earlier, change(earlier, tmp_path / "later", noisy(0.2, 1, {"hinge": 3.0}))))
    table = said[said.index("objective ") : said.index("Time is")].rstrip().splitlines()
    assert all(len(line) <= 80 for line in table)
    assert table[1].split()[:2] == ["hinge", "worse"]  # the worst first
    assert said.rstrip().endswith(".")


def test_names_that_a_terminal_would_obey_are_shown(earlier: Store) -> None:
    compared = compare_results(earlier.folder, earlier.folder, shown=("a\x1b[31m", "[bold]b[/bold]"))
    said = printed(compared)
    assert "\x1b" not in said
    assert "B: [bold]b[/bold]" in said


def test_runs_that_failed_on_both_sides_are_said_to_have(earlier: Store, tmp_path: Path) -> None:
    later = change(earlier, tmp_path / "later", *(failed(name, 5) for name in ("nsgan", "wgan-gp", "hinge")))
    compared = compare(later, later)
    assert set(outcomes(compared).values()) == {"failed in both"}
    assert words.closing(compared) == "3 of 3 objectives: failed in both."
    assert "Speed is not compared" not in printed(compared)  # its steps were measured
    shutil.rmtree(later.folder / "throughput")
    compared = compare(later, later)
    assert "Speed is not compared: no pair of runs completed on both sides." in printed(compared)
    assert "not trained on the same hardware" not in printed(compared)
    page = write_comparison(compared, tmp_path / "page", command="x")
    assert "failed in both" in page.with_name("figures").joinpath("improvement.svg").read_text()


def test_budgets_of_seconds_on_two_machines_are_refused(earlier: Store, tmp_path: Path) -> None:
    timed = with_spec(training=lambda of: of.model_copy(update={"budget": Budget(unit="seconds", amount=60)}))
    one = change(earlier, tmp_path / "one", timed)
    assert set(outcomes(compare(one, one)).values()) == {"identical"}
    with pytest.raises(UsageError, match=r"hardware that their budgets of seconds were spent on: .* in A, .*Another"):
        compare(one, change(one, tmp_path / "other", on(processor="Another")))


def test_a_comparison_as_json(earlier: Store, tmp_path: Path) -> None:
    plain = compare(earlier, change(earlier, tmp_path / "later", worse("hinge", 2.0))).to_plain()
    again = json.loads(json.dumps(plain, allow_nan=False))
    assert {entry["objective"]: entry["outcome"] for entry in again["objectives"]}["hinge"] == "worse"
    assert again["pairs"] == 15
    assert dataclasses.is_dataclass(Compared)
