"""A process of its own: does one task, tells its supervisor over a pipe, and ends."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import logging
import os
import pkgutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

# all that a task needs is imported here, so that the fork server has it loaded before it forks
import filelock  # noqa: F401
import pyarrow.pandas_compat  # looked for with the first array that is made
import pyarrow.parquet  # noqa: F401
import torch
import torch.utils.serialization.config
import tqdm
from PIL import Image
from pydantic import TypeAdapter

import bench.architectures
from bench.catalog import CATALOGS
from bench.datasets.digits import read_digits
from bench.datasets.loading import load_dataset
from bench.environment import device_environment, host_environment, resolve_device
from bench.errors import StorageError, UsageError
from bench.evaluation.reference import make_reference, perfect_samples
from bench.evaluation.spaces import fetch_files, open_space
from bench.execution.determinism import prepare_torch
from bench.execution.limits import leave_with_parent, limit_allocations
from bench.execution.packing import run_pack
from bench.execution.profiling import profile_cell
from bench.execution.run import SAMPLES_KEPT_IMAGES, SAMPLES_KEPT_POINTS, run
from bench.execution.speed import count_steps, measure_speed
from bench.execution.tasks import (
    DatasetAnswer,
    DatasetTask,
    Done,
    Failed,
    Message,
    PackTask,
    ProbeAnswer,
    ProbeTask,
    ProfileTask,
    Progress,
    ReferenceTask,
    RunTask,
    SpeedTask,
    Task,
    ThroughputTask,
)
from bench.plugins import load_installed, load_plugin
from bench.spec import PluginSpec
from bench.store import Store

for _module in pkgutil.iter_modules(bench.architectures.__path__):  # parts of players, imported as they are built
    importlib.import_module(f"{bench.architectures.__name__}.{_module.name}")
Image.preinit()  # the formats of pictures
# made once, for all runs: each of them takes some of the 100 ms that a run may take besides training
for _catalog in CATALOGS:
    for _name in _catalog.names():
        _catalog.entry(_name).adapter  # keeps itself  # noqa: B018
with contextlib.suppress(Exception):  # whoever needs them is told what is wrong
    read_digits()
_TASKS: TypeAdapter[Task] = TypeAdapter(Task)
# torch-fidelity's progress bars: their default lock is a semaphore of the system, which a process must tidy up
tqdm.tqdm.set_lock(threading.RLock())


def main(payload: str, connection: Connection, log: Connection) -> None:
    """What the process does.

    Args:
        payload: a `Task` as JSON.
        connection: where `Message`s go, as JSON.
        log: takes over standard output and error.
    """
    _redirect(log)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("bench").setLevel(logging.INFO)
    leave_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
    stop: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    answer(payload, connection, lambda: bool(stop))
    connection.close()


def answer(payload: str, connection: Connection, stopping: Callable[[], bool]) -> None:
    """Do a task, telling of its progress and, in one last message, of its end.

    Args:
        payload: a `Task` as JSON.
        connection: where `Message`s go, as JSON.
        stopping: whether the task is to end early.
    """

    def tell(content: Progress | Done | Failed) -> None:
        try:
            connection.send_bytes(Message(content=content).model_dump_json().encode())
        except BrokenPipeError:  # nobody is left to read the result
            os._exit(1)

    try:
        tell(_perform(_TASKS.validate_json(payload), tell, stopping))
    except UsageError as error:
        tell(Failed(reason="; ".join(error.faults), faults=error.faults))
    except StorageError as error:
        tell(Failed(reason=str(error), storage=True))
    except Exception as error:
        traceback.print_exc()
        if _is_out_of_memory(error):
            tell(Failed(reason=f"out of memory: {_first_line(error)}", out_of_memory=True))
        else:
            tell(Failed(reason=f"{type(error).__name__}: {_first_line(error)}"))


OUT_OF_MEMORY_SIGNS = ("can't allocate memory", "out of memory", "ALLOC_FAILED")
"""In the messages of torch's plain RuntimeErrors."""


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in OUT_OF_MEMORY_SIGNS)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "no message")


