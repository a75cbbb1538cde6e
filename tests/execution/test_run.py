"""The run function and the measurements, called as a process calls them, without a process."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import torch

from bench.catalog import stabilisers
from bench.environment import host_environment
from bench.execution.run import run
from bench.execution.speed import measure_speed
from bench.execution.tasks import Done, Message, Place, Progress, ReferenceTask, RunTask, Task, ThroughputTask
from bench.execution.worker import answer
from bench.record import Status
from bench.spec import RunSpec
from bench.store import Store
from tests.specs import choice, objective, run_spec


@pytest.fixture
def place(tmp_path: Path, data_root: Path) -> Place:
    Store(tmp_path).prepare()
    return Place(results=tmp_path, data_root=data_root, device="cpu", environment=host_environment())


def test_progress_tells_every_number_and_the_record_repeats_them(place: Place) -> None:
    told: list[Progress] = []
    spec = run_spec("nsgan-r1", amount=20, every=10)
    assert run(RunTask(place=place, spec=spec), told.append, lambda: False)
    record = Store(place.results).record(spec.run_id)
    assert record is not None
    assert (record.status, record.steps, record.images) == (Status.COMPLETED, 20, 320)
    assert told[-1].share == 1.0
    evaluated = {row.step for progress in told for row in progress.rows}
    assert evaluated == {10, 20}
    last = {row.name: row.value for row in told[-1].rows if row.split == "test"}
    assert last == {m.metric: m.value for m in record.measurements if m.selection == "final"}
    assert {m.weights for m in record.measurements} == {"ema"}
    assert record.parameters["generator"] > 0


def test_a_run_that_is_asked_to_stop_leaves_no_record(place: Place) -> None:
    spec = run_spec(amount=1000, every=500)
    assert not run(RunTask(place=place, spec=spec), lambda _: None, lambda: True)
    assert Store(place.results).record(spec.run_id) is None


def test_a_run_asked_to_stop_at_its_very_end_is_kept(place: Place) -> None:
    spec = run_spec(amount=1, every=1)
    assert run(RunTask(place=place, spec=spec), lambda _: None, lambda: True)


def test_divergence_keeps_what_was_measured_until_then(place: Place) -> None:
    spec = run_spec("wgan", amount=400, every=5)
    reckless = objective(
        "wgan", penalties=[], generator_optimizer={"name": "sgd", "settings": {"learning_rate": 1e6}},
        discriminator_optimizer={"name": "sgd", "settings": {"learning_rate": 1e6}},
    )  # fmt: skip
    spec = RunSpec.model_validate({**spec.model_dump(), "objective": reckless.model_dump()})
    assert run(RunTask(place=place, spec=spec), lambda _: None, lambda: False)
    store = Store(place.results)
    record, history = store.record(spec.run_id), store.history(spec.run_id)
    assert record is not None
    assert history is not None
    assert record.status is Status.DIVERGED
    assert record.steps < 400
    assert f"not finite at step {record.steps + 1}" in (record.reason or "")
    assert history.empty or history["step"].max() <= record.steps


def test_speed_is_split_into_the_players_parts(place: Place) -> None:
    speed = measure_speed(ThroughputTask(place=place, spec=run_spec("wgan-gp")))
    parts = speed.discriminator_seconds + speed.penalty_seconds + speed.generator_seconds
    assert speed.penalty_seconds > 0
    assert 0.3 < parts / speed.step_seconds < 3
    assert speed.images_per_second == pytest.approx(speed.steps_per_second * 16 * 5)
    assert 0 < speed.peak_share < 1


def test_a_lazy_penalty_costs_its_share(place: Place) -> None:
    """Floating-point operations are counted over a whole cycle of four steps: one with the penalty, three without."""
    whole = run_spec("nsgan-r1")
    lazy = whole.model_copy(
        update={
            "objective": whole.objective.model_copy(
                update={"stabilisers": (choice(stabilisers, "lazy-penalties", every=4),)}
            )
        }
    )
    of = {
        name: measure_speed(ThroughputTask(place=place, spec=spec)).flops_per_step
        for name, spec in (("whole", whole), ("lazy", lazy), ("none", run_spec("nsgan")))
    }
    assert of["lazy"] < of["whole"]
    # without the penalty real and generated scores need no pass each, and the same products
    assert of["lazy"] == pytest.approx((of["whole"] + 3 * of["none"]) / 4)


def test_flops_are_those_of_the_matrix_products() -> None:
    """One linear layer: 2·n·m per sample forward, twice that backward."""
    from bench.evaluation.throughput import count_flops

    layer, x = torch.nn.Linear(30, 20, bias=False), torch.randn(8, 30, requires_grad=True)
    assert count_flops(lambda: layer(x).sum().backward()) == 3 * 2 * 8 * 30 * 20


def tell(task: Task) -> list[Done | Progress | object]:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    answer(task.model_dump_json(), sender, lambda: False)
    sender.close()
    messages = []
    while True:
        try:
            messages.append(Message.model_validate_json(receiver.recv_bytes()).content)
        except EOFError:
            return messages


def test_every_task_ends_with_one_last_message(place: Place) -> None:
    spec = run_spec(amount=2, every=1)
    reference = ReferenceTask(place=place, dataset=spec.dataset, space="raw", samples=100, plugins=())
    for task in (RunTask(place=place, spec=spec), reference, ThroughputTask(place=place, spec=spec)):
        messages = tell(task)
        assert isinstance(messages[-1], Done)
        assert all(isinstance(message, Progress) for message in messages[:-1])
    store = Store(place.results)
    assert len(store.records().items) == len(store.references().items) == len(store.throughputs().items) == 1


def test_a_fault_of_the_user_is_told_as_one(place: Place) -> None:
    spec = run_spec().model_copy(
        update={"evaluation": run_spec().evaluation.model_copy(update={"space": "classifier"})}
    )
    failed = tell(RunTask(place=place, spec=spec))[-1]
    assert failed.faults  # type: ignore[attr-defined]
    assert "label" in failed.faults[0]  # type: ignore[attr-defined]
