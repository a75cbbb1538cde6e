"""The game: two players, advanced step by step, resumable at every step."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from bench.architectures.base import Players
from bench.architectures.layers import advance, mixes_samples, spectral_norms
from bench.catalog import architectures, losses, optimizers, penalties
from bench.datasets.base import Data
from bench.errors import MIXED_SAMPLES, CatalogError
from bench.objectives.base import DiscriminatorBatch
from bench.spec import Choice, RunSpec
from bench.training.average import Average
from bench.training.streams import Streams, fresh, stream_seed

LOGGED = (
    "discriminator_loss",
    "penalty",
    "generator_loss",
    "discriminator_gradient_norm",
    "generator_gradient_norm",
)
"""What a logged step tells, in this order; the discriminator's numbers are of its last update in the step."""
LOG_POINTS = 200
"""Steps of a run that are logged, evenly spread: enough for a curve, too few to cost time."""
GENERATE_BATCH = 512


@dataclass(frozen=True)
class LoggedStep:
    """The numbers of one step, named as in `LOGGED`."""

    step: int
    images: int
    seconds: float
    values: tuple[float, ...]


class Game:
    """Two players, their optimizers, random streams and counters.

    Args:
        spec: the run.
        data: its dataset, on ``device``.
        device: where the players live.
    """

    def __init__(self, spec: RunSpec, data: Data, device: torch.device) -> None:
        objective = spec.objective
        self.spec, self.data, self.device = spec, data, device
        self.loss = losses.create(objective.loss.name, **objective.loss.settings)
        regularisers = [penalties.create(choice.name, **choice.settings) for choice in objective.penalties]
        self._terms = [penalty for penalty in regularisers if hasattr(penalty, "term")]
        self._projections = [penalty for penalty in regularisers if hasattr(penalty, "project")]
        self._generator_uses_real = getattr(self.loss, "generator_uses_real", True)

        players = build_players(spec.architecture, data.shape, spec.seed)
        self.generator = players.generator.to(device).train()
        self.discriminator = players.discriminator.to(device).train()
        self.latent_dim = players.latent_dim
        self._generator_weights = list(self.generator.parameters())
        self._discriminator_weights = list(self.discriminator.parameters())
        self._generator_norms = spectral_norms(self.generator)
        self._discriminator_norms = spectral_norms(self.discriminator)
        self.generator_optimizer = _optimizer(objective.generator_optimizer, self._generator_weights)
        self.discriminator_optimizer = _optimizer(objective.discriminator_optimizer, self._discriminator_weights)
        self._rates = [float(optimizer.param_groups[0]["lr"]) for optimizer in self._optimizers]
        self.average = Average(self.generator, spec.training.ema_images) if spec.training.ema_images else None
        self.streams = Streams(spec.seed, device)

        if mixes_samples(self.discriminator) and any(
            getattr(penalty, "needs_independent_samples", False) for penalty in regularisers
        ):
            raise CatalogError(MIXED_SAMPLES.format(objective=objective.label))
        needed = {side for penalty in self._terms for side in getattr(penalty, "differentiates", ())}
        self._real_needs_gradient, self._fake_needs_gradient = "real" in needed, "fake" in needed
        # one pass over both halves where samples are scored one by one and nobody differentiates at a half
        self._one_pass = not needed and not mixes_samples(self.discriminator)

        self.step = 0
        self.seconds = 0.0
        self._alive = torch.ones((), device=device)
        self._finite_steps = torch.zeros((), device=device)
        total = spec.total_steps
        self._log_every = max(1, math.ceil(total / LOG_POINTS)) if total else 20
        self._log: list[tuple[int, Tensor]] = []
        self.logged: list[LoggedStep] = []

    @property
    def images(self) -> int:
        """Real images shown to the discriminator so far."""
        return self.step * self.spec.images_per_step

    @property
    def finite_steps(self) -> int:
        """Steps before the first one whose losses were not finite (waits for the device)."""
        return int(self._finite_steps.item())

    def advance(self, steps: int) -> bool:
        """Play ``steps`` generator steps, each after n_critic discriminator steps.

        The device is waited for once, at the end.

        Returns:
            Whether all losses and weights have stayed finite; if not, `finite_steps` says how far they did.
        """
        started, first_second, first_step = time.perf_counter(), self.seconds, self.step
        for _ in range(steps):
            self.play()
        finite = self._is_finite()
        self.seconds = first_second + time.perf_counter() - started
        self._collect_log(first_step, first_second)
        return finite

    @property
    def _optimizers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        return self.generator_optimizer, self.discriminator_optimizer

    def _decay_rates(self) -> None:
        """Set the learning rates of the step to come; the last step of the budget is the smallest, not zero."""
        total = self.spec.total_steps
        share = self.step / total if total else self.seconds / self.spec.training.budget.amount
        for optimizer, rate in zip(self._optimizers, self._rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * max(0.0, 1 - share)

    def play(self) -> None:
        """One generator step after its n_critic discriminator steps; waits for nothing."""
        if self.spec.training.learning_rate_decay == "linear":
            self._decay_rates()
        self.step += 1
        logging = self.step % self._log_every == 0
        for _ in range(self.spec.objective.n_critic):
            real = self.draw_real()
            discriminator_loss, penalty = self.update_discriminator(real)
        discriminator_norm = get_total_norm(_gradients(self._discriminator_weights)) if logging else None
        generator_loss = self.update_generator(real)
        if self.average is not None:
            self.average.update(self.images, self.spec.images_per_step)
        self._alive *= torch.isfinite(discriminator_loss + penalty + generator_loss)
        self._finite_steps += self._alive
        if discriminator_norm is not None:
            generator_norm = get_total_norm(_gradients(self._generator_weights))
            numbers = (discriminator_loss, penalty, generator_loss, discriminator_norm, generator_norm)
            self._log.append((self.step, torch.stack(numbers)))

    def update_discriminator(self, real: Tensor) -> tuple[Tensor, Tensor]:
        """One update; returns the loss without penalties, and the penalties."""
        advance(self._discriminator_norms)
        with torch.no_grad():
            fake = self.generator(self._draw_latents(self.streams.discriminator_latent))
        batch = self._score(real, fake)
        loss = self.loss.discriminator(batch.real_scores, batch.fake_scores)
        penalty = torch.zeros_like(loss)
        for regulariser in self._terms:
            penalty = penalty + regulariser.term(batch)
        self.discriminator_optimizer.zero_grad()
        # `inputs`: nothing is accumulated in the samples, which carry gradients for the penalties alone
        (loss + penalty).backward(inputs=self._discriminator_weights)  # type: ignore[no-untyped-call]
        self.discriminator_optimizer.step()
        for regulariser in self._projections:
            regulariser.project(self.discriminator)
        return loss.detach(), penalty.detach()

    def update_generator(self, real: Tensor) -> Tensor:
        """One update; ``real`` is the discriminator's last batch, for losses that compare scores with it."""
        advance(self._generator_norms)
        fake_scores = self.discriminator(self.generator(self._draw_latents(self.streams.generator_latent)))
        if self._generator_uses_real:
            with torch.no_grad():
                real_scores = self.discriminator(real.detach())
        else:
            real_scores = fake_scores.new_empty(0)
        loss = self.loss.generator(real_scores, fake_scores)
        self.generator_optimizer.zero_grad()
        # `inputs`: no gradients of the discriminator's weights are computed
        loss.backward(inputs=self._generator_weights)  # type: ignore[no-untyped-call]
        self.generator_optimizer.step()
        return loss.detach()

    def _score(self, real: Tensor, fake: Tensor) -> DiscriminatorBatch:
        if self._one_pass:
            real_scores, fake_scores = self.discriminator(torch.cat((real, fake))).chunk(2)
        else:
            real_scores = self.discriminator(real.requires_grad_(self._real_needs_gradient))
            fake_scores = self.discriminator(fake.requires_grad_(self._fake_needs_gradient))
        return DiscriminatorBatch(self.discriminator, real, fake, real_scores, fake_scores, self.streams.penalty)

    def draw_real(self) -> Tensor:
        """A batch of the training split, drawn with replacement, as the players see it."""
        size = (self.spec.training.batch_size,)
        chosen = torch.randint(len(self.data.train), size, generator=self.streams.data, device=self.device)
        return self.data.decode(self.data.train[chosen])

    def _draw_latents(self, stream: torch.Generator) -> Tensor:
        size = (self.spec.training.batch_size, self.latent_dim)
        return torch.randn(size, generator=stream, device=self.device)

    def _is_finite(self) -> bool:
        players = (self._generator_weights, self._discriminator_weights)
        largest = [get_total_norm(weights, math.inf) for weights in players]
        return bool((self._alive * torch.isfinite(torch.stack(largest)).all()).item())

    def _collect_log(self, first_step: int, first_second: float) -> None:
        # the host's clock means nothing inside an asynchronous stretch: steps are spread evenly over it
        per_step = (self.seconds - first_second) / max(1, self.step - first_step)
        for step, values in self._log:
            seconds = first_second + (step - first_step) * per_step
            images = step * self.spec.images_per_step
            self.logged.append(LoggedStep(step, images, seconds, tuple(values.tolist())))
        self._log.clear()
        if len(self.logged) > 2 * LOG_POINTS:  # a budget in seconds does not tell how many steps will come
            self._log_every *= 2
            self.logged = [entry for entry in self.logged if entry.step % self._log_every == 0]

    @torch.no_grad()
    def generate(self, n: int, purpose: str) -> Tensor:
        """``n`` samples of the averaged generator (the raw one without averaging), as the dataset stores them.

        Args:
            n: how many.
            purpose: names the latents: the same ones at every call, for every objective of a seed.
        """
        network = self.average.network if self.average is not None else self.generator
        random = fresh(self.spec.seed, "evaluation", self.device, purpose)
        latents = torch.randn((n, self.latent_dim), generator=random, device=self.device)
        was_training = network.training
        network.eval()
        try:
            return torch.cat([self.data.encode(network(part)) for part in torch.split(latents, GENERATE_BATCH)])
        finally:
            network.train(was_training)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, and the log so far."""
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "average": self.average.network.state_dict() if self.average is not None else None,
            "streams": self.streams.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "log_every": self._log_every,
            "alive": self._alive,
            "finite_steps": self._finite_steps,
            "logged": [(entry.step, entry.images, entry.seconds, entry.values) for entry in self.logged],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where `state_dict` was taken."""
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.generator_optimizer.load_state_dict(state["generator_optimizer"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        if self.average is not None:
            self.average.network.load_state_dict(state["average"])
        self.streams.load_state_dict(state["streams"])
        self.step, self.seconds, self._log_every = state["step"], state["seconds"], state["log_every"]
        self._alive.copy_(state["alive"])
        self._finite_steps.copy_(state["finite_steps"])
        self.logged = [LoggedStep(step, images, seconds, values) for step, images, seconds, values in state["logged"]]


def build_players(choice: Choice, shape: tuple[int, ...], seed: int) -> Players:
    """Players with the initial weights of a seed; torch's global random state is left as it was."""
    architecture = architectures.create(choice.name, **choice.settings)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(seed, "init"))  # `torch.manual_seed` would seed GPUs too
        return architecture.build(shape)


def _optimizer(choice: Choice, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    return optimizers.create(choice.name, **choice.settings).build(weights)


def _gradients(weights: list[nn.Parameter]) -> list[Tensor]:
    return [weight.grad for weight in weights if weight.grad is not None]
