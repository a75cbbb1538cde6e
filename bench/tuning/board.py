"""The studies of a suite in their database: which trial is next, and what has become of the others."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Sequence

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from bench.errors import UsageError
from bench.spec import digest, identity
from bench.tune_plan import StudyPlan, TuningPlan
from bench.tuning.leases import Lease, Leases
from bench.tuning.samplers import make_pruner, make_sampler
from bench.tuning.storage import OPTION, Storage

SLOT, PROTOCOL, SECONDS = "slot", "ganbench", "seconds"
"""User attributes: a trial's place in its study; what a study is of; what a trial took."""

SHORTEST_SECONDS = 1.0
"""What a trial counts at least of a budget in seconds: one that fails at once is not tried for ever."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """A trial that is this worker's."""

    study: StudyPlan
    study_name: str
    slot: int
    trial: Trial
    reported: frozenset[int]
    """Evaluations that the study knows already: of a trial that another worker has begun."""

    @property
    def name(self) -> str:
        """For people: ``nsgan_mlp_ring trial 3``."""
        return f"{self.study.cell} trial {self.slot}"


@dataclasses.dataclass(frozen=True)
class Standing:
    """How far a study is."""

    finished: tuple[FrozenTrial, ...]
    """Those that count, in order of their slots."""
    begun: int
    """Slots that somebody has begun."""
    is_complete: bool


