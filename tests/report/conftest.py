from pathlib import Path

import pytest

from bench.store import Store
from tests.report.synthetic import make_results


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two objectives on points and images, three seeds: complete, with references and throughput."""
    folder: Path = tmp_path_factory.mktemp("results") / "small"
    return make_results(folder, ["nsgan", "wgan-gp"], ["ring", "digits"], 3)
