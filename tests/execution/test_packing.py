"""Runs that share a process come out as alone, and one that fails there costs the others nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.catalog import CATALOGS
from bench.execution.conduct import find_place
from bench.execution.interruption import Interruption
from bench.execution.phases import Phases
from bench.execution.pool import LocalPool
from bench.fingerprint import take_fingerprint
from bench.record import Status
from bench.spec import RunSpec
from bench.store import Store
from bench.suite import plan_suite
from tests.execution.carrying import Silent

for catalog in CATALOGS:
    catalog.names()  # what is built in is there before the plugin, and stays when the plugin is forgotten

PLUGIN = '''
"""A player that draws from the generator which all share, and a loss that uses up the memory of those beside others."""
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.catalog import architectures, losses


@architectures.register("forgetful", formula="G: a linear map with dropout", source="a test")
@dataclass(frozen=True)
class Forgetful:
    """Dropout in both players."""

    latent_dim: int = 2

    def check(self, shape): ...

    def generator(self, shape):
        return torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Dropout(), torch.nn.Linear(8, shape[0]))

    def discriminator(self, shape):
        layers = torch.nn.Linear(shape[0], 8), torch.nn.Dropout(), torch.nn.Linear(8, 1), torch.nn.Flatten(0)
        return torch.nn.Sequential(*layers)


@losses.register("greedy", formula="that of a mean", source="a test")
@dataclass(frozen=True)
class Greedy:
    """Needs more memory than there is, unless it is alone."""

    def discriminator(self, real, fake):
        import inspect

        if any(frame.function == "run_pack" for frame in inspect.stack()):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return (fake - real).mean()

    def generator(self, real, fake):
        return -fake.mean()


@losses.register("deadly", formula="that of a mean", source="a test")
@dataclass(frozen=True)
class Deadly(Greedy):
    """Takes the process with it, wherever it is."""

    def discriminator(self, real, fake):
        import os

        os.kill(os.getpid(), 9)
'''
SUITE = """
seeds = 2
plugins = ["plugin.py"]
architectures = ["forgetful"]
datasets = ["ring"]
objectives = {objectives}
[training]
steps = 30
batch_size = 16
[evaluation]
samples = 100
every = 10
"""


def specs_of(folder: Path, *objectives: str) -> tuple[RunSpec, ...]:
    (folder / "plugin.py").write_text(PLUGIN)
    named = "[" + ", ".join(f'{{ loss = "{name}", label = "{name}" }}' for name in objectives) + "]"
    return plan_suite(SUITE.format(objectives=named), folder / "suite.toml").specs


def train(specs: tuple[RunSpec, ...], folder: Path, at_once: int, device: str = "cpu") -> Store:
    store = Store(folder)
    store.prepare()
    with Interruption() as interruption, LocalPool(1) as pool:
        place = find_place(store, folder, None, device, interruption)
        phases = Phases(pool, store, place, Silent(), interruption)
        phases.at_once = at_once
        phases.train(specs)
        assert phases.recorded == len(specs)
    return store


def differences(one: Store, two: Store, specs: tuple[RunSpec, ...]) -> list[str]:
    found = []
    for spec in specs:
        alone, packed = take_fingerprint(one, spec.run_id), take_fingerprint(two, spec.run_id)
        assert alone is not None
        assert packed is not None
        found += [f"{spec.run_id}: {said}" for said in alone.differences(packed)]
    return found


def test_packed_runs_are_those_that_were_alone(tmp_path: Path) -> None:
    specs = specs_of(tmp_path, "non-saturating", "wasserstein", "hinge")
    alone = train(specs, tmp_path / "alone", 1)
    packed = train(specs, tmp_path / "packed", 4)
    assert differences(alone, packed, specs) == []
    assert (tmp_path / "packed" / "logs" / f"pack-{specs[0].run_id}.txt").is_file(), "they did share a process"


def test_out_of_memory_lowers_the_packing_and_not_the_results(tmp_path: Path) -> None:
    specs = specs_of(tmp_path, "non-saturating", "greedy")
    alone = train(specs, tmp_path / "alone", 1)
    packed = train(specs, tmp_path / "packed", 4)
    assert differences(alone, packed, specs) == []
    statuses = {spec.run_id: packed.record(spec.run_id) for spec in specs}
    assert all(record is not None and record.status is Status.COMPLETED for record in statuses.values())
    log = (tmp_path / "packed" / "logs" / f"pack-{specs[0].run_id}.txt").read_text()
    assert "out of memory" in log


def test_a_crash_is_the_failure_of_the_run_that_crashed(tmp_path: Path) -> None:
    specs = specs_of(tmp_path, "non-saturating", "deadly")
    packed = train(specs, tmp_path / "packed", 4)
    for spec in specs:
        record = packed.record(spec.run_id)
        assert record is not None
        crashed = spec.objective.label == "deadly"
        assert record.status is (Status.CRASHED if crashed else Status.COMPLETED)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")
@pytest.mark.parametrize("at_once", [2, 8])
def test_packed_runs_on_a_gpu_are_those_that_were_alone(tmp_path: Path, at_once: int) -> None:
    suite = (
        'seeds = 3\nobjectives = ["nsgan", "wgan-gp", "r3gan"]\ndatasets = ["ring"]\n'
        "training.steps = 600\nevaluation.samples = 200\nevaluation.every = 200\n"
    )
    specs = plan_suite(suite, tmp_path / "suite.toml").specs
    alone = train(specs, tmp_path / "alone", 1, "cuda")
    packed = train(specs, tmp_path / "packed", at_once, "cuda")
    assert differences(alone, packed, specs) == []
