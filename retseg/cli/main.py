"""The `retseg` command. Parses, calls one stage, prints; nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from retseg.cli import comparing, exploring, inspect, segments, stages
from retseg.core.errors import RetsegError
from retseg.core.paths import output_error

EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130


class _Commands(TyperGroup):
    """The commands; Ctrl-C ends any of them with a word on how to go on."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("\nInterrupted. Give the same command again to go on from where it was.", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None


app = typer.Typer(
    name="retseg",
    cls=_Commands,
    help="Retinal vessel segmentation, from fundus photographs to a report. For research; not a medical device.",
    epilog="Start with: retseg prepare, retseg train --arch segnet, retseg report. All at once: retseg demo.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"retseg {version('retseg')}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options that come before any command."""


stages.add_to(app)
comparing.add_to(app)
exploring.add_to(app)
segments.add_to(app)
inspect.add_to(app)


def main() -> None:
    """Runs the command line; a user's mistake ends in one line and a non-zero exit, never in a traceback."""
    try:
        app(prog_name="retseg")
    except RetsegError as error:
        _fail(error.line)
    except BrokenPipeError:
        # The reader went away (`| head`). Point stdout elsewhere so that closing it does not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        explained = output_error(error)
        if explained is None:
            raise
        _fail(explained.line)


def _fail(line: str) -> None:
    sys.stderr.write(f"error: {line}\n")
    sys.exit(EXIT_MISTAKE)


if __name__ == "__main__":
    main()
