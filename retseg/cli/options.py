"""The options that stages share: one name, one meaning, one help text everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Dataset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Which dataset: a name from `retseg datasets list`, or the folder of a prepared set. "
        "Default: the newest prepared set.",
    ),
]
Root = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Where the dataset's own files lie. Default: found below data/raw or $RETSEG_DATA."
    ),
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder to write the result to.")]
RunFolder = Annotated[
    Path | None,
    typer.Option(
        "--run",
        metavar="RUN",
        help="Trained run: its folder, or its name below runs/; or a model that ships with retseg: default. Default: "
        "the newest run, else the shipped model.",
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="NAME",
        help="A training-free method in place of a run; see `retseg methods list`. Tuned on training patients first.",
    ),
]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="YAML file with settings; a pipeline file will do.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one setting, e.g. train.lr=3e-4. Repeat as needed."),
]
Seed = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="Seed of all that is random. Short for --set seed=N.")
]
Device = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")]
Workers = Annotated[int | None, typer.Option(min=1, metavar="N", help="Processes to use. Default: one for each core.")]
Force = Annotated[bool, typer.Option("--force", help="Do it again even if nothing changed.")]
Split = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Part of the set: test, train or all. Short for --set evaluate.split=NAME."),
]


def threshold(key: str) -> Any:
    """The `--threshold` option as shorthand for the setting `key`."""
    text = f"Call a pixel vessel above this probability, instead of the run's own threshold. Short for --set {key}=P."
    return typer.Option(min=0.0, max=1.0, metavar="P", help=text)
