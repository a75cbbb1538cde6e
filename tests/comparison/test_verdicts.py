"""The verdicts of a comparison, on simulated numbers: what chance alone does, and what a real change does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.comparison import words
from bench.comparison.figures import improvement_intervals
from bench.comparison.pairing import CellName, PairedCell
from bench.comparison.verdicts import JudgedCell, Outcome, judge_cells, judge_objectives, scales_of
from bench.metrics import METRICS, Metric
from bench.report.style import looks, theme
from bench.statistics import summarise
from tests.comparison.made import made_run

FID, RECALL = METRICS["fid"], METRICS["recall"]
TASKS = ("ring", "grid", "digits")


def cell(
    objective: str,
    task: str,
    before: list[float | None],
    after: list[float | None],
    metric: Metric = FID,
    floor: tuple[float, float] | None = None,
) -> JudgedCell:
    sides = [
        {seed: made_run(objective, task.partition(":")[0], seed, value) for seed, value in enumerate(side)}
        for side in (before, after)
    ]
    paired = PairedCell(CellName(objective, "mlp", task), task, sides[0], sides[1])
    drawn = None if floor is None else summarise(floor, metric.better)
    return JudgedCell(paired, metric, dict(enumerate(before)), dict(enumerate(after)), drawn)


def simulate(random: np.random.Generator, effects: dict[str, float], seeds: int = 5) -> list[JudgedCell]:
    """Both sides drawn anew: log-normal of σ = 0.2; the later ones of an objective are so many σ worse."""
    cells = []
    for objective, effect in effects.items():
        for task in TASKS:
            one, other = np.exp(0.2 * random.normal(size=(2, seeds)) + 0.2 * effect * np.array([[0], [1]]))
            cells.append(cell(objective, task, one.tolist(), other.tolist()))
    return cells


def test_of_two_equal_results_hardly_any_is_told_apart() -> None:
    """At most 5 % of comparisons find anything; of 200, more than 18 would be found so rarely as once in 100 times."""
    random = np.random.default_rng(0)
    suites = 200
    found = 0
    for _ in range(suites):
        verdicts = judge_objectives(simulate(random, dict.fromkeys(("nsgan", "lsgan", "hinge", "wgan"), 0.0)))
        found += any(verdict.outcome in (Outcome.WORSE, Outcome.BETTER) for verdict in verdicts)
    assert found <= stats.binom.ppf(0.99, suites, 0.05)


def test_what_was_made_worse_is_found_where_it_was() -> None:
    random = np.random.default_rng(1)
    outcomes = [
        {v.objective: v.outcome for v in judge_objectives(simulate(random, {"nsgan": 0.0, "lsgan": 0.0, "hinge": 2.0}))}
        for _ in range(40)
    ]
    assert sum(of["hinge"] is Outcome.WORSE for of in outcomes) >= 36
    assert not any(of["hinge"] is Outcome.BETTER for of in outcomes)
    assert sum(of[name] is not Outcome.SAME for of in outcomes for name in ("nsgan", "lsgan")) <= 6


def test_identical_cells_are_no_part_of_the_family() -> None:
    """Holm's correction is over what could differ by chance: seven objectives that cannot do not weaken the eighth."""
    values: list[float | None] = [1.0, 1.1, 1.2, 1.3, 1.4]
    worse: list[float | None] = [2.0, 2.1, 2.2, 2.3, 2.4]
    others = [cell(f"same-{index}", "ring", values, values) for index in range(7)]
    *same, judged = judge_objectives([*others, cell("hinge", "ring", values, worse)])
    assert judged.outcome is Outcome.WORSE
    assert judged.comparison is not None
    assert judged.comparison.p_adjusted == pytest.approx(judged.comparison.p) == pytest.approx(2 / math.comb(10, 5))
    assert {verdict.outcome for verdict in same} == {Outcome.IDENTICAL}


def test_identical_tasks_do_not_dilute_a_change() -> None:
    values: list[float | None] = [1.0, 1.1, 1.2, 1.3, 1.4]
    worse: list[float | None] = [2.0, 2.2, 2.4, 2.6, 2.8]
    cells = [cell("hinge", task, values, values) for task in ("grid", "digits")]
    (verdict,) = judge_objectives([*cells, cell("hinge", "ring", values, worse)])
    assert (verdict.outcome, verdict.tasks, verdict.differing) == (Outcome.WORSE, 3, 1)
    assert verdict.comparison is not None
    assert verdict.comparison.improvement.estimate == pytest.approx(-math.log(2))


