"""Progress with an estimate of the time left: a live bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

QUIET_SECONDS = 5.0
"""At most one plain line in this many seconds when the output is not a terminal."""


class Progress:
    """Context manager around long work. `advance` is cheap enough to call for every image or step.

    Args:
        title: What is being done, as a person would say it: "Training segnet".
        total: How many units there are, or None when that is not known.
        unit: What one unit is: "image", "step", ...
    """

    def __init__(self, title: str, total: int | None, unit: str = "image") -> None:
        self.title = title
        self.unit = unit
        self._total = total
        self.done = 0
        self._skipped = 0
        self._started = self._printed = 0.0
        self._live: Any = None
        self._task: Any = None

    @property
    def total(self) -> int | None:
        """How many units there are. It may become known, or change, while the work goes on."""
        return self._total

    @total.setter
    def total(self, total: int | None) -> None:
        self._total = total
        if self._live is not None:
            self._live.update(self._task, total=total)

    def __enter__(self) -> Progress:
        self._started = self._printed = time.monotonic()
        if sys.stderr.isatty():
            self._start_live()
        return self

    def _start_live(self) -> None:
        from rich import progress as rich_progress
        from rich.console import Console

        self._live = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TimeRemainingColumn(),
            rich_progress.TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )
        self._live.start()
        self._task = self._live.add_task(self.title, total=self.total, note="")

    def skip(self, units: int) -> None:
        """Counts units that an earlier, interrupted run already did; they do not enter the estimate."""
        self._skipped += units
        self.advance(units, "already done")

    def advance(self, units: int = 1, note: str = "") -> None:
        """Counts `units` as done; `note` is shown beside the bar."""
        self.done += units
        if self._live is not None:
            self._live.update(self._task, advance=units, note=note)
            return
        now = time.monotonic()
        if now - self._printed >= QUIET_SECONDS:
            self._printed = now
            self._print_line(now, note)

    def _print_line(self, now: float, note: str) -> None:
        part = f"{self.done}"
        if self.total:
            part = f"{self.done}/{self.total} ({100 * self.done // self.total}%)"
        worked = self.done - self._skipped
        left = ""
        if self.total and worked > 0:
            seconds = (now - self._started) / worked * (self.total - self.done)
            left = f", {duration(seconds)} left"
        note = f", {note}" if note else ""
        sys.stderr.write(f"{self.title}: {part} {self.unit}s{left}{note}\n")
        sys.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()


def progress(title: str, total: int | None, unit: str = "image") -> Progress:
    """A progress display to use in a `with` statement."""
    return Progress(title, total, unit)


def duration(seconds: float) -> str:
    """A length of time as a person says it: "40 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
