"""Interrupted anywhere and gone on with, a run's record, history, samples and film are those of one that never was."""

from __future__ import annotations

import io
import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.catalog import losses, optimizers, stabilisers
from bench.checkpoints import KEPT, latest_step, read_checkpoints, remove_checkpoints, write_checkpoint
from bench.environment import host_environment
from bench.errors import StorageError
from bench.execution import checkpoint as checkpoint_module
from bench.execution.determinism import noted_nondeterminism
from bench.execution.run import run
from bench.execution.tasks import Place, Progress, RunTask
from bench.fingerprint import Fingerprint, take_fingerprint
from bench.record import Record
from bench.spec import RunSpec
from bench.store import Store
from bench.training.streams import SharedStreams
from tests.specs import choice, run_spec


def stabilised(*names: str, optimizer: str = "adam") -> RunSpec:
    spec, descent = run_spec("nsgan", amount=24, every=10), choice(optimizers, optimizer)
    tricks = tuple(choice(stabilisers, name) for name in names)
    changes = {"stabilisers": tricks, "generator_optimizer": descent, "discriminator_optimizer": descent}
    return spec.model_copy(update={"objective": spec.objective.model_copy(update=changes)})


SPECS = {
    "r1, averaged": run_spec("nsgan-r1", amount=40, every=10),
    "clipped, five critic steps, falling rates": run_spec("wgan", amount=40, every=15, decay="linear"),
    "balance": run_spec("began", amount=40, every=40),
    "memory of a penalty": run_spec("lecam", amount=40, every=20, ema_images=0),
    "packs": run_spec("pacgan2", amount=40, every=20),
    "images, spectral norm": run_spec("sngan", "digits", amount=12, every=5),
    "images, a penalty's double backward": run_spec("wgan-gp", "digits", amount=8, every=3),
    "buffers, draws, balance, history": stabilised(
        "experience-replay", "instance-noise", "adaptive-balance", "historical-averaging", "generator-ema", "top-k"
    ),
    "both players look ahead": stabilised("learning-rate-schedule", optimizer="extragradient-adam"),
    "counted in images": run_spec("nsgan", unit="images", amount=40 * 16, every=130),
}


def place_at(folder: Path, data_root: Path) -> Place:
    Store(folder).prepare()
    return Place(results=folder, data_root=data_root, device="cpu", environment=host_environment())


def carry_out(spec: RunSpec, place: Place, stop: Callable[[int], bool] = lambda _: False) -> Record | None:
    """Until it is recorded; ``stop`` is asked with the number of times that it was asked before."""
    asked = itertools.count()
    while not run(RunTask(place=place, spec=spec), lambda _: None, lambda: stop(next(asked))):
        pass
    return Store(place.results).record(spec.run_id)


def fingerprint(place: Place, spec: RunSpec) -> Fingerprint:
    taken = take_fingerprint(Store(place.results), spec.run_id)
    assert taken is not None
    return taken


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_interrupted_anywhere_a_run_comes_out_the_same(spec: RunSpec, tmp_path: Path, data_root: Path) -> None:
    whole, parts = place_at(tmp_path / "whole", data_root), place_at(tmp_path / "parts", data_root)
    carry_out(spec, whole)
    chance = random.Random(spec.run_id)
    record = carry_out(spec, parts, lambda _: chance.random() < 0.3)
    assert record is not None
    assert record.timings.resumptions > 1
    assert fingerprint(parts, spec).differences(fingerprint(whole, spec)) == ()
    assert not list(Store(parts.results).run_folder(spec.run_id).glob("checkpoint-*"))


def test_seconds_add_up_over_the_parts(tmp_path: Path, data_root: Path) -> None:
    spec, place = SPECS["r1, averaged"], place_at(tmp_path, data_root)
    record = carry_out(spec, place, lambda asked: asked in (5, 11))
    assert record is not None
    timings = record.timings
    assert timings.resumptions == 2
    assert timings.evaluation is not None
    assert timings.files is not None
    assert timings.start is not None
    parts = timings.start + timings.training + timings.evaluation + timings.files
    assert parts <= timings.total
    history = Store(place.results).history(spec.run_id)
    assert history is not None
    assert history[history["split"] == "train"]["seconds"].is_monotonic_increasing


def test_a_budget_in_seconds_counts_those_before_an_interruption(tmp_path: Path, data_root: Path) -> None:
    spec = run_spec(unit="seconds", amount=0.4, every=0.1)
    record = carry_out(spec, place_at(tmp_path, data_root), lambda asked: asked % 5 == 4)
    assert record is not None
    assert record.timings.resumptions > 0
    assert 0.4 <= record.timings.training < 0.8
    history = Store(tmp_path).history(spec.run_id)
    assert history is not None
    assert 2 <= len(set(history[history["split"] == "test"]["step"])) <= 5


