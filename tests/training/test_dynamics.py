"""Accuracy and saturation: what they say of losses that are known, and that looking changes nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score
from torch import Tensor

from bench.catalog import losses, objectives
from bench.objectives.base import Batch
from bench.spec import RunSpec
from bench.training.dynamics import FLAT, accuracy, saturation
from bench.training.game import Game
from bench.training.log import LOGGED, Log
from tests.specs import choice, run_spec
from tests.training.games import bits, change, load, make

# few values, so that there are ties
scores = arrays(np.float32, st.integers(1, 30), elements=st.sampled_from(np.linspace(-3, 3, 13).tolist()))


@given(real=scores, fake=scores)
def test_accuracy_is_the_area_under_the_curve_and_the_statistic_of_mann_and_whitney(
    real: np.ndarray, fake: np.ndarray
) -> None:
    told = accuracy(torch.from_numpy(real), torch.from_numpy(fake)).item()
    labels = np.r_[np.ones(len(real)), np.zeros(len(fake))]
    assert told == pytest.approx(roc_auc_score(labels, np.r_[real, fake]), abs=1e-6)
    assert told == pytest.approx(mannwhitneyu(real, fake).statistic / (len(real) * len(fake)), abs=1e-6)


@given(real=scores, fake=scores)
def test_accuracy_asks_for_the_order_of_scores_alone(real: np.ndarray, fake: np.ndarray) -> None:
    a, b = torch.from_numpy(real), torch.from_numpy(fake)
    told = accuracy(a, b).item()
    assert accuracy(3 * a.exp() - 7, 3 * b.exp() - 7).item() == told
    assert accuracy(b, a).item() == pytest.approx(1 - told, abs=1e-6)
    assert accuracy(a, b, low_is_real=True).item() == accuracy(b, a).item()


def test_a_discriminator_that_cannot_tell_and_one_that_separates() -> None:
    same, above = torch.zeros(8), torch.ones(5)
    assert accuracy(same, same).item() == 0.5
    assert accuracy(above, same).item() == 1
    assert accuracy(same, above).item() == 0


def saturations(name: str, real: float, fake: float, **settings: object) -> tuple[float, float]:
    """Of the discriminator's and the generator's loss, where all samples of a side score alike."""
    loss = losses.create(name, **settings)
    r, f = (torch.full((16,), float(value), requires_grad=True) for value in (real, fake))
    return (
        saturation(loss.discriminator(r, f), r, f).item(),
        saturation(loss.generator(r.detach(), f), f).item(),
    )


def test_a_sure_discriminator_saturates_the_minimax_generator_and_not_the_non_saturating_one() -> None:
    """Goodfellow et al. 2014, sec. 3."""
    assert saturations("minimax", real=8, fake=-8) == (1, 1)
    assert saturations("non-saturating", real=8, fake=-8) == (1, 0)
    # where the samples fool it, it is the other way round
    assert saturations("minimax", real=0, fake=8)[1] == 0
    assert saturations("non-saturating", real=0, fake=8)[1] == 1


def test_hinge_saturates_the_discriminator_past_its_margins_and_no_generator() -> None:
    assert saturations("hinge", real=1.1, fake=-1.1) == (1, 0)
    assert saturations("hinge", real=0.9, fake=-1.1) == (0.5, 0)
    assert saturations("hinge", real=0.9, fake=-0.9) == (0, 0)


@given(real=st.floats(-1e4, 1e4, width=32), fake=st.floats(-1e4, 1e4, width=32))
def test_wasserstein_never_saturates(real: float, fake: float) -> None:
    """Arjovsky et al. 2017, sec. 3: a critic may be trained to optimality."""
    assert saturations("wasserstein", real, fake) == (0, 0)


def test_least_squares_saturate_at_their_targets() -> None:
    assert saturations("least-squares", real=1, fake=0) == (1, 0)
    assert saturations("least-squares", real=1, fake=1) == (0.5, 1)


def test_a_relativistic_pair_saturates_by_its_difference() -> None:
    assert saturations("relativistic-pairing", real=4, fake=-4) == (1, 0)
    assert saturations("relativistic-pairing", real=-4, fake=4) == (0, 1)
    assert saturations("relativistic-pairing", real=104, fake=104) == (0, 0)


def test_an_equilibrium_that_has_not_begun_to_weigh_generated_samples_does_not_learn_from_them() -> None:
    assert saturations("boundary-equilibrium", real=1, fake=2) == (0.5, 0)  # k = 0


@given(n=st.integers(1, 200))
def test_saturation_does_not_depend_on_the_size_of_the_batch(n: int) -> None:
    values = torch.linspace(-8, 0, 2 * n).repeat_interleave(2).requires_grad_()
    once = torch.linspace(-8, 0, 2 * n).requires_grad_()
    generator = losses.create("minimax").generator
    twice, alone = (saturation(generator(of, of), of).item() for of in (values, once))
    expected = (once.detach().sigmoid() < FLAT).float().mean().item()
    assert twice == pytest.approx(alone, abs=1e-6)
    assert alone == pytest.approx(expected, abs=1e-6)


def test_the_loss_is_left_as_it_was() -> None:
    weight = torch.tensor(2.0, requires_grad=True)
    given_scores = weight * torch.arange(4.0)
    loss = given_scores.square().mean()
    assert saturation(loss, given_scores).item() == 0.25
    assert weight.grad is None
    loss.backward()
    assert weight.grad is not None
    assert weight.grad.item() == pytest.approx(2 * 2 * 3.5)


@losses.register("draws-in-its-loss", formula="–", source="test")
class DrawsInItsLoss:
    """A plugin whose loss is of random numbers: asked twice, it would draw twice."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((fake - real) * torch.rand_like(fake)).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -(fake * torch.rand_like(fake)).mean()


