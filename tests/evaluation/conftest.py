from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from bench.datasets.base import Data
from bench.datasets.digits import Digits
from bench.datasets.mixtures import Ring
from bench.evaluation.spaces import ClassifierSpace, open_space
from bench.spec import Choice

DIGITS = Choice(name="digits", label="digits")


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits() -> Data:
    return Digits().load(Path())


@pytest.fixture(scope="session")
def ring() -> Data:
    return Ring(train=10_000).load(Path())


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def digits_space(digits: Data, data_root: Path) -> ClassifierSpace:
    """Trained once for the whole session and kept under ``data_root``."""
    space = open_space("classifier", digits, DIGITS, data_root)
    assert isinstance(space, ClassifierSpace)
    return space
