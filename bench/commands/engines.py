"""Where a command carries its work out: ``--on``, ``--address`` and what goes with them."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.execution.executor import Engine

On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="local|ray|ray://HOST:PORT",
        help="This machine, or a Ray cluster: that of --address, or one of this machine alone.",
        show_default="local; ray with --address",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="HOST:PORT|ray://HOST:PORT|auto",
        help="Of a Ray cluster.",
        show_default="RAY_ADDRESS, with --on ray",
    ),
]
CpusPerRun = Annotated[
    float | None,
    typer.Option("--cpus-per-run", min=0.01, help="Cores that Ray sets apart for a run.", show_default="its threads"),
]
GpusPerRun = Annotated[
    float | None,
    typer.Option(
        "--gpus-per-run",
        min=0.0,
        help="GPUs that Ray sets apart for a run; 0.25: four runs share one.",
        show_default="1 where there are any",
    ),
]


def choose_engine(
    on: str | None,
    address: str | None,
    device: str,
    slots: int | None,
    cpus_per_run: float | None,
    gpus_per_run: float | None,
) -> Engine:
    """The engine that the options ask for.

    Raises:
        UsageError: they contradict each other, or ask for what is not installed.
    """
    from bench.execution.conduct import ThisMachine

    address = _address(on, address)
    if address is None and on in (None, "local"):
        given = {"--cpus-per-run": cpus_per_run, "--gpus-per-run": gpus_per_run}
        if wrong := [name for name, value in given.items() if value is not None]:
            raise UsageError(
                f"{' and '.join(wrong)}: for clusters; on this machine --slots says how many runs it takes"
            )
        return ThisMachine(device, slots)
    if importlib.util.find_spec("ray") is None:
        raise UsageError('Ray is not installed in this Python: pip install "ganbench[ray]"')
    if gpus_per_run is not None and gpus_per_run > 1 and not gpus_per_run.is_integer():
        raise UsageError(f"--gpus-per-run {gpus_per_run:g}: Ray deals out shares of one GPU (0.5), or whole ones (2)")
    from bench.execution.ray import RayCluster

    return RayCluster(address, device, slots, cpus_per_run, gpus_per_run)


def _address(on: str | None, address: str | None) -> str | None:
    """Of the cluster that is meant; None where it is this machine's own, or none."""
    if on is not None and on.startswith("ray://"):
        if address not in (None, on):
            raise UsageError(f"--on {on} --address {address}: two clusters; leave one of them out")
        return on
    if on not in (None, "local", "ray"):
        raise UsageError(f"--on {on}: valid: local, ray, ray://HOST:PORT")
    if on == "local" and address is not None:
        raise UsageError(f"--on local --address {address}: an address is a cluster's; leave one of them out")
    return address or (os.environ.get("RAY_ADDRESS") or None if on == "ray" else None)
