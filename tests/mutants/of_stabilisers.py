"""Wrong stabilisers, optimizers for games, and orders of updates."""

from __future__ import annotations

from bench.objectives import features, hooks, minimised, mixture, players, stabilisers, updates
from bench.training import average, extrapolation, game, orders, streams, unrolling
from tests.mutants.mutant import Mutant, Seen, rewritten
from tests.mutants.rewriting import rewrite

GAME = "tests/training/test_stabilisers.py"
BILINEAR = "tests/training/test_bilinear.py"
DIRAC = "tests/objectives/test_dirac.py::test_instance_noise_damps_as_theory_says"
PAPERS = f"{GAME}::test_extragradient_adam_and_optimistic_adam_follow_their_papers"
LEFT_OUT = f"{GAME}::test_a_step_that_is_left_out_leaves_nothing_and_one_that_is_not_is_plain"
WAITS = f"{GAME}::test_a_player_that_is_ahead_waits_with_all_it_has"
BALANCE = f"{GAME}::test_balance_follows_the_mean_accuracy_and_one_of_the_two_always_moves"
UNROLLED = f"{GAME}::test_the_unrolled_gradient_equals_finite_differences"
RULE = f"{GAME}::test_unrolled_updates_are_those_of_the_optimizer"
BATCHES = f"{GAME}::test_minibatch_layers_see_the_batch_and_nothing_else"
RESUMED = f"{GAME}::test_stopping_anywhere_and_resuming_changes_no_bit"
REPLAYED = f"{GAME}::test_replayed_samples_lead_back_to_no_generator_and_the_buffer_holds_no_graph"
ASKED_AVERAGE = f"{GAME}::test_an_average_that_is_asked_for_equals_its_closed_form_buffers_included"


def step(case: str) -> str:
    """The test that holds two steps of a case against the plain loop."""
    return f"tests/training/test_steps.py::test_two_steps_equal_a_plain_loop[{case}]"


def unroll(*changes: tuple[str, str]) -> None:
    """Change how the game looks ahead."""
    rewrite(unrolling, "look_ahead", *changes)
    game.look_ahead = unrolling.look_ahead


SHOWN = [
    rewritten(
        "noise on real samples' side alone", "the discriminator can tell noise from none", game.Game,
        "differentiate_discriminator", [("parts.present(parts.replay(generated.detach()))", "generated.detach()")],
        step("instance-noise"),
    ),
    rewritten(
        "noise that never fades", "annealing is ignored", stabilisers.InstanceNoise, "perturb",
        [("max(0.0, 1 - progress / self.anneal)", "1.0")], step("instance-noise"),
    ),
    rewritten(
        "noise of variance σ", "√σ for σ", stabilisers.InstanceNoise, "perturb",
        [("sigma * noise", "sigma**0.5 * noise")], DIRAC,
    ),
    rewritten(
        "replay that leaks gradient", "the buffer keeps the generator's graph", stabilisers.ExperienceReplay, "replay",
        [("fake = fake.detach()", "pass")], REPLAYED,
    ),
    rewritten(
        "replay of what was just put in", "new samples replace earlier ones before those are shown",
        stabilisers.ExperienceReplay, "replay",
        [("earlier = buffer[places]\n", "earlier = fake[:replayed]\n")], step("experience-replay"),
    ),
    rewritten(
        "a buffer that never changes", "replay of the first samples for ever", stabilisers.ExperienceReplay, "replay",
        [("buffer[places] = fake[:replayed]", "pass")], step("experience-replay"),
    ),
    rewritten(
        "replay forgets with a checkpoint", "the buffer is not saved", hooks.Remembering, "state_dict",
        [("return {", "return {} and {")], f"{RESUMED}[experience-replay]",
    ),
]  # fmt: skip