class Board:
    """The studies of one suite.

    Args:
        tuning: what is asked for.
        suite: its name; begins the names of the studies.
        storage: where they are.
        leases: who has which trial.

    Raises:
        UsageError: a study of this name is of something else.
    """

    def __init__(self, tuning: TuningPlan, suite: str, storage: Storage, leases: Leases) -> None:
        self.tuning, self._storage, self.leases = tuning, storage, leases
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._names = {study.cell: f"{suite}/{study.cell}" for study in tuning.studies}
        faults = [fault for study in tuning.studies for fault in self._open(study)]
        if faults:
            raise UsageError(*faults)

    def study_name(self, study: StudyPlan) -> str:
        """What it is called in the database."""
        return self._names[study.cell]

    def load(self, study: StudyPlan) -> optuna.Study:
        """The study as Optuna has it."""
        return optuna.load_study(study_name=self.study_name(study), storage=self._storage.studies)

    def next(self) -> Claim | None:
        """A trial to carry out, of the study that is the least far; None where there is none at this moment.

        A trial whose worker is gone comes before a new one, and has the values that it had.
        """
        with self._lock:
            standings = {study.cell: self.standing(study) for study in self.tuning.studies}

            def far(study: StudyPlan) -> tuple[int, int]:
                return self._running[study.cell], len(standings[study.cell].finished)

            for study in sorted(self.tuning.studies, key=far):
                if standings[study.cell].is_complete:
                    continue
                slot = self._take(study)
                if slot is not None:
                    self._running[study.cell] += 1
                    return Claim(study, self.study_name(study), slot, *self._trial(study, slot))
        return None

    def leave(self, claim: Claim) -> None:
        """A claimed trial is finished, or left to whoever goes on."""
        with self._lock:
            self._running[claim.study.cell] -= 1
        self.leases.release(claim.study_name, claim.slot)

    def standing(self, study: StudyPlan) -> Standing:
        """How far a study is."""
        finished = self._finished(study)
        begun = len(self.leases.of(self.study_name(study)))
        if self.tuning.trials is not None:
            return Standing(finished, begun, len(finished) >= self.tuning.trials)
        return Standing(finished, begun, self._is_spent(finished) and len(finished) >= begun)

    @property
    def is_complete(self) -> bool:
        """Whether every study is."""
        return all(self.standing(study).is_complete for study in self.tuning.studies)

    def _finished(self, study: StudyPlan) -> tuple[FrozenTrial, ...]:
        trials = {
            int(trial.user_attrs[SLOT]): trial
            for trial in self.load(study).get_trials(deepcopy=False)
            if trial.state.is_finished() and SLOT in trial.user_attrs
        }
        most = self.tuning.trials
        return tuple(trials[slot] for slot in sorted(trials) if most is None or slot < most)

    def _is_spent(self, finished: Sequence[FrozenTrial]) -> bool:
        assert self.tuning.seconds is not None
        taken = (float(trial.user_attrs.get(SECONDS, 0.0)) for trial in finished)
        return sum(max(SHORTEST_SECONDS, seconds) for seconds in taken) >= self.tuning.seconds

    def _take(self, study: StudyPlan) -> int | None:
        """A trial of a study: one that was abandoned, else a new one."""
        name, finished = self.study_name(study), self._finished(study)
        done = {trial.user_attrs[SLOT] for trial in finished}
        leases: list[Lease] = self.leases.of(name)
        most = self.tuning.trials
        for lease in leases:
            wanted = lease.slot not in done and (most is None or lease.slot < most)
            if wanted and self.leases.is_abandoned(lease) and self.leases.take_over(lease):
                return lease.slot
        if most is None and self._is_spent(finished):
            return None
        slot = len(leases)
        return slot if (most is None or slot < most) and self.leases.begin(name, slot) else None

    def _trial(self, study: StudyPlan, slot: int) -> tuple[Trial, frozenset[int]]:
        """The trial of a slot: the one that another worker has begun, else a new one, made in one go with its place."""
        own = optuna.load_study(
            study_name=self.study_name(study),
            storage=self._storage.studies,
            sampler=make_sampler(self.tuning.sampler, self.tuning.seed, slot),
            pruner=make_pruner(self.tuning.pruner),
        )
        studies = self._storage.studies
        study_id = studies.get_study_id_from_name(own.study_name)
        running = own.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        begun = next((trial for trial in running if trial.user_attrs.get(SLOT) == slot), None)
        if begun is not None:
            trial_id = studies.get_trial_id_from_study_id_trial_number(study_id, begun.number)
        else:
            template = create_trial(state=TrialState.RUNNING, user_attrs={SLOT: slot})
            trial_id = studies.create_new_trial(study_id, template)
        return Trial(own, trial_id), frozenset(begun.intermediate_values if begun is not None else ())

    def _open(self, study: StudyPlan) -> list[str]:
        """Make a study, or see that the one of its name is of the same; what differs otherwise."""
        name = self.study_name(study)
        lower = study.metric.better == "lower"
        direction = StudyDirection.MINIMIZE if lower else StudyDirection.MAXIMIZE
        asked = self._protocol(study)
        names = optuna.get_all_study_names(self._storage.studies)
        found = None
        if name in names:
            opened = optuna.load_study(study_name=name, storage=self._storage.studies)
            found = opened.user_attrs.get(PROTOCOL)
            if found is None and opened.get_trials(deepcopy=False):
                return [f"{self._storage.shown} has a study '{name}' that ganbench has not made: {_elsewhere()}"]
        if found is None:
            made = optuna.create_study(
                study_name=name, storage=self._storage.studies, direction=direction, load_if_exists=True
            )
            made.set_user_attr(PROTOCOL, asked)
            return []
        differing = [key for key in asked if found.get(key) != asked[key]]
        if not differing:
            return []
        said = "; ".join(_difference(key, found.get(key), asked[key]) for key in differing)
        return [f"study '{name}' exists in {self._storage.shown} with another {said}: {_elsewhere()}"]

    def _protocol(self, study: StudyPlan) -> dict[str, object]:
        """What the trials of a study have in common; only such can be held against each other."""
        cell = {key: value for key, value in identity(study.spec).items() if key != "seed"}
        return {
            "space": {parameter.path: str(parameter.search) for parameter in study.parameters},
            "metric": study.metric.name,
            "sampler": str(self.tuning.sampler),
            "pruner": str(self.tuning.pruner),
            "sampler seed": self.tuning.seed,
            "seeds": list(self.tuning.seeds),
            "cell": digest(cell),
        }


def _difference(key: str, found: object, asked: object) -> str:
    if isinstance(found, dict) and isinstance(asked, dict):
        paths = [path for path in {**found, **asked} if found.get(path) != asked.get(path)]
        changed = [
            f"{path} = {found.get(path, 'not searched')} there, {asked.get(path, 'not searched')} here"
            for path in paths
        ]
        return f"search space ({', '.join(changed)})"
    if key == "cell":
        return "objective, architecture, dataset, training or evaluation"
    return f"{key} ({found} there, {asked} here)"


def _elsewhere() -> str:
    return f"rename the suite's file, or keep the studies elsewhere with {OPTION} or --results"
