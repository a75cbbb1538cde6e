"""What a trainer may do wrong, whatever the objective."""

from __future__ import annotations

from bench.architectures import layers
from bench.objectives.gradient_penalties import R1, R2, Dragan, GradientPenalty
from bench.training import average, game, orders, parts, players
from tests.mutants.mutant import Mutant, Seen, rewritten
from tests.mutants.rewriting import rewrite

GAME = "tests/training/test_game.py"
APART = f"{GAME}::test_each_players_step_moves_its_own_weights_and_none_of_the_others"
REFUSAL = f"{GAME}::test_per_sample_penalties_are_refused_where_samples_are_mixed"
MIXING = f"{GAME}::test_a_network_that_mixes_samples_is_refused_whatever_its_settings_say"
AVERAGE = f"{GAME}::test_average_equals_its_closed_form_buffers_included"
SPECTRAL = f"{GAME}::test_spectral_norm_moves_once_per_update_and_not_when_evaluating"


LAYERS = "tests/architectures/test_layers.py"


def step(case: str) -> str:
    """The test that holds two steps of a case against the plain loop."""
    return f"tests/training/test_steps.py::test_two_steps_equal_a_plain_loop[{case}]"


def admit_mixed_samples() -> None:
    for penalty in (GradientPenalty, R1, R2, Dragan):
        penalty.needs_independent_samples = False  # type: ignore[misc]


def forget_the_kind_of_energy() -> None:
    rewrite(
        players,
        "build_players",
        ("(architecture.autoencoder(seen), energy)", '(architecture.autoencoder(seen), "euclidean")'),
    )
    game.build_players = players.build_players


PLAYERS_APART = [
    rewritten(
        "fake not detached in D's step", Seen.NOT_DETACHED, game.Game, "differentiate_discriminator",
        [("with torch.set_grad_enabled(parts.has_joint_terms):", "if True:"),
         ("generated.detach()", "generated"),
         ("_differentiate(self.discriminator_optimizer, self._discriminator_weights, loss, terms)",
          "self.discriminator_optimizer.zero_grad() or sum(terms, start=loss).backward()")], APART,
    ),
    rewritten(
        "fake detached in G's step", Seen.NOT_DETACHED, game.Game, "differentiate_generator",
        [("critic(fake)", "critic(fake.detach().requires_grad_())"),
         ("_weights, loss, terms)", "_weights, loss + 0 * fake.sum(), terms)")], step("nsgan"),
    ),
]  # fmt: skip

ORDER = [
    rewritten(
        "projections forgotten", "weights are never clipped", game.Game, "move_discriminator",
        [("parts.project(self.discriminator)", "pass")], step("wgan"),
    ),
    rewritten(
        "projection before the step", "weights leave the box again", game.Game, "move_discriminator",
        [("\n    parts.project(self.discriminator)\n", "\n"),
         ("    self._move(", "    parts.project(self.discriminator); self._move(")], step("wgan"),
    ),
    rewritten(
        "scores remembered before the loss", "a loss is of averages or a k of its own batch's", game.Game,
        "differentiate_discriminator",
        [("loss = parts", "parts.observe(batch); parts.observe = lambda batch: None; loss = parts")],
        step("began"), step("lecam"),
    ),
    rewritten(
        "one discriminator update per step", "n_critic is ignored", orders, "alternate",
        [("range(game.spec.objective.n_critic)", "range(1)")], step("wgan-gp"),
    ),
    rewritten(
        "G's loss of other real samples", "one more batch is drawn for G", orders, "alternate",
        [("game.update_generator(real,", "game.update_generator(game.draw_real(),")], step("r3gan"),
    ),
]  # fmt: skip

