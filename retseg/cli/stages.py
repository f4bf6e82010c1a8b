"""The commands that run stages: prepare, train, predict, evaluate, report, run, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retseg.cli import options
from retseg.cli.outcome import tell
from retseg.core.errors import ConfigError

if TYPE_CHECKING:
    from retseg.stages.runner import StageResult
    from retseg.stages.settings import Settings

_Runs = Annotated[
    list[Path] | None,
    typer.Option(
        "--run",
        metavar="RUN",
        help="Trained run: its folder, or its name below runs/; or a model that ships with retseg: default. Repeat it "
        "to average the probabilities of several; a cross-validation's folder stands for the nets of its folds. "
        "Default: the newest run, else the shipped model.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Adds the stage commands in the order in which people use them."""
    for command in (prepare, train, predict, evaluate, report, run, demo):
        app.command()(command)


def _settings(
    config: Path | None, assignments: list[str] | None, dataset: str | None = None, **shorthand: Any
) -> Settings:
    from retseg.stages.settings import load_settings

    keys = {key.replace("__", "."): value for key, value in shorthand.items()}
    return load_settings(config, assignments or (), {"dataset.name": dataset, **keys})


def _prepared(settings: Settings, root: Path | None, workers: int | None) -> StageResult:
    """The prepared set to work on, and which it is."""
    from retseg.stages.prepare import prepared_set

    result = prepared_set(settings, root, workers=workers)
    for note in result.notes:
        typer.echo(note)
    typer.echo(f"Prepared set: {result.folder}")
    return result


def prepare(
    dataset: options.Dataset = None,
    root: options.Root = None,
    out: options.Out = None,
    config: options.Config = None,
    assign: options.Set = None,
    tensors: Annotated[
        bool,
        typer.Option("--tensors", help="Also pack the lecture's uint8 tensors. Short for --set prepare.tensors=true."),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Refuse labels with a colour that no class has. Short for --set dataset.strict=true."
        ),
    ] = False,
    seed: options.Seed = None,
    workers: options.Workers = None,
    force: options.Force = False,
) -> None:
    """Turn a dataset into images, labels and fields of view.

    Without options it looks for known datasets below data/raw and $RETSEG_DATA, and draws photographs of its own if
    there are none.

    \b
    Examples:
      retseg prepare
      retseg prepare --dataset NAME --root FOLDER
      retseg prepare --dataset folder --root photos/ --out prepared-photos
    """
    from retseg.stages.prepare import prepare as stage

    flags = {"prepare__tensors": tensors or None, "dataset__strict": strict or None}
    settings = _settings(config, assign, dataset, seed=seed, **flags)
    result = stage(settings, root=root, out=out, workers=workers, force=force)
    tell(result, "Prepared set")
    splits = {name: len(ids) for name, ids in result.manifest.facts["splits"].items()}
    typer.echo("Photographs: " + ", ".join(f"{count} {name}" for name, count in splits.items()))
    typer.echo(f"Look at {result.folder / 'preview.png'}")
    typer.echo(result.folder)


def train(
    arch: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which net; see `retseg models list`. Short for --set model.arch=NAME."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A set of defaults: default, or lecture. Short for --set recipe=NAME."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Begin with this run's weights, or with those of a model that ships with retseg (default), instead of "
            "random ones: fine-tuning. Short for --set train.start=RUN.",
        ),
    ] = None,
    encoder_weights: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="Weights for the encoder only: imagenet (fetched), a file, or a run. Short for --set "
            "train.encoder_weights=WHICH.",
        ),
    ] = None,
    freeze_encoder_epochs: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Train only the rest in the first N epochs, or in all. Short for --set train.freeze_encoder_epochs=N.",
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(metavar="N", help="End after so many minutes of training. Short for --set train.minutes=N."),
    ] = None,
    overfit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="See whether the net can learn N photographs by heart: no augmentation, and an error if it cannot.",
        ),
    ] = None,
    find_lr: Annotated[
        bool,
        typer.Option("--find-lr", help="Do not train: try learning rates from tiny to huge, draw them, suggest one."),
    ] = False,
    dataset: options.Dataset = None,
    root: options.Root = None,
    out: options.Out = None,
    config: options.Config = None,
    assign: options.Set = None,
    seed: options.Seed = None,
    device: options.Device = "auto",
    workers: options.Workers = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with an interrupted training. It does so by itself; this says so if there is none."
        ),
    ] = False,
    force: options.Force = False,
) -> None:
    """Train a net on a prepared set.

    An interrupted training goes on from its last checkpoint when the same command is given again.

    \b
    Examples:
      retseg train --arch segnet
      retseg train --arch unet --set train.epochs=20 --seed 1
      retseg train --arch segnet --recipe lecture
      retseg train --from runs/eyes-unet-1a2b3c --dataset NAME --set train.lr=3e-4
      retseg train --arch resunet18 --encoder-weights imagenet --freeze-encoder-epochs 5
      retseg train --arch unet --overfit 2
      retseg train --arch unet --find-lr
    """
    settings = _settings(
        config,
        assign,
        dataset,
        seed=seed,
        recipe=recipe,
        model__arch=arch,
        train__start=start,
        train__encoder_weights=encoder_weights,
        train__freeze_encoder_epochs=_number_or_word(freeze_encoder_epochs),
        train__minutes=minutes,
        train__overfit=overfit,
    )
    prepared = _prepared(settings, root, workers)
    if find_lr:
        from retseg.stages.find_lr import find_lr as stage_find_lr

        found = stage_find_lr(settings, prepared.folder, out=out, device=device, force=force)
        tell(found, "Search")
        typer.echo(found.manifest.facts["suggestion"])
        typer.echo(found.folder / "learning_rates.png")
        return
    from retseg.stages.train import train as stage

    result = stage(settings, prepared.folder, out=out, device=device, resume=resume, force=force)
    tell(result, "Training")
    for fact in ("transfer", "stopped"):
        if line := result.manifest.facts.get(fact):
            typer.echo(line)
    typer.echo(result.folder.parent)


