"""Commands of the catalogue and of this machine."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from bench.commands.options import RESULTS, AsJson, DataRoot, Device, Results, Weights
from bench.commands.terminal import data_root_of, out


def list_(
    kind: Annotated[str | None, typer.Argument(help="losses, penalties, objectives, …", show_default="all")] = None,
    as_json: AsJson = False,
) -> None:
    """List the catalogue."""
    from bench.listing import print_catalogue, select_catalogs
    from bench.plugins import load_installed

    load_installed()
    print_catalogue(out, select_catalogs(kind), as_json)


def describe(
    name: Annotated[str, typer.Argument(help="A name from `ganbench list`, or a plugin's file.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show the formula, settings and source of a catalogue entry, or of those that a plugin registers."""
    from bench.listing import find_descriptions, print_descriptions
    from bench.plugins import load_installed

    load_installed()
    print_descriptions(out, find_descriptions(name), as_json)


def check(
    plugin: Annotated[str, typer.Argument(help="A plugin's file, or a name from `ganbench list`.", show_default=False)],
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Hold a plugin, or a catalogue entry, to the laws of its kind: shapes, gradients, extreme scores, and more."""
    import bench.conformance
    from bench.plugins import load_installed

    load_installed()
    checked = bench.conformance.check(plugin, data_root_of(data_root))
    if as_json:
        print(bench.conformance.to_json(checked))
    else:
        bench.conformance.print_checked(out, plugin, checked)
    raise typer.Exit(int(any(each.broken() for each in checked)))


def schema() -> None:
    """Print the JSON Schema of suite files, for editors."""
    from bench.plugins import load_installed
    from bench.suite import json_schema

    load_installed()
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def doctor(
    results: Results = RESULTS,
    data_root: DataRoot = None,
    weights: Weights = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Check this machine: packages, devices, determinism, data, disk."""
    from bench.doctor import examine, print_findings

    findings = examine(data_root_of(data_root), results, device, weights)
    if as_json:
        print(json.dumps([finding.to_plain() for finding in findings], indent=1))
    else:
        print_findings(out, findings)
    raise typer.Exit(int(any(finding.bad for finding in findings)))
