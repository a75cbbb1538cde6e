"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Suite = Annotated[Path, typer.Argument(help="Suite file (TOML).", show_default=False)]
Results = Annotated[Path, typer.Option("--results", help="Folder that holds a results folder per suite.")]
Reports = Annotated[Path, typer.Option("--reports", help="Folder that holds a report folder per suite.")]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        envvar="GANBENCH_DATA",
        help="Data sets and what is made of them.",
        show_default="user's cache",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        envvar="GANBENCH_WEIGHTS",
        help="Weights of the Inception network, as torch-fidelity has them.",
        show_default="under the data root, else downloaded there",
    ),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
Slots = Annotated[
    int | None,
    typer.Option(
        "--slots", min=1, help="Runs side by side.", show_default="measured: about cores ÷ threads per run; 1 on a GPU"
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Runs whose objective, cell or id matches, such as 'wgan*'; may be repeated."),
]
Metric = Annotated[
    str | None,
    typer.Option(
        "--metric", help="The metric that ranks, such as fid or recall.", show_default="the suite's, else the space's"
    ),
]
Name = Annotated[
    str | None,
    typer.Option("--name", help="Of the report's folder.", show_default="the suites' names, and what of them it is"),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only what went wrong, and the result.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also every setting.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]

RESULTS, REPORTS = Path("results"), Path("reports")
