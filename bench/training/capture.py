"""A step recorded once and replayed: on a GPU as a CUDA graph, so that no kernel waits for the host to ask for it.

All that the device does in a generator step is recorded: its n_critic discriminator updates, penalties with their
double backward passes, the generator's update, the moving average, drawing data and random numbers. What changes from
step to step is read on the device: learning rates, the average's share, random streams. See "CUDA Graphs" in torch's
notes on CUDA semantics, whole-network capture.

A recorded step is used only if it repeats the eager one bit for bit, which is tried before; else the run goes on as if
there were no recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Generator, Tensor

from bench.catalog import architectures, losses, optimizers, penalties, stabilisers
from bench.spec import ObjectiveSpec
from bench.training.log import LOGGED

if TYPE_CHECKING:
    from bench.training.game import Game

WARM_UP = 3
"""Steps on a side stream before anything is recorded, as torch asks: libraries set themselves up in them."""
TRIED = 2
"""Steps that are played both ways and compared: what a recording forgets to carry on shows in the second."""
WORTH = 200
"""Steps that must be left of a run: to record costs about twenty."""
EAGER_AT_FIRST = 1
"""Steps before the recording, in which optimizers make their state."""

Kind = tuple[bool, bool]
"""The arguments of `Game.play_on_device`: logged, checked."""
KINDS: tuple[Kind, ...] = ((False, False), (True, True))
"""Those that are recorded; a last step that is checked and not logged is played eagerly."""


class Recorder(Protocol):
    """Records what a function does on the device."""

    def warm_up(self, body: Callable[[], None]) -> None:
        """Call it as it will be recorded, and wait for it."""
        ...

    def record(self, body: Callable[[], None], streams: list[Generator]) -> Callable[[], None]:
        """What repeats it: from the random streams, further numbers each time.

        Args:
            body: waits for nothing, and asks the host for nothing that changes.
            streams: generators that it draws from, beside torch's default one.
        """
        ...


class CudaRecorder:
    """Records CUDA graphs.

    Each has a memory pool of its own: graphs that share one must be replayed in the order of their recording.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def warm_up(self, body: Callable[[], None]) -> None:
        """On a side stream."""
        current = torch.cuda.current_stream(self._device)
        side = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        side.wait_stream(current)
        with torch.cuda.stream(side):
            body()
        current.wait_stream(side)
        torch.cuda.synchronize(self._device)

    def record(self, body: Callable[[], None], streams: list[Generator]) -> Callable[[], None]:
        """As one graph, whose replay launches it on the current stream."""
        graph = torch.cuda.CUDAGraph()
        for stream in streams:
            graph.register_generator_state(stream)
        with torch.cuda.graph(graph):
            body()
        return graph.replay


class NotRecorded(Exception):  # noqa: N818  # an answer more than an error: the run goes on
    """Why a game's step is played eagerly."""


class Recorded:
    """Plays the device's part of a game's steps from recordings.

    Args:
        game: as it is made; optimizers have made their state once it has played a step.
        recorder: of its device.
    """

    def __init__(self, game: Game, recorder: Recorder) -> None:
        self._game, self._recorder = game, recorder
        self._eager = 0
        self._replays: dict[Kind, Callable[[], None]] = {}
        self._numbers = torch.zeros(len(LOGGED), device=game.device)
        self.refused: str | None = None
        """Why the game goes on eagerly; None while it does not."""

    @property
    def active(self) -> bool:
        """Whether steps are replayed."""
        return bool(self._replays)

    def forget(self) -> None:
        """Record anew: the game's tensors are others now, or other numbers are in them."""
        self._replays.clear()
        self._eager = 0

    def play(self, logged: bool, checked: bool) -> Tensor | None:
        """In place of `Game.play_on_device`."""
        if not self._replays and self.refused is None:
            if self._eager >= EAGER_AT_FIRST:
                self._record()
            self._eager += 1
        replay = self._replays.get((logged, checked))
        if replay is None:
            return self._game.play_on_device(logged, checked)
        replay()
        return self._numbers.clone() if logged else None

    def _record(self) -> None:
        before = _State(self._game)
        try:
            for kind in KINDS:
                self._replays[kind] = self._record_kind(kind, before)
        except torch.OutOfMemoryError:
            raise  # for whoever runs several games here to have fewer
        except (NotRecorded, RuntimeError) as error:
            self._replays.clear()
            self.refused = str(error).partition("\n")[0]
        finally:
            before.restore()

    def _record_kind(self, kind: Kind, before: _State) -> Callable[[], None]:
        def body() -> None:
            numbers = self._game.play_on_device(*kind)
            if numbers is not None:
                self._numbers.copy_(numbers)

        def play_often() -> None:
            for _ in range(WARM_UP):
                body()

        self._recorder.warm_up(play_often)
        before.restore()
        for _ in range(TRIED):
            body()
        eager, eager_numbers = _State(self._game), self._numbers.clone()
        before.restore()
        replay = self._recorder.record(body, before.streams)
        before.restore()
        for _ in range(TRIED):
            replay()
        if not eager.equals(_State(self._game)) or not _equal(eager_numbers, self._numbers):
            raise NotRecorded("a recorded step is not the eager one, bit for bit")
        before.restore()
        return replay