PARTS = [
    rewritten(
        "generator penalties dropped", "G descends its loss alone", game.Game, "differentiate_generator",
        [("parts.generator_terms(Turn(batch, latents, generated), self._generator_weights)", "[]")],
        step("ebgan"),
    ),
    rewritten(
        "discriminator penalties dropped", "D descends its loss alone", game.Game, "differentiate_discriminator",
        [("parts.discriminator_terms(batch, factor, self._discriminator_weights)", "[]")],
        step("r3gan"),
    ),
    rewritten(
        "memories exchanged: k", Seen.EXCHANGED, parts.Parts, "observe",
        [("batch.real_scores.detach(), batch.fake_scores", "batch.fake_scores.detach(), batch.real_scores")],
        step("began"),
    ),
    rewritten(
        "memories exchanged: averages", Seen.EXCHANGED, parts.Parts, "observe",
        [("batch.real_scores.detach(), batch.fake_scores", "batch.fake_scores.detach(), batch.real_scores")],
        step("lecam"),
    ),
    rewritten(
        "no gradients at samples", "what penalties differentiate is ignored", parts.Parts, "__init__",
        [("self.differentiates = {", "self.differentiates = set() and {")], step("r3gan"),
    ),
    rewritten(
        "the last stabiliser alone", "packs of packs are packs", parts.Parts, "__init__",
        [("for choice in objective.stabilisers\n", "for choice in objective.stabilisers[-1:]\n"),
         ("for choice in objective.stabilisers]", "for choice in objective.stabilisers[-1:]]")],
        step("packs of packs"),
    ),
    Mutant("kind of energy ignored", "every error is ‖·‖₂", forget_the_kind_of_energy, (step("began"),)),
    rewritten(
        "consensus for the critic alone", "the generator does not descend the term", game.Game,
        "differentiate_generator",
        [("if parts.has_joint_terms:", "if False:")], step("consensus"),
    ),
    rewritten(
        "consensus of what is not presented", "samples are not packed", game.Game, "_play_jointly",
        [("self.parts.present(real.detach())", "real.detach()"), ("self.parts.present(generated)", "generated")],
        step("packed consensus"),
    ),
    rewritten(
        "consensus of other pairs", "packs are of samples that are no neighbours", game.Game, "_play_jointly",
        [("self.parts.present(generated)", "self.parts.present(generated.roll(1, 0))")], step("packed consensus"),
    ),
]  # fmt: skip

NORMALISATION = [
    Mutant("no refusal of batch statistics", Seen.MIXED_SAMPLES, admit_mixed_samples, (REFUSAL,)),
    rewritten(
        "batch statistics that no setting tells", Seen.MIXED_SAMPLES, game.Game, "__init__",
        [("if mixed and", "if False and")], MIXING,
    ),
    rewritten(
        "one pass under batch normalisation", "real and fake share their statistics", game.Game, "_score",
        [("not differentiated and not self._mixed", "not differentiated")],
        step("batch normalisation"),
    ),
    rewritten(
        "D evaluates in G's step", "running statistics in place of the batch's", game.Game, "differentiate_generator",
        [("fake_scores = critic(fake)", "fake_scores = critic.eval()(fake); critic.train()")],
        step("batch normalisation"),
    ),
    rewritten(
        "G evaluates in D's step", "running statistics in place of the batch's", game.Game,
        "differentiate_discriminator",
        [("batch = self._score", "self.generator.train(); batch = self._score"),
         ("advance(", "self.generator.eval(); advance(")], step("batch normalisation"),
    ),
    rewritten(
        "EMA without buffers", Seen.NO_BUFFERS, average, "_tensors",
        [(", *network.buffers()", "")], AVERAGE,
    ),
    rewritten(
        "spectral norm advanced by every pass", Seen.ADVANCED, layers.SpectralNorm, "forward",
        [("return ", "self.power_step(weight); return ")], SPECTRAL,
    ),
    rewritten(
        "D's spectral norms at rest", "the estimate of σ goes stale", game.Game, "differentiate_discriminator",
        [("advance(self._discriminator_norms)", "pass")], step("spectral norm"),
    ),
    rewritten(
        "G's spectral norms at rest", "the estimate of σ goes stale", game.Game, "differentiate_generator",
        [("advance(self._generator_norms)", "pass")], step("spectral norm"),
    ),
    rewritten(
        "D's spectral norms advanced in G's step, too", "two power steps per update", game.Game,
        "differentiate_generator",
        [("advance(self._generator_norms)", "advance(self._generator_norms + self._discriminator_norms)")],
        step("spectral norm"),
    ),
    rewritten(
        "σ is a constant to the gradient", "weights grow along their singular vectors", layers.SpectralNorm, "forward",
        [("weight / sigma", "weight / sigma.detach()")], step("spectral norm"),
    ),
    rewritten(
        "σ of transposed convolutions over inputs", "the matrix has a row per input channel", layers, "weighted",
        [("1 if isinstance(layer, nn.ConvTranspose2d) else 0", "0")], LAYERS,
    ),
]  # fmt: skip

MUTANTS = [*PLAYERS_APART, *ORDER, *PARTS, *NORMALISATION]
