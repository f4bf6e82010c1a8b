"""How a camera sees an eye: where each pixel lies on the retina, and where each point of the retina falls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from retseg.core.types import Float32Array
from retseg.datasets.synthetic.anatomy import Anatomy
from retseg.datasets.synthetic.cameras import UM_PER_DEGREE, Camera
from retseg.datasets.synthetic.texture import Noise


@dataclass(frozen=True, slots=True)
class View:
    """One photograph's geometry: `gaze` is the retinal point at the field's centre, `roll` turns the eye (radians)."""

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

    def grid(self) -> tuple[Float32Array, Float32Array]:
        """Retinal x and y in micrometres of every pixel, (H, W) each."""
        height, width = self.camera.shape
        x = ((np.arange(width) - self.camera.centre[0]) * self.um_per_pixel).astype(np.float32)
        y = ((np.arange(height) - self.camera.centre[1]) * self.um_per_pixel).astype(np.float32)
        across = (-x if self.mirrored else x)[None, :]
        down = y[:, None]
        cosine, sine = np.float32(np.cos(self.roll)), np.float32(np.sin(self.roll))
        return (
            across * cosine + down * sine + np.float32(self.gaze[0]),
            down * cosine - across * sine + np.float32(self.gaze[1]),
        )

    def coarse(self, finest: float) -> int:
        """How many pixels along each side a block may hold when detail is no finer than `finest` micrometres."""
        return max(1, int(finest / (4 * self.um_per_pixel)))

    def reduced(self, block: int) -> View:
        """The same view in blocks of `block` x `block` pixels; those at the right and lower edge may stick out."""
        if block == 1:
            return self
        height, width = (-(-side // block) for side in self.camera.shape)
        x, y = ((value - (block - 1) / 2) / block for value in self.camera.centre)
        camera = replace(self.camera, width=width, height=height, diameter=self.camera.diameter / block, centre=(x, y))
        return replace(self, camera=camera, um_per_pixel=self.um_per_pixel * block)

    def window(self, rows: slice, columns: slice) -> View:
        """The view of a rectangle of pixels."""
        x, y = self.camera.centre
        size = {"width": columns.stop - columns.start, "height": rows.stop - rows.start}
        return replace(self, camera=replace(self.camera, **size, centre=(x - columns.start, y - rows.start)))

    def enlarged(self, values: Float32Array, block: int) -> Float32Array:
        """Values of the blocks of `reduced(block)` as values of pixels, smoothly in between."""
        if block == 1:
            return values
        height, width = self.camera.shape
        box = (0.0, 0.0, width / block, height / block)
        image: Any = Image.fromarray(np.ascontiguousarray(values, np.float32))
        return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=box), np.float32)

    def surface(self, noise: Noise) -> Float32Array:
        """A random surface at every pixel, worked out no more finely than it varies."""
        block = self.coarse(noise.wavelength / 2)
        return self.enlarged(noise.at(*self.reduced(block).grid()), block)


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
