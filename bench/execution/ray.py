"""A Ray cluster as an engine: reached, its nodes looked at, and given a plan's tasks."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.environment import host_environment
from bench.errors import UsageError
from bench.execution.executor import Site
from bench.execution.interruption import Interruption
from bench.execution.ray_connection import connected
from bench.execution.ray_executor import POLL_SECONDS, Needs, Node, RayExecutor, find_nodes, last_line
from bench.execution.ray_node import Folder, Terms, identify, look
from bench.execution.tasks import Place
from bench.plan import Plan
from bench.spec import RunSpec
from bench.store import Store

LOOK_SECONDS = 120.0
"""For a node to answer whether it has all that is needed: a first process there loads Python from shared storage."""


@dataclasses.dataclass(frozen=True)
class RayCluster:
    """The engine."""

    address: str | None = None
    """``ray://HOST:PORT``, ``HOST:PORT`` or ``auto``; None for a cluster of this machine alone, which ends with us."""
    device: str = "auto"
    """``auto``, ``cpu`` or ``cuda``: which GPU it is, Ray decides."""
    slots: int | None = None
    """Runs side by side, at most; None for as many as the cluster has room for."""
    cpus_per_run: float | None = None
    """Cores that Ray sets apart for a run; None for as many as it has threads."""
    gpus_per_run: float | None = None
    """GPUs, or the share of one; None for one where there are any and the device is not the CPU."""

    @contextlib.contextmanager
    def open(
        self,
        plan: Plan,
        runs: Sequence[RunSpec],
        store: Store,
        data_root: Path,
        weights: Path | None,
        interruption: Interruption,
    ) -> Iterator[Site]:
        """As `bench.execution.executor.Engine` has it."""
        if self.device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"device '{self.device}': on a cluster Ray deals GPUs out; valid: auto, cpu, cuda")
        threads = max(spec.training.threads for spec in plan.specs)
        with connected(self.address, self._local_cpus(threads)):
            if interruption.requested:
                raise KeyboardInterrupt
            nodes = find_nodes()
            needs = self._needs(nodes)
            fitting = [node for node in nodes if node.room(needs.of(threads), needs.gpus)]
            if not fitting and self.slots is None:
                raise UsageError(_no_room(nodes, needs.of(threads), needs.gpus))
            store.prepare()
            terms = make_terms(plan, store, data_root, weights)
            raise_faults_of(fitting, terms, interruption)
            place = Place(
                results=store.folder.absolute(),
                data_root=data_root.absolute(),
                weights=None if weights is None else weights.absolute(),
                device="cuda" if needs.gpus and self.device != "cpu" else "cpu",
                environment=host_environment(),
            )
            slots = self.slots or sum(node.room(needs.of(threads), needs.gpus) for node in fitting)
            with RayExecutor(terms, needs, self.slots) as executor:
                yield Site(place, executor, slots)

    def _local_cpus(self, threads: int) -> int | None:
        return None if self.slots is None else math.ceil(self.slots * (self.cpus_per_run or threads))

    def _needs(self, nodes: Sequence[Node]) -> Needs:
        gpus = self.gpus_per_run
        if gpus is None:
            gpus = float(self.device == "cuda" or (self.device == "auto" and any(node.gpus for node in nodes)))
        return Needs(self.cpus_per_run, gpus)


def _no_room(nodes: Sequence[Node], cpus: float, gpus: float) -> str:
    has = "; ".join(dict.fromkeys(f"{node.cpus:g} CPUs, {node.gpus:g} GPUs" for node in nodes)) or "none"
    return (
        f"no node of the cluster has room for a run of {cpus:g} CPUs and {gpus:g} GPUs (its nodes have: {has}): ask "
        "for less with --cpus-per-run and --gpus-per-run; where nodes are started on demand, say with --slots how many "
        "runs they are to be started for"
    )


def make_terms(plan: Plan, store: Store, data_root: Path, weights: Path | None) -> Terms:
    """What a node must have for a plan's tasks."""
    here = host_environment()
    plugins = {plugin.path for spec in plan.specs for plugin in spec.plugins if plugin.path is not None}
    with contextlib.suppress(OSError):  # whoever needs it says so
        data_root.mkdir(parents=True, exist_ok=True)
    folders = (("results folder", store.folder.absolute(), True), ("data root", data_root.absolute(), False))
    return Terms(
        ganbench=here.ganbench,
        source=here.source,
        folders=tuple(
            Folder(name=name, path=path, identity=identify(path), written=written) for name, path, written in folders
        ),
        files=(*sorted(plugins), *([] if weights is None else [weights.absolute()])),
    )


def raise_faults_of(nodes: Sequence[Node], terms: Terms, interruption: Interruption) -> None:
    """See that nodes have what they must have.

    Raises:
        UsageError: some have not: one fault for each thing, with the nodes that it is of.
        KeyboardInterrupt: the user does not want to wait for it.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    said = terms.model_dump_json()
    looks: dict[Any, Node] = {}
    for node in nodes:
        there = NodeAffinitySchedulingStrategy(node.id, soft=False)
        looks[ray.remote(look).options(num_cpus=0, max_retries=1, scheduling_strategy=there).remote(said)] = node
    waiting = list(looks)
    for _ in range(math.ceil(LOOK_SECONDS / POLL_SECONDS)):
        _, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=POLL_SECONDS) if waiting else ([], [])
        if interruption.requested:
            raise KeyboardInterrupt
        if not waiting:
            break
    faults: dict[str, list[str]] = {}
    for ref, node in looks.items():
        for fault in [f"does not answer within {LOOK_SECONDS:g} s"] if ref in waiting else _answer_of(ref):
            faults.setdefault(fault, []).append(str(node))
    if faults:
        raise UsageError(*(f"{_listed(names)} {fault}" for fault, names in faults.items()))


def _answer_of(ref: Any) -> list[str]:
    import ray

    try:
        return list(ray.get(ref))
    except (ray.exceptions.TaskUnschedulableError, ray.exceptions.NodeDiedError):
        return []  # it has just been lost, and nobody will be sent there
    except Exception as error:
        if "No module named 'bench" in str(error):
            return ["has no ganbench in the Python that Ray runs there: install the very ganbench of the driver"]
        return [f"cannot carry out anything: {last_line(error)}"]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} other nodes:"
