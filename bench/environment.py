"""The software and hardware that a number depends on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path

import psutil

from bench.errors import UsageError
from bench.record import Environment

PACKAGES = ("torch", "torchvision", "torch-fidelity", "numpy", "scipy", "scikit-learn", "pandas")
"""The packages whose versions can change a number."""


def version() -> str:
    """Of ganbench as installed."""
    try:
        return importlib.metadata.version("ganbench")
    except importlib.metadata.PackageNotFoundError:  # used from a checkout that was never installed
        return "uninstalled"


@cache
def host_environment() -> Environment:
    """All but the accelerator: fast, and without torch."""
    commit, dirty = _git_state(Path(__file__).parent)
    return Environment(
        ganbench=version(),
        source=_source_digest(Path(__file__).parent),
        python=platform.python_version(),
        platform=platform.platform(),
        packages={name: _package_version(name) for name in PACKAGES},
        commit=commit,
        dirty=dirty,
        device="cpu",
        processor=_processor(),
        cores=psutil.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        driver=None,
    )


def resolve_device(device: str) -> str:
    """``cpu`` or ``cuda:N`` for what was asked for; ``auto`` takes the first GPU where there is one.

    Raises:
        UsageError: there is no such device.
    """
    import torch

    if device == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        return device
    kind, _, number = device.partition(":")
    if kind != "cuda" or not ((number or "0").isascii() and (number or "0").isdecimal()):
        raise UsageError(f"unknown device '{device}'; valid: auto, cpu, cuda, cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(number or 0) >= count:
        raise UsageError(f"device '{device}': torch sees {count} CUDA devices here; use --device cpu or auto")
    return f"cuda:{number or 0}"


def device_environment(host: Environment, device: str) -> Environment:
    """``host`` with what torch tells of the device: its name and driver.

    Args:
        host: as made by `host_environment`.
        device: as made by `resolve_device`.
    """
    if device == "cpu":
        return host
    import torch

    name = torch.cuda.get_device_name(device)
    driver = f"CUDA {torch.version.cuda}, driver {_nvidia_driver() or 'unknown'}"
    return host.model_copy(update={"device": f"cuda ({name})", "driver": driver})


def _package_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _nvidia_driver() -> str | None:
    try:
        words = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8").split()
    except OSError:
        return None
    return next((word for word in words if word.count(".") == 2 and word.replace(".", "").isdigit()), None)


def _git_state(folder: Path) -> tuple[str | None, bool | None]:
    """Commit and dirty flag of the checkout that the package runs from; None, None where it is none."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", Path(__file__).name)  # not some other repository around site-packages
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def _source_digest(folder: Path) -> str:
    """SHA-256 of the Python files under ``folder``, and of their places in it."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
