from __future__ import annotations

import pytest

from bench.evaluation.selection import select_measurements, select_steps
from bench.measured import HistoryRow

COUNTS = {"fid": (450, 450), "kid": (450, 450), "sliced_wasserstein": (2500, 2500)}


def history(*rows: tuple[int, str, str, float | None]) -> list[HistoryRow]:
    return [
        HistoryRow(step=step, images=step * 64, seconds=step / 10, split=split, name=name, value=value)
        for step, split, name, value in rows
    ]


FULL = history(
    (50, "train", "generator_loss", -100.0),
    (100, "test", "fid", 5.0),
    (100, "validation", "fid", 4.0),
    (200, "test", "fid", 2.0),
    (200, "test", "kid", 0.5),
    (200, "validation", "fid", 3.0),
    (300, "test", "fid", 2.0),
    (300, "validation", "fid", 1.0),
    (400, "test", "fid", 9.0),
    (400, "validation", "fid", 1.0),
    (450, "train", "generator_loss", 0.0),
)


def test_final_is_last_and_the_best_are_best_on_their_splits_and_ties_go_to_the_earliest() -> None:
    assert select_steps(FULL, "classifier") == {"final": 400, "best_on_validation": 300, "oracle_best": 200}


def test_order_of_rows_does_not_matter() -> None:
    assert select_steps(FULL[::-1], "classifier") == select_steps(FULL, "classifier")


def test_measurements_are_the_test_metrics_at_the_selected_steps_with_their_protocol() -> None:
    found = select_measurements(FULL, "classifier", "ema", COUNTS)
    assert [(m.selection, m.step, m.metric, m.value) for m in found] == [
        ("final", 400, "fid", 9.0),
        ("best_on_validation", 300, "fid", 2.0),
        ("oracle_best", 200, "fid", 2.0),
        ("oracle_best", 200, "kid", 0.5),
    ]
    assert {(m.space, m.split, m.weights, m.generated, m.real) for m in found} == {
        ("classifier", "test", "ema", 450, 450)
    }


@pytest.mark.parametrize("rows", [[], [(10, "train", "generator_loss", None)]])
def test_a_run_that_ended_before_its_first_evaluation_has_no_measurements(
    rows: list[tuple[int, str, str, float | None]],
) -> None:
    assert select_measurements(history(*rows), "raw", "raw", COUNTS) == ()


def test_undefined_values_are_never_best_and_stand_as_none() -> None:
    log = history(
        (1, "test", "sliced_wasserstein", 3.0),
        (1, "validation", "sliced_wasserstein", 3.0),
        (2, "test", "sliced_wasserstein", None),
        (2, "validation", "sliced_wasserstein", None),
    )
    assert select_steps(log, "raw") == {"final": 2, "best_on_validation": 1, "oracle_best": 1}
    assert select_measurements(log, "raw", "raw", COUNTS)[0].value is None


def test_where_the_primary_metric_is_undefined_throughout_only_the_last_step_is_selected() -> None:
    log = history((1, "test", "fid", None), (1, "validation", "fid", None))
    assert select_steps(log, "classifier") == {"final": 1}


def test_selection_needs_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, bench.evaluation.selection; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
