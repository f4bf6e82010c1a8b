"""The commands that set systems side by side: compare, benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retseg.cli import options


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (compare, benchmark):
        app.command()(command)


def compare(
    systems: Annotated[
        list[Path],
        typer.Argument(metavar="RUN_OR_SCORES...", help="Runs, or folders that `retseg evaluate` wrote; two or more."),
    ],
    dataset: options.Dataset = None,
    root: options.Root = None,
    out: options.Out = None,
    split: options.Split = None,
    config: options.Config = None,
    assign: options.Set = None,
    device: options.Device = "auto",
    workers: options.Workers = None,
    force: options.Force = False,
) -> None:
    """Compare systems on the same photographs.

    With intervals, paired tests, curves, and the photographs on which they disagree. Runs that differ in their seed
    alone count as one system. Below six patients no significance test is made.

    \b
    Examples:
      retseg compare runs/eyes-unet-1a2b3c runs/eyes-segnet-4d5e6f
      retseg compare runs/mine scores-of-their-maps --out reports/ours-and-theirs
    """
    from retseg.stages.compare import PAGE, TABLE
    from retseg.stages.compare import compare as stage
    from retseg.stages.prepare import prepared_set
    from retseg.stages.settings import load_settings

    settings = load_settings(config, assign or (), {"dataset.name": dataset, "evaluate.split": split})
    prepared = None
    if dataset is not None or root is not None:
        prepared = prepared_set(settings, root, workers=workers).folder
    result = stage(settings, prepared, systems, out=out, device=device, workers=workers, force=force)
    if result.skipped:
        typer.echo("Comparison: unchanged, nothing to do.")
    for line in result.manifest.facts.get("table", ()):
        typer.echo(line)
    typer.echo(result.folder / TABLE)
    typer.echo(result.folder / PAGE)


def benchmark(
    train: Annotated[
        str, typer.Option(metavar="SET,SET", help="Sets to train on: names, or folders of prepared sets.")
    ],
    test: Annotated[
        str | None, typer.Option(metavar="SET,SET", help="Sets to test on. Default: those that are trained on.")
    ] = None,
    arch: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A net. Repeat as needed.")] = None,
    method: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A training-free method. Repeat as needed.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="Trainings of each net, with seeds one apart.")] = 1,
    folds: Annotated[
        int,
        typer.Option(
            metavar="K",
            help="Test every patient of the training set once, in K folds by patients. Default: the customary split.",
        ),
    ] = 0,
    out: options.Out = None,
    config: options.Config = None,
    assign: options.Set = None,
    device: options.Device = "auto",
    workers: options.Workers = None,
    force: options.Force = False,
) -> None:
    """Train on each set, test on each: one table.

    Over systems, seeds, and cameras or folds. Stages that are up to date are skipped, so an interrupted benchmark goes
    on when the same command is given again.

    \b
    Examples:
      retseg benchmark --train ONE,OTHER --test ONE,OTHER --arch unet --seeds 3
      retseg benchmark --train NAME --folds 5 --arch unet --method frangi
    """
    from retseg.stages.benchmark import PAGE, TABLE, Grid
    from retseg.stages.benchmark import benchmark as stage

    archs = tuple(arch or (() if method else ("unet",)))
    grid = Grid(_names(train), _names(test), archs, tuple(method or ()), seeds, folds)
    result = stage(
        grid,
        config=config,
        assignments=assign or (),
        out=out,
        device=device,
        workers=workers,
        force=force,
        say=typer.echo,
    )
    for line in result.manifest.facts.get("table", ()):
        typer.echo(line)
    for page in result.notes:
        typer.echo(page)
    typer.echo(result.folder / TABLE)
    typer.echo(result.folder / PAGE)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