DRAWING = losses._entries.pop("draws-in-its-loss")


def play(spec: RunSpec, steps: int, logged: bool, monkeypatch: pytest.MonkeyPatch) -> Game:
    torch.manual_seed(0)
    with monkeypatch.context() as patch:
        if not logged:
            patch.setattr(Log, "due", lambda self, step: False)
        game = make(spec, load(spec))
        game.advance(steps)
    assert len(game.logged) == steps * logged
    return game


CASES = [*((name, "ring") for name in objectives.names()), ("sngan", "digits"), ("wgan-gp", "digits")]


@pytest.mark.parametrize(("name", "dataset"), CASES)
def test_looking_changes_no_bit(name: str, dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = run_spec(name, dataset, batch_size=24)
    looked, blind = (play(spec, 4, logged, monkeypatch) for logged in (True, False))
    one, two = bits(looked), bits(blind)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)
    for mine, theirs in zip(looked.parts.state_dict(), blind.parts.state_dict(), strict=True):
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    for entry in looked.logged:
        told = dict(zip(LOGGED, entry.values, strict=True))
        assert all(0 <= told[key] <= 1 for key in LOGGED if key.endswith(("accuracy", "saturation")))


def test_looking_draws_no_random_number_of_a_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(losses._entries, "draws-in-its-loss", DRAWING)
    spec = change(run_spec("nsgan"), loss=choice(losses, "draws-in-its-loss"))
    looked, blind = (play(spec, 4, logged, monkeypatch) for logged in (True, False))
    assert all(
        torch.equal(looked.generator.state_dict()[key], value) for key, value in blind.generator.state_dict().items()
    )


def test_what_is_told_is_of_the_last_batch_that_the_discriminator_descends(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the loss that stands beside it is."""
    game = make(run_spec("wgan", amount=1))
    game.parts._loss = losses.create("hinge")
    batches: list[Batch] = []
    monkeypatch.setattr(game.parts, "observe", batches.append)
    game.advance(1)
    assert len(batches) == game.spec.objective.n_critic > 1
    real, fake = batches[-1].real_scores.detach(), batches[-1].fake_scores.detach()
    told = dict(zip(LOGGED, game.logged[-1].values, strict=True))
    assert told["discriminator_loss"] == pytest.approx(game.parts.loss.discriminator(real, fake).item())
    pairs = [(a > b) + 0.5 * (a == b) for a, b in itertools.product(real.tolist(), fake.tolist())]
    assert told["discriminator_accuracy"] == pytest.approx(sum(pairs) / len(pairs), abs=1e-6)
    assert told["discriminator_saturation"] == torch.cat([real > 1, fake < -1]).float().mean().item()
    assert told["generator_saturation"] == 0


def test_an_energy_is_told_as_accurate_where_real_samples_have_the_lower_one() -> None:
    game = make(run_spec("ebgan", amount=400))
    assert game.parts.low_is_real
    game.advance(400)
    told = [dict(zip(LOGGED, entry.values, strict=True))["discriminator_accuracy"] for entry in game.logged]
    assert sum(told[-20:]) / 20 > 0.6
