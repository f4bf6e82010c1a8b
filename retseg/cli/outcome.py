"""What a stage's result says on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from retseg.stages.runner import StageResult


def tell(result: StageResult, what: str) -> None:
    """Prints the result's notes, whether there was anything to do, and where images that failed are listed."""
    for note in result.notes:
        typer.echo(note)
    if result.skipped:
        typer.echo(f"{what}: unchanged, nothing to do.")
    failures = int(result.manifest.facts.get("failures", 0))
    if failures:
        typer.echo(f"{failures} image(s) could not be used; each with its reason: {result.folder / 'failures.csv'}")