MINIMISED = [
    rewritten(
        "label smoothing of the fake side", "two-sided: what the generator does is rewarded", minimised.Smoothed,
        "discriminator",
        [("self.loss.as_fake(fake)",
          "self.real_label * self.loss.as_fake(fake) + (1 - self.real_label) * self.loss.as_real(fake)")],
        step("label-smoothing"),
    ),
    rewritten(
        "label smoothing without its other half", "t ζ(−r) alone", minimised.Smoothed, "discriminator",
        [("+ (1 - self.real_label) * taken ", "")], step("label-smoothing"),
    ),
    rewritten(
        "top-k that takes the lowest", "the generator learns from its worst samples", minimised.Best, "generator",
        [("self.energy is None", "self.energy is not None")], step("top-k"),
    ),
    rewritten(
        "top-k of energies that takes the highest", "low energies look real", minimised.Best, "generator",
        [("self.energy is None", "True")], f"{GAME}::test_top_k_of_energies_are_the_lowest",
    ),
    rewritten(
        "top-k from the start", "k does not fall, it is ν at once", minimised.TopK, "around",
        [("max(self.share, self.share ** (progress / self.anneal))", "self.share")], step("top-k"),
    ),
    rewritten(
        "feature matching of means of squares", "E‖φ − φ′‖² is no matching of means", minimised.FeatureMatching,
        "generator_term", [("(made - wanted).square().sum()", "(made - wanted).square().mean()")],
        step("feature-matching"),
    ),
    rewritten(
        "feature matching beside the loss", "the loss is not scaled down", minimised.Scaled, "generator",
        [("self.share * ", "")], step("feature-matching"),
    ),
    rewritten(
        "mode seeking of one half", "samples are held against themselves", minimised, "ratios",
        [("turn.samples[half : 2 * half]", "turn.samples[:half].flip(0)")], step("mode-seeking"),
    ),
    rewritten(
        "mode seeking that is not inverted", "the ratio is lowered", minimised.ModeSeeking, "generator_term",
        [("self.weight / (ratios(turn).mean() + 1e-5)", "self.weight * ratios(turn).mean()")], step("mode-seeking"),
    ),
    rewritten(
        "diversity without a bound", "pairs are pulled apart for ever", minimised.Diversity, "generator_term",
        [(".clamp_max(self.bound)", "")], step("diversity"),
    ),
    rewritten(
        "averaging over the last weights alone", "the mean is a memory of one update",
        minimised.HistoricalAveraging, "observe_weights", [("(1 / seen)", "(seen / seen)")],
        step("historical-averaging"),
    ),
    rewritten(
        "history of live weights", "the mean is the weight itself", minimised.HistoricalAveraging, "_means",
        [("weight.detach().clone()", "weight.detach()")], step("historical-averaging"),
    ),
]  # fmt: skip

PLAYERS = [
    rewritten(
        "minibatch discrimination that sees itself", "a sample is compared with itself", features.Closeness, "forward",
        [("(1 - torch.eye(n, device=distances.device, dtype=distances.dtype))", "torch.ones_like(distances[:, :, 0])")],
        step("minibatch-discrimination"),
    ),
    rewritten(
        "minibatch discrimination by place", "neighbours alone are compared", features.Closeness, "forward",
        [("matrices[None]", "matrices.roll(1, 0)[None]")], BATCHES,
    ),
    rewritten(
        "standard deviation over features", "of each sample, not of the batch", features.Deviation, "forward",
        [("of_groups.var(1, correction=0)", "of_groups.var(2, correction=0, keepdim=True).flatten(1)[:, :1]")], BATCHES,
    ),
    rewritten(
        "the batch is not said to be mixed", "penalties on single scores are let in",
        players.MinibatchDiscrimination, "extend_discriminator",
        [("return WithStatistics(", "WithStatistics.mixes_samples = False; return WithStatistics(")],
        step("minibatch-discrimination"),
    ),
    rewritten(
        "several generators that are one", "K times the same network", players.SeveralGenerators, "build_generator",
        [("[build() for _ in range(self.count)]", "[build()] * self.count")],
        f"{GAME}::test_generators_share_a_batch_and_differ_from_the_start",
    ),
    rewritten(
        "generators in blocks", "the i-th sample is not of generator i mod K", mixture.Mixture, "forward",
        [("torch.stack(made, 1).flatten(0, 1)", "torch.cat(made)")],
        f"{GAME}::test_generators_share_a_batch_and_differ_from_the_start",
    ),
    rewritten(
        "EMA that is asked for without buffers", Seen.NO_BUFFERS, average, "_tensors",
        [(", *network.buffers()", "")], ASKED_AVERAGE,
    ),
    rewritten(
        "EMA of the run's half-life", "the stabiliser's is ignored", game.Game, "__init__",
        [("if self.parts.ema_images is None else self.parts.ema_images", "or 0")], ASKED_AVERAGE,
    ),
]  # fmt: skip

