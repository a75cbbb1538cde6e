"""Each loss, in each variant, against formulas, differences and limits; what it reaches at its optimum is in
`test_optimum`, what it does to a game in `test_dirac`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench.catalog import losses
from bench.objectives import Memory
from tests.objectives.cases import CASES, Case, Formula, scores

every_loss = pytest.mark.parametrize("case", CASES, ids=str)
PLAYERS = ["discriminator", "generator"]


def loss_of(case: Case, player: str) -> Callable[[Tensor, Tensor], Tensor]:
    out: Callable[[Tensor, Tensor], Tensor] = getattr(case.build(), player)
    return out


def test_every_loss_has_a_case() -> None:
    built_in = {name for name in losses.names() if losses.entry(name).plugin is None}
    assert built_in == {case.name for case in CASES}


def test_every_variant_has_a_case() -> None:
    """Each option of each setting that is a choice of words; the kind of energy is for the architecture to play."""
    for name in {case.name for case in CASES}:
        for setting in losses.describe(name).settings:
            if setting.type == "text" and setting.name != "energy":
                covered = {case.settings.get(setting.name) for case in CASES if case.name == name}
                assert covered == set(setting.allowed.split(" | "))


@pytest.mark.parametrize("size", [1, 2, 64])
@pytest.mark.parametrize("player", PLAYERS)
@every_loss
def test_equals_an_independent_formula(case: Case, player: str, size: int) -> None:
    real, fake = scores(size)
    formula: Formula = getattr(case, player)
    value = loss_of(case, player)(real, fake)
    assert value.shape == ()
    assert value.item() == pytest.approx(formula(real.numpy(), fake.numpy()), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("player", PLAYERS)
@every_loss
def test_gradients_equal_finite_differences(case: Case, player: str) -> None:
    real, fake = (side.requires_grad_() for side in scores(5))
    loss = loss_of(case, player)
    if player == "generator" and not case.build().generator_uses_real:
        assert torch.autograd.gradcheck(lambda f: loss(real.detach(), f), (fake,))
    else:
        assert torch.autograd.gradcheck(loss, (real, fake))


# at the edge of float32


def exactly(formula: Formula, real: float, fake: float) -> tuple[float, float, float]:
    """Value and derivatives of one player's loss of one pair, in digits enough for e to the power of the scores."""
    digits = 120 + round(max(abs(real), abs(fake)) / np.log(10))
    with mpmath.workdps(digits):
        step = mpmath.mpf(10) ** -50

        def at(r: Any, f: Any) -> Any:
            return formula(np.array([mpmath.mpf(r)]), np.array([mpmath.mpf(f)]))

        value = at(real, fake)
        by_real, by_fake = (at(real + step, fake) - value) / step, (at(real, fake + step) - value) / step
        return float(value), float(by_real), float(by_fake)


@pytest.mark.parametrize("size", [30.0, 1e4])
@pytest.mark.parametrize("player", PLAYERS)
@every_loss
def test_extreme_scores_are_exact_or_openly_out_of_range(case: Case, player: str, size: float) -> None:
    """In float32, values and gradients are the formula's where float32 can hold them, and not finite elsewhere.

    So no log(σ + 1e-8), which becomes a constant without a gradient.
    """
    loss = loss_of(case, player)
    for score in (size, -size):
        real, fake = torch.tensor([score], requires_grad=True), torch.tensor([-score], requires_grad=True)
        value = loss(real, fake)
        gradients = torch.autograd.grad(value, (real, fake), allow_unused=True, materialize_grads=True)
        expected = exactly(getattr(case, player), score, -score)
        for found, exact in zip((value, *gradients), expected, strict=True):
            if abs(exact) > torch.finfo(torch.float32).max:
                assert not torch.isfinite(found)
            else:
                assert found.item() == pytest.approx(exact, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("player", PLAYERS)
@every_loss
def test_scores_of_mixed_precision_give_nearly_the_same(case: Case, player: str) -> None:
    """A discriminator under autocast hands over bfloat16, which has 8 bits of every number."""
    torch.manual_seed(0)
    discriminator = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0))
    samples = torch.randn(2, 64, 3)
    loss = loss_of(case, player)
    full = loss(discriminator(samples[0]), discriminator(samples[1]))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        real, fake = discriminator(samples[0]), discriminator(samples[1])
        assert real.dtype == torch.bfloat16
        inside = loss(real, fake)
    outside = loss(real, fake)
    for value in (inside, outside):
        assert value.item() == pytest.approx(full.item(), rel=0.02, abs=0.02)
        gradients = torch.autograd.grad(value, list(discriminator.parameters()), retain_graph=True)
        assert all(torch.isfinite(gradient).all() for gradient in gradients)


