"""What `ganbench plan` and `ganbench status` tell of a suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.environment import host_environment
from bench.forecast import make_forecast
from bench.plan import Plan
from bench.record import Record, Status, Throughput, Timings
from bench.spec import RunSpec
from bench.store import Store
from bench.suite import plan_suite

SUITE = 'seeds = 4\nobjectives = ["nsgan", "wgan"]\ndatasets = ["ring"]\n[training]\nsteps = 100\n'


@pytest.fixture
def plan() -> Plan:
    return plan_suite(SUITE, Path("suite.toml"))


def record(spec: RunSpec, total: float, status: Status = Status.COMPLETED) -> Record:
    return Record(
        run_id=spec.run_id,
        spec=spec,
        status=status,
        reason=None if status is Status.COMPLETED else "as told",
        steps=100,
        images=100,
        timings=Timings(total=total, start=0, training=total, evaluation=0, files=0),
        environment=host_environment(),
        started_at="2026-01-01T00:00:00+00:00",
    )


def of(plan: Plan, objective: str) -> list[RunSpec]:
    return [spec for spec in plan.specs if spec.objective.label == objective]


def test_nothing_is_forecast_from_nothing(plan: Plan, tmp_path: Path) -> None:
    forecast = make_forecast(plan, Store(tmp_path))
    assert (forecast.runs, forecast.recorded, forecast.cells, forecast.seconds) == (8, 0, 2, None)


def test_recorded_runs_tell_how_long_the_others_take(plan: Plan, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_record(record(of(plan, "nsgan")[0], 10.0))
    store.write_record(record(of(plan, "nsgan")[1], 20.0))
    store.write_record(record(of(plan, "wgan")[0], 1.0, Status.CRASHED))  # tells nothing of a whole run
    forecast = make_forecast(plan, store)
    assert forecast.recorded == 3
    assert forecast.seconds == pytest.approx(15.0 * 5)  # two known runs of 15 s, three taken to last as long
    assert forecast.known_share == pytest.approx(2 / 5)


def test_measured_speed_tells_before_any_run(plan: Plan, tmp_path: Path) -> None:
    store = Store(tmp_path)
    for spec, step_seconds in ((of(plan, "nsgan")[0], 0.1), (of(plan, "wgan")[0], 0.3)):
        store.write_throughput(
            Throughput(
                cell_id=spec.cell_id, cell_name=spec.cell_name, objective="", architecture="", dataset="",
                batch_size=1, n_critic=1, steps_per_second=1, images_per_second=1, step_seconds=step_seconds,
                discriminator_seconds=0, penalty_seconds=0, generator_seconds=0, repeats=1, spread=0,
                flops_per_step=1, peak_flops_per_second=1, peak_memory_bytes=None, environment=host_environment(),
            )
        )  # fmt: skip
    forecast = make_forecast(plan, store)
    assert forecast.seconds == pytest.approx(4 * 100 * 0.1 + 4 * 100 * 0.3)
    assert forecast.known_share == 1.0