def _number_or_word(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdigit() else text


def predict(
    photographs: Annotated[
        Path | None,
        typer.Argument(metavar="[PHOTO_OR_FOLDER]", help="Photographs to segment. Default: the newest prepared set."),
    ] = None,
    run: _Runs = None,
    method: options.Method = None,
    dataset: options.Dataset = None,
    root: options.Root = None,
    out: options.Out = None,
    split: options.Split = None,
    threshold: Annotated[float | None, options.threshold("predict.threshold")] = None,
    all_classes: Annotated[
        bool, typer.Option("--all-classes", help="Also write every class's probabilities as NIfTI.")
    ] = False,
    config: options.Config = None,
    assign: options.Set = None,
    device: options.Device = "auto",
    workers: options.Workers = None,
    force: options.Force = False,
) -> None:
    """Find the vessels in photographs.

    Writes probability maps, masks and overlays. Photographs need no masks and no labels. Without a run of your own the
    model that ships with retseg is taken.

    \b
    Examples:
      retseg predict photos/ --out result
      retseg predict photos/ --run default --out result
      retseg predict photos/ --run runs/mine --out result
      retseg predict photos/ --run runs/one --run runs/two
      retseg predict eye.jpg --out result
      retseg predict --dataset NAME --split all
      retseg predict --method frangi --dataset NAME
    """
    from retseg.stages.predict import predict_photographs, predict_prepared

    settings = _settings(
        config,
        assign,
        dataset,
        predict__threshold=threshold,
        predict__all_classes=all_classes or None,
        evaluate__split=split,
        method__name=method,
    )
    if photographs is not None:
        result = predict_photographs(
            settings, photographs, run=run, method=settings.method.name, out=out, device=device, force=force
        )
    else:
        prepared = _prepared(settings, root, workers)
        result = predict_prepared(
            settings,
            prepared.folder,
            run=run,
            method=settings.method.name,
            out=out,
            device=device,
            workers=workers,
            force=force,
        )
    tell(result, "Predictions")
    typer.echo(result.folder)


def evaluate(
    predictions: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Anyone's maps: PNG, TIFF, NIfTI or NPY, probabilities or masks, named after the photographs. "
            "Default: the predictions of the run, made if missing.",
        ),
    ] = None,
    run: _Runs = None,
    method: options.Method = None,
    dataset: options.Dataset = None,
    root: options.Root = None,
    out: options.Out = None,
    split: options.Split = None,
    threshold: Annotated[float | None, options.threshold("evaluate.threshold")] = None,
    traps: Annotated[
        bool,
        typer.Option(
            "--traps", help="Also compute what each known mistake of protocol would have reported for the same maps."
        ),
    ] = False,
    allow_missing: Annotated[
        bool,
        typer.Option(
            "--allow-missing",
            help="Score although predictions are missing or cannot be used; the result counts and lists them.",
        ),
    ] = False,
    allow_fit_overlap: Annotated[
        bool,
        typer.Option(
            "--allow-fit-overlap",
            help="Score patients that the weights or the threshold were fitted on; the result says so.",
        ),
    ] = False,
    config: options.Config = None,
    assign: options.Set = None,
    device: options.Device = "auto",
    workers: options.Workers = None,
    force: options.Force = False,
) -> None:
    """Score predictions, ours or anyone's.

    The human observers stand beside them. Only pixels inside the field of view count. Predicts first if that is
    missing.

    \b
    Examples:
      retseg evaluate
      retseg evaluate --run runs/mine --dataset NAME --traps
      retseg evaluate --run runs/one --run runs/two --dataset NAME
      retseg evaluate --method frangi --dataset NAME
      retseg evaluate --predictions maps/ --dataset NAME --root FOLDER --threshold 0.4 --out scores
    """
    from retseg.stages.evaluate import evaluate as stage

    settings = _settings(
        config,
        assign,
        dataset,
        evaluate__split=split,
        evaluate__threshold=threshold,
        method__name=method,
        evaluate__traps=traps or None,
        evaluate__allow_missing=allow_missing or None,
        evaluate__allow_fit_overlap=allow_fit_overlap or None,
    )
    prepared = _prepared(settings, root, workers)
    result = stage(
        settings,
        prepared.folder,
        run=run,
        method=settings.method.name,
        predictions=predictions,
        out=out,
        device=device,
        workers=workers,
        force=force,
    )
    tell(result, "Evaluation")
    for line in result.manifest.facts.get("table", ()):
        typer.echo(line)
    typer.echo(result.folder)