def _perform(task: Task, tell: Callable[[Progress], None], stopping: Callable[[], bool]) -> Done:
    visible = task.visible_devices if isinstance(task, ProbeTask) else task.place.visible_devices
    if visible is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible  # in time: nothing in this process has looked for a GPU yet
    if isinstance(task, ProbeTask):
        device = resolve_device(task.device)
        answer = ProbeAnswer(device=device, environment=device_environment(host_environment(), device))
        return Done(answer=answer.model_dump_json())
    if isinstance(task, RunTask):
        if task.spec.execution.memory_limit_gib is not None and task.place.device == "cpu":
            limit_allocations(round(task.spec.execution.memory_limit_gib * 2**30))
        _prepare(task.place.device, task.spec.training.threads, task.spec.plugins)
        if not run(task, tell, stopping):
            return Done(stopped=True)
        record = Store(task.place.results).record(task.spec.run_id)
        return Done(answer="" if record is None else record.model_dump_json())
    if isinstance(task, PackTask):
        plugins = tuple(dict.fromkeys(plugin for spec in task.specs for plugin in spec.plugins))
        _prepare(task.place.device, task.specs[0].training.threads, plugins)
        packed = run_pack(task, tell, stopping)
        return Done(stopped=True) if packed is None else Done(answer=packed.model_dump_json())
    if isinstance(task, ProfileTask | SpeedTask):
        _prepare(task.place.device, task.spec.training.threads, task.spec.plugins)
        told = profile_cell(task) if isinstance(task, ProfileTask) else count_steps(task)
        return Done(answer=told.model_dump_json())
    with _told(tell):
        return _measure(task)


def _measure(task: DatasetTask | ReferenceTask | ThroughputTask) -> Done:
    place = task.place
    store = Store(place.results)
    if isinstance(task, DatasetTask):
        _prepare(place.device, 1, task.plugins)
        return Done(answer=_open(task).model_dump_json())
    if isinstance(task, ReferenceTask):
        _prepare(place.device, 1, task.plugins)
        reference = make_reference(
            task.dataset,
            task.space,
            task.samples,
            root=place.data_root,
            weights=place.weights,
            device=torch.device(place.device),
            environment=place.environment,
        )
        store.write_reference_samples(
            reference.key, perfect_samples(task.dataset, place.data_root, SAMPLES_KEPT_POINTS, SAMPLES_KEPT_IMAGES)
        )
        store.write_reference(reference)
    else:
        _prepare(place.device, task.spec.training.threads, task.spec.plugins)
        store.write_throughput(measure_speed(task))
    return Done()


class _Telling(logging.Handler):
    """Tells the supervisor what is logged: work before the training may take long, and somebody waits for it."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        super().__init__(logging.INFO)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        self._tell(Progress(step=0, images=0, seconds=0.0, share=0.0, note=record.getMessage()))


@contextlib.contextmanager
def _told(tell: Callable[[Progress], None]) -> Iterator[None]:
    """What is logged inside is told."""
    handler, logger = _Telling(tell), logging.getLogger("bench")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _open(task: DatasetTask) -> DatasetAnswer:
    """Load the dataset and open its feature spaces; all that is missing is told at once.

    Raises:
        UsageError: something is missing or broken.
    """
    place, faults = task.place, list[str]()
    for space in task.spaces:
        with _gathered(faults):
            fetch_files(space, place.data_root, place.weights)
    with _gathered(faults):
        data = load_dataset(task.dataset, place.data_root)
    if faults:
        raise UsageError(*faults)
    found = {}
    for space in task.spaces:
        with _gathered(faults):
            found[space] = open_space(space, data, task.dataset, place.data_root, place.weights).sha256
    if faults:
        raise UsageError(*faults)
    return DatasetAnswer(data_sha256=data.sha256, space_sha256=found)


@contextlib.contextmanager
def _gathered(faults: list[str]) -> Iterator[None]:
    """What the user can mend is added to ``faults``, so that all of it is told."""
    try:
        yield
    except UsageError as error:
        faults += error.faults


def _prepare(device: str, threads: int, plugins: tuple[PluginSpec, ...]) -> None:
    prepare_torch(device, threads)
    if any(plugin.path is None for plugin in plugins):
        load_installed()
    for plugin in plugins:
        if plugin.path is not None and load_plugin(plugin.path).sha256 != plugin.sha256:
            raise UsageError(f"plugin '{plugin.path}' has changed since the suite was read: run the suite again")


def _redirect(log: Connection) -> None:
    """Let all that is printed, by native code too, go to the supervisor: it survives whatever ends this process."""
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    log.close()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a killed process flushes nothing
    faulthandler.enable()
