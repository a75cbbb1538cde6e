"""`ganbench doctor`: whether this machine can do the job, and bit for bit."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.text import Text

from bench.environment import host_environment, resolve_device
from bench.errors import UsageError

MINIMUM_FREE_BYTES = 1_000_000_000

SIGNS = {"good": ("✓", "green"), "note": ("·", "yellow"), "bad": ("✗", "red")}


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Literal["good", "note", "bad"]
    says: str

    @property
    def bad(self) -> bool:
        """Whether it keeps ganbench from working."""
        return self.verdict == "bad"

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)


def examine(data_root: Path, results: Path, device: str, weights: Path | None = None) -> list[Finding]:
    """Look at everything.

    Args:
        data_root: where data sets, classifiers and weights lie.
        results: folder of results.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        weights: of the Inception network, where they do not lie under the data root.
    """
    host = host_environment()
    packages = ", ".join(f"{name} {version}" for name, version in host.packages.items())
    findings = [
        Finding("ganbench", "good", f"{host.ganbench}" + (f", commit {host.commit[:12]}" if host.commit else "")),
        Finding("python", "good", f"{host.python} on {host.platform}"),
        Finding("packages", "bad" if "missing" in host.packages.values() else "good", packages),
        Finding("processor", "good", f"{host.processor}, {host.cores} cores, {host.memory_bytes / 2**30:.0f} GiB"),
    ]
    try:
        found = resolve_device(device)
    except UsageError as error:
        findings.append(Finding("device", "bad", str(error)))
    else:
        findings += [Finding("device", "good", _name_device(found)), _examine_determinism(found)]
    findings += [
        _examine_classifiers(data_root),
        _examine_weights(data_root, weights),
        _examine_folder("data root", data_root),
        _examine_datasets(data_root),
    ]
    findings.append(_examine_folder("results", results))
    return findings


def _name_device(device: str) -> str:
    import torch

    if device == "cpu":
        return "cpu" + ("" if torch.cuda.is_available() else " (torch sees no CUDA device)")
    return f"{device}: {torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"


def _examine_determinism(device: str) -> Finding:
    """Trains one small game twice, as runs are trained, and compares every weight bit for bit."""
    import torch

    from bench.catalog import datasets
    from bench.execution.determinism import prepare_torch
    from bench.suite import plan_suite
    from bench.training.game import Game

    # convolutions and a penalty's double backward are where devices differ from run to run
    suite = 'objectives = ["wgan-gp"]\narchitectures = ["dcgan"]\ndatasets = ["digits"]\ntraining.steps = 5\n'
    spec = plan_suite(suite, Path("doctor.toml")).specs[0]
    prepare_torch(device, spec.training.threads)
    data = datasets.create(spec.dataset.name, **spec.dataset.settings).load(Path()).to(torch.device(device))
    games = [Game(spec, data, torch.device(device)) for _ in range(2)]
    for game in games:
        game.advance(5)
    first, second = (list(game.generator.state_dict().values()) for game in games)
    same = all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    return Finding(
        "determinism",
        "good" if same else "bad",
        "two trainings of one seed gave the same bits"
        if same
        else "two trainings of one seed differ: results on this device cannot be repeated exactly",
    )


def _examine_classifiers(data_root: Path) -> Finding:
    from bench.evaluation.classifier import kept_classifiers

    kept = kept_classifiers(data_root)
    if not kept:
        return Finding("classifiers", "note", "none trained yet; a run that needs one trains it")
    told = [
        f"{name} (broken: it is trained anew)" if accuracy is None else f"{name} ({100 * accuracy:.1f} % right)"
        for name, accuracy in kept.items()
    ]
    return Finding("classifiers", "note" if None in kept.values() else "good", f"trained and kept: {', '.join(told)}")


def _examine_weights(data_root: Path, given: Path | None) -> Finding:
    from bench.evaluation.weights import find_weights, how_to_get

    try:
        found = find_weights(data_root, given)
    except UsageError as error:
        return Finding("weights", "bad", str(error))
    if found is None:
        return Finding(
            "weights", "note", f"{how_to_get(data_root, 'they are not there')}; a run that needs them tries to"
        )
    if not found.official:
        return Finding(
            "weights", "note", f"{found.path} (SHA-256 {found.sha256[:8]}…) are not Inception's official ones"
        )
    return Finding("weights", "good", f"{found.path}, verified")


def _examine_datasets(data_root: Path) -> Finding:
    from bench.catalog import datasets
    from bench.datasets.downloads import find_missing

    of_files = {
        name: files for name in datasets.names() if (files := getattr(datasets.entry(name).factory, "files", ()))
    }
    there = [name for name, files in of_files.items() if not find_missing(files, data_root)]
    by_hand = [name for name, files in of_files.items() if name not in there and not all(file.urls for file in files)]
    at_need = [name for name in of_files if name not in (*there, *by_hand)]
    says = [
        f"{what}: {', '.join(names)}"
        for what, names in (("there", there), ("downloaded when needed", at_need), ("to be fetched by hand", by_hand))
        if names
    ]
    return Finding("data sets", "good" if there else "note", "; ".join(says))


def _examine_folder(subject: str, folder: Path) -> Finding:
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        return Finding(subject, "bad", f"{folder} cannot be written")
    free = shutil.disk_usage(existing).free
    verdict: Literal["good", "note"] = "good" if free >= MINIMUM_FREE_BYTES else "note"
    return Finding(subject, verdict, f"{folder}, {free / 1e9:.1f} GB free")


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """A line each."""
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        sign, style = SIGNS[finding.verdict]
        console.print(Text.assemble((sign, style), f" {finding.subject:<{width}}  {finding.says}"), soft_wrap=True)
