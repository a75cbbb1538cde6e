"""`ganbench check`: right plugins pass, the exit code tells, and programs can read it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import torch

from bench.cli import main
from bench.conformance import check_name, check_plugin
from bench.errors import CatalogError
from tests.conformance.faulty_losses import FAULTS, loss, with_own_gradient
from tests.conformance.faulty_others import architecture, dataset, objective, optimizer, stabiliser
from tests.conformance.faulty_penalties import DRAWN_POINTS, INDEPENDENT, ONE_EACH, R1, REAL, penalty, projection
from tests.conformance.faulty_spaces import space

ROOT = Path(__file__).parent.parent.parent
SUM = next(fault for fault in FAULTS if fault.name == "a sum in place of a mean")
SURE = "generator under a sure discriminator"
FISHER = """
generator_uses_real: ClassVar[bool] = False
initial: ClassVar[dict] = {'multiplier': 0.0}

def observe(self, real, fake):
    excess = 0.5 * (real.square().mean() + fake.square().mean()) - 1
    self.remember('multiplier', self.recall('multiplier', real) + 0.001 * excess)
"""
RIGHT = {
    "a loss": loss(),
    "a loss with a gradient of its own": with_own_gradient(""),
    "a loss that holds a weight fixed": loss(
        "(weight * softplus(-real)).mean() + softplus(fake).mean()",
        before="with torch.no_grad():\n    weight = torch.sigmoid(-real).detach()",
    ),
    "a loss of the best half of a batch": loss(
        generator="softplus(-fake.topk((len(fake) + 1) // 2).values).mean()",
    ),
    "a loss with a memory": loss(
        "fake.mean() - real.mean() + multiplier * (real.square().mean() + fake.square().mean())",
        "-fake.mean()",
        members=FISHER,
        before="multiplier = self.recall('multiplier', real)",
        base="(Memory)",
    ),
    "a setting without a default": loss(
        "self.weight * (softplus(-real).mean() + softplus(fake).mean())",
        members="weight: Annotated[float, Field(gt=0.2, lt=0.9, description='of L_D')]\n"
        "generator_uses_real: ClassVar[bool] = False",
    ),
    "least squares with targets of 1 and 2": loss(
        "(real - 2).square().mean() + (fake - 1).square().mean()", "(fake - 2).square().mean()"
    ),
    "least squares with targets of -10 and -9": loss(
        "(real + 9).square().mean() + (fake + 10).square().mean()", "(fake + 9).square().mean()"
    ),
    "a loss with torch.where": loss("torch.where(real > 0, softplus(-real), -real).mean() + softplus(fake).mean()"),
    "a loss whose generator ignores the real scores unsaid": loss(members="pass"),
    "a penalty on drift": penalty("return 1e-3 * batch.real_scores.square().mean()"),
    "a penalty between samples": penalty(DRAWN_POINTS.format(shape=ONE_EACH), INDEPENDENT),
    "noise of its own stream": stabiliser(
        "samples + 0.1 * torch.randn(samples.shape, generator=self.random).to(samples)",
        members="random = torch.Generator().manual_seed(0)",
    ),
    "minibatch deviations": architecture(middle="Told()"),
    "a penalty on gradients": penalty(R1, REAL, INDEPENDENT),
    "a penalty with draws": penalty(
        "like = dict(device=batch.real.device, dtype=batch.real.dtype)\n"
        "noise = torch.randn(batch.real.shape, generator=batch.random, **like)\n"
        "return (batch.discriminator(batch.real.detach() + 0.1 * noise) - batch.real_scores).square().mean()"
    ),
    "a penalty for images": penalty(
        "if batch.real.dim() != 4:\n"
        "    from bench.errors import CatalogError\n"
        "    raise CatalogError('this penalty is for images')\n"
        "return (batch.discriminator(batch.real.detach().flip(3)) - batch.real_scores).square().mean()"
    ),
    "a penalty on the generator": penalty(
        "return (batch.fake.mean(0) - batch.real.mean(0)).square().sum()", method="generator_term(self, batch)"
    ),
    "a projection": projection("for weight in discriminator.parameters():\n    weight.data.clamp_(-0.1, 0.1)"),
    "a stabiliser": stabiliser("samples.clamp(-9, 9)"),
    "an architecture": architecture(),
    "a dataset": dataset(),
    "a feature space": space(),
    "an optimizer": optimizer(),
    "an objective": objective("n_critic: Annotated[int, Field(description='updates')] = 2"),
}


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize("what", RIGHT)
def test_right_plugins_pass(tmp_path: Path, what: str) -> None:
    (checked,) = check_plugin(write(tmp_path, RIGHT[what]))
    assert not checked.broken(), [verdict.words for verdict in checked.verdicts if verdict.words]
    assert checked.count("holds") >= 5
    assert checked.origin == "plugin mine"


def ganbench(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command that runs in this process."""
    monkeypatch.setattr(sys, "argv", ["ganbench", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def readme_plugin() -> str:
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if block.startswith("# my_loss.py"))


def test_readmes_loss_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my_loss.py").write_text(readme_plugin())
    monkeypatch.chdir(tmp_path)
    assert ganbench(monkeypatch, "check", "my_loss.py") == 0
    said = capsys.readouterr().out
    assert said.startswith("gap  (loss, plugin my_loss)\n  ✓ Both functions return a scalar")
    assert "\n  No law knows your formula: with a wrong factor it passes all the same.\n" in said
    assert re.search(r"^my_loss\.py: \d+ laws hold, none is broken", said, re.MULTILINE)


def test_a_broken_law_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ganbench(monkeypatch, "check", str(write(tmp_path, SUM.text))) == 1
    said = capsys.readouterr().out
    assert (
        "  ✗ The loss is a mean over the batch: a batch beside a copy of itself costs the same.\n"
        "      L_D of a batch beside its copy is 2 times that of the batch: a sum, not a mean\n" in said
    )
    assert re.search(r"^mine\.py: \d+ laws hold, 1 is broken", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1 / 0\n", "ZeroDivisionError"),
        ("x = 1\n", "registers nothing"),
        (SUM.text.replace("def generator", "def other"), "lacks the method 'generator'"),
        (SUM.text.replace('"mine"', '"hinge"', 1), "is registered twice"),
    ],
)
def test_a_file_that_cannot_be_loaded_exits_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    assert ganbench(monkeypatch, "check", str(write(tmp_path, text))) == 2
    assert says in capsys.readouterr().err


