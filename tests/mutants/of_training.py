"""What a trainer may do wrong, whatever the objective."""

from __future__ import annotations

from bench.architectures import layers
from bench.objectives.gradient_penalties import R1, R2, Dragan, GradientPenalty
from bench.training import average, game
from tests.mutants.mutant import Mutant, Seen, rewritten

GAME = "tests/training/test_game.py"
APART = f"{GAME}::test_discriminator_step_leaves_the_generator_alone_and_the_other_way_round"
PLAIN_LOOP = f"{GAME}::test_a_step_equals_a_plain_loop"
CONSENSUS = f"{GAME}::test_a_consensus_step_equals_a_plain_loop"
REFUSAL = f"{GAME}::test_per_sample_penalties_are_refused_where_samples_are_mixed"
AVERAGE = f"{GAME}::test_average_equals_its_closed_form_buffers_included"
SPECTRAL = f"{GAME}::test_spectral_norm_moves_once_per_update_and_not_when_evaluating"


def admit_mixed_samples() -> None:
    for penalty in (GradientPenalty, R1, R2, Dragan):
        penalty.needs_independent_samples = False  # type: ignore[misc]


MUTANTS = [
    rewritten(
        "fake not detached in D's step", Seen.NOT_DETACHED, game.Game, "update_discriminator",
        [("with torch.set_grad_enabled(parts.has_joint_terms):", "if True:"),
         ("generated.detach()", "generated"),
         ("backward(inputs=self._discriminator_weights)", "backward()")], APART,
    ),
    rewritten(
        "fake detached in G's step", Seen.NOT_DETACHED, game.Game, "update_generator",
        [("self.discriminator(fake)", "self.discriminator(fake.detach())")], PLAIN_LOOP,
    ),
    rewritten(
        "consensus for the critic alone", "the generator does not descend the term", game.Game, "update_generator",
        [("if parts.has_joint_terms:", "if False:")], CONSENSUS,
    ),
    Mutant("no refusal of batch statistics", Seen.MIXED_SAMPLES, admit_mixed_samples, (REFUSAL,)),
    rewritten(
        "EMA without buffers", Seen.NO_BUFFERS, average, "_tensors",
        [(", *network.buffers()", "")], AVERAGE,
    ),
    rewritten(
        "spectral norm advanced by every pass", Seen.ADVANCED, layers.SpectralNorm, "forward",
        [("return ", "self.power_step(weight); return ")], SPECTRAL,
    ),
]  # fmt: skip
