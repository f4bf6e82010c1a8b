"""The command that divides vessels: segments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retseg.cli import options
from retseg.cli.outcome import tell


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(segments)


def segments(
    masks: Annotated[
        Path | None,
        typer.Argument(
            metavar="[MASKS]",
            help="Vessel masks: a black-and-white image, a folder of them, a folder that predict wrote, or a prepared "
            "set. Default: the reference labels of --dataset.",
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="RUN",
            help="Take what this run, or a shipped model (default), predicts for --dataset, instead of its labels; "
            "predicted first if missing.",
        ),
    ] = None,
    dataset: options.Dataset = None,
    root: options.Root = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Part of the set: test, train or all. Default: all labels, or with --run the test photographs.",
        ),
    ] = None,
    um_per_pixel: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=1000.0, metavar="UM", help="Micrometres per pixel, for images that do not say theirs."
        ),
    ] = None,
    out: options.Out = None,
    config: options.Config = None,
    assign: options.Set = None,
    device: options.Device = "auto",
    workers: options.Workers = None,
    force: options.Force = False,
) -> None:
    """Divide vessels into segments between junctions.

    Writes an id for each vessel pixel, a picture in colours, and tables: length, chord, calibre and ends of every
    segment; segments, junctions and end points of every image.

    \b
    Examples:
      retseg segments masks/ --out result
      retseg segments runs/mine/predict/photos --um-per-pixel 6.5
      retseg segments --run runs/mine --dataset NAME
      retseg segments --dataset data/prepared/NAME-1a2b3c4d
    """
    from retseg.stages.segments import segments as stage
    from retseg.stages.settings import load_settings

    result = stage(
        load_settings(config, assign or (), {"dataset.name": dataset}),
        masks,
        run=run,
        root=root,
        split=split,
        um_per_pixel=um_per_pixel,
        out=out,
        device=device,
        workers=workers,
        force=force,
    )
    tell(result, "Segments")
    facts = result.manifest.facts
    typer.echo(f"{facts['segments']} segments and {facts['junctions']} junctions in {facts['images']} image(s).")
    typer.echo(result.folder)
