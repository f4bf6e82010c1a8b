"""All measurements of an eye at once, each a value with its unit or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Iterable

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measurement import Measurement
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.registry import BIOMARKERS
from retseg.biomarkers.units import Value, in_units


def measure(eye: Eye, names: Iterable[str] | None = None) -> dict[str, Value | NotMeasured]:
    """The measurements of these names, or all of them, in the order of the registry or of `names`.

    Where measurements share work, it is done once. `to_json` of each result is what files hold.
    """
    asked = BIOMARKERS.loadable() if names is None else {name: BIOMARKERS.get(name) for name in names}
    return {name: taken(measurement, eye.cropped) for name, measurement in asked.items()}


def taken(measurement: Measurement, eye: Eye) -> Value | NotMeasured:
    """One measurement of an eye that is cropped to its field of view: a finite number in its unit, or the reason."""
    try:
        number = float(measurement.function(eye))
    except NotMeasured as reason:
        # The traceback would keep the eye's arrays in memory.
        return reason.with_traceback(None)
    if not math.isfinite(number):
        return NotMeasured("the measurement has no finite value here")
    return in_units(number, measurement.kind, eye.um_per_pixel)
