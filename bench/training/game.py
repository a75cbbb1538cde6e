"""The game: two players, advanced step by step, resumable at every step."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from bench.architectures.layers import mixes_samples, spectral_norms
from bench.catalog import optimizers
from bench.compatibility import find_batch_conflicts, find_conflicts, find_contradictions
from bench.datasets.base import Data
from bench.datasets.samples import draw
from bench.errors import MIXED_SAMPLES, CatalogError
from bench.objectives.base import Batch
from bench.spec import Choice, RunSpec
from bench.training.average import Average
from bench.training.capture import find_host_decisions
from bench.training.dynamics import Update, accuracy
from bench.training.gradients import Gradients
from bench.training.log import Log, LoggedStep
from bench.training.orders import choose_order, step_where
from bench.training.parts import Parts
from bench.training.players import build_players
from bench.training.precision import computing_in, in_float32
from bench.training.rates import hold_rate, set_rate
from bench.training.streams import Streams, fresh

if TYPE_CHECKING:
    from bench.training.capture import Recorded

GENERATE_BATCH = 512


class Game(Gradients):
    """Two players, their optimizers, random streams and counters.

    Args:
        spec: the run.
        data: its dataset, on ``device``.
        device: where the players live.

    Raises:
        CatalogError: the objective cannot be played with the architecture or the batch size.
    """

    def __init__(self, spec: RunSpec, data: Data, device: torch.device) -> None:
        objective = spec.objective
        self.spec, self.data, self.device = spec, data, device
        conflicts = [
            *find_contradictions(objective),
            *find_conflicts(objective, spec.architecture),
            *find_batch_conflicts(objective, spec.training.batch_size),
        ]
        if conflicts:
            raise CatalogError(*conflicts)
        self.streams = Streams(spec.seed, device)
        self.parts = Parts(objective, device, self.streams)

        players = build_players(spec, data.shape)
        self.generator = players.generator.to(device).train()
        self.discriminator = players.discriminator.to(device).train()
        self.latent_dim, self.latent = players.latent_dim, players.latent
        if spec.training.memory_format == "channels-last" and data.is_image:
            for player in (self.generator, self.discriminator):  # what they make of images lies as their weights do
                player.to(memory_format=torch.channels_last)
        if spec.training.precision == "bfloat16":
            for player in (self.generator, self.discriminator):
                player.register_forward_hook(in_float32)
        self._generator_weights = list(self.generator.parameters())
        self._discriminator_weights = list(self.discriminator.parameters())
        self._generator_norms = spectral_norms(self.generator)
        self._discriminator_norms = spectral_norms(self.discriminator)
        self.generator_optimizer = _optimizer(objective.generator_optimizer, self._generator_weights)
        self.discriminator_optimizer = _optimizer(objective.discriminator_optimizer, self._discriminator_weights)
        self._rates = [float(optimizer.param_groups[0]["lr"]) for optimizer in self._optimizers]
        self._play_in_order = choose_order(self)
        half_life = spec.training.ema_images if self.parts.ema_images is None else self.parts.ema_images
        self.average = Average(self.generator, half_life) if half_life else None

        mixed = mixes_samples(self.discriminator)
        if mixed and self.parts.needs_independent_samples:  # of a plugin's architecture no setting may tell it
            raise CatalogError(MIXED_SAMPLES.format(objective=objective.label))
        self._mixed = mixed

        self.step = 0
        self._discriminator_updates = 0
        self.seconds = 0.0
        self._alive = torch.ones((), device=device)
        """1 as long as everything is finite, then 0 or NaN for ever."""
        self._finite_steps = torch.zeros((), device=device)
        self._total, self._images_per_step = spec.total_steps, spec.images_per_step  # looked up in every step
        self._log = Log(self._total, self._images_per_step)
        # on a GPU whether steps are recorded or not, so that the numbers are the same
        self._rates_on_device = device.type == "cuda" and not find_host_decisions(objective)
        if self._rates_on_device:
            self.hold_rates_on_device()
        self._stretch = time.perf_counter(), self.seconds, self.step
        self.recorded: Recorded | None = None
        """Plays the device's part of a step in place of `play_on_device`, with the same numbers."""

    @property
    def logged(self) -> list[LoggedStep]:
        """What the steps so far tell of themselves."""
        return self._log.steps

    @property
    def images(self) -> int:
        """Real images shown to the discriminator so far."""
        return self.step * self._images_per_step

    @property
    def finite_steps(self) -> int:
        """Steps before the first one that was seen to leave the finite numbers (waits for the device)."""
        return int(self._finite_steps.item())

    def advance(self, steps: int) -> bool:
        """Play ``steps`` generator steps, each after n_critic discriminator steps.

        The device is waited for once, at the end.

        Returns:
            See `settle`.
        """
        self.enqueue(steps)
        return self.settle()

    def enqueue(self, steps: int) -> None:
        """Begin to play so many generator steps, waiting for nothing; `settle` is to be called next."""
        self._stretch = time.perf_counter(), self.seconds, self.step
        for _ in range(steps):
            self.play()

    def settle(self) -> bool:
        """Wait for what was begun.

        Returns:
            Whether all that was looked at has stayed finite; if not, `finite_steps` says how far it did. Losses and
            penalties are looked at in every step, weights in those that are logged and in the last one: which
            steps a stretch is made of does not change where a run is seen to diverge.
        """
        finite = self._alive.item() == 1
        started, first_second, first_step = self._stretch
        self.seconds = first_second + time.perf_counter() - started
        self._log.collect((first_step, first_second), (self.step, self.seconds))
        return finite

    @property
    def _optimizers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        return self.generator_optimizer, self.discriminator_optimizer

    def counters(self) -> tuple[Tensor, ...]:
        """What of the game itself a step changes on the device."""
        return self._alive, self._finite_steps

    def hold_rates_on_device(self) -> None:
        """Hold on the device what changes from step to step, as a recorded step needs it."""
        self._rates_on_device = True
        for optimizer in self._optimizers:
            hold_rate(optimizer, self.device)
        if self.average is not None:
            self.average.keep_on_device(self.device)

    @property
    def progress(self) -> float:
        """The share of the budget that is spent, as far as it is known: from 0 to 1."""
        total = self._total
        return min(1.0, self.step / total if total else self.seconds / self.spec.training.budget.amount)

    def _prepare_step(self) -> None:
        """Set what changes over training to what it is in the step to come: learning rates, and what is annealed."""
        self.parts.progress = progress = self.progress
        # the last step of the budget has the smallest rate, not zero
        decay = 1 - progress if self.spec.training.learning_rate_decay == "linear" else 1.0
        factor = self.parts.rate_factor()
        for optimizer, rate in zip(self._optimizers, self._rates, strict=True):
            set_rate(optimizer, rate * decay * factor)

    def play(self) -> None:
        """One generator step after its n_critic discriminator steps; waits for nothing."""
        self._prepare_step()
        self.step += 1
        if self.average is not None:
            self.average.prepare(self.images, self._images_per_step)
        logged = self._log.due(self.step)
        play = self.play_on_device if self.recorded is None else self.recorded.play
        numbers = play(logged, logged or self.step == self._total)
        if numbers is not None:
            self._log.add(self.step, numbers)

    def play_on_device(self, logged: bool, checked: bool) -> Tensor | None:
        """What of a step the device does: nothing in it depends on the host but the arguments.

        Args:
            logged: whether to tell the numbers of `LOGGED`, which are returned.
            checked: whether to look for weights that are not finite.
        """
        with computing_in(self.spec.training.precision, self.device):
            critic, artist = self._play_in_order(self, logged)
        if self.average is not None:
            self.average.update()
        for number in (critic.loss, critic.penalty, artist.loss, artist.penalty):
            if number is not None:
                self._alive.add_(number, alpha=0)  # 0 · ∞ and 0 · NaN are NaN, which stays
        if checked:
            self._alive *= self._has_finite_weights()
        torch.fmax(self._finite_steps, self._finite_steps + self._alive, out=self._finite_steps)  # never NaN
        if not logged:
            return None
        none = torch.zeros_like(critic.loss)
        penalties = [none if penalty is None else penalty for penalty in (critic.penalty, artist.penalty)]
        norms = [get_total_norm(_gradients(of)) for of in (self._discriminator_weights, self._generator_weights)]
        return torch.stack((critic.loss, penalties[0], artist.loss, penalties[1], *norms, *critic.seen, *artist.seen))

    def update_discriminator(self, real: Tensor, *, watched: bool = False) -> Update:
        """One update.

        Args:
            real: samples of the training split.
            watched: whether to tell accuracy and saturation; the update is the same, bit for bit.
        """
        update, batch = self.differentiate_discriminator(real, self.draw_discriminator_latents(), watched=watched)
        self.move_discriminator(batch)
        return update

    def update_generator(self, real: Tensor, *, watched: bool = False) -> Update:
        """One update.

        Args:
            real: the discriminator's last batch, for losses that compare scores with it.
            watched: whether to tell the saturation; the update is the same, bit for bit.
        """
        update = self.differentiate_generator(real, self.draw_generator_latents(), watched=watched)
        self.move_generator()
        return update

    def move_discriminator(self, batch: Batch) -> None:
        """Descend along the gradients at its weights, which are of ``batch``."""
        parts = self.parts
        if parts.balances:
            scores = (batch.real_scores.detach(), batch.fake_scores.detach())
            parts.observe_accuracy(accuracy(*scores, low_is_real=parts.low_is_real))
        self._move(self.discriminator_optimizer, "discriminator", self._discriminator_weights)
        parts.project(self.discriminator)
        parts.observe(batch)
        self._discriminator_updates += 1

    def move_generator(self) -> None:
        """Descend along the gradients at its weights."""
        self._move(self.generator_optimizer, "generator", self._generator_weights)

    def _move(self, optimizer: torch.optim.Optimizer, player: str, weights: list[nn.Parameter]) -> None:
        moves = self.parts.moves(player)
        if moves is None:
            optimizer.step()
        else:
            step_where(optimizer, moves)
        self.parts.observe_weights(player, weights)

    def draw_real(self) -> Tensor:
        """A batch of the training split, drawn with replacement, as the players see it."""
        size = self.spec.training.batch_size
        return self.data.decode(draw(self.data.train, size, self.streams.data, self.device))

    def draw_discriminator_latents(self) -> Tensor:
        """Latents of a batch for the discriminator's update."""
        return self._latents(self.spec.training.batch_size, self.streams.discriminator_latent)

    def draw_generator_latents(self) -> Tensor:
        """Latents of a batch for the generator's update, from a stream of their own."""
        return self._latents(self.spec.training.batch_size, self.streams.generator_latent)

    def _latents(self, n: int, random: torch.Generator) -> Tensor:
        size = (n, self.latent_dim)
        if self.latent == "uniform":
            return torch.rand(size, generator=random, device=self.device) * 2 - 1
        return torch.randn(size, generator=random, device=self.device)

    def _has_finite_weights(self) -> Tensor:
        players = (self._generator_weights, self._discriminator_weights)
        return torch.isfinite(torch.stack([get_total_norm(weights, math.inf) for weights in players])).all()

    @torch.no_grad()
    def generate(self, n: int, purpose: str) -> Tensor:
        """``n`` samples of the averaged generator (the raw one without averaging), as the dataset stores them.

        Args:
            n: how many.
            purpose: names the latents: the same ones at every call, for every objective of a seed.
        """
        network = self.average.network if self.average is not None else self.generator
        random = fresh(self.spec.seed, "evaluation", self.device, purpose)
        latents = self._latents(n, random)
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
            "parts": self.parts.state_dict(),
            "streams": self.streams.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "alive": self._alive,
            "finite_steps": self._finite_steps,
            "log": self._log.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where `state_dict` was taken."""
        state = copy.deepcopy(state)  # torch's optimizers go on in the tensors that they are given
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.generator_optimizer.load_state_dict(state["generator_optimizer"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        if self.average is not None:
            self.average.network.load_state_dict(state["average"])
        self.parts.load_state_dict(state["parts"])
        self.streams.load_state_dict(state["streams"])
        self.step, self.seconds = state["step"], state["seconds"]
        self._discriminator_updates = self.step * self.spec.objective.n_critic
        self._alive.copy_(state["alive"])
        self._finite_steps.copy_(state["finite_steps"])
        self._log.load_state_dict(state["log"])
        if self._rates_on_device:
            self.hold_rates_on_device()
        if self.recorded is not None:
            self.recorded.forget()


def _optimizer(choice: Choice, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    return optimizers.create(choice.name, **choice.settings).build(weights)


def _gradients(weights: list[nn.Parameter]) -> list[Tensor]:
    return [weight.grad for weight in weights if weight.grad is not None]
