"""Fundus cameras: how large the photograph is, how much of the eye it shows, and where its round field lies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from retseg.core.errors import ConfigError, nearest
from retseg.core.types import BoolArray, Float32Array

Centring = Literal["disc", "macula", "between"]

UM_PER_DEGREE = 290.0
"""Micrometres of retina that one degree of an emmetropic eye's visual angle covers."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A fundus camera. Pixels count from the centre of the top left pixel, x to the right and y down.

    Args:
        name: What it is called in options.
        width: Width of the photograph in pixels.
        height: Height of the photograph in pixels.
        diameter: Diameter of the round field of view in pixels; larger than the frame where the frame cuts it.
        centre: Centre (x, y) of the field of view in pixels.
        field: Smallest and largest angle of the field of view in degrees; each patient gets one in between.
        centring: What operators point it at; each eye gets one of these.
        jpeg: Range of the JPEG quality its files have had on the way, or None where they never were JPEG files.
    """

    name: str
    width: int
    height: int
    diameter: float
    centre: tuple[float, float]
    field: tuple[float, float] = (45.0, 45.0)
    centring: tuple[Centring, ...] = ("macula",)
    jpeg: tuple[int, int] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the photograph."""
        return self.height, self.width

    def scaled(self, factor: float) -> Camera:
        """The same camera with `factor` times as many pixels along each side: the same eyes, coarser or finer."""
        if factor == 1.0:
            return self
        width, height = max(16, round(self.width * factor)), max(16, round(self.height * factor))
        x, y = ((value + 0.5) * factor - 0.5 for value in self.centre)
        return replace(self, width=width, height=height, diameter=self.diameter * factor, centre=(x, y))

    def coverage(self) -> Float32Array:
        """Share of each pixel that lies inside the round field, (H, W) in 0..1."""
        rows = (np.arange(self.height, dtype=np.float32) - np.float32(self.centre[1]))[:, None]
        columns = (np.arange(self.width, dtype=np.float32) - np.float32(self.centre[0]))[None, :]
        inside = np.float32(self.diameter / 2 + 0.5) - np.sqrt(rows**2 + columns**2)
        share: Float32Array = np.clip(inside, 0.0, 1.0)
        return share

    def field_of_view(self) -> BoolArray:
        """The exact field of view, (H, W): pixels of which at least half lie inside the round field."""
        inside: BoolArray = self.coverage() >= 0.5
        return inside


CAMERAS: dict[str, Camera] = {
    camera.name: camera
    for camera in (
        # The default: one frame, but fields, centring and files as mixed as those of the public sets.
        Camera("screening", 565, 584, 540, (282, 291.5), (30, 58), ("macula", "between", "disc"), (70, 97)),
        Camera("demo", 320, 320, 304, (159.5, 159.5), (30, 50), ("macula", "between", "disc"), (80, 97)),
        Camera("small", 400, 400, 384, (199.5, 199.5), (40, 50), ("macula", "between"), (75, 97)),
        Camera("drive", 565, 584, 540, (282, 291.5), (45, 45), ("macula", "between"), (85, 97)),
        Camera("chase", 999, 960, 918, (493, 479), (30, 30), ("disc",), (80, 97)),
        Camera("stare", 700, 605, 640, (350, 303), (35, 35), ("macula", "between", "disc")),
        Camera("hrf", 3504, 2336, 3264, (1760, 1159), (60, 60), ("macula", "between"), (85, 97)),
    )
}
"""Known cameras by name. "drive", "chase", "stare" and "hrf" have the frames and fields of those sets."""


def find_camera(name: str) -> Camera:
    """The camera called `name`; a ConfigError that suggests the nearest names where there is none."""
    if name not in CAMERAS:
        raise ConfigError(f"unknown camera '{name}'", fix=nearest(name, CAMERAS))
    return CAMERAS[name]
