"""Wrong losses."""

from __future__ import annotations

import functools
from typing import Any

from bench.objectives import base, energies, f_divergences, losses, relativistic
from tests.mutants.mutant import Mutant, Seen, rewritten
from tests.mutants.rewriting import rewrite

LOSSES = "tests/objectives/test_losses.py"
PULLS = f"{LOSSES}::test_players_pull_scores_the_right_way"
USES_REAL = f"{LOSSES}::test_losses_that_claim_not_to_use_real_scores_do_not"
SINGLE_PAIR = f"{LOSSES}::test_a_single_pair_is_its_own_average"
EXTREMES = f"{LOSSES}::test_extreme_scores_are_exact_or_openly_out_of_range"
TWICE = f"{LOSSES}::test_a_batch_twice_over_costs_the_same"
NO_CHANGE = f"{LOSSES}::test_asking_for_a_loss_changes_nothing"
OPTIMUM = "tests/objectives/test_optimum.py"
VANISHING = "tests/objectives/test_vanishing_gradient.py"
MEMORY = "tests/objectives/test_memory.py"

AVERAGE, PAIRING = relativistic.RelativisticAverage, relativistic.RelativisticPairing

RELATIVISTIC = [
    rewritten(
        "relativistic average: G plain", Seen.OVERWRITTEN, AVERAGE, "generator",
        [("return ", "return cost(self.base, fake).mean()  #")], USES_REAL,
    ),
    rewritten(
        "relativistic pairing: G plain", Seen.OVERWRITTEN, PAIRING, "generator",
        [("fake - real", "fake")], USES_REAL,
    ),
    rewritten(
        "relativistic average: D without fake term", Seen.ONE_TERM, AVERAGE, "discriminator",
        [(" + cost(self.base, real.mean() - fake).mean()", "")], SINGLE_PAIR,
    ),
    rewritten(
        "relativistic average: D without real term", Seen.ONE_TERM, AVERAGE, "discriminator",
        [("cost(self.base, real - fake.mean()).mean() + ", "")], SINGLE_PAIR,
    ),
    rewritten(
        "relativistic average: G without real term", Seen.ONE_TERM, AVERAGE, "generator",
        [(" + cost(self.base, fake.mean() - real).mean()", "")], SINGLE_PAIR,
    ),
    rewritten(
        "relativistic average: G without fake term", Seen.ONE_TERM, AVERAGE, "generator",
        [("cost(self.base, fake - real.mean()).mean() + ", "")], SINGLE_PAIR,
    ),
]  # fmt: skip


def exchange(owner: type, player: str) -> None:
    right: Any = getattr(owner, player)

    @functools.wraps(right)
    def exchanged(self: Any, real: Any, fake: Any) -> Any:
        return right(self, fake, real)

    setattr(owner, player, exchanged)


def exchanged(owner: type, player: str) -> Mutant:
    name = f"real and fake exchanged: {owner.__name__}, {player}"
    return Mutant(name, Seen.EXCHANGED, lambda: exchange(owner, player), (PULLS,))


EXCHANGED = [
    exchanged(losses.Minimax, "discriminator"),
    exchanged(losses.NonSaturating, "discriminator"),
    exchanged(losses.LeastSquares, "discriminator"),
    exchanged(losses.Wasserstein, "discriminator"),
    exchanged(losses.Hinge, "discriminator"),
    exchanged(AVERAGE, "discriminator"),
    exchanged(AVERAGE, "generator"),
    exchanged(PAIRING, "discriminator"),
    exchanged(PAIRING, "generator"),
    exchanged(f_divergences.FDivergence, "discriminator"),
    exchanged(energies.Energy, "discriminator"),
    exchanged(energies.BoundaryEquilibrium, "discriminator"),
]


def square_sigmoids() -> None:
    for function in ("as_real", "as_fake"):
        rewrite(losses.LeastSquares, function, ("(scores -", "(scores.sigmoid() -"))


CLASSIC = [
    Mutant("least-squares on σ: D", Seen.SIGMOID, square_sigmoids, (OPTIMUM,)),
    rewritten(
        "least-squares on σ: G", Seen.SIGMOID, losses.LeastSquares, "generator",
        [("(fake -", "(fake.sigmoid() -")], VANISHING,
    ),
    rewritten(
        "least-squares: G unbounded", Seen.UNBOUNDED, losses.LeastSquares, "generator",
        [("0.5 *", "-0.5 *")], PULLS,
    ),
    rewritten(
        "log(σ + 1e-8): minimax D", Seen.FROZEN, losses.Minimax, "as_real",
        [("softplus(-scores)", "(-(scores.sigmoid() + 1e-8).log())")], EXTREMES,
    ),
    rewritten(
        "log(σ + 1e-8): non-saturating G", Seen.FROZEN, losses.NonSaturating, "generator",
        [("softplus(-fake)", "(-(fake.sigmoid() + 1e-8).log())")], EXTREMES,
    ),
    rewritten(
        "minimax is non-saturating", Seen.NOT_MINIMAX, losses.Minimax, "generator",
        [("-softplus(fake)", "softplus(-fake)")], VANISHING,
    ),
    rewritten(
        "hinge G is the hinge", "hinge generator E max(0, 1 − f)", losses.Hinge, "generator",
        [("-fake.mean()", "(1 - fake).relu().mean()")], OPTIMUM,
    ),
    rewritten(
        "smoothing of both sides", "the fake label is smoothed too", losses.NonSaturating, "as_fake",
        [("softplus(scores).mean()", "(softplus(scores) - (1 - self.real_label) * scores).mean()")], OPTIMUM,
    ),
    rewritten(
        "Wasserstein: sums for means", "the loss grows with the batch", losses.Wasserstein, "discriminator",
        [(".mean()", ".sum()")], TWICE,
    ),
    rewritten(
        "f-divergence: wrong activation", "neyman's 1 − e^(−v) is e^v − 1", f_divergences, "activate",
        [("return -(-v).expm1()", "return v.expm1()")], OPTIMUM,
    ),
    rewritten(
        "f-divergence: wrong conjugate", "pearson's ¼t² + t is ½t² + t", f_divergences, "conjugate",
        [("0.25 * v.square()", "0.5 * v.square()")], OPTIMUM,
    ),
]  # fmt: skip

CONTROL = energies.BoundaryEquilibrium

MEMORIES = [
    rewritten(
        "BEGAN: k never clipped", "k leaves [0, 1]", CONTROL, "observe",
        [(".clamp(0, 1)", "")], MEMORY,
    ),
    rewritten(
        "BEGAN: k runs away", "the control's sign exchanged", CONTROL, "observe",
        [("+ step", "- step")], MEMORY,
    ),
    rewritten(
        "BEGAN: k moves when asked", "asking for a loss changes it", CONTROL, "discriminator",
        [("return ", "self.observe(real, fake); return ")], NO_CHANGE,
    ),
    rewritten(
        "a checkpoint forgets", "numbers are not restored", base.Memory, "load_state_dict",
        [("state[name]", "self._memory[name]")], MEMORY,
    ),
]  # fmt: skip

MUTANTS = [*RELATIVISTIC, *EXCHANGED, *CLASSIC, *MEMORIES]
