"""Studies in a real PostgreSQL: two workers, one of them killed; and doors that stay shut."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial, TrialState

from bench.errors import UsageError
from bench.tuning.storage import open_storage
from tests.tuning import postgresql
from tests.tuning.carrying import ONE, TINY, TWO, begin, trials_of, wait_until, write

REASON = postgresql.why_not()
pytestmark = [pytest.mark.skipif(REASON is not None, reason=str(REASON)), pytest.mark.timeout(900)]
pytest.importorskip("psycopg", reason="the driver is not installed: pip install 'ganbench[postgresql]'")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgresql.server() as found:
        yield found


@pytest.mark.parametrize("together", [True, False], ids=["one results folder", "one each"])
def test_two_workers_share_the_studies_and_one_is_killed(
    together: bool, url: str, tmp_path: Path, data_root: Path
) -> None:
    name = "together" if together else "apart"
    text = TINY.replace("steps = 20", "steps = 60") + "[tune]\ntrials = 4\n"
    homes = [tmp_path, tmp_path if together else tmp_path / "other"]
    suites = [write(home / f"suites-{number}", text, name) for number, home in enumerate(homes)]
    workers = [
        begin(suite, home, data_root, "--slots", "1", "--storage", url)
        for suite, home in zip(suites, homes, strict=True)
    ]
    driver = url.replace("postgresql://", "postgresql+psycopg://")

    def ours() -> list[FrozenTrial]:
        return [t for study, trials in trials_of(driver).items() if study.startswith(name) for t in trials]

    def finished() -> int:
        return sum(trial.state.is_finished() for trial in ours())

    wait_until(lambda: finished() >= 2 and len(ours()) >= 4)
    workers[0].send_signal(signal.SIGKILL)
    killed, _ = workers[0].communicate(timeout=60)
    output, _ = workers[1].communicate(timeout=400)
    assert workers[1].returncode == 0, output
    found = {study: trials for study, trials in trials_of(driver).items() if study.startswith(name)}
    assert set(found) == {f"{name}/nsgan_mlp_ring", f"{name}/wgan-gp_mlp_ring"}
    for trials in found.values():
        assert sorted(trial.user_attrs["slot"] for trial in trials) == [0, 1, 2, 3]
        assert all(trial.state is TrialState.COMPLETE for trial in trials)
    # nothing that was printed or written tells the password
    password = url.split(":")[2].split("@")[0]
    assert password not in killed + output
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert password.encode() not in path.read_bytes(), path
    outcome = json.loads((homes[1] / "results" / f"{name}.tuned" / "tuning.json").read_text())
    assert outcome["storage"].startswith("postgresql://tuner@127.0.0.1:")


def test_a_refused_password_is_told_and_not_shown(url: str, tmp_path: Path) -> None:
    wrong = "postgresql://tuner:opensesame@" + url.split("@")[1]
    with pytest.raises(UsageError) as refused:
        open_storage(wrong, tmp_path)
    (fault,) = refused.value.faults
    assert "password authentication failed" in fault
    assert "opensesame" not in fault
    assert "tuner@127.0.0.1" in fault


def test_two_that_open_an_empty_database_at_once_both_can(tmp_path: Path, data_root: Path) -> None:
    text = TINY.replace(TWO, ONE) + "[tune]\ntrials = 2\n"
    with postgresql.server() as url:
        suite = write(tmp_path, text)
        workers = [begin(suite, tmp_path, data_root, "--slots", "1", "--storage", url) for _ in range(2)]
        for worker in workers:
            output, _ = worker.communicate(timeout=300)
            assert worker.returncode == 0, output
        trials = trials_of(url.replace("postgresql://", "postgresql+psycopg://"))["small/nsgan_mlp_ring"]
        assert sorted(trial.user_attrs["slot"] for trial in trials) == [0, 1]
