"""Studies, carried out: what is trained, what is told, what is kept, and that it repeats."""

from __future__ import annotations

import math
import signal
from pathlib import Path

import pytest
from optuna.trial import TrialState

from bench.errors import UsageError
from bench.record import Status
from bench.store import Store
from bench.tuned import Tuning
from bench.tuning.conduct import FOLDER
from tests.tuning.carrying import ONE, TINY, TWO, begin, carry_out, sqlite_of, trials_of, wait_until, write

pytestmark = pytest.mark.timeout(900)

RANDOM = TINY + "[tune]\ntrials = 3\n"
LEARNING = (
    TINY.replace(TWO, ONE)
    + """
[tune]
trials = 5
sampler = { name = "TPESampler", n_startup_trials = 2 }
pruner = { name = "MedianPruner", n_startup_trials = 1 }
"""
)
BREAKING = """
from bench.catalog import losses

@losses.register("breaking", formula="-", source="mine")
class Breaking:
    '''Not finite where it is told so; fails where it is told so.'''

    how: str = "finite"

    def discriminator(self, real, fake):
        if self.how == "fails":
            raise RuntimeError("told to fail")
        return (real - fake).mean() * (float("inf") if self.how == "diverges" else 1.0)

    def generator(self, real, fake):
        return -fake.mean()
"""


def settings(outcome: Tuning) -> list[list[tuple[dict[str, object], str, float | None]]]:
    return [[(t.settings, t.status, t.value) for t in study.trials] for study in outcome.studies]


def test_every_cell_has_its_trials_and_a_second_call_trains_nothing(tmp_path: Path, data_root: Path) -> None:
    suite = write(tmp_path, RANDOM)
    first = carry_out(suite, tmp_path, data_root)
    assert (first.finished, first.earlier, first.exit_code, first.is_complete) == (6, 0, 0, True)
    found = trials_of(sqlite_of(tmp_path))
    assert set(found) == {"small/nsgan_mlp_ring", "small/wgan-gp_mlp_ring"}
    store = Store(tmp_path / "small" / FOLDER)
    for trials in found.values():
        assert [trial.number for trial in trials] == [0, 1, 2]
        for trial in trials:
            # an ordinary run stands behind each: its value is the record's validation metric at the end
            (run_id,) = trial.user_attrs["runs"]
            record, history = store.record(run_id), store.history(run_id)
            assert record is not None
            assert history is not None
            assert record.status is Status.COMPLETED
            rows = history[(history["split"] == "validation") & (history["name"] == "sliced_wasserstein")]
            assert trial.value == rows.sort_values("step")["value"].iloc[-1]
            assert trial.intermediate_values == dict(enumerate(rows["value"], start=1))
            assert record.spec.objective.n_critic == trial.params["n_critic"]
            assert trial.user_attrs["images"] == record.images
    again = carry_out(suite, tmp_path, data_root)
    assert (again.finished, again.earlier) == (0, 6)
    assert settings(again.outcome) == settings(first.outcome)
    # objectives share the draws of what they share
    one, other = (study.trials for study in first.outcome.studies)
    assert [t.settings["optimizer.learning_rate"] for t in one] == [
        t.settings["optimizer.learning_rate"] for t in other
    ]
    # more trials of the same: those that are there are kept
    more = carry_out(write(tmp_path, RANDOM.replace("trials = 3", "trials = 4")), tmp_path, data_root)
    assert (more.finished, more.earlier) == (2, 6)


@pytest.mark.parametrize("text", [RANDOM, LEARNING], ids=["random", "learning"])
def test_one_worker_gives_the_same_trials(text: str, tmp_path: Path, data_root: Path) -> None:
    outcomes = [
        carry_out(write(tmp_path / name, text), tmp_path / name, data_root, slots=1).outcome for name in ("a", "b")
    ]
    assert settings(outcomes[0]) == settings(outcomes[1])


def test_a_pruned_trial_keeps_what_it_measured(tmp_path: Path, data_root: Path) -> None:
    text = TINY.replace(TWO, ONE).replace("steps = 20", "steps = 400")
    text += '[tune]\ntrials = 2\npruner = { name = "ThresholdPruner", upper = 1e-9 }\n'
    outcome = carry_out(write(tmp_path, text), tmp_path, data_root).outcome
    (study,) = outcome.studies
    assert [(t.state, t.status, t.value) for t in study.trials] == [("pruned", "pruned", None)] * 2
    assert all(t.reason == "ThresholdPruner, at evaluation 1" for t in study.trials)
    assert all(0 < t.images < 400 * 16 * int(t.settings["n_critic"]) for t in study.trials)  # it was stopped
    assert study.best is None
    store = Store(tmp_path / "small" / FOLDER)
    for trial in trials_of(sqlite_of(tmp_path))["small/nsgan_mlp_ring"]:
        assert trial.state is TrialState.PRUNED
        history = store.history(trial.user_attrs["runs"][0])
        assert history is not None
        assert not history.empty
        assert not list(store.run_folder(trial.user_attrs["runs"][0]).glob("checkpoint*"))


