"""The commands that look at nets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retseg.cli import options
from retseg.cli.tables import new_table, print_table

if TYPE_CHECKING:
    from retseg.models.effective_field import EffectiveField
    from retseg.models.summary import ModelSummary
    from retseg.stages.show_model import ComparedNet, ShownNet, Size

models_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_SIZE = "224"
_LINE = 100  # characters that are still easy to read


@models_app.command("list")
def models_list() -> None:
    """List the shipped models, and the architectures that `retseg train --arch NAME` knows with what they can tell.

    \b
    Example:
      retseg models list
    """
    from retseg.inference.shipped_models import shipped_models
    from retseg.models.heads import HEADS
    from retseg.models.registry import MODELS
    from retseg.postprocess.registry import SEPARATIONS

    table = new_table("name", "about", "citation")
    for name in MODELS.names():
        architecture = MODELS.get(name)
        table.add_row(name, architecture.about, architecture.citation)
    print_table(table)
    typer.echo("Models that ship with retseg, --run NAME:" if shipped_models() else "No model ships with this copy.")
    for name, path in shipped_models().items():
        typer.echo(f"  {name}: {path.stat().st_size / 1e6:.2f} MB; `retseg models card {name}` tells all about it")
    typer.echo("Heads of any net, --set model.heads=[NAME]:")
    for name in HEADS.names():
        typer.echo(f"  {name}: {HEADS.get(name).about}")
    typer.echo("Ways to tell things apart, --set predict.separation=NAME:")
    for name in SEPARATIONS.names():
        typer.echo(f"  {name}: {SEPARATIONS.get(name).about}")


@models_app.command("show")
def models_show(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME",
            help="An architecture; a trained run (runs/NAME); a shipped model (default); or module:attribute, a net of "
            "your own code.",
        ),
    ],
    size: Annotated[
        str, typer.Option(metavar="PIXELS", help="Side of the square input, or its height and width: 96x128.")
    ] = _SIZE,
    channels: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Input channels. Default: 3, or the run's own.")
    ] = None,
    classes: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Output classes. Default: 3, or the run's own.")
    ] = None,
    assign: options.Set = None,
    image: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A photograph: draw the effective receptive field in its middle, too."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PNG to draw receptive fields to. Default: reports/models/NAME.png."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="One line for each of several nets, with measured latency.")
    ] = False,
    device: options.Device = "auto",
) -> None:
    """Show a net layer by layer, what it costs and how far it sees; or compare several.

    The receptive field is drawn, too: the theoretical one, and with --image the effective one, which is where the
    gradient of the centre pixel's logits lies. Untrained weights are used unless NAME is a run.

    \b
    Examples:
      retseg models show segnet --size 224
      retseg models show unet --set model.options.depth=3
      retseg models show runs/mine --image eye.jpg
      retseg models show my_nets:Tiny --size 96 --channels 1
      retseg models show segnet unet runs/mine --compare
    """
    from retseg.core.errors import ConfigError
    from retseg.stages.show_model import parse_size, show_net

    pixels = parse_size(size)
    if compare:
        if image is not None or out is not None:
            raise ConfigError("--image and --out draw one net, and --compare draws none", fix="Leave them out")
        _compare(names, pixels, channels, classes, assign or [], device)
        return
    if len(names) > 1:
        raise ConfigError(f"{len(names)} nets were named", where=" ".join(names), fix="Name one, or add --compare")
    shown = show_net(
        names[0],
        pixels,
        channels=channels,
        classes=classes,
        assignments=assign or (),
        photograph=image,
        out=out,
        device=device,
    )
    _print_what_it_is(shown)
    _print_layers(shown.summary)
    _print_costs(shown.summary)
    typer.echo(f"Theoretical receptive field: {_reach(shown.summary)}")
    if shown.effective is not None and image is not None:
        _print_effective(shown.effective, image, shown.net.weights)
    typer.echo(f"Drawn in {shown.picture}")


@models_app.command("card")
def models_card(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]", help="A shipped model, a trained run (runs/NAME), or a weights file. Default: default."
        ),
    ] = "default",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it to this Markdown file.")] = None,
) -> None:
    """Print a model's card: what it is, what it was trained on and may be used for, and its figures with intervals.

    \b
    Examples:
      retseg models card default
      retseg models card runs/mine --out mine.md
    """
    from retseg.core.paths import write_atomically
    from retseg.stages.model_card import model_card

    text = model_card(name)
    if out is None:
        typer.echo(text, nl=False)
        return
    write_atomically(out, text)
    typer.echo(out)


@models_app.command("pack")
def models_pack(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run: its folder, or its name below runs/.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The .safetensors file to write.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="What the model is to be called.")] = "default",
    evaluations: Annotated[
        list[Path] | None,
        typer.Option(
            "--evaluation",
            metavar="DIR",
            help="What `retseg evaluate` wrote about this run: its figures go into the file. Repeatable.",
        ),
    ] = None,
    assign: options.Set = None,
) -> None:
    """Pack a run's weights in one file to hand on, with licence, credits, configuration and figures.

    With `--set predict.KEY=VALUE` the file also says how photographs are predicted where the user does not.

    \b
    Examples:
      retseg models pack runs/mine --out default.safetensors --evaluation runs/mine/evaluate/NAME
      retseg models pack runs/mine --out default.safetensors --set predict.specks=20
    """
    from retseg.stages.pack_model import pack_model
    from retseg.stages.settings import load_settings

    predict = load_settings(None, assign or ()).predict
    path = pack_model(run, out, name=name, evaluations=evaluations or (), predict=predict)
    typer.echo(f"{path} ({path.stat().st_size / 1e6:.2f} MB)")


def _print_what_it_is(shown: ShownNet) -> None:
    from textwrap import fill

    architecture = shown.net.architecture
    if architecture is not None:
        for text in (
            f"{architecture.name}: {architecture.about}",
            architecture.card,
            f"Citation: {architecture.citation}",
        ):
            typer.echo(f"{fill(text, _LINE)}\n")
    typer.echo(f"Weights: {shown.net.weights}")
    if shown.options:
        table = new_table("option", "here", "default", "allowed", "about")
        for row in shown.options:
            table.add_row(row.name, row.value, row.default, row.allowed, row.about)
        print_table(table)
        typer.echo("Change one with --set model.options.NAME=VALUE.")


def _print_layers(summary: ModelSummary) -> None:
    columns = ("layer", "type", "output", "parameters", "multiply-adds", "activations")
    table = new_table(*columns, numbers=columns[3:])
    for row in summary.rows:
        table.add_row(
            row.name,
            row.type,
            "x".join(map(str, row.output_shape)),
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
            _megabytes(row.activation_bytes),
        )
    print_table(table)


def _print_costs(summary: ModelSummary) -> None:
    typer.echo(f"Input: {' x '.join(map(str, summary.input_shape[1:]))} (channels x height x width)")
    typer.echo(f"Parameters: {summary.parameters:,}")
    typer.echo(f"Multiply-adds: {summary.multiply_adds:,}")
    count = summary.activation_bytes
    typer.echo(f"Activations of all layers: {_megabytes(count)} ({count:,} bytes)")
    predicting, training = _megabytes(summary.inference_bytes), _megabytes(summary.training_bytes)
    typer.echo(f"Memory for one image: {predicting} predicting, {training} training")


def _print_effective(effective: EffectiveField, image: Path, weights: str) -> None:
    from retseg.models.field_picture import HOLDING

    height, width = effective.heat.shape
    typer.echo(f"Effective receptive field in the middle {height} x {width} pixels of {image}, weights {weights}:")
    for share in HOLDING:
        side = effective.side_holding(share)
        words = "nothing: the logits do not depend on the image" if side is None else f"{side} x {side} pixels"
        typer.echo(f"  {share:.0%} of the gradient lies within {words}")
    typer.echo(
        "  (absolute gradient of the centre pixel's logits, summed over classes and input channels; mean of the image "
        "and its mirror images)"
    )


def _compare(
    names: list[str], size: Size, channels: int | None, classes: int | None, assign: list[str], device: str
) -> None:
    from retseg.core.progress import progress
    from retseg.stages.show_model import compare_nets

    with progress("Comparing", len(names), "net") as bar:
        rows, where = compare_nets(
            names,
            size,
            channels=channels,
            classes=classes,
            assignments=assign,
            device=device,
            done=lambda name: bar.advance(1, name),
        )
    columns = ("net", "parameters", "multiply-adds", "activations", "predicting", "training", "sees", "latency")
    table = new_table(*columns, numbers=columns[1:])
    for row in rows:
        table.add_row(row.name, *_figures(row))
    print_table(table)
    typer.echo(
        f"One image of {size[0]} x {size[1]} pixels. Activations: of all layers; predicting, training: memory. "
        "Sees: theoretical receptive field (height x width)."
    )
    typer.echo(f"Latency: median and, in brackets, the middle half of repeated passes, batch 1, float32, on {where}.")
    for row in rows:
        if row.reason:
            typer.echo(f"{row.name}: {row.reason}")
    if all(row.reason for row in rows):
        raise typer.Exit(1)


def _figures(row: ComparedNet) -> list[str]:
    summary, latency = row.summary, row.latency
    if summary is None or latency is None:
        return ["see below", *["-"] * 6]
    low, middle, high = (f"{1000 * seconds:.3g}" for seconds in (latency.low, latency.median, latency.high))
    return [
        f"{summary.parameters:,}",
        f"{summary.multiply_adds:,}",
        *map(_megabytes, (summary.activation_bytes, summary.inference_bytes, summary.training_bytes)),
        "no bound" if summary.receptive_field is None else "x".join(map(str, summary.receptive_field)),
        f"{middle} ms ({low}..{high})",
    ]


def _reach(summary: ModelSummary) -> str:
    if summary.receptive_field is None:
        return "no bound found: the net looks at the whole image, or takes one size only"
    return f"{summary.receptive_field[0]} x {summary.receptive_field[1]} pixels (height x width)"


def _megabytes(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"