def test_more_comparisons_than_the_runs_can_bear_are_said_to_be_too_many() -> None:
    """Five runs against five reach p = 0.0079: seven comparisons of them can all fail Holm's 0.05."""
    random = np.random.default_rng(2)
    tried = [cell(f"o{index}", "ring", list(random.random(5)), list(random.random(5))) for index in range(7)]
    assert {verdict.outcome for verdict in judge_cells(tried)} == {Outcome.TOO_FEW}
    assert Outcome.TOO_FEW not in {verdict.outcome for verdict in judge_cells(tried[:6])}


def test_a_failure_is_not_identical_to_a_number() -> None:
    values: list[float | None] = [1.0, 1.1, None, None, None]
    (verdict,) = judge_cells([cell("hinge", "ring", values, [1.0, 1.1, 1.2, None, None])])
    assert verdict.outcome is not Outcome.IDENTICAL
    assert verdict.failures == (3, 2)
    (verdict,) = judge_cells([cell("hinge", "ring", values, values)])
    assert verdict.outcome is Outcome.IDENTICAL


def test_one_bit_is_not_identical() -> None:
    (verdict,) = judge_cells([cell("hinge", "ring", [1.0, 1.0], [1.0, math.nextafter(1.0, 2.0)])])
    assert verdict.outcome is not Outcome.IDENTICAL


def test_units_are_not_pooled() -> None:
    values: list[float | None] = [0.1, 0.2, 0.3, 0.4, 0.5]
    other: list[float | None] = [0.2, 0.3, 0.4, 0.5, 0.6]
    of_recall, of_fid = cell("hinge", "ring", values, other, RECALL), cell("hinge", "grid", values, other)
    assert list(scales_of([of_recall, of_fid]).values()) == ["difference", "log-ratio"]
    (verdict,) = judge_objectives([of_recall, of_fid])
    assert verdict.outcome is Outcome.UNLIKE
    (verdict,) = judge_objectives([of_recall, cell("hinge", "grid", values, other, RECALL)])
    assert verdict.outcome in (Outcome.SAME, Outcome.BETTER)


def test_cells_of_a_task_have_one_scale() -> None:
    """Of a single 0 there is no ratio, and ratios of the other objectives would stand on its axis of differences."""
    perfect = cell("wgan-gp", "ring", [0.0, 0.1], [0.1, 0.2])
    others = [cell("hinge", "ring", [0.1, 0.2], [0.2, 0.3]), cell("hinge", "grid", [0.1, 0.2], [0.2, 0.3])]
    assert {verdict.task: verdict.scale for verdict in judge_cells(others)} == dict.fromkeys(
        ("ring", "grid"), "log-ratio"
    )
    scales = [verdict.scale for verdict in judge_cells([perfect, *others])]
    assert scales == ["difference", "difference", "log-ratio"]


GOOD: list[float | None] = [1.0, 1.01, 1.02, 1.03, 1.04]
BAD: list[float | None] = [1.1, 1.11, 1.12, 1.13, 1.14]


@pytest.mark.parametrize(
    ("floor", "outcome"),
    [(None, Outcome.WORSE), ((0.9, 0.95), Outcome.WORSE), ((0.8, 0.95), Outcome.FLOOR)],
)
def test_a_difference_that_the_perfect_sampler_has_by_itself_is_none(
    floor: tuple[float, float] | None, outcome: Outcome
) -> None:
    judged = [cell("hinge", "ring", GOOD, BAD, floor=floor)]
    assert [verdict.outcome for verdict in judge_cells(judged)] == [outcome]
    assert [verdict.outcome for verdict in judge_objectives(judged)] == [outcome]