def test_what_is_neither_file_nor_name_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ganbench(monkeypatch, "check", "none.py") == 2
    assert "plugin 'none.py' does not exist" in capsys.readouterr().err
    assert ganbench(monkeypatch, "check", "wasserstien") == 2
    assert "did you mean 'wasserstein'?" in capsys.readouterr().err


def test_programs_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy = SUM.text + "\nprint('loaded')\n"
    assert ganbench(monkeypatch, "check", str(write(tmp_path, noisy)), "--json") == 1
    (checked,) = json.loads(capsys.readouterr().out)
    assert (checked["kind"], checked["name"], checked["origin"]) == ("loss", "mine", "plugin mine")
    broken = [verdict for verdict in checked["verdicts"] if verdict["outcome"] == "broken"]
    assert [(verdict["name"], verdict["words"]) for verdict in broken] == [("mean over the batch", SUM.words)]
    assert {verdict["outcome"] for verdict in checked["verdicts"]} == {"holds", "broken", "skipped"}


def test_a_name_stands_for_every_kind_that_has_it() -> None:
    assert [checked.kind for checked in check_name("hinge")] == ["loss", "objective"]
    with pytest.raises(CatalogError, match="did you mean 'hinge'"):
        check_name("hinje")


def test_the_random_state_and_the_threads_are_left_alone(tmp_path: Path) -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    check_plugin(write(tmp_path, RIGHT["an architecture"]))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_every_entry_of_a_file_is_checked(tmp_path: Path) -> None:
    second = SUM.text.split("bench.objectives.base import pick")[1].replace('"mine"', '"other"', 1)
    checked = check_plugin(write(tmp_path, loss() + second))
    assert [(each.name, each.broken()) for each in checked] == [("mine", []), ("other", ["mean over the batch"])]


@pytest.mark.parametrize("member", ["weight: Annotated[float, Field(ge=1, description='–')] = 0.5"])
def test_defaults_out_of_range_are_told(tmp_path: Path, member: str) -> None:
    text = loss(members=f"{member}\ngenerator_uses_real: ClassVar[bool] = False")
    (checked,) = check_plugin(write(tmp_path, text))
    (verdict,) = checked.verdicts
    assert (verdict.name, verdict.outcome) == ("created", "broken")
    assert "expected a value ≥ 1" in verdict.words


@pytest.mark.parametrize(
    ("text", "law", "words"),
    [
        (loss(members="pass"), "says whether the generator uses real scores", "L_G ignores the real scores but does"),
        (loss(generator="(torch.sigmoid(fake) - 1).square().mean()"), SURE, "it vanishes"),
        (loss(generator="(fake - 1).square().mean()"), SURE, "it grows"),
        (loss(), SURE, "it stays"),
        (RIGHT["a loss of the best half of a batch"], "every score takes part", "L_G leaves out 32 of 64 fake scores"),
        (RIGHT["noise of its own stream"], "same for real and generated", "it draws: no checkpoint holds its stream"),
    ],
)
def test_what_is_worth_knowing_is_told_and_breaks_nothing(tmp_path: Path, text: str, law: str, words: str) -> None:
    (checked,) = check_plugin(write(tmp_path, text))
    (verdict,) = (verdict for verdict in checked.verdicts if verdict.name == law)
    assert verdict.outcome == "holds"
    assert verdict.words.startswith(words)


def test_the_conjugate_of_pearson_is_told_to_turn_away() -> None:
    (checked,) = check_name("f-divergence")
    (verdict,) = (verdict for verdict in checked.verdicts if verdict.name == SURE)
    assert verdict.outcome == "holds"
    assert "with kind = pearson: it turns away: fake scores about 2 or more behind the real" in verdict.words
