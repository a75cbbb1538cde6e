"""Named precisions and memory formats: other runs by name, and the default is what it was."""

from __future__ import annotations

import pytest
import torch

from bench.spec import RunSpec, identity
from bench.training.precision import computing_in
from tests.specs import run_spec
from tests.training.games import load, make, same_bits

CPU = torch.device("cpu")


def asking(spec: RunSpec, **changes: str) -> RunSpec:
    return spec.model_copy(update={"training": spec.training.model_copy(update=changes)})


def test_a_run_that_asks_for_nothing_is_the_one_that_it_was() -> None:
    spec = run_spec("nsgan")
    assert not {"precision", "memory_format"} & identity(spec)["training"].keys()
    ids = {asking(spec, precision=name).run_id for name in ("float32", "tf32", "bfloat16")}
    ids |= {asking(spec, memory_format=name).run_id for name in ("contiguous", "channels-last")}
    assert len(ids) == 4
    assert spec.run_id in ids


@pytest.mark.parametrize("name", ["nsgan", "wgan-gp", "sngan", "r3gan"])
def test_bfloat16_trains_and_keeps_weights_in_float32(name: str) -> None:
    spec = run_spec(name, "digits", amount=6)
    exact, rounded = make(spec, load(spec)), make(asking(spec, precision="bfloat16"), load(spec))
    assert exact.advance(6)
    assert rounded.advance(6)
    weights = list(rounded.generator.parameters()) + list(rounded.discriminator.parameters())
    assert {weight.dtype for weight in weights} == {torch.float32}
    assert rounded.discriminator(rounded.draw_real()).dtype == torch.float32
    assert not same_bits(exact, rounded), "it does compute in another precision"
    for one, two in zip(exact.logged, rounded.logged, strict=True):
        assert two.values[0] == pytest.approx(one.values[0], rel=0.2, abs=0.05), "and in nearly the same numbers"


def test_bfloat16_sees_each_update_of_the_weights() -> None:
    layer = torch.nn.Linear(4, 4)
    seen = torch.ones(2, 4)
    with computing_in("bfloat16", CPU):
        before = layer(seen)
        with torch.no_grad():
            layer.weight.mul_(2)
        assert not torch.equal(before, layer(seen))


def test_channels_last_lies_so_and_computes_the_same_but_for_rounding() -> None:
    spec = run_spec("wgan-gp", "digits", amount=4)
    one, two = make(spec, load(spec)), make(asking(spec, memory_format="channels-last"), load(spec))
    one.advance(3)
    two.advance(3)
    convolutions = [weight for weight in two.discriminator.parameters() if weight.dim() == 4]
    assert any(weight.is_contiguous(memory_format=torch.channels_last) for weight in convolutions)
    for mine, theirs in zip(one.generator.parameters(), two.generator.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=2e-3)


def test_tf32_changes_nothing_on_a_cpu() -> None:
    spec = run_spec("nsgan")
    one, two = make(spec, load(spec)), make(asking(spec, precision="tf32"), load(spec))
    one.advance(4)
    two.advance(4)
    assert same_bits(one, two)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")
def test_tf32_is_used_inside_and_left_as_it_was() -> None:
    device = torch.device("cuda:0")
    torch.backends.cuda.matmul.allow_tf32 = False
    a = torch.randn(256, 256, device=device)
    exact = a @ a
    with computing_in("tf32", device):
        rounded = a @ a
    assert not torch.equal(exact, rounded)
    assert torch.equal(exact, a @ a)
