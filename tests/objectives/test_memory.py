"""What losses and penalties carry from update to update: BEGAN's k and LeCam's averages."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench.catalog import losses, penalties
from bench.objectives import BoundaryEquilibrium, LeCam, Memory
from tests.objectives.critics import of_scores

MEMORIES = {
    "boundary-equilibrium": lambda: losses.create("boundary-equilibrium", gain=0.05),
    "lecam": lambda: penalties.create("lecam", decay=0.6),
}
every_memory = pytest.mark.parametrize("name", MEMORIES)


def batches(count: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> list[tuple[Tensor, Tensor]]:
    draw = 3 * torch.rand((count, 2, 6), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return [(pair[0].to(dtype), (1.4 * pair[1]).to(dtype)) for pair in draw]


def numbers(memory: Memory) -> dict[str, float]:
    return {name: value.item() for name, value in memory.state_dict().items()}


def test_every_entry_that_remembers_is_tested_here() -> None:
    entries = [*map(losses.create, losses.names()), *map(penalties.create, penalties.names())]
    assert sum(isinstance(entry, Memory) for entry in entries) == len(MEMORIES)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), gain=st.floats(0, 1), gamma=st.floats(0, 1))
def test_k_follows_its_recursion(seed: int, gain: float, gamma: float) -> None:
    """Berthelot et al. 2017: k ← k + λ_k(γ E e(x) − E e(G)), held within [0, 1]."""
    loss = BoundaryEquilibrium(gamma=gamma, gain=gain)
    k = 0.0
    for real, fake in batches(12, seed):
        expected = real.numpy().mean() - k * fake.numpy().mean()
        assert loss.discriminator(real, fake).item() == pytest.approx(expected)
        loss.observe(real, fake)
        k = float(np.clip(k + gain * (gamma * real.numpy().mean() - fake.numpy().mean()), 0, 1))
        assert numbers(loss)["k"] == pytest.approx(k, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("real", "fake", "bound"), [(8.0, 1.0, 1.0), (1.0, 8.0, 0.0)])
def test_k_rises_while_generated_errors_are_small_and_stays_between_0_and_1(
    real: float, fake: float, bound: float
) -> None:
    loss = BoundaryEquilibrium(gamma=0.5, gain=0.2)
    loss.load_state_dict({"k": torch.tensor(0.5, dtype=torch.float64)})
    loss.observe(torch.full((4,), real), torch.full((4,), fake))
    assert (numbers(loss)["k"] - 0.5) * (bound - 0.5) > 0
    for _ in range(10):
        loss.observe(torch.full((4,), real), torch.full((4,), fake))
    assert numbers(loss)["k"] == bound


def test_k_rests_where_the_errors_have_the_ratio_gamma() -> None:
    loss = BoundaryEquilibrium(gamma=0.75, gain=0.3)
    loss.load_state_dict({"k": torch.tensor(0.4, dtype=torch.float64)})
    loss.observe(torch.full((4,), 4.0), torch.full((4,), 3.0))
    assert numbers(loss)["k"] == pytest.approx(0.4, abs=1e-15)


def test_k_does_not_drift_with_the_precision_of_the_scores() -> None:
    """10,000 updates of 1e-5 each, on float32 and even on bfloat16 scores: 0.1, as in float64."""
    for dtype in (torch.bfloat16, torch.float32, torch.float64):
        loss = BoundaryEquilibrium(gamma=0.5, gain=1e-5)
        for _ in range(10_000):
            loss.observe(torch.tensor([4.0], dtype=dtype), torch.tensor([1.0], dtype=dtype))
        assert numbers(loss)["k"] == pytest.approx(0.1, abs=1e-9)


@pytest.mark.parametrize("decay", [0.0, 0.6, 0.99])
def test_averages_follow_their_recursion(decay: float) -> None:
    """α ← (1 − s)α + s·mean with s = max(1 − decay, 1/updates): plain means first, then exponential averages."""
    penalty = LeCam(decay=decay)
    average_real, average_fake = 0.0, 0.0
    for update, (real, fake) in enumerate(batches(9), start=1):
        share = max(1 - decay, 1 / update)
        average_real = (1 - share) * average_real + share * real.numpy().mean()
        average_fake = (1 - share) * average_fake + share * fake.numpy().mean()
        penalty.observe(real, fake)
        found = numbers(penalty)
        assert found["real"] == pytest.approx(average_real)
        assert found["fake"] == pytest.approx(average_fake)


def test_first_averages_are_plain_means() -> None:
    penalty = LeCam(decay=0.99)
    seen = batches(5)
    for real, fake in seen:
        penalty.observe(real, fake)
    assert numbers(penalty)["real"] == pytest.approx(torch.stack([real for real, _ in seen]).mean().item())


def test_scores_are_held_to_the_average_of_the_other_side_with_their_batch_taken_in() -> None:
    """Tseng et al. 2021, eq. 8: real scores to the fake average, fake ones to the real average."""
    penalty = LeCam(weight=0.3, decay=0.6)
    penalty.load_state_dict(
        {
            name: torch.tensor(value, dtype=torch.float64)
            for name, value in {"real": 2, "fake": -1, "updates": 50}.items()
        }
    )
    ((real, fake),) = batches(1)
    average_real = 0.6 * 2 + 0.4 * real.numpy().mean()
    average_fake = 0.6 * -1 + 0.4 * fake.numpy().mean()
    expected = 0.3 * (((real.numpy() - average_fake) ** 2).mean() + ((fake.numpy() - average_real) ** 2).mean())
    assert penalty.term(of_scores(real, fake)).item() == pytest.approx(expected)


def test_the_first_batch_is_its_own_average() -> None:
    ((real, fake),) = batches(1)
    expected = ((real - fake.mean()) ** 2).mean() + ((fake - real.mean()) ** 2).mean()
    assert LeCam(weight=1.0).term(of_scores(real, fake)).item() == pytest.approx(expected.item())


def test_averages_are_constants_to_the_gradient() -> None:
    ((real, fake),) = batches(1)
    real, fake = real.requires_grad_(), fake.requires_grad_()
    penalty = LeCam(weight=1.0)
    to_real, to_fake = torch.autograd.grad(penalty.term(of_scores(real, fake)), (real, fake))
    torch.testing.assert_close(to_real, 2 * (real - fake.mean()) / len(real))
    torch.testing.assert_close(to_fake, 2 * (fake - real.mean()) / len(fake))


@every_memory
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_loop_of_ones_own_runs_in_its_own_precision(name: str, dtype: torch.dtype) -> None:
    memory = MEMORIES[name]()
    for real, fake in batches(4, dtype=dtype):
        real, fake = real.requires_grad_(), fake.requires_grad_()
        value = memory.discriminator(real, fake) if name in losses.names() else memory.term(of_scores(real, fake))
        assert value.dtype == dtype
        value.backward()
        memory.observe(real, fake)
    assert all(value.dtype == torch.float64 and not value.requires_grad for value in memory.state_dict().values())


@every_memory
def test_a_checkpoint_goes_on_where_it_was_taken(name: str) -> None:
    seen = batches(8)
    straight, first, second = (MEMORIES[name]() for _ in range(3))
    for real, fake in seen:
        straight.observe(real, fake)
    for real, fake in seen[:3]:
        first.observe(real, fake)
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    buffer.seek(0)
    second.load_state_dict(torch.load(buffer, weights_only=True))
    kept = numbers(second)
    for real, fake in seen[3:]:
        first.observe(real, fake)  # the states are copies: going on with one does not move the other
    assert numbers(second) == kept
    for real, fake in seen[3:]:
        second.observe(real, fake)
    assert numbers(second) == numbers(straight)


@every_memory
def test_a_checkpoint_that_lacks_a_number_is_refused(name: str) -> None:
    with pytest.raises(KeyError):
        MEMORIES[name]().load_state_dict({})


@every_memory
def test_each_has_a_memory_of_its_own(name: str) -> None:
    one, other = MEMORIES[name](), MEMORIES[name]()
    before = numbers(other)
    one.observe(*batches(1)[0][::-1])
    assert numbers(other) == before
