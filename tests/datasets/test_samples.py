"""Samples that are no tensors give what tensors give, wherever they lie."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.datasets import samples as module
from bench.datasets.base import Data, Samples, in_batches
from bench.datasets.samples import Mapped, Stacked, Streamed, digest_of, draw, place
from tests.datasets.formats import random_bytes
from tests.specs import run_spec
from tests.training.games import CPU, load, make, same_bits


def mapped(tensor: torch.Tensor) -> Mapped:
    """The same samples behind indices: the array holds them backwards."""
    n = len(tensor)
    return Mapped(tensor.flip(0).numpy(), np.arange(n)[::-1].copy(), "digest")


@given(st.data())
def test_mapped_and_streamed_samples_are_indexed_as_the_tensor_is(given_: st.DataObject) -> None:
    n = given_.draw(st.integers(2, 30))
    tensor = torch.from_numpy(random_bytes(n, 1, 2, 2, seed=n))
    index = torch.tensor(given_.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=10)))
    start, stop = given_.draw(st.integers(0, n)), given_.draw(st.integers(0, n))
    for samples in (mapped(tensor), Streamed(tensor, CPU), Streamed(mapped(tensor), CPU)):
        assert torch.equal(samples[index], tensor[index])
        assert torch.equal(samples[start:stop], tensor[start:stop])
        assert (len(samples), samples.shape, samples.dtype) == (n, (n, 1, 2, 2), torch.uint8)
        assert torch.equal(torch.cat(list(in_batches(samples, 7))), tensor)


def test_stacked_channels_are_the_chosen_parts() -> None:
    parts = torch.from_numpy(random_bytes(10, 1, 4, 4))
    stacked = Stacked(parts, torch.tensor([[1, 2, 3], [9, 9, 0]]))
    assert stacked.shape == (2, 3, 4, 4)
    sample = stacked[torch.tensor([1])]
    assert torch.equal(sample, torch.cat([parts[9], parts[9], parts[0]])[None])
    assert torch.equal(stacked[:1][0, 2], parts[3, 0])


def test_draws_are_those_of_a_tensor() -> None:
    tensor = torch.from_numpy(random_bytes(50, 1, 4, 4))
    batches = [
        draw(samples, 16, torch.Generator().manual_seed(3), CPU)
        for samples in (tensor, mapped(tensor), Streamed(tensor, CPU), Streamed(mapped(tensor), CPU))
    ]
    assert all(torch.equal(batch, batches[0]) for batch in batches)


def test_a_game_ends_with_the_same_bytes_wherever_its_data_lie() -> None:
    spec = run_spec("wgan-gp", "digits")
    data = load(spec)
    assert isinstance(data.train, torch.Tensor)
    games = [
        make(spec, dataclasses.replace(data, train=train))
        for train in (data.train, mapped(data.train), Streamed(data.train, CPU), Streamed(mapped(data.train), CPU))
    ]
    for game in games:
        game.advance(3)
        assert same_bits(game, games[0])


def test_what_fits_is_resident_and_what_does_not_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    tensor = torch.from_numpy(random_bytes(10, 1, 4, 4))
    samples = mapped(tensor)
    monkeypatch.setattr(module, "resident_limit", lambda device: 160)
    resident = samples.to(CPU)
    assert isinstance(resident, torch.Tensor)
    assert torch.equal(resident, tensor)
    monkeypatch.setattr(module, "resident_limit", lambda device: 159)
    assert samples.to(CPU) is samples
    data = Data(train=samples, validation=tensor, test=tensor).to(CPU)
    assert data.train is samples


def test_what_fits_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    tensor = torch.from_numpy(random_bytes(10, 1, 4, 4))
    monkeypatch.setattr(module, "PART", 3 * 16)
    read: list[int] = []
    get = Mapped.__getitem__

    def watch(samples: Mapped, index: torch.Tensor | slice) -> torch.Tensor:
        read.append(len(part := get(samples, index)))
        return part

    monkeypatch.setattr(Mapped, "__getitem__", watch)
    resident = mapped(tensor).to(CPU)
    assert isinstance(resident, torch.Tensor)
    assert torch.equal(resident, tensor)
    assert read == [3, 3, 3, 1]


def test_a_container_with_a_limit_counts_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CGROUP", tmp_path)
    without = module.resident_limit(CPU)
    for name, content in (("max", "5000\n"), ("current", "4000\n"), ("stat", "anon 3000\ninactive_file 800\n")):
        (tmp_path / f"memory.{name}").write_text(content)
    assert module.resident_limit(CPU) == (5000 - 4000 + 800) / 2 < without
    (tmp_path / "memory.max").write_text("max\n")
    assert module.resident_limit(CPU) > 5000


def test_resident_limit_is_half_of_what_is_free() -> None:
    available = module.psutil.virtual_memory().available
    assert module.resident_limit(CPU) == pytest.approx(available / 2, rel=0.2)


def test_a_process_with_a_limit_of_its_own_counts_that() -> None:
    resource = pytest.importorskip("resource", reason="there are no such limits here")
    code = (
        "import psutil, resource, torch\n"
        "from bench.datasets.samples import resident_limit\n"
        "limit = psutil.Process().memory_info().data + 10**8\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))\n"
        "assert 0 < resident_limit(torch.device('cpu')) <= 5 * 10**7, resident_limit(torch.device('cpu'))\n"
    )
    assert resource
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_digests_tell_contents_types_and_order_apart() -> None:
    tensor = torch.arange(12).reshape(6, 2)
    digests = {
        digest_of(each)
        for each in (tensor, tensor.flip(0), tensor.reshape(3, 4), tensor.int(), tensor.float(), tensor[:, :1])
    }
    assert len(digests) == 6
    assert digest_of(tensor.t().contiguous().t()) == digest_of(tensor)  # strides are no content
    array = random_bytes(5, 1, 2, 2)
    forwards, backwards = (Mapped(array, order, "d") for order in (np.arange(5), np.arange(5)[::-1].copy()))
    assert digest_of(forwards) != digest_of(backwards)
    assert digest_of(Streamed(forwards, CPU)) == digest_of(forwards)


def test_samples_that_tell_no_digest_are_read_for_one() -> None:
    class Plain:
        def __init__(self, tensor: torch.Tensor) -> None:
            self.tensor, self.shape, self.dtype = tensor, tuple(tensor.shape), tensor.dtype

        def __len__(self) -> int:
            return len(self.tensor)

        def __getitem__(self, index: torch.Tensor | slice) -> torch.Tensor:
            return self.tensor[index]

        def to(self, device: torch.device) -> Samples:
            return self

    tensor = torch.from_numpy(random_bytes(10, 1, 2, 2))
    assert digest_of(Plain(tensor)) == digest_of(tensor)


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")


@pytest.mark.gpu
@needs_gpu
def test_streamed_draws_are_those_of_resident_samples_on_cuda() -> None:
    cuda = torch.device("cuda")
    tensor = torch.from_numpy(random_bytes(1000, 3, 32, 32))
    for host in (tensor, mapped(tensor)):
        streamed, resident = Streamed(host, cuda), tensor.to(cuda)
        one, other = (torch.Generator(cuda).manual_seed(5) for _ in range(2))
        for _ in range(20):
            assert torch.equal(draw(streamed, 64, one, cuda), draw(resident, 64, other, cuda))
        assert torch.equal(one.get_state(), other.get_state())
        assert torch.equal(streamed[10:20], resident[10:20])


@pytest.mark.gpu
@needs_gpu
def test_too_large_for_the_device_is_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    tensor = torch.from_numpy(random_bytes(10, 1, 4, 4))
    resident = place(mapped(tensor), cuda)
    assert isinstance(resident, torch.Tensor)
    assert torch.equal(resident, tensor.to(cuda))
    monkeypatch.setattr(module, "resident_limit", lambda device: 159)
    assert isinstance(place(tensor, cuda), Streamed)
    assert isinstance(place(mapped(tensor), cuda), Streamed)
    assert torch.equal(place(place(tensor, cuda), CPU)[:], tensor)


@pytest.mark.gpu
@needs_gpu
def test_drawing_streamed_samples_does_not_wait_for_the_players() -> None:
    cuda = torch.device("cuda")
    streamed = Streamed(torch.from_numpy(random_bytes(1000, 3, 32, 32)), cuda)
    random = torch.Generator(cuda).manual_seed(0)
    draw(streamed, 64, random, cuda)
    busy = torch.randn(4096, 4096, device=cuda)
    torch.cuda.synchronize()
    for _ in range(200):  # seconds of work
        busy = (busy @ busy).tanh_()
    done = torch.cuda.Event()
    done.record()
    draw(streamed, 64, random, cuda)
    assert not done.query(), "the step waited for what was queued before it"
