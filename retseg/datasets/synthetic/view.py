"""How a camera sees an eye: where each pixel lies on the retina, and where each point of the retina falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from retseg.core.types import Float32Array
from retseg.datasets.synthetic.anatomy import Anatomy
from retseg.datasets.synthetic.cameras import UM_PER_DEGREE, Camera


@dataclass(frozen=True, slots=True)
class View:
    """One photograph's geometry. `gaze` is the retinal point at the field's centre; `roll` turns the eye, in radians."""

    camera: Camera
    um_per_pixel: float
    gaze: tuple[float, float]
    roll: float
    mirrored: bool

    def to_pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixel coordinates (x, y) of retinal points (n, 2) in micrometres."""
        relative = (points - np.array(self.gaze)) / self.um_per_pixel
        cosine, sine = np.cos(self.roll), np.sin(self.roll)
        x = relative[:, 0] * cosine - relative[:, 1] * sine
        y = relative[:, 0] * sine + relative[:, 1] * cosine
        return np.column_stack([-x if self.mirrored else x, y]) + self.camera.centre

    def grid(self, reduce: int = 1) -> tuple[Float32Array, Float32Array]:
        """Retinal x and y in micrometres of every pixel, or of the centre of every `reduce` x `reduce` block."""
        height, width = (-(-side // reduce) for side in self.camera.shape)
        middle = (reduce - 1) / 2
        x = ((np.arange(width) * reduce + middle - self.camera.centre[0]) * self.um_per_pixel).astype(np.float32)
        y = ((np.arange(height) * reduce + middle - self.camera.centre[1]) * self.um_per_pixel).astype(np.float32)
        across = (-x if self.mirrored else x)[None, :]
        down = y[:, None]
        cosine, sine = np.float32(np.cos(self.roll)), np.float32(np.sin(self.roll))
        return (
            across * cosine + down * sine + np.float32(self.gaze[0]),
            down * cosine - across * sine + np.float32(self.gaze[1]),
        )

    def coarse(self, finest: float) -> int:
        """How many pixels a block may hold when detail is no finer than `finest` micrometres."""
        return max(1, int(finest / (4 * self.um_per_pixel)))

    def enlarged(self, values: Float32Array, reduce: int) -> Float32Array:
        """Values of blocks as values of pixels, smoothly in between."""
        if reduce == 1:
            return values
        height, width = self.camera.shape
        box = (0.0, 0.0, width / reduce, height / reduce)
        image: Any = Image.fromarray(np.ascontiguousarray(values, np.float32))
        return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=box), np.float32)


def draw_view(rng: Generator, camera: Camera, anatomy: Anatomy, field: float, magnification: float) -> View:
    """Points a camera with a field of `field` degrees at an eye, about as well as an operator does."""
    um_per_pixel = field * UM_PER_DEGREE * magnification / camera.diameter
    fovea = np.array(anatomy.fovea)
    share = {"disc": 0.0, "between": 0.5, "macula": 0.85}[str(rng.choice(camera.centring))]
    gaze = fovea * (share, share * 0.7) + rng.normal(0, 0.028 * field * UM_PER_DEGREE, 2)
    # The disc stays in the picture even where a narrow field is pointed at the macula.
    reach = 0.5 * field * UM_PER_DEGREE - 1100
    gaze[0] = min(gaze[0], np.sqrt(max(reach**2 - gaze[1] ** 2, 0.0)))
    return View(camera, um_per_pixel, (float(gaze[0]), float(gaze[1])), rng.normal(0, 0.07), anatomy.eye == "right")
