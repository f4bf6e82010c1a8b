"""What a stage's result says on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from retseg.stages.runner import StageResult

_NAMED = 3
"""Flagged images that the terminal names, of each kind."""


def tell(result: StageResult, what: str) -> None:
    """Prints the result's notes, whether there was anything to do, and where images that failed are listed."""
    for note in result.notes:
        typer.echo(note)
    if result.skipped:
        typer.echo(f"{what}: unchanged, nothing to do.")
    failures = int(result.manifest.facts.get("failures", 0))
    if failures:
        typer.echo(f"{failures} image(s) could not be used; each with its reason: {result.folder / 'failures.csv'}")
    if result.manifest.facts.get("flagged"):
        _tell_flagged(result.folder)


def _tell_flagged(folder: Path) -> None:
    """Names the first images of each verdict; the others are counted, and listed in the folder."""
    from retseg.imaging.fundus_check import DOUBTFUL, NO_FUNDUS
    from retseg.stages.flagged import NAME, read_flagged

    flags = read_flagged(folder)
    for verdict, words in (
        (NO_FUNDUS, "no fundus photograph, so its map is empty"),
        (DOUBTFUL, "doubtful, worth a look"),
    ):
        found = [flag for flag in flags if flag.verdict == verdict]
        for flag in found[:_NAMED]:
            typer.echo(f"{flag.file}: {words} ({flag.reason}).")
        if len(found) > _NAMED:
            typer.echo(f"... and {len(found) - _NAMED} more: {verdict}.")
    typer.echo(f"Flagged images, each with its reason: {folder / NAME}")
