"""Where a run's time goes: parts that add up, words that name the largest, and nothing left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.costs import limit, shares
from bench.execution.profile import SuiteProfile
from bench.execution.slots import Slots, Tried, candidates, choose_slots
from bench.execution.tasks import CellProfile

SUITE = """
seeds = 2
objectives = ["wgan-gp"]
architectures = [{ name = "mlp", width = 16 }]
datasets = ["ring"]
training.steps = 10
evaluation.samples = 64
evaluation.every = 5
"""


def cell(**changed: float) -> CellProfile:
    numbers = {
        "threads": 1, "step_seconds": 0.01, "data_seconds": 0.001, "discriminator_seconds": 0.003,
        "penalty_seconds": 0.002, "generator_seconds": 0.002, "optimizer_seconds": 0.001, "beside_seconds": 0.001,
        "steps": 1000, "start_seconds": 0.1, "evaluations": 4, "first_evaluation_seconds": 0.2,
        "evaluation_seconds": 0.1, "waiting_share": 0.0, "operations_per_step": 200, "flops_per_step": 1e8,
        "peak_flops_per_second": 1e11,
    }  # fmt: skip
    return CellProfile(cell_id="a_b_c_12345678", cell_name="a_b_c", **(numbers | changed))


def test_profile_of_a_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(SUITE)
    done = CliRunner().invoke(app, ["profile", "tiny.toml", "--json", "-q", "--data-root", "data", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)["cells"]
    assert found["cell_name"] == "wgan-gp_mlp_ring"
    assert (found["runs"], found["steps"], found["evaluations"]) == (2, 10, 2)
    parts = ("data", "discriminator", "penalty", "generator", "optimizer", "beside")
    assert sum(found[f"{part}_seconds"] for part in parts) == pytest.approx(found["step_seconds"])
    assert sum(found["shares"].values()) == pytest.approx(1)
    assert found["flops_per_step"] > 0
    assert found["limit"]
    assert not Path("results").exists(), "a profile is no result"


def test_a_plain_table_says_the_same(tmp_path: Path) -> None:
    from rich.console import Console

    from bench.costs import print_profile

    one = cell()
    tried = (Tried(slots=2, threads=1, steps_per_second=30.0), Tried(slots=1, threads=2, steps_per_second=20.0))
    console = Console(width=100, record=True)
    print_profile(console, SuiteProfile("cpu · a processor · 2 cores", (one,), {one.cell_id: 3}, tried, ()))
    text = console.export_text()
    assert "a_b_c" in text
    assert limit(one) in text
    assert "3 runs" in text
    assert "1.50 times" in text


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"waiting_share": 0.4}, "waiting for a core"),
        ({"evaluation_seconds": 5.0}, "evaluation"),
        ({"flops_per_step": 9e8}, "matrix products"),
        ({"operations_per_step": 2000}, "small operations"),
        ({"operations_per_step": 20}, "memory"),
    ],
)
def test_what_limits_a_cell(changed: dict[str, float], word: str) -> None:
    assert word in limit(cell(**changed))
    assert sum(shares(cell(**changed)).values()) == pytest.approx(1)


def test_candidates_hold_the_threads_of_a_run() -> None:
    assert candidates(10**6) == (1,)
    assert all(number >= 1 for number in candidates(1))


def test_the_fastest_number_of_slots_is_taken_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.environment import host_environment
    from bench.execution import slots
    from bench.execution.interruption import Interruption
    from bench.execution.tasks import Place
    from bench.suite import plan_suite

    specs = plan_suite(SUITE.replace("seeds = 2", "seeds = 20"), Path("tiny.toml")).specs
    place = Place(results=tmp_path, data_root=tmp_path, device="cpu", environment=host_environment())
    asked = []

    def measured(spec: object, place: Place, count: int, threads: int, interruption: object) -> Tried:
        asked.append(count)
        return Tried(slots=count, threads=threads, steps_per_second={4: 30.0, 8: 20.0}[count])

    monkeypatch.setattr(slots, "candidates", lambda threads: (4, 8))
    monkeypatch.setattr(slots, "try_slots", measured)
    assert choose_slots(specs, place, tmp_path, Interruption()) == 4
    assert choose_slots(specs, place, tmp_path, Interruption()) == 4, "measured once"
    assert asked == [4, 8]
    kept = Slots.model_validate_json((tmp_path / "slots.json").read_bytes())
    assert [each.slots for each in kept.tried] == [4, 8]
    (tmp_path / "slots.json").write_text("torn")
    assert choose_slots(specs, place, tmp_path, Interruption()) == 4
    assert asked == [4, 8, 4, 8]