# laws of every loss


@every_loss
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), size=st.integers(1, 12))
def test_order_of_pairs_does_not_matter(case: Case, seed: int, size: int) -> None:
    real, fake = scores(size, seed)
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    for player in PLAYERS:
        loss = loss_of(case, player)
        torch.testing.assert_close(loss(real[order], fake[order]), loss(real, fake))


@every_loss
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), size=st.integers(1, 12))
def test_a_batch_twice_over_costs_the_same(case: Case, seed: int, size: int) -> None:
    """Losses are means: neither sums, nor numbers that grow with the batch."""
    real, fake = scores(size, seed)
    for player in PLAYERS:
        loss = loss_of(case, player)
        torch.testing.assert_close(loss(real.repeat(2), fake.repeat(2)), loss(real, fake))


@every_loss
def test_losses_that_claim_not_to_use_real_scores_do_not(case: Case) -> None:
    loss = case.build()
    real, fake = scores()
    if loss.generator_uses_real:
        assert loss.generator(real, fake) != loss.generator(real + 1, fake)
    else:
        assert loss.generator(real.new_empty(0), fake) == loss.generator(real, fake)


@every_loss
def test_players_pull_scores_the_right_way(case: Case) -> None:
    """The discriminator parts real from fake scores, the generator moves fake ones to where real ones are."""
    loss = case.build()
    real = torch.full((8,), case.undecided, requires_grad=True)
    fake = torch.full((8,), case.undecided, requires_grad=True)
    towards_real = 1 if getattr(loss, "energy", None) else -1  # the sign of a gradient that is descended
    to_real, to_fake = torch.autograd.grad(loss.discriminator(real, fake), (real, fake))
    assert (towards_real * to_real > 0).all()
    if case.k == 0:
        assert (to_fake == 0).all()
    else:
        assert (towards_real * to_fake < 0).all()
    told_apart = (fake + towards_real).detach().requires_grad_()
    (generator_pull,) = torch.autograd.grad(loss.generator(real, told_apart), told_apart)
    assert (towards_real * generator_pull > 0).all()


@every_loss
def test_asking_for_a_loss_changes_nothing(case: Case) -> None:
    loss = case.build()
    real, fake = scores()
    before = copy.deepcopy(loss)
    values = [[getattr(loss, player)(real, fake).item() for player in PLAYERS] for _ in range(2)]
    assert values[0] == values[1]
    assert loss == before
    if isinstance(loss, Memory) and isinstance(before, Memory):
        assert loss.state_dict() == before.state_dict()


@every_loss
def test_losses_leave_scores_and_precision_alone(case: Case) -> None:
    for dtype in (torch.float32, torch.float64):
        real, fake = (side.to(dtype) for side in scores())
        kept = real.clone(), fake.clone()
        loss = case.build()
        for player in PLAYERS:
            assert getattr(loss, player)(real, fake).dtype == dtype
        assert torch.equal(real, kept[0])
        assert torch.equal(fake, kept[1])


# what single losses are known for


@pytest.mark.parametrize("name", ["wasserstein", "relativistic-average", "relativistic-pairing"])
def test_losses_of_differences_do_not_see_a_shift_of_all_scores(name: str) -> None:
    for case in CASES:
        if case.name == name:
            real, fake = scores()
            loss = case.build()
            torch.testing.assert_close(loss.discriminator(real + 5, fake + 5), loss.discriminator(real, fake))


@pytest.mark.parametrize("base", ["logistic", "least-squares", "hinge"])
def test_a_single_pair_is_its_own_average(base: str) -> None:
    real, fake = scores(1)
    average = losses.create("relativistic-average", base=base)
    pairing = losses.create("relativistic-pairing", base=base)
    for player in PLAYERS:
        torch.testing.assert_close(getattr(average, player)(real, fake), 2 * getattr(pairing, player)(real, fake))


def test_only_the_order_within_pairs_tells_pairing_from_averages() -> None:
    """Pairing sees which fake score stands beside which real one; the average does not."""
    real, fake = scores(8)
    pairing, average = losses.create("relativistic-pairing"), losses.create("relativistic-average")
    assert pairing.discriminator(real, fake) != pairing.discriminator(real, fake.flip(0))
    torch.testing.assert_close(average.discriminator(real, fake), average.discriminator(real, fake.flip(0)))


def test_minimax_is_a_zero_sum_game_up_to_what_the_generator_cannot_change() -> None:
    real, fake = scores()
    loss = losses.create("minimax")
    of_real_alone = loss.discriminator(real, fake) + loss.generator(real, fake)
    torch.testing.assert_close(of_real_alone, loss.discriminator(real, fake + 1) + loss.generator(real, fake + 1))
