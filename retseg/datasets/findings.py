"""What is noticed about the files of a dataset: each finding with its place and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retseg.core.types import Sample

Severity = Literal["error", "warning", "note"]
"""An error is damage. A warning is worth a look. A note is a known peculiarity and no fault."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed about a dataset on disk.

    Args:
        severity: How bad it is.
        path: The file or folder it concerns.
        what: What is wrong, as a plain sentence without a full stop.
        fix: What to do about it, as an imperative sentence without a full stop.
        blocks: Preparing the set stops here, because going on would silently change the protocol.
    """

    severity: Severity
    path: Path
    what: str
    fix: str
    blocks: bool = False

    @property
    def line(self) -> str:
        """The finding on one line."""
        return f"{self.severity}: {self.what}: {self.path}. {self.fix}."


@dataclass(frozen=True, slots=True)
class Survey:
    """What a dataset's folder holds, by the names of its files alone: the samples, and everything amiss."""

    samples: Sequence[Sample]
    findings: Sequence[Finding] = ()

    @property
    def blocking(self) -> list[Finding]:
        """The findings that preparing cannot go on with."""
        return [finding for finding in self.findings if finding.blocks]


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first few of many names, and how many more there are: "a, b, c and 12 more"."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
