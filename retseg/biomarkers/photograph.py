"""One photograph and its vessel map become landmarks, quality, scale and measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from retseg.biomarkers.config import MeasureConfig
from retseg.biomarkers.eye import Eye
from retseg.biomarkers.interval import Interval, doubtful_masks, shipped_margins, with_interval
from retseg.biomarkers.measure import measure
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.regions import DISC_MM
from retseg.core.messages import Message
from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.imaging.anatomy import Disc, Fovea
from retseg.imaging.fov import fov_diameter
from retseg.imaging.fovea import find_fovea
from retseg.imaging.fundus_check import check_fundus
from retseg.imaging.optic_disc import find_disc
from retseg.imaging.quality import REJECT, Quality, assess_quality

_GIVEN = "given with the photograph"
_BY_DISC = "from the optic disc, taken to be {millimetres} mm wide"


@dataclass(frozen=True, slots=True)
class VesselMap:
    """What a net says of a photograph: `mask` (H, W) at the frozen `threshold` of the `probability` (H, W)."""

    mask: BoolArray
    probability: Float32Array
    threshold: float


@dataclass(frozen=True, slots=True)
class PhotographMeasured:
    """Everything that was found out about one photograph.

    Attributes:
        size: Height and width in pixels.
        um_per_pixel: Micrometres of retina per pixel, and where they are `scale`d from; None where nobody knows.
        field_mm: How wide the field of view is on the retina in millimetres; None where nobody knows.
        disc, fovea: The landmarks, None where they are not certain.
        quality: The grade with its reasons.
        measurements: By name; empty where the quality allows none.
    """

    size: tuple[int, int]
    um_per_pixel: float | None
    scale: Message | None
    field_mm: float | None
    disc: Disc | None
    fovea: Fovea | None
    quality: Quality
    measurements: Mapping[str, Interval | NotMeasured]

    def to_json(self) -> dict[str, Any]:
        """As files hold it."""
        return {
            "size": list(self.size),
            "um_per_pixel": self.um_per_pixel,
            "scale": None if self.scale is None else self.scale.to_json(),
            "field_mm": self.field_mm,
            "disc": None if self.disc is None else asdict(self.disc),
            "fovea": None if self.fovea is None else asdict(self.fovea),
            "quality": self.quality.to_json(),
            "measurements": {name: _entry(found) for name, found in self.measurements.items()},
        }


def _entry(found: Interval | NotMeasured) -> dict[str, Any]:
    if isinstance(found, Interval):
        return {**found.to_json(), "reason": None}
    return {"value": None, "low": None, "high": None, "unit": "", "reason": found.why.to_json()}


def measure_photograph(
    image: UInt8Array,
    fov: BoolArray,
    vessels: VesselMap,
    config: MeasureConfig | None = None,
    um_per_pixel: float | None = None,
) -> PhotographMeasured:
    """Looks at an (H, W, 3) photograph with its field of view (H, W) and measures its vessels."""
    config = config or MeasureConfig()
    disc = find_disc(image, fov, vessels.mask)
    fovea = find_fovea(image, fov, disc, vessels.mask)
    quality = assess_quality(image, fov, disc, check_fundus(image, fov))
    scale = None if um_per_pixel is None else Message(_GIVEN)
    if um_per_pixel is None and disc is not None:
        um_per_pixel, scale = 1000 * DISC_MM / (2 * disc.radius), Message(_BY_DISC, {"millimetres": f"{DISC_MM:g}"})
    measurements: dict[str, Interval | NotMeasured] = {}
    if quality.grade != REJECT or config.rejected:
        masks = [vessels.mask, *doubtful_masks(vessels.mask, vessels.probability, vessels.threshold, config.doubt)]
        value, *others = (measure(Eye(mask, fov, um_per_pixel, disc, fovea)) for mask in masks)
        margins = shipped_margins() if config.margins else {}
        measurements = {name: with_interval(found, others, name, margins) for name, found in value.items()}
    height, width = fov.shape
    field = None if um_per_pixel is None else round(um_per_pixel * fov_diameter(fov) / 1000, 2)
    return PhotographMeasured((height, width), um_per_pixel, scale, field, disc, fovea, quality, measurements)
