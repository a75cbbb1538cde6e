"""The command line, as its users meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MY_LOSS = '''
from bench.catalog import losses


@losses.register("gap", formula="L_D = E[max(0, 1 − r + f)],  L_G = E[r − f]", source="mine")
class Gap:
    """The real score is to exceed the fake one by 1."""

    def discriminator(self, real, fake):
        return (1 - real + fake).relu().mean()

    def generator(self, real, fake):
        return (real - fake).mean()
'''


def ganbench(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=cwd, env=environment, check=False)


def usage_error(*arguments: str, cwd: Path) -> str:
    """What bad input says; it must exit with 2, start nothing, and show no stack trace."""
    before = set(cwd.rglob("*"))
    result = ganbench(*arguments, cwd=cwd)
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    assert set(cwd.rglob("*")) == before
    return result.stderr


VALID = 'objectives = ["nsgan"]\ndatasets = ["ring"]\n'


@pytest.mark.parametrize(
    ("suite", "says"),
    [
        ('objectives = ["wgn-gp"]\ndatasets = ["ring"]\n', "did you mean 'wgan-gp'?"),
        (VALID + "[training]\nbatchsize = 3\n", "did you mean 'batch_size'?"),
        (VALID + '[training]\nsteps = "many"\n', 'expected an integer, got text "many"'),
        ('objectives = []\ndatasets = ["ring"]\n', "the list is empty"),
        (VALID + "[training]\nsteps = -5\n", "training.steps: expected a value ≥ 1, got integer -5"),
        ('objectives = ["wgan", {name = "wgan", n_critic = 1}]\ndatasets = ["ring"]\n', "is also at objectives[0]"),
        ("this is no suite", "not valid TOML"),
        (VALID + 'architectures = ["dcgan"]\n', "8, 16, 28, 32 or 64 pixels"),
        ('plugins = ["none.py"]\n' + VALID, "none.py"),
        ('plugins = ["raises.py"]\n' + VALID, "no luck today"),
        ('plugins = ["lacks.py"]\n' + VALID, "lacks the method 'generator'"),
        ('plugins = ["odd.py"]\nobjectives = ["odd"]\ndatasets = ["ring"]\n', "objective 'odd'"),
        (VALID + "[evaluation]\nevery = 0.5\n", "expected at least 1"),
        (
            'objectives = ["wgan-gp"]\ndatasets = ["digits"]\n'
            'architectures = [{ name = "dcgan", discriminator_normalisation = "batch" }]\n',
            "batch normalisation mixes samples",
        ),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_bad_suites(tmp_path: Path, suite: str, says: str, command: str) -> None:
    (tmp_path / "s.toml").write_text(suite)
    (tmp_path / "raises.py").write_text("raise RuntimeError('no luck today')\n")
    (tmp_path / "odd.py").write_text(
        "from dataclasses import dataclass\nfrom bench.catalog import objectives\n"
        "from bench.objectives import Objective\nfrom bench.objectives.base import Pick\n\n"
        "@objectives.register('odd', formula='–', source='–')\n@dataclass(frozen=True)\nclass Odd(Objective):\n"
        "    loss: Pick = 'hinge'\n    n_critic: int = 1\n"
    )
    (tmp_path / "lacks.py").write_text(
        "from bench.catalog import losses\n\n"
        "@losses.register('half', formula='–', source='–')\nclass Half:\n"
        "    def discriminator(self, real, fake):\n        return real.mean()\n"
    )
    said = usage_error(command, "s.toml", cwd=tmp_path)
    assert says in said
    assert "s.toml" in said


def test_all_faults_at_once_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('objectives = ["wgn"]\ndatasets = ["rng"]\n[training]\nsteps = 0\n')
    said = usage_error("plan", "s.toml", cwd=tmp_path)
    assert ["s.toml:1:" in said, "s.toml:2:" in said, "s.toml:4:" in said] == [True] * 3


def test_bad_arguments(tmp_path: Path) -> None:
    assert "there is no such file" in usage_error("run", "none.toml", cwd=tmp_path)
    assert "did you mean 'wgan-gp'?" in usage_error("describe", "wgan-pg", cwd=tmp_path)
    assert "did you mean 'losses'?" in usage_error("list", "lossses", cwd=tmp_path)
    (tmp_path / "s.toml").write_text(VALID)
    assert "holds no results" in usage_error("report", "s.toml", cwd=tmp_path)
    assert "--slots" in usage_error("run", "s.toml", "--slots", "0", cwd=tmp_path)


def test_an_unwritable_results_folder(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(VALID)
    (tmp_path / "taken").write_text("a file where the folder should be")
    assert "cannot be written" in usage_error("run", "s.toml", "--results", "taken", cwd=tmp_path)


def test_an_unwritable_reports_folder_is_told_before_training(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(VALID)
    (tmp_path / "taken").write_text("a file where the folder should be")
    assert "reports folder" in usage_error("run", "s.toml", "--reports", "taken", cwd=tmp_path)
    assert "too long" in usage_error("plan", "s.toml", "--results", "x" * 5000, cwd=tmp_path)


def test_list_and_describe() -> None:
    everything = ganbench("list").stdout
    assert all(name in everything for name in ("wgan-gp", "relativistic-pairing", "digits", "dcgan", "rmsprop"))
    plain = json.loads(ganbench("list", "objectives", "--json").stdout)
    named = {entry["name"]: entry for entry in plain["objectives"]}
    assert named.keys() >= {"hinge", "lsgan", "minimax", "nsgan", "nsgan-r1", "r3gan", "wgan", "wgan-gp"}
    assert named["wgan-gp"]["optimum"] == "if the penalty held d 1-Lipschitz: −L_D* = W₁(p, q)"
    described = ganbench("describe", "wgan-gp").stdout
    assert "λ E(‖∇d(x̂)‖₂ − 1)²" in described
    assert "Gulrajani et al. 2017" in described
    assert "n_critic" in described


def test_schema_is_json_schema() -> None:
    schema = json.loads(ganbench("schema").stdout)
    assert schema["type"] == "object"
    assert "grid" in schema["properties"]


def test_doctor_finds_this_machine_fit(tmp_path: Path) -> None:
    result = ganbench("doctor", "--data-root", str(tmp_path), "--results", str(tmp_path))
    assert result.returncode == 0, result.stdout
    assert "two trainings of one seed gave the same bits" in result.stdout


def test_a_loss_of_your_own_reaches_the_report(tmp_path: Path) -> None:
    """One file of ten lines, a suite of three."""
    (tmp_path / "my_loss.py").write_text(MY_LOSS)
    (tmp_path / "mine.toml").write_text(
        'plugins = ["my_loss.py"]\nobjectives = ["gap", "nsgan"]\ndatasets = ["ring"]\n'
        "seeds = 2\ntraining = { steps = 30, batch_size = 16 }\nevaluation = { samples = 100 }\n"
    )
    planned = json.loads(ganbench("plan", "mine.toml", "--json", cwd=tmp_path).stdout)
    assert planned["forecast"]["runs"] == 4
    result = ganbench("run", "mine.toml", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    page = tmp_path / "reports" / "mine" / "index.html"
    assert result.stdout.strip().endswith("reports/mine/index.html")
    assert "gap" in page.read_text()
    status = json.loads(ganbench("status", "mine.toml", "--json", cwd=tmp_path).stdout)
    assert status["statuses"] == {"completed": 4}
    again = ganbench("run", "mine.toml", cwd=tmp_path)
    assert "(0 now, 4 earlier)" in again.stdout