def test_progress_after_a_resumption_begins_with_all_that_was_measured(tmp_path: Path, data_root: Path) -> None:
    spec, place = SPECS["r1, averaged"], place_at(tmp_path, data_root)
    asked = itertools.count()
    assert not run(RunTask(place=place, spec=spec), lambda _: None, lambda: next(asked) >= 25)
    told: list[Progress] = []
    assert run(RunTask(place=place, spec=spec), told.append, lambda: False)
    assert {row.step for row in told[0].rows} == {10, 20}
    assert told[0].step > 20
    assert {row.step for progress in told[1:] for row in progress.rows} == {30, 40}


def kept(place: Place, spec: RunSpec) -> list[Path]:
    return sorted(Store(place.results).run_folder(spec.run_id).glob("checkpoint-*"), reverse=True)


def stop_twice(place: Place, spec: RunSpec) -> tuple[Path, Path]:
    """Two checkpoints, newest first."""
    for _ in range(2):
        asked = itertools.count()
        assert not run(RunTask(place=place, spec=spec), lambda _: None, lambda a=asked: next(a) >= 8)  # type: ignore[misc]
    newest, before = kept(place, spec)
    return newest, before


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [torn, emptied, flipped, a_folder])
@pytest.mark.parametrize("how_many", [1, 2])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    damage: Callable[[Path], None], how_many: int, tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = SPECS["r1, averaged"]
    whole, place = place_at(tmp_path / "whole", data_root), place_at(tmp_path / "parts", data_root)
    carry_out(spec, whole)
    newest, before = stop_twice(place, spec)
    for path in (newest, before)[:how_many]:
        damage(path)
    capsys.readouterr()
    record = carry_out(spec, place)
    said = capsys.readouterr().out
    assert newest.name in said
    assert f"resumed at step {int(before.name.split('-')[1])}" in said if how_many == 1 else "begun anew" in said
    assert record is not None
    assert fingerprint(place, spec).differences(fingerprint(whole, spec)) == ()


def test_checkpoints_of_other_software_other_runs_and_other_formats_are_not_gone_on_from(
    tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, other = SPECS["r1, averaged"], SPECS["r1, averaged"].with_seed(1)
    place = place_at(tmp_path, data_root)
    newest, _ = stop_twice(place, spec)
    folder = Store(place.results).run_folder(other.run_id)
    folder.mkdir(parents=True)
    (folder / newest.name).write_bytes(newest.read_bytes())
    carry_out(other, place)
    assert f"a checkpoint of {spec.run_id}; skipped" in capsys.readouterr().out

    environment = place.environment.model_copy(update={"source": "0" * 64})
    asked = itertools.count()
    elsewhere = place.model_copy(update={"environment": environment})
    run(RunTask(place=elsewhere, spec=spec), lambda _: None, lambda: next(asked) >= 3)
    assert "of other software or hardware, where numbers may differ; skipped" in capsys.readouterr().out

    remove_checkpoints(Store(place.results).run_folder(spec.run_id))
    monkeypatch.setattr(checkpoint_module, "FORMAT", 99)
    stop_twice(place, spec)
    monkeypatch.undo()
    carry_out(spec, place)
    assert "of another version of ganbench; skipped" in capsys.readouterr().out


class Wicked:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path("/tmp/ganbench-was-here").touch, ())