UPDATES = [
    Mutant(
        "unrolling that detaches", "the discriminator's answer carries no gradient",
        lambda: unroll(("rule.step(weights, gradients)",
                        "rule.step(weights, tuple(gradient.detach() for gradient in gradients))")),
        (step("unrolling"), UNROLLED),
    ),
    Mutant(
        "unrolling that moves the discriminator", "it does not stay as it was",
        lambda: unroll(("    return lambda samples", "    [p.data.copy_(weights[n]) for n, p in "
                        "discriminator.named_parameters()]; return lambda samples")),
        (step("unrolling"),),
    ),
    Mutant(
        "one update too few ahead", "k − 1 updates", lambda: unroll(("range(steps)", "range(steps - 1)")),
        (step("unrolling"),),
    ),
    rewritten(
        "unrolled Adam from no state", "the optimizer's moments are forgotten", unrolling.Rule, "__init__",
        [("optimizer.state.get(parameter, {})", "{}")], RULE,
    ),
    rewritten(
        "lazy penalties at their weight", "k times less regularisation", updates.LazyPenalties, "penalty_factor",
        [("return self.every if", "return 1 if")], step("lazy-penalties"),
    ),
    rewritten(
        "lazy by the step", "updates are counted per generator step", game.Game, "differentiate_discriminator",
        [("parts.penalty_factor(self._discriminator_updates)", "parts.penalty_factor(self.step - 1)")],
        step("lazy-penalties"),
    ),
    rewritten(
        "simultaneous in name", "the generator answers the new discriminator", orders, "choose_order",
        [("move_at_once if game.parts.simultaneous else alternate", "alternate")], BILINEAR,
    ),
    rewritten(
        "one generator step", "the number is ignored", orders, "alternate",
        [("range(game.parts.generator_updates)", "range(1)")], step("generator-steps"),
    ),
    rewritten(
        "a player that waits gathers momentum", "the optimizer's state moves", orders, "step_where",
        [("held.copy_(", "held.clone().copy_(")], LEFT_OUT, WAITS,
    ),
    rewritten(
        "the wrong player waits", "the discriminator is updated where it is ahead", updates.AdaptiveBalance, "movers",
        [("mean <=", "mean >="), ("mean >= self.equilibrium - self.margin", "mean <= self.equilibrium + self.margin")],
        BALANCE,
    ),
    rewritten(
        "balance by the last batch", "the accuracy is not averaged", updates.AdaptiveBalance, "observe_accuracy",
        [("self.decay * held.to(new.device) + (1 - self.decay) * new", "new")], BALANCE,
    ),
    rewritten(
        "a stabiliser draws from the penalty's stream", "what others draw is shifted", streams.Streams,
        "of_stabilisers",
        [("return [self._stabilisers[purpose] for purpose in purposes]", "return [self.data for _ in purposes]")],
        f"{GAME}::test_what_the_others_draw_is_not_shifted",
    ),
    rewritten(
        "stabilisers' streams start again", "a checkpoint does not hold where they stand", streams.Streams,
        "state_dict",
        [("self._all.items()", "(self._all | {p: fresh(self._seed, 'stabiliser', self._device, p) "
          "for p in self._stabilisers}).items()")], f"{RESUMED}[instance-noise]",
    ),
]  # fmt: skip

OPTIMIZERS = [
    rewritten(
        "optimistic without its past", "2η u_t alone", extrapolation.Optimistic, "step",
        [("alpha=group[\"lr\"]", "alpha=0.0")], BILINEAR, PAPERS,
    ),
    rewritten(
        "optimistic with the wrong sign", "w − η u_t − η(u_{t−1} − u_t)…", extrapolation.Optimistic, "step",
        [("alpha=-2 * group[\"lr\"]", "alpha=-group[\"lr\"]"), ("alpha=group[\"lr\"]", "alpha=-group[\"lr\"]")],
        BILINEAR,
    ),
    rewritten(
        "extragradient that stays ahead", "the step starts at the point ahead", extrapolation.Extragradient, "step",
        [("weight.copy_(anchor)", "pass")], BILINEAR, PAPERS,
    ),
    rewritten(
        "extragradient of one gradient", "no second look", orders, "look_ahead",
        [("    game.differentiate_discriminator(real, latents[0])\n", ""),
         ("    game.differentiate_generator(real, latents[1])\n", "")], BILINEAR,
    ),
    rewritten(
        "players look ahead in turn", "the generator sees a discriminator that has moved", orders, "look_ahead",
        [("    artist = game.differentiate_generator(real, latents[1], watched=watched)\n",
          "    game.discriminator_optimizer.extrapolate()\n"
          "    artist = game.differentiate_generator(real, latents[1], watched=watched)\n"),
         ("(game.discriminator_optimizer, game.generator_optimizer)", "(game.generator_optimizer,)")], BILINEAR,
    ),
    rewritten(
        "ExtraAdam without bias correction", "the first steps are small", extrapolation.Directions, "directions",
        [(" / (1 - beta1**n)", "")], PAPERS,
    ),
    rewritten(
        "cosine that rises", "the schedule runs backwards", updates.LearningRateSchedule, "rate_factor",
        [("math.pi * progress", "math.pi * left")], f"{GAME}::test_schedules_start_at_the_whole_rate_and_never_rise",
    ),
]  # fmt: skip

MUTANTS: list[Mutant] = [*SHOWN, *MINIMISED, *PLAYERS, *UPDATES, *OPTIMIZERS]