class _State:
    """A copy of all that a step changes, put back in place: recordings read and write these very tensors."""

    def __init__(self, game: Game) -> None:
        self.streams = [stream for stream in vars(game.streams).values() if isinstance(stream, Generator)]
        self._tensors = list(state_tensors(game))
        self._copies = [tensor.detach().clone() for tensor in self._tensors]
        self._positions = [stream.get_state() for stream in self.streams]
        # of the generator that all share: a player with dropout draws from it
        self._device = game.device
        self._shared = _shared_position(game.device)

    @torch.no_grad()
    def restore(self) -> None:
        """Put the numbers back."""
        for tensor, copy in zip(self._tensors, self._copies, strict=True):
            tensor.copy_(copy)
        for stream, position in zip(self.streams, self._positions, strict=True):
            stream.set_state(position)
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(self._shared, self._device)
        else:
            torch.set_rng_state(self._shared)

    def equals(self, other: _State) -> bool:
        """Whether all numbers are the same, bit for bit, NaN included."""
        pairs = [
            *zip(self._copies, other._copies, strict=True),
            *zip(self._positions, other._positions, strict=True),
            (self._shared, other._shared),
        ]
        return all(_equal(one, two) for one, two in pairs)


def _shared_position(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _equal(one: Tensor, two: Tensor) -> bool:
    return torch.equal(one.contiguous().view(-1).view(torch.uint8), two.contiguous().view(-1).view(torch.uint8))


def state_tensors(game: Game) -> Iterator[Tensor]:
    """Every tensor that a step changes in place."""
    players = [game.generator, game.discriminator, *([] if game.average is None else [game.average.network])]
    for player in players:
        yield from player.parameters()
        yield from player.buffers()
    for optimizer in (game.generator_optimizer, game.discriminator_optimizer):
        for group in optimizer.param_groups:
            for weight in group["params"]:
                yield from (value for value in optimizer.state[weight].values() if isinstance(value, Tensor))
    yield from game.parts.memory_tensors()
    yield from game.counters()


def find_host_decisions(objective: ObjectiveSpec) -> list[str]:
    """What of an objective may ask the host for something in the middle of a step, a sentence each."""
    reasons = []
    for catalog, choices in (
        (losses, [objective.loss]),
        (penalties, objective.penalties),
        (stabilisers, objective.stabilisers),
        (optimizers, [objective.generator_optimizer, objective.discriminator_optimizer]),
    ):
        for choice in choices:
            entry = catalog.entry(choice.name)
            # what a plugin does is not known, and stabilisers and optimizers may decide by counters of the host
            built_in = entry.plugin is None and (catalog is losses or catalog is penalties)
            if not getattr(entry.factory, "capturable", built_in):
                reasons.append(f"'{choice.name}' is not known to leave the host alone (capturable = True says so)")
    return reasons


def reasons_against(game: Game) -> list[str]:
    """Why a game's step is not to be recorded."""
    reasons = find_host_decisions(game.spec.objective)
    architecture = architectures.entry(game.spec.architecture.name)
    if architecture.plugin is not None and not getattr(architecture.factory, "capturable", False):
        # one that draws from torch's default generator would share its place in the sequence with the runs beside it
        reasons.append(
            f"'{game.spec.architecture.name}' is not known to draw no random numbers (capturable = True says so)"
        )
    if type(game.data.train).__name__ == "Streamed":
        reasons.append("the data are streamed from the host")
    if game.spec.total_steps is None:
        reasons.append("a budget in seconds does not tell how many steps are left")
    elif game.spec.total_steps - game.step < WORTH:
        reasons.append(f"fewer than {WORTH} steps are left")
    return reasons


def record_steps(game: Game) -> str | None:
    """Let a game on a GPU be played from recordings from its next step but one on.

    Returns:
        Why it is not; None where it is.
    """
    if game.device.type != "cuda":
        return "there is nothing to gain on a CPU, which waits for no host"
    reasons = reasons_against(game)
    if reasons:
        return "; ".join(reasons)
    game.recorded = Recorded(game, CudaRecorder(game.device))
    return None
