"""What a measurement is: a function together with everything a reader needs to know to trust its number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.units import Kind


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number about an eye's vessels that can be asked for by name.

    Attributes:
        name: By what it is asked for: lower case, with hyphens.
        title: What tables call it.
        definition: Exactly what is calculated, for someone who wants to compare it with other programs.
        explanation: Two lines in plain English for a clinician: what it says about the vessels.
        kind: What sort of quantity it is; its unit follows from that, see `retseg.biomarkers.units`.
        group: The heading under which tables show it.
        citation: Where it comes from.
        valid: In words, when it can be trusted, and what it depends on besides the vessels.
        function: Takes an eye cropped to its field of view and returns the number in pixels (pixels to the power that
            `kind` says). Raises `NotMeasured` where there is no number to trust: it never returns 0 or NaN for that.
    """

    name: str
    title: str
    definition: str
    explanation: str
    kind: Kind
    group: str
    citation: str
    valid: str
    function: Callable[[Eye], float]