def test_diverged_and_failed_trials_are_told_and_not_scored(tmp_path: Path, data_root: Path) -> None:
    (tmp_path / "breaking.py").write_text(BREAKING)
    text = 'plugins = ["breaking.py"]\n' + TINY.replace(TWO, '["breaking"]')
    text += '[tune]\ntrials = 8\ndefault_space = false\nspace.loss.how = ["finite", "diverges", "fails"]\n'
    tuned = carry_out(write(tmp_path, text), tmp_path, data_root)
    (study,) = tuned.outcome.studies
    by_choice = {str(t.settings["loss.how"]): t for t in study.trials}
    assert set(by_choice) == {"finite", "diverges", "fails"}
    expected = {"finite": ("completed", "completed"), "diverges": ("pruned", "diverged"), "fails": ("failed", "failed")}
    for choice, (state, status) in expected.items():
        assert (by_choice[choice].state, by_choice[choice].status) == (state, status)
        assert (by_choice[choice].value is not None) == (choice == "finite")
    assert "not finite" in (by_choice["diverges"].reason or "")
    assert "told to fail" in (by_choice["fails"].reason or "")
    assert tuned.exit_code == 1
    assert study.winner is not None
    assert study.winner.settings["loss.how"] == "finite"
    trials = trials_of(sqlite_of(tmp_path))["small/breaking_mlp_ring"]
    diverged = [trial for trial in trials if trial.user_attrs["status"] == "diverged"]
    assert all(trial.value is None for trial in diverged)
    assert all(math.isnan(value) for trial in diverged for value in trial.intermediate_values.values())
    # eight trials of three settings: each is trained once, and every trial has its result
    store = Store(tmp_path / "small" / FOLDER)
    assert len(store.records().items) == 3
    assert len(trials) == 8


def test_several_seeds_make_a_trial(tmp_path: Path, data_root: Path) -> None:
    text = TINY.replace(TWO, ONE) + '[tune]\ntrials = 1\nseeds = 3\nmetric = "high_quality_share"\n'
    outcome = carry_out(write(tmp_path, text), tmp_path, data_root).outcome
    (trial,) = outcome.studies[0].trials
    store = Store(tmp_path / "small" / FOLDER)
    records = store.records().items
    finals = []
    for record in records:
        history = store.history(record.run_id)
        assert history is not None
        rows = history[(history["split"] == "validation") & (history["name"] == "high_quality_share")]
        finals.append(rows.sort_values("step")["value"].iloc[-1])
    assert [record.spec.seed for record in records] == [0, 1, 2]
    assert trial.value == sorted(finals)[1]
    assert trial.images == sum(record.images for record in records)
    assert outcome.fresh_seeds == (3, 4, 5, 6, 7, 8)
    assert len(trial.evaluations) == 6


def test_a_budget_in_seconds_ends(tmp_path: Path, data_root: Path) -> None:
    text = TINY.replace(TWO, ONE) + "[tune]\nseconds = 2\n"
    tuned = carry_out(write(tmp_path, text), tmp_path, data_root, slots=1)
    taken = [max(1.0, trial.seconds) for trial in tuned.outcome.studies[0].trials]
    assert tuned.is_complete
    assert sum(taken) >= 2 > sum(taken[:-1])


def test_a_study_of_something_else_is_refused(tmp_path: Path, data_root: Path) -> None:
    text = TINY.replace(TWO, ONE) + "[tune]\ntrials = 1\n"
    carry_out(write(tmp_path, text), tmp_path, data_root)
    other = text + "space.n_critic = [1, 3]\n"
    with pytest.raises(UsageError) as refused:
        carry_out(write(tmp_path, other), tmp_path, data_root)
    (fault,) = refused.value.faults
    assert "study 'small/nsgan_mlp_ring' exists" in fault
    assert "n_critic = 1 | 2 | 5 there, 1 | 3 here" in fault
    with pytest.raises(UsageError, match="another sampler"):
        carry_out(write(tmp_path, text + 'sampler = "TPESampler"\n'), tmp_path, data_root)
    with pytest.raises(UsageError, match="training or evaluation"):
        carry_out(write(tmp_path, text.replace("steps = 20", "steps = 30")), tmp_path, data_root)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_what_was_stopped_goes_on_and_no_trial_is_lost_or_doubled(blow: int, tmp_path: Path, data_root: Path) -> None:
    text = TINY.replace("steps = 20", "steps = 60") + "[tune]\ntrials = 2\n[execution]\ncheckpoint_seconds = 0.1\n"
    peace = carry_out(write(tmp_path / "peace", text), tmp_path / "peace", data_root).outcome
    suite = write(tmp_path, text)
    process = begin(suite, tmp_path, data_root, "--slots", "1")
    url, results = sqlite_of(tmp_path / "results"), tmp_path / "results" / "small" / FOLDER
    wait_until(lambda: len(list(results.glob("runs/*/record.json"))) >= 1)
    process.send_signal(blow)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == (-signal.SIGKILL if blow == signal.SIGKILL else 130), output
    before = trials_of(url)
    finished = {(name, t.number): t for name, trials in before.items() for t in trials if t.state.is_finished()}
    assert len(finished) < 4
    again = begin(suite, tmp_path, data_root, "--slots", "1")
    output, _ = again.communicate(timeout=300)
    assert again.returncode == 0, output
    after = trials_of(url)
    assert all(sorted(t.user_attrs["slot"] for t in trials) == [0, 1] for trials in after.values())
    assert all(t.state is TrialState.COMPLETE for trials in after.values() for t in trials)
    for (name, number), trial in finished.items():
        assert after[name][number].datetime_complete == trial.datetime_complete  # left as it was
    outcome = Tuning.model_validate_json((tmp_path / "results" / "small.tuned" / "tuning.json").read_bytes())
    assert settings(outcome) == settings(peace)