def test_nothing_is_unpickled(tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, place = SPECS["r1, averaged"], place_at(tmp_path, data_root)
    buffer = io.BytesIO()
    torch.save(Wicked(), buffer)
    write_checkpoint(Store(place.results).run_folder(spec.run_id), 10, buffer.getvalue())
    carry_out(spec, place)
    assert "begun anew" in capsys.readouterr().out
    assert not Path("/tmp/ganbench-was-here").exists()


def test_a_full_disk_costs_the_checkpoint_and_not_the_run(
    tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(checkpoint_module, "write_checkpoint", full)
    execution = SPECS["r1, averaged"].execution.model_copy(update={"checkpoint_seconds": 1e-9})
    spec = SPECS["r1, averaged"].model_copy(update={"execution": execution})
    assert carry_out(spec, place_at(tmp_path, data_root)) is not None
    assert "no checkpoint at step" in capsys.readouterr().out


def test_checkpoints_come_by_time_and_the_last_two_are_kept(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    write = checkpoint_module.write_checkpoint

    def noted(folder: Path, step: int, content: bytes) -> None:
        write(folder, step, content)
        seen.append(step)
        assert len(list(folder.glob("checkpoint-*"))) <= KEPT
        assert latest_step(folder) == step

    monkeypatch.setattr(checkpoint_module, "write_checkpoint", noted)
    execution = SPECS["r1, averaged"].execution.model_copy(update={"checkpoint_seconds": 1e-9})
    spec = SPECS["r1, averaged"].model_copy(update={"execution": execution})
    carry_out(spec, place_at(tmp_path, data_root))
    assert seen == list(range(1, 40))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(st.integers(0, 10**13), min_size=1, max_size=6), damaged=st.sets(st.integers(0, 5)))
def test_the_newest_whole_checkpoint_comes_first(
    steps: list[int], damaged: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    for step in sorted(steps):
        write_checkpoint(folder, step, f"content of {step}".encode())
    paths = sorted(folder.iterdir(), key=lambda path: int(path.name.split("-")[1]), reverse=True)
    assert len(paths) == min(KEPT, len(set(steps)))
    whole = []
    for index, path in enumerate(paths):
        if index in damaged:
            path.write_bytes(path.read_bytes()[:-1])
        else:
            whole.append(path.read_bytes())
    rejected: list[str] = []
    assert list(read_checkpoints(folder, rejected)) == whole
    assert len(rejected) == len(paths) - len(whole)


@losses.register("draws-from-everywhere", formula="–", source="test")
class DrawsFromEverywhere:
    """A plugin as people write them: noise from whatever generator is at hand."""

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        noise = torch.rand_like(fake) + float(np.random.random()) + random.random()
        return ((fake - real) * noise).mean()

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return -(fake * torch.randn(())).mean()


SHARED = losses._entries.pop("draws-from-everywhere")


def test_generators_that_everything_shares_are_seeded_and_resumed(tmp_path: Path, data_root: Path) -> None:
    losses._entries["draws-from-everywhere"] = SHARED
    spec = run_spec("nsgan", amount=30, every=10)
    objective = spec.objective.model_copy(update={"loss": choice(losses, "draws-from-everywhere")})
    spec = spec.model_copy(update={"objective": objective})
    whole, parts, denser = (place_at(tmp_path / name, data_root) for name in ("whole", "parts", "denser"))
    carry_out(spec, whole)
    torch.rand(7)
    record = carry_out(spec, parts, lambda asked: asked % 4 == 3)
    assert record is not None
    assert record.timings.resumptions > 0
    assert fingerprint(parts, spec).differences(fingerprint(whole, spec)) == ()
    often = spec.model_copy(update={"evaluation": spec.evaluation.model_copy(update={"every": 3.0})})
    carry_out(often, denser)
    one = take_fingerprint(Store(whole.results), spec.run_id, frozenset({30}))
    two = take_fingerprint(Store(denser.results), often.run_id, frozenset({30}))
    assert one is not None
    assert two is not None
    assert one.differences(two) == ()


def test_what_is_drawn_from_shared_generators_inside_is_as_if_it_had_not_been() -> None:
    streams = SharedStreams(3, torch.device("cpu"))

    def draw() -> tuple[float, float, float]:
        return float(torch.rand(())), float(np.random.normal()), random.gauss(0, 1)

    draw()
    state = streams.state_dict()
    expected = [draw(), draw()]
    streams.load_state_dict(state)
    with streams.kept():
        draw()
    assert [draw(), draw()] == expected


def test_operations_without_a_fixed_order_are_named(recwarn: pytest.WarningsRecorder) -> None:
    found: set[str] = set()
    torch.use_deterministic_algorithms(True, warn_only=True)
    with noted_nondeterminism(found):
        torch.zeros(4).put_(torch.tensor([1, 1]), torch.ones(2))
    assert found == {"put_"}
    assert any("deterministic implementation" in str(warning.message) for warning in recwarn)


def test_differences_are_told_in_words(tmp_path: Path, data_root: Path) -> None:
    one, two = SPECS["r1, averaged"], SPECS["r1, averaged"].with_seed(1)
    place = place_at(tmp_path, data_root)
    carry_out(one, place)
    carry_out(two, place)
    differences = fingerprint(place, one).differences(fingerprint(place, two))
    assert any(
        difference.startswith("record.spec.seed: 0 and 1") or "record." in difference for difference in differences
    )
    assert any(difference.startswith("history: train discriminator_loss at step 1: ") for difference in differences)
    assert {"samples", "film"} <= set(differences)
