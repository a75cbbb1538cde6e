"""The trainer's steps equal those of a plain loop, written out in `plain`."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bench.catalog import architectures, losses, optimizers, penalties, stabilisers
from bench.spec import Choice, RunSpec
from tests.specs import choice, run_spec
from tests.training import plain, plain_stabilised
from tests.training.games import change, load, make
from tests.training.plain import RATE, Rules, packed, play_plainly

PACKS = choice(stabilisers, "packing", samples=2)
CONSENSUS = choice(penalties, "consensus", gamma=plain.Consensus.GAMMA)
CLIP = choice(penalties, "weight-clip", limit=plain.Clipped.LIMIT)
LECAM = choice(penalties, "lecam", weight=plain.LeCam.WEIGHT, decay=plain.LeCam.KEPT)
PULL = choice(penalties, "pulling-away", weight=plain.Energy.WEIGHT)
CONTROL = choice(
    losses,
    "boundary-equilibrium",
    gamma=plain.BoundaryEquilibrium.GAMMA,
    gain=plain.BoundaryEquilibrium.GAIN,
    energy="absolute",
)


def players(name: str, kind: str) -> Choice:
    return choice(architectures, name, width=8, generator_normalisation=kind, discriminator_normalisation=kind)


def stabilised(name: str, objective: str = "nsgan", n_critic: int = 1, amount: float = 4, **settings: Any) -> RunSpec:
    """Of four steps, of which two are played."""
    spec = run_spec(objective, architecture=players("mlp", "none"), amount=amount)
    return change(spec, stabilisers=(choice(stabilisers, name, **settings),), n_critic=n_critic)


CASES: dict[str, tuple[type[Rules], RunSpec]] = {
    "nsgan": (plain.NonSaturating, run_spec("nsgan")),
    "nsgan on images": (plain.NonSaturating, run_spec("nsgan", "digits")),
    "lsgan": (plain.LeastSquares, run_spec("lsgan")),
    "wgan": (plain.Clipped, change(run_spec("wgan"), penalties=(CLIP,))),
    "wgan-gp": (plain.WithGradientPenalty, run_spec("wgan-gp")),
    "r3gan": (plain.R3, run_spec("r3gan")),
    "lecam": (plain.LeCam, change(run_spec("lecam"), penalties=(LECAM,))),
    "ebgan": (plain.Energy, change(run_spec("ebgan"), penalties=(PULL,))),
    "began": (plain.BoundaryEquilibrium, change(run_spec("began"), loss=CONTROL)),
    "consensus": (plain.Consensus, change(run_spec("nsgan"), penalties=(CONSENSUS,))),
    "pacgan2": (packed(plain.NonSaturating, 2), run_spec("pacgan2")),
    "packs of packs": (packed(plain.NonSaturating, 4), change(run_spec("nsgan"), stabilisers=(PACKS, PACKS))),
    "packed consensus": (packed(plain.Consensus, 2), change(run_spec("pacgan2"), penalties=(CONSENSUS,))),
    "batch normalisation": (plain.Hinge, run_spec("hinge", architecture=players("mlp", "batch"))),
    "spectral norm": (plain.SpectrallyNormalised, run_spec("hinge", architecture=players("mlp", "spectral"))),
    "spectral norm on images": (
        plain.SpectrallyNormalised,
        run_spec("hinge", "digits", players("dcgan", "spectral")),
    ),
    "label-smoothing": (plain_stabilised.Smooth, stabilised("label-smoothing", real_label=0.7)),
    "instance-noise": (plain_stabilised.Noisy, stabilised("instance-noise", sigma=0.4, anneal=0.5)),
    "experience-replay": (plain_stabilised.Replayed, stabilised("experience-replay", n_critic=3, capacity=24)),
    "top-k": (plain_stabilised.BestHalf, stabilised("top-k", share=0.5, anneal=0.5)),
    "feature-matching": (plain_stabilised.Matching, stabilised("feature-matching", weight=0.6)),
    "mode-seeking": (plain_stabilised.Seeking, stabilised("mode-seeking", weight=0.3)),
    "diversity": (plain_stabilised.Diverse, stabilised("diversity", weight=0.3, bound=0.7)),
    "historical-averaging": (plain_stabilised.Historical, stabilised("historical-averaging", n_critic=2, weight=0.5)),
    "minibatch-discrimination": (
        plain_stabilised.Compared,
        stabilised("minibatch-discrimination", kernels=3, dimensions=2),
    ),
    "minibatch-stddev": (plain_stabilised.Varying, stabilised("minibatch-stddev", group=4)),
    "several-generators": (plain_stabilised.Several, stabilised("several-generators", count=4)),
    "lazy-penalties": (
        plain_stabilised.Lazy,
        change(stabilised("lazy-penalties", n_critic=3, every=2), penalties=(choice(penalties, "r1", gamma=0.4),)),
    ),
    "generator-steps": (plain_stabilised.Thrice, stabilised("generator-steps", updates=3)),
    "update-order": (plain_stabilised.AtOnce, stabilised("update-order", n_critic=2)),
    "unrolling": (plain_stabilised.Unrolled, stabilised("unrolling", steps=2)),
}


@pytest.mark.parametrize("name", CASES)
def test_two_steps_equal_a_plain_loop(name: str) -> None:
    """Of two steps, the second one sees what the first has left: weights, averages, estimates of singular values."""
    rules, spec = CASES[name]
    # plain gradient descent: adaptive steps would blow rounding up to the size of a step
    descent = choice(optimizers, "sgd", learning_rate=RATE)
    spec = change(spec, generator_optimizer=descent, discriminator_optimizer=descent)
    data = load(spec)
    game, expected = make(spec, data), play_plainly(rules, spec, data, steps=2)
    game.advance(2)
    for player, its_plain in ((game.generator, expected.g), (game.discriminator, expected.d)):
        torch.testing.assert_close(player.state_dict(), its_plain.state_dict(), rtol=1e-5, atol=1e-6)
    parts = [part for part in game.state_dict()["parts"] if all(held.dim() == 0 for held in part.values())]
    remembered = [{key: held.item() for key, held in part.items()} for part in parts if part]
    assert remembered == ([pytest.approx(expected.memory, rel=1e-5)] if expected.memory else [])


def test_what_the_steps_are_to_show_happens_in_them() -> None:
    """Weights at the clip and within it, a control that neither rests nor saturates, averages past their first mean."""

    def played(name: str) -> Rules:
        rules, spec = CASES[name]
        return play_plainly(rules, spec, load(spec), steps=2)

    sizes = torch.cat([weight.detach().abs().flatten() for weight in played("wgan").d.parameters()])
    at_the_clip = (sizes == plain.Clipped.LIMIT).float().mean()
    assert 0.1 < at_the_clip < 0.9
    assert 0.01 < played("began").memory["k"] < 0.99
    assert played("lecam").memory["updates"] == 8
