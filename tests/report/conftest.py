from pathlib import Path

import pytest

from bench.store import Store
from tests.report.synthetic import make_results
from tests.report.unfinished import make_unfinished


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two objectives on points and images, three seeds: complete, with references and throughput."""
    folder: Path = tmp_path_factory.mktemp("results") / "small"
    return make_results(folder, ["nsgan", "wgan-gp"], ["ring", "digits"], 3)


@pytest.fixture(scope="session")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A suite left half-way: see `tests.report.unfinished`. Not to be changed."""
    return make_unfinished(tmp_path_factory.mktemp("results") / "unfinished")
