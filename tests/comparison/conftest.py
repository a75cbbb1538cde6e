from pathlib import Path

import pytest

from bench.store import Store
from tests.report.synthetic import make_results


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three objectives on points and images, five seeds, all completed."""
    folder: Path = tmp_path_factory.mktemp("results") / "earlier"
    return make_results(folder, ["nsgan", "wgan-gp", "hinge"], ["ring"], 5)