def report(
    photographs: Annotated[
        Path | None,
        typer.Argument(metavar="[PHOTOS]", help="A photograph or a folder of them. Default: a run's test photographs."),
    ] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            "--run",
            metavar="RUN",
            help="Trained run, or a model that ships with retseg: default. Repeat it to set several side by side. "
            "Default: the newest run, else the shipped model.",
        ),
    ] = None,
    patients: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Who is in which photograph: a CSV file with the columns image, patient, name, eye, date, sex, age, "
            "um_per_pixel, any of them missing.",
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--lang", metavar="en|es|de", help="Language of the clinician's pages. Short for --set report.language=..."
        ),
    ] = None,
    anonymise: Annotated[
        bool,
        typer.Option(
            "--anonymise", help="Call patients by codes and show no names. Short for --set report.anonymise=true."
        ),
    ] = False,
    pdf: Annotated[
        bool,
        typer.Option("--pdf", help="Also print each patient's page to PDF. Short for --set report.pdf=true."),
    ] = False,
    rejected: Annotated[
        bool,
        typer.Option(
            "--rejected", help="Also measure photographs of too poor a quality. Short for --set measure.rejected=true."
        ),
    ] = False,
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
    """Make the HTML report of photographs, or of one or several runs.

    Of photographs, and of one run: a page for each patient and the page of all of them (index.html). Of runs also the
    research report (run.html). Predicts, measures and evaluates first if that is missing.

    \b
    Examples:
      retseg report photos/ --out result
      retseg report photos/ --patients patients.csv --lang de --out result
      retseg report
      retseg report --run runs/one --run runs/two --out reports/both
    """
    settings = _settings(
        config,
        assign,
        dataset,
        evaluate__split=split,
        report__language=language,
        report__anonymise=anonymise or None,
        report__pdf=pdf or None,
        measure__rejected=rejected or None,
    )
    if photographs is not None:
        if dataset is not None or root is not None or split is not None:
            raise ConfigError("photographs were named, and a dataset too", fix="Give PHOTOS, or --dataset and --split")
        from retseg.stages.patient_report import PAGE, report_photographs

        result = report_photographs(
            settings, photographs, run=runs, out=out, patients=patients, device=device, workers=workers, force=force
        )
        tell(result, "Report")
        typer.echo(result.folder / PAGE)
        return
    if patients is not None:
        raise ConfigError("--patients says who is in photographs, and none were named", fix="Name their folder, too")
    from retseg.stages.report import report as stage

    prepared = _prepared(settings, root, workers)
    result = stage(settings, prepared.folder, runs=runs, out=out, device=device, workers=workers, force=force)
    tell(result, "Report")
    typer.echo(result.folder / "run.html")


def run(
    pipeline: Annotated[
        Path, typer.Argument(metavar="PIPELINE", help="A pipeline file, or the name of a shipped one.")
    ],
    root: options.Root = None,
    assign: options.Set = None,
    seed: options.Seed = None,
    device: options.Device = "auto",
    workers: options.Workers = None,
    force: options.Force = False,
) -> None:
    """Run a declared pipeline, from photographs to the report.

    Stages whose inputs and settings did not change are skipped.

    \b
    Examples:
      retseg run pipelines/demo.yaml
      retseg run mine.yaml --root FOLDER --device cuda
    """
    from retseg.stages.pipeline import run_pipeline

    page = run_pipeline(
        pipeline,
        root=root,
        assignments=assign or (),
        seed=seed,
        device=device,
        workers=workers,
        force=force,
        say=typer.echo,
    )
    typer.echo(page)


def demo(
    device: options.Device = "auto",
    workers: options.Workers = None,
    force: options.Force = False,
) -> None:
    """See it all work on generated photographs, in minutes.

    Prepares the set, trains two nets, predicts, evaluates and makes the report.

    \b
    Example:
      retseg demo
    """
    run(Path("demo"), device=device, workers=workers, force=force)