@pytest.mark.parametrize(("within", "outcome"), [(1, Outcome.WORSE), (2, Outcome.FLOOR), (3, Outcome.FLOOR)])
def test_over_tasks_more_than_half_have_to_be_beyond_the_floor(within: int, outcome: Outcome) -> None:
    floors = [(0.5, 1.0) if index < within else (0.99, 1.0) for index in range(3)]
    cells = [cell("hinge", task, GOOD, BAD, floor=floor) for task, floor in zip(TASKS, floors, strict=True)]
    (verdict,) = judge_objectives(cells)
    assert verdict.outcome is outcome


def test_failures_are_beyond_any_floor() -> None:
    (verdict,) = judge_cells([cell("hinge", "ring", GOOD, [None] * 5, floor=(0.0, 9.0))])
    assert verdict.outcome is Outcome.WORSE


def test_tasks_without_a_floor_have_no_say_in_it() -> None:
    cells = [cell("hinge", "ring", GOOD, BAD, floor=(0.99, 1.0)), cell("hinge", "grid", GOOD, BAD)]
    (verdict,) = judge_objectives(cells)
    assert verdict.outcome is Outcome.WORSE


def test_one_seed_on_many_tasks_is_too_few() -> None:
    """A test over eight tasks reaches p = 0.008, but an interval of one seed has no ends: nothing could be told."""
    cells = [cell("hinge", f"ring:{index}", [1.0], [5.0 + index]) for index in range(8)]
    (verdict,) = judge_objectives(cells)
    assert verdict.comparison is not None
    assert verdict.comparison.p < 0.05
    assert verdict.outcome is Outcome.TOO_FEW
    assert words.gain(verdict)[1] == ""


@pytest.mark.parametrize("failed", [[None, None], [None]])
def test_what_failed_on_both_sides_is_not_called_identical(failed: list[float | None]) -> None:
    (verdict,) = judge_cells([cell("hinge", "ring", failed, failed)])
    assert verdict.outcome is Outcome.FAILED
    assert words.gain(verdict) == ("", "")
    (verdict,) = judge_objectives([cell("hinge", "ring", failed, failed), cell("hinge", "grid", GOOD, GOOD)])
    assert verdict.outcome is Outcome.IDENTICAL


@pytest.mark.parametrize(
    ("before", "after", "metric", "said"),
    [
        ([1.0] * 2, [3.0] * 2, FID, ("0.33 ×", "[0.33–0.33]")),
        ([1.0] * 2, [1234.0] * 2, FID, ("0.00081 ×", "[0.00081–0.00081]")),
        ([1.0] * 2, [None] * 2, FID, ("0 ×", "[0–0]")),
        ([1.0], [3.0], FID, ("0.33 ×", "")),
        ([0.5] * 2, [0.531] * 2, RECALL, ("+3.1 points", "[+3.1 to +3.1]")),
        ([0.0021] * 2, [0.0042] * 2, METRICS["kid"], ("−0.0021", "[−0.0021 to −0.0021]")),
        ([0.00010] * 2, [0.00012] * 2, METRICS["kid"], ("0.0000", "[0.0000 to 0.0000]")),
    ],
)
def test_how_much_is_told_in_digits_that_tell_it(
    before: list[float | None], after: list[float | None], metric: Metric, said: tuple[str, str]
) -> None:
    (verdict,) = judge_cells([cell("hinge", "ring", before, after, metric)])
    assert words.gain(verdict) == said


def test_a_small_p_is_told_as_such() -> None:
    cells = [cell("hinge", f"ring:{index}", GOOD, BAD) for index in range(4)]
    (verdict,) = judge_objectives(cells)
    assert words.adjusted_p(verdict) == "<\u00a00.001"


def test_the_end_of_a_ratio_that_failures_reach_is_zero() -> None:
    verdicts = judge_cells([cell("hinge", "ring", GOOD, [None] * 5), cell("nsgan", "ring", [None] * 2, [None] * 2)])
    with theme():
        figure = improvement_intervals(verdicts, ["ring"], looks(["hinge", "nsgan"]))
    assert [text.get_text() for text in figure.axes[0].texts] == ["0", "failed in both"]
    verdicts = judge_cells([cell("hinge", "ring", [0.5] * 5, [None] * 5, RECALL)])
    with theme():
        figure = improvement_intervals(verdicts, ["ring"], looks(["hinge"]))
    assert [text.get_text() for text in figure.axes[0].texts] == ["−∞"]
