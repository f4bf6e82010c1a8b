"""The commands that look at things: datasets, methods, config, doctor; those for nets are in `models`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from retseg.cli import options
from retseg.cli.models import models_app
from retseg.cli.tables import new_table, print_table

datasets_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
methods_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
config_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Adds the commands that look at things."""
    app.add_typer(datasets_app, name="datasets", help="The datasets: list them, show one, check a folder.")
    app.add_typer(models_app, name="models", help="The nets: list them, show one layer by layer, compare several.")
    app.add_typer(methods_app, name="methods", help="The training-free methods: list them, show one.")
    app.add_typer(config_app, name="config", help="The configuration: show all settings.")
    app.command()(doctor)


@datasets_app.command("list")
def datasets_list() -> None:
    """List the known datasets and where they were found.

    \b
    Example:
      retseg datasets list
    """
    from retseg.datasets.registry import DATASETS
    from retseg.stages.locate import known_datasets

    found = known_datasets()
    table = new_table("name", "title", "licence", "found in")
    for name, kind in (loadable := DATASETS.loadable()).items():
        table.add_row(name, kind.title, kind.licence, str(found.get(name, "")))
    for name in DATASETS.names():
        if name not in loadable:
            table.add_row(name, "cannot be loaded: see `retseg datasets show`", "", "")
    print_table(table)


@datasets_app.command("show")
def datasets_show(name: Annotated[str, typer.Argument(help="Name of a dataset.")]) -> None:
    """Tell what a dataset is, where to get it, under which terms, and what its folder must look like.

    \b
    Example:
      retseg datasets show folder
    """
    from retseg.datasets.registry import DATASETS

    kind = DATASETS.get(name)
    typer.echo(f"{kind.title}\n")
    for label, text in (
        ("Where", kind.homepage),
        ("How to get it", kind.obtain),
        ("Terms", kind.licence),
        ("Credit", kind.credit),
    ):
        if text:
            typer.echo(f"{label}: {text}\n")
    typer.echo("Classes: " + ", ".join(f"{index} {item}" for index, item in enumerate(kind.classes.names)))
    if kind.classes.things:
        typer.echo("Told apart one by one: " + ", ".join(kind.classes.names[index] for index in kind.classes.things))
    for observer, who in kind.observers.items():
        typer.echo(f"Observer {observer}: {who}")
    for protocol, how in kind.protocols.items():
        typer.echo(f"Protocol {protocol}: {how}")
    if kind.tree:
        typer.echo(f"\nThe folder must look like this:\n\n{kind.tree.rstrip()}")


@datasets_app.command("check")
def datasets_check(
    name: Annotated[str, typer.Argument(help="Name of a dataset.")],
    root: options.Root = None,
    config: options.Config = None,
    assign: options.Set = None,
) -> None:
    """Name every missing, extra, unreadable, wrongly sized or wrongly valued file of a folder in one go.

    \b
    Example:
      retseg datasets check folder --root photographs/
    """
    from retseg.core.progress import progress
    from retseg.datasets.registry import DATASETS
    from retseg.stages.locate import find_source
    from retseg.stages.settings import load_settings

    settings = load_settings(config, assign or (), {"dataset.name": name})
    source = find_source(settings.dataset, root)
    dataset = DATASETS.get(name)(settings.dataset).at(source.root)
    with progress(f"Checking {name}", None) as bar:
        findings = dataset.check(source.root, lambda n, note: bar.advance(n, note))
    for finding in findings:
        typer.echo(finding.line)
    errors = sum(finding.severity == "error" for finding in findings)
    if errors:
        typer.echo(f"{source.root}: {errors} to mend.")
        raise typer.Exit(1)
    typer.echo(f"{source.root}: all is well.")


@methods_app.command("list")
def methods_list() -> None:
    """List the training-free methods that `retseg predict --method NAME` knows.

    \b
    Example:
      retseg methods list
    """
    from retseg.methods.registry import METHODS

    table = new_table("name", "about", "citation")
    for name in METHODS.names():
        method = METHODS.get(name)
        table.add_row(name, method.about, method.citation)
    print_table(table)


@methods_app.command("show")
def methods_show(name: Annotated[str, typer.Argument(help="Name of a method.")]) -> None:
    """Show a method: what it does, who published it, its parameters, and what is searched when it is tuned.

    \b
    Example:
      retseg methods show frangi
    """
    from inspect import cleandoc

    from retseg.methods.registry import METHODS

    method = METHODS.get(name)
    typer.echo(f"{method.title}\n\n{method.about}\n\nCitation: {method.citation}\n")
    typer.echo(f"Output: {'yes or no' if method.binary else 'a score from 0 to 1'}")
    typer.echo(f"Learns from labels: {'yes' if method.fit is not None else 'no'}\n")
    typer.echo(cleandoc(method.parameters.__doc__ or ""))
    table = new_table("parameter", "default", "tried when tuned")
    for key, value in method.parameters().model_dump().items():
        table.add_row(key, _words(value), "; ".join(map(_words, method.grid.get(key, ()))))
    print_table(table)
    typer.echo("Change one with --set method.parameters.NAME=VALUE; what is set is not searched.")


@config_app.command("show")
def config_show(
    config: options.Config = None,
    assign: options.Set = None,
    recipe: Annotated[str | None, typer.Option(metavar="NAME", help="Show the settings of this recipe.")] = None,
) -> None:
    """Print every setting with its value, as YAML that `--config` reads back.

    \b
    Examples:
      retseg config show
      retseg config show --recipe lecture > my.yaml
    """
    import yaml

    from retseg.stages.settings import load_settings

    settings = load_settings(config, assign or (), {"recipe": recipe})
    typer.echo(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True).rstrip())


def doctor() -> None:
    """Print versions, device, memory, datasets, what is missing.

    \b
    Example:
      retseg doctor
    """
    from retseg.stages.doctor import findings

    for label, text in findings():
        typer.echo(f"{label:<14} {text}")


def _words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
