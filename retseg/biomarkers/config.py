"""The `measure` section of the configuration."""

from __future__ import annotations

from pydantic import Field

from retseg.core.config import Section


class MeasureConfig(Section):
    """What is measured of a photograph's vessels.

    Attributes:
        rejected: Also measure photographs that the quality gate rejects.
        doubt: How far the threshold is moved either way for the interval of a measurement, in the logit of the
            probability: 0.6 makes 0.5 into 0.35 and 0.65. 0 measures at the threshold alone and gives no intervals.
        margins: Widen the intervals by as much as persons' maps were found to differ; see `retseg.biomarkers.interval`.
    """

    rejected: bool = False
    doubt: float = Field(default=0.6, ge=0.0, le=5.0)
    margins: bool = True
