"""Runs that train nothing: a line in ``starts``, a spec and a record each."""

from __future__ import annotations

from typing import Any

from bench.activity import now
from bench.execution import ray_node
from bench.execution.executor import Outcome
from bench.execution.ray_node import Answer, Order, Told
from bench.execution.tasks import Done, RunTask
from bench.record import Record, Status, Timings
from bench.store import Store

STARTS = "starts"
"""A file of the results folder with the ids of runs, as they were begun."""


def record(task: RunTask, *_: object) -> bool:
    """In place of `bench.execution.run.run`."""
    spec, place = task.spec, task.place
    with (place.results / STARTS).open("a", encoding="ascii") as file:
        file.write(f"{spec.run_id}\n")
    store = Store(place.results)
    store.write_spec(spec)
    store.write_record(
        Record(
            run_id=spec.run_id,
            spec=spec,
            status=Status.COMPLETED,
            steps=0,
            images=0,
            timings=Timings(total=0, start=0, training=0, evaluation=0, files=0),
            environment=place.environment,
            started_at=now(),
        )
    )
    return True


def work(order: str, terms: str, mailbox: Any) -> str:
    """In place of `bench.execution.ray_node.work`: the same of a run, without a process of its own."""
    import ray

    asked = Order.model_validate_json(order)
    if not isinstance(asked.task, RunTask):
        return ray_node.work(order, terms, mailbox)
    told = Told(node="here", environment=asked.task.place.environment).model_dump_json()
    if ray.get(mailbox.tell.remote(asked.number, told)):
        return Answer(outcome=Outcome(done=Done(stopped=True))).model_dump_json()
    record(asked.task)
    found = Store(asked.task.place.results).record(asked.task.spec.run_id)
    done = Done(answer="" if found is None else found.model_dump_json())
    ray.get(mailbox.tell.remote(asked.number, told))
    return Answer(outcome=Outcome(done=done)).model_dump_json()
