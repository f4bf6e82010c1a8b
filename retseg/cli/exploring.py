"""The commands that try things out around training: sweep, adapt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retseg.cli import options


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (sweep, adapt):
        app.command()(command)


def sweep(
    pipeline: Annotated[
        Path, typer.Argument(metavar="PIPELINE", help="A pipeline file, or the name of a shipped one.")
    ],
    assign: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE,VALUE",
            help="Values to try for a setting, e.g. train.lr=1e-3,3e-4; commas inside [] or {} belong to a value. With "
            "--random also a range, train.lr=1e-4..1e-2. One value is for all. Repeat as needed.",
        ),
    ] = None,
    random: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Draw N combinations by the seed. Default: all of them."),
    ] = None,
    root: options.Root = None,
    out: options.Out = None,
    seed: options.Seed = None,
    device: options.Device = "auto",
    workers: options.Workers = None,
    force: options.Force = False,
) -> None:
    """Train a pipeline's nets with several settings; rank them.

    They are ranked by the Dice on validation patients, who are set aside from the training patients. Test photographs
    have no say in it. Give the same command again to go on with an interrupted sweep.

    \b
    Examples:
      retseg sweep pipelines/demo.yaml --set train.lr=1e-3,3e-4
      retseg sweep demo --set model.arch=unet,segnet --set train.epochs=2
      retseg sweep demo --set train.lr=1e-4..1e-2 --random 8 --seed 1
    """
    from retseg.stages.sweep import TABLE
    from retseg.stages.sweep import sweep as stage

    result = stage(
        pipeline,
        assign or (),
        random=random,
        root=root,
        seed=seed,
        out=out,
        device=device,
        workers=workers,
        force=force,
        say=typer.echo,
    )
    for line in result.manifest.facts.get("table", ()):
        typer.echo(line)
    typer.echo(result.folder / TABLE)


def adapt(
    photographs: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PHOTO_OR_FOLDER]",
            help="Photographs of the other camera. Default: the training photographs of the newest prepared set, whose "
            "labels are not read.",
        ),
    ] = None,
    run: options.RunFolder = None,
    dataset: options.Dataset = None,
    root: options.Root = None,
    certainty: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, metavar="SHARE", help="Share of each class's pixels that is learnt from: the surest."
        ),
    ] = 0.5,
    rounds: Annotated[
        int, typer.Option(min=1, metavar="N", help="Predict and fine-tune so often, each time with the newer weights.")
    ] = 1,
    out: options.Out = None,
    config: options.Config = None,
    assign: options.Set = None,
    seed: options.Seed = None,
    device: options.Device = "auto",
    workers: options.Workers = None,
    force: options.Force = False,
) -> None:
    """Adapt a run to another camera, without labels.

    It learns from its own surest predictions of the new photographs, in a short training with a low learning rate that
    begins with its weights. The threshold stays the frozen one. The result is a run of its own.

    \b
    Examples:
      retseg adapt photos/ --run runs/mine
      retseg adapt --run runs/eyes-unet-1a2b3c --dataset NAME
      retseg adapt photos/ --run runs/mine --certainty 0.3 --rounds 2 --set train.epochs=3
    """
    from retseg.stages.adapt import adapt as stage

    result = stage(
        config,
        assign or (),
        {"dataset.name": dataset, "seed": seed},
        path=photographs,
        root=root,
        run=run,
        certainty=certainty,
        rounds=rounds,
        out=out,
        device=device,
        workers=workers,
        force=force,
        say=typer.echo,
    )
    typer.echo(result.folder.parent)
